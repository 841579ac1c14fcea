"""Nodes that run upscaling and interpolation networks of the user's on clips, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from nodes import (
    Advanced,
    Clip,
    Context,
    FilePicker,
    Folders,
    InputProblem,
    NodeInputError,
    Number,
    Slider,
    node,
)
from nodes.blame import blaming
from nodes.files import content_digest, source_path
from nodes.rates import exact_rate

if TYPE_CHECKING:
    from torch import Tensor

    from server.media.types import Array

WeightsFile = Annotated[Path, FilePicker("models", (".safetensors",))]


@node(
    category="video/edit",
    title="Upscale by a model",
    uses="gpu",
    aliases=("ESRGAN", "Real-ESRGAN", "super resolution", "SRVGG", "spandrel", "enhance", "upscale model"),
)
def upscale_by_model(
    clip: Clip,
    *,
    file: WeightsFile,
    tile: Annotated[int, Number(min=64, max=4096, step=32, unit="px"), Advanced()] = 256,
    ctx: Context,
) -> Clip:
    """Enlarge a clip by an upscaling network, such as Real-ESRGAN. `kinegraph weights get` fetches some.

    Args:
        clip: What to enlarge.
        file: Weights in the models folder, as safetensors.
        tile: Side of the pieces that pass through the network one by one; smaller takes less memory.

    Returns:
        The clip, as many times larger as the network makes it.
    """
    from server.diffusion.enlarging import enlarge, load_enlarger
    from server.media.frames import map_frames

    path = source_path(file, ctx.folders, "models")
    with blaming("file"):
        scale = load_enlarger(path, ctx.device).scale

    def larger(pixels: Array) -> Array:
        return _pixels(next(enlarge(load_enlarger(path, ctx.device), _tensor(pixels)[None], tile=tile)), pixels)

    return map_frames(clip, larger, width=clip.width * scale, height=clip.height * scale)


@node(
    category="video/edit",
    title="Interpolate by a model",
    uses="gpu",
    aliases=("RIFE", "smooth", "slow motion", "fps", "tween", "frame interpolation"),
)
def interpolate_by_model(
    clip: Clip,
    *,
    file: WeightsFile,
    factor: Annotated[int, Slider(2, 16)] = 2,
    fps: Annotated[float, Number(min=0, max=960, unit="fps")] = 0.0,
    cuts: Annotated[bool, Advanced()] = True,
    ctx: Context,
) -> Clip:
    """Raise the frame rate by frames that a RIFE network draws. Duration and sound stay as they are.

    Args:
        clip: What to make smoother.
        file: Weights of RIFE 4 in the models folder; `kinegraph weights get rife` fetches them.
        factor: How many times as many frames a second; not used when a rate is given.
        fps: Frames a second of the result; 0 goes by the factor.
        cuts: Whether to hold the frame before a cut, instead of morphing one scene into the next.

    Returns:
        The clip at the higher rate.
    """
    from server.diffusion import rife
    from server.diffusion.memory import pick_device
    from server.media.interpolate import interpolate_clip, interpolate_to_rate

    path = source_path(file, ctx.folders, "models")
    with blaming("file"):
        network = rife.load_rife(path).to(pick_device(ctx.device))

    def between(first: Array, second: Array, time: float) -> Array:
        return _pixels(rife.between(network, _tensor(first), _tensor(second), time), first)

    with blaming("fps" if fps else "factor"):
        if fps:
            return interpolate_to_rate(clip, exact_rate(fps), tween=between, cuts=cuts)
        return interpolate_clip(clip, factor, tween=between, cuts=cuts)


def _tensor(pixels: Array) -> Tensor:
    """Return a frame as (3, height, width) float32 in [0, 1]."""
    import numpy as np
    import torch

    from server.media.colors import convert_dtype

    return torch.from_numpy(np.ascontiguousarray(convert_dtype(pixels, "float32"))).permute(2, 0, 1)


def _pixels(frame: Tensor, like: Array) -> Array:
    """Return a (3, height, width) frame as pixels in the dtype of others."""
    from server.media.colors import convert_dtype

    return convert_dtype(frame.permute(1, 2, 0).contiguous().numpy(), like.dtype.name)


@upscale_by_model.check
@interpolate_by_model.check
def _check_file(file: str, folders: Folders) -> Iterator[InputProblem]:
    try:
        source_path(file, folders, "models")
    except NodeInputError as error:
        yield InputProblem(error.input_name, str(error), error.hint, "no_such_file")


@upscale_by_model.fingerprint
@interpolate_by_model.fingerprint
def _weights_digest(file: str, folders: Folders) -> str:
    return content_digest(file, folders, "models")
