"""Nodes that change clips: size, rate, length. All of them work on streams, whatever the length."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from nodes import Advanced, Clip, Context, InputProblem, Number, ShownIf, Slider, When, node
from nodes.blame import blaming
from nodes.rates import exact_rate, frames_within

if TYPE_CHECKING:
    from server.media.types import Array

Method = Literal["starter", "lanczos", "bicubic", "bilinear", "area", "nearest"]
Tweening = Literal["starter", "blend"]
_MOST_DOUBLINGS = 3
_OVERLAPPING = ("cross_fade", "dip_to_black", "wipe")


@node(
    category="video/edit",
    title="Upscale clip",
    version=2,
    uses="gpu",
    uses_if=When("method", ("starter",)),
    aliases=("resize", "scale", "downscale", "size", "resolution", "super resolution"),
)
def upscale_clip(
    clip: Clip,
    *,
    factor: Annotated[float, Slider(0.125, 8.0, step=0.125)] = 2.0,
    width: Annotated[int, Number(min=0, max=16384, unit="px")] = 0,
    height: Annotated[int, Number(min=0, max=16384, unit="px")] = 0,
    method: Method = "starter",
    ctx: Context,
) -> Clip:
    """Resize the frames of a clip, by a factor or to a size.

    Args:
        clip: What to resize.
        factor: How many times larger; not used when a width or height is given. Sides are rounded to even numbers.
        width: Exact width in pixels; with 0 it follows from the height, or from the factor.
        height: Exact height in pixels; with 0 it follows from the width, or from the factor.
        method: How pixels are made: `starter` doubles the size with the small model that ships, which keeps edges
            crisp, and weighs pixels as `lanczos` does where that is not needed; the others are much faster. `lanczos`
            is sharp, `area` is best for shrinking, `nearest` keeps hard edges.

    Returns:
        The resized clip, with the same rate and sound.
    """
    from server.media.frames import map_frames
    from server.media.resize import resize_clip

    if width or height:
        target = (width or _even(clip.width * height / clip.height), height or _even(clip.height * width / clip.width))
    else:
        target = (_even(clip.width * factor), _even(clip.height * factor))
    growth = max(target[0] / clip.width, target[1] / clip.height)
    with blaming("width" if width or height else "factor"):
        if method != "starter":
            return resize_clip(clip, *target, method=method)
        if growth <= 1:
            return resize_clip(clip, *target)
        doublings = min(math.ceil(math.log2(growth)), _MOST_DOUBLINGS)

        def larger(pixels: Array) -> Array:
            return _enlarged(pixels, doublings, target, ctx.device)

        return map_frames(clip, larger, width=target[0], height=target[1])


@upscale_clip.migration(from_version=1)
def _lanczos_was_the_default(inputs: dict[str, object]) -> dict[str, object]:
    return {"method": "lanczos"} | inputs


def _enlarged(pixels: Array, doublings: int, target: tuple[int, int], device: str) -> Array:
    from server.diffusion.upscaler import upscale_pixels
    from server.media.colors import convert_dtype
    from server.media.resize import resize_frame

    large = upscale_pixels(convert_dtype(pixels, "float32"), doublings=doublings, device=device)
    if large.shape[1::-1] != target:
        large = resize_frame(large, *target)
    return convert_dtype(large, pixels.dtype.name)


def _even(pixels: float) -> int:
    # Video files store color at half the resolution, so odd sides cannot be saved.
    return max(2, round(pixels / 2) * 2)


@node(
    category="video/edit",
    title="Interpolate frames",
    version=2,
    uses="gpu",
    uses_if=When("method", ("starter",)),
    aliases=("smooth", "slow motion", "fps", "RIFE", "tween", "motion"),
)
def interpolate_frames(
    clip: Clip,
    *,
    factor: Annotated[int, Slider(2, 8)] = 2,
    fps: Annotated[float, Number(min=0, max=960, unit="fps")] = 0.0,
    method: Tweening = "starter",
    cuts: Annotated[bool, ShownIf("method", ("starter",)), Advanced()] = True,
    ctx: Context,
) -> Clip:
    """Raise the frame rate by frames in between. Duration and sound stay as they are.

    Args:
        clip: What to make smoother.
        factor: How many times as many frames a second; not used when a rate is given.
        fps: Frames a second of the result; 0 goes by the factor.
        method: How frames in between are made: `starter` follows motion with the small model that ships, `blend`
            fades from one frame to the next, which is faster.
        cuts: Whether to hold the frame before a cut, instead of morphing one scene into the next.

    Returns:
        The clip at the higher rate.
    """
    from server.media.interpolate import interpolate_clip, interpolate_to_rate

    def between(first: Array, second: Array, time: float) -> Array:
        return _drawn_between(first, second, time, ctx.device)

    tween = between if method == "starter" else None
    with blaming("fps" if fps else "factor"):
        if fps:
            return interpolate_to_rate(clip, exact_rate(fps), tween=tween, cuts=cuts)
        return interpolate_clip(clip, factor, tween=tween, cuts=cuts)


@interpolate_frames.migration(from_version=1)
def _blending_was_the_only_method(inputs: dict[str, object]) -> dict[str, object]:
    return {"method": "blend"} | inputs


def _drawn_between(first: Array, second: Array, time: float, device: str) -> Array:
    from server.diffusion.interpolator import frame_between
    from server.media.colors import convert_dtype

    left, right = (convert_dtype(frame, "float32") for frame in (first, second))
    return convert_dtype(frame_between(left, right, time, device=device), first.dtype.name)


@node(category="video/edit", title="Trim clip", aliases=("cut", "crop in time", "shorten", "start", "end"))
def trim_clip(
    clip: Clip,
    *,
    start_s: Annotated[float, Number(min=0, step=0.1, unit="s")] = 0.0,
    duration_s: Annotated[float, Number(min=0, step=0.1, unit="s")] = 0.0,
) -> Clip:
    """Keep a part of a clip, with its sound. Times are rounded to the nearest frame.

    Args:
        clip: What to cut.
        start_s: Where the part starts, in seconds.
        duration_s: How long it lasts, in seconds; 0 keeps everything to the end.

    Returns:
        The part.
    """
    from server.media import edit

    with blaming("start_s"):
        return edit.trim_clip(clip, start_s=start_s, duration_s=duration_s or None)


@node(
    category="video/edit",
    title="Concatenate clips",
    aliases=("join", "append", "sequence", "merge", "cross-fade", "transition", "dissolve"),
)
def concatenate_clips(
    first: Clip,
    second: Clip,
    third: Clip | None = None,
    fourth: Clip | None = None,
    *,
    transition: Literal["cut", "cross_fade", "dip_to_black", "wipe"] = "cut",
    transition_s: Annotated[
        float, Number(min=0, max=60, step=0.1, unit="s"), ShownIf("transition", _OVERLAPPING)
    ] = 0.5,
) -> Clip:
    """Play clips one after the other. All need the same size and rate; one without sound is silent.

    Args:
        first: What plays first.
        second: What plays next.
        third: What plays after that.
        fourth: What plays last.
        transition: How one turns into the next. All but `cut` let them overlap, in picture and sound.
        transition_s: How long a transition lasts.

    Returns:
        The joined clip.
    """
    from server.media import edit
    from server.media.transitions import join_with_transition

    joined = first
    for name, clip in (("second", second), ("third", third), ("fourth", fourth)):
        if clip is not None:
            with blaming(name):
                if transition == "cut":
                    joined = edit.concatenate_clips([joined, clip])
                else:
                    joined = join_with_transition(joined, clip, transition, transition_s)
    return joined


@node(
    id="test_pattern",
    category="video",
    title="Test pattern",
    aliases=("bars", "color bars", "dummy", "calibration", "procedural"),
)
def draw_test_pattern(
    *,
    width: Annotated[int, Number(min=16, max=8192, unit="px")] = 640,
    height: Annotated[int, Number(min=16, max=8192, unit="px")] = 360,
    seconds: Annotated[float, Number(min=0, max=36_000, step=0.5, unit="s")] = 2.0,
    fps: Annotated[float, Number(min=1, max=240, unit="fps")] = 24.0,
    tone_hz: Annotated[float, Number(min=0, max=20_000, unit="Hz")] = 0.0,
) -> Clip:
    """Draw color bars, a gray ramp, a moving ball and the number of each frame. No model is needed.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        seconds: Length.
        fps: Frames a second; 23.976, 29.97 and 59.94 are taken as the exact broadcast rates.
        tone_hz: Pitch of a tone that sounds throughout; 0 is silent.

    Returns:
        The clip.
    """
    from server.media.pattern import pattern_clip

    rate = exact_rate(fps)
    count = frames_within(seconds, rate)
    return pattern_clip(width, height, fps=rate, frame_count=count, tone_hz=tone_hz or None)


@draw_test_pattern.check
def _check_seconds(seconds: float) -> Iterator[InputProblem]:
    if seconds <= 0:
        yield InputProblem("seconds", "a clip of no length shows nothing", "try 2", "out_of_range")
