"""Upscaling networks of several kinds behind one function, in tiles without seams.

Compact (SRVGG) and ESRGAN networks are known here; any other that spandrel recognises is loaded when spandrel is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from server.diffusion import esrgan, upscaler
from server.diffusion.errors import WeightsError
from server.diffusion.memory import pick_device

TILE, OVERLAP = 256, 32


@dataclass(frozen=True, slots=True)
class Enlarger:
    """A loaded upscaling network.

    Attributes:
        network: From (N, 3, H, W) in [0, 1] to (N, 3, H * scale, W * scale).
        scale: How many times larger the result is.
        multiple: What the source's sides have to be multiples of.
    """

    network: nn.Module
    scale: int
    multiple: int = 1


@lru_cache(maxsize=2)
def load_enlarger(path: Path, device: str = "auto") -> Enlarger:
    """Load a network from a safetensors file; the last two stay loaded.

    Raises:
        WeightsError: It is not a safetensors file, or of a kind that is not known.
    """
    if path.suffix != ".safetensors":
        raise WeightsError(
            f"{path.name} is not a safetensors file.",
            "A pickle (.pth, .pt) can run code when it is opened; `kinegraph weights convert` makes safetensors of it.",
        )
    found = _load(path)
    found.network.float().eval().requires_grad_(False).to(pick_device(device))
    return found


def _load(path: Path) -> Enlarger:
    try:
        with safe_open(path, "pt") as file:
            names = set(file.keys())
        if "body.0.weight" in names:
            compact = upscaler.load_upscaler(path)
            return Enlarger(compact, compact.scale)
        tensors = load_file(path)
        if "conv_first.weight" in esrgan.renamed({name: tensors[name] for name in names}):
            network = esrgan.built_for(tensors)
            return Enlarger(network, network.scale, network.multiple)
    except (KeyError, ValueError, RuntimeError, OSError, SafetensorError) as error:
        raise WeightsError(
            f"{path.name} cannot be read as an upscaling network.", "Copy or download it again."
        ) from error
    return _by_spandrel(path)


def _by_spandrel(path: Path) -> Enlarger:
    if find_spec("spandrel") is None:
        raise WeightsError(
            f"{path.name} is of a kind of upscaling network that is not known here.",
            "Use a Real-ESRGAN model, or install spandrel, which knows many more kinds.",
        )
    loader: Any = import_module("spandrel").ModelLoader(device="cpu")
    try:
        found = loader.load_from_file(path)
    except Exception as error:
        raise WeightsError(f"{path.name} is not known to spandrel either: {error}", "Use another model.") from error
    return Enlarger(found.model, int(found.scale), int(found.size_requirements.multiple_of))


@torch.no_grad()
def enlarge(enlarger: Enlarger, frames: Tensor, *, tile: int = TILE, overlap: int = OVERLAP) -> Iterator[Tensor]:
    """Enlarge frames one by one, each in tiles that are blended where they overlap.

    Args:
        enlarger: The network; tiles go to its device.
        frames: In [0, 1], shaped (N, 3, H, W).
        tile: Side of a tile, in source pixels; what a tile takes bounds the memory.
        overlap: Source pixels that neighboring tiles share.

    Yields:
        Each frame in [0, 1], on the CPU, shaped (3, H * scale, W * scale).
    """
    for frame in frames:
        yield _tiled(enlarger, frame, tile, overlap)


def _tiled(enlarger: Enlarger, frame: Tensor, tile: int, overlap: int) -> Tensor:
    scale = enlarger.scale
    height, width = frame.shape[1:]
    total = torch.zeros(3, height * scale, width * scale)
    weight = torch.zeros(1, height * scale, width * scale)
    for top, bottom in _spans(height, tile, overlap):
        for left, right in _spans(width, tile, overlap):
            piece = _piece(enlarger, frame[:, top:bottom, left:right])
            window = _window(bottom - top, top > 0, bottom < height, overlap, scale)[:, None] * _window(
                right - left, left > 0, right < width, overlap, scale
            )
            place = (slice(None), slice(top * scale, bottom * scale), slice(left * scale, right * scale))
            total[place] += piece * window
            weight[place] += window
    return (total / weight).clamp_(0, 1)


def _piece(enlarger: Enlarger, piece: Tensor) -> Tensor:
    """Run the network on one tile, its sides padded to a multiple by their last pixels."""
    device = next(enlarger.network.parameters()).device
    height, width = piece.shape[1:]
    border = (0, -width % enlarger.multiple, 0, -height % enlarger.multiple)
    padded = nn.functional.pad(piece[None], border, mode="replicate") if any(border) else piece[None]
    large = enlarger.network(padded.to(device))[0, :, : height * enlarger.scale, : width * enlarger.scale]
    return large.float().cpu()


def _spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Return the tiles along one side: all of the same length, the last moved back to end with it."""
    if length <= tile:
        return [(0, length)]
    step = tile - overlap
    starts = [*range(0, length - tile, step), length - tile]
    return [(start, start + tile) for start in starts]


def _window(length: int, fades_in: bool, fades_out: bool, overlap: int, scale: int) -> Tensor:
    """Return a tile's weights along one side: 1 inside, falling to almost 0 over an overlap with a neighbor."""
    weights = torch.ones(length * scale)
    ramp = torch.linspace(0, 1, overlap * scale + 2)[1:-1]
    if fades_in:
        weights[: len(ramp)] = ramp
    if fades_out:
        weights[-len(ramp) :] = torch.minimum(weights[-len(ramp) :], ramp.flip(0))
    return weights
