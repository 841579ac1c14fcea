"""Nodes that make and change latents without a denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from nodes import Context, InputProblem, Latent, Model, NodeInputError, Number, node
from nodes.origins import Origin, origin
from nodes.rates import exact_rate
from server.diffusion.types import Capabilities

if TYPE_CHECKING:
    pass


@node(category="latent", title="Empty latent video", aliases=("noise", "size", "resolution", "duration"))
def empty_latent_video(
    model: Model,
    *,
    width: Annotated[int, Number(min=0, step=16, unit="px")] = 0,
    height: Annotated[int, Number(min=0, step=16, unit="px")] = 0,
    seconds: Annotated[float, Number(min=0, step=0.5, unit="s")] = 2.0,
    fps: Annotated[float, Number(min=0, max=240, unit="fps")] = 0.0,
    frames: Annotated[int, Number(min=0)] = 0,
    ctx: Context,
) -> Latent:
    """Choose size and length of the video that a denoiser shall make.

    Args:
        model: The model that will denoise; it decides which sizes are possible.
        width: Width in pixels; 0 takes the size that the model was trained at.
        height: Height in pixels; 0 takes the size that the model was trained at.
        seconds: Time from the first frame to the last. Models work in blocks of frames, so it is rounded up to one.
        fps: Frames a second; 0 takes the rate that the model was trained at.
        frames: Number of frames, instead of seconds when it is above 0.

    Returns:
        A latent without content, which a denoise node fills with noise.
    """
    from server.diffusion.sampling import noise

    for problem in _size_problems(model, width, height, seconds, fps, frames):
        raise NodeInputError(problem.input, problem.message, problem.hint)
    able = model.capabilities
    rate = _rate(able, fps)
    latent = noise.empty_latent(
        able,
        width=width or able.default_width,
        height=height or able.default_height,
        frames=frames or able.legal_frames(_frames_in(seconds, rate)),
        fps=rate,
    )
    _warn_of_the_untried(model, latent, ctx)
    return latent


def _warn_of_the_untried(model: Model, latent: Latent, ctx: Context) -> None:
    """Warn when the model's manifest says that it was trained at one size only, and the latent is larger."""
    trained = model.source.about().get("trained")
    if trained and any(getattr(latent, side) > trained[side] for side in ("width", "height", "frames")):
        size = f"{trained['width']}x{trained['height']} pixels and {trained['frames']} frames"
        message = f"{model.name} was trained at {size}; what is larger or longer may fall apart"
        ctx.warn(message, hint="make that size, then enlarge and interpolate the clip")


def _frame_problems(able: Capabilities, frames: int) -> Iterator[InputProblem]:
    legal = able.legal_frames(frames)
    if frames > able.max_frames:
        message = f"{frames} frames are more than the model can make, {able.max_frames}"
        yield InputProblem("frames", message, f"try {legal}", "out_of_range")
    elif frames != legal:
        message = f"{frames} frames are not 1 plus a multiple of {able.frame_step}"
        yield InputProblem("frames", message, f"try {legal}", "off_grid")


def _rate(able: Capabilities, fps: float) -> Fraction:
    return exact_rate(fps) if fps else able.default_fps


def _frames_in(seconds: float, rate: Fraction) -> int:
    # Video models count so: the first frame, then what follows it; 5 seconds at 16 fps are 81 frames.
    return 1 + round(Fraction(seconds) * rate)


def _size_problems(
    model: Model, width: int, height: int, seconds: float, fps: float, frames: int
) -> Iterator[InputProblem]:
    able = model.capabilities
    for name, pixels in (("width", width), ("height", height)):
        legal = able.legal_size(pixels)
        if pixels and pixels > able.max_size:
            message = f"{name} {pixels} is more than {model.name} can make, {able.max_size}"
            yield InputProblem(name, message, f"try {legal}, and enlarge the video afterwards", "out_of_range")
        elif pixels and pixels != legal:
            message = f"{name} {pixels} is not a multiple of {able.size_multiple}"
            yield InputProblem(name, message, f"try {legal}", "off_grid")
    if frames:
        yield from _frame_problems(able, frames)
    elif _frames_in(seconds, _rate(able, fps)) > able.max_frames:
        longest = (able.legal_frames(able.max_frames) - 1) / _rate(able, fps)
        message = f"{seconds:g} seconds are longer than {model.name} can make at this rate"
        yield InputProblem("seconds", message, f"try {int(longest * 100) / 100:g} or less", "out_of_range")


empty_latent_video.check(_size_problems)


@empty_latent_video.foretell
def _same_model(model: Model) -> Origin:
    return origin(model)
