"""Nodes that change a clip's time: rate, speed, direction, repetition."""

from __future__ import annotations

from typing import Annotated, Literal

from nodes import Clip, Number, Slider, node
from nodes.blame import blaming
from nodes.rates import exact_rate

Sampling = Literal["nearest", "blend"]


@node(category="video/time", title="Change frame rate", aliases=("fps", "conform", "frame rate", "convert rate"))
def change_fps(
    clip: Clip,
    *,
    fps: Annotated[float, Number(min=1, max=240, unit="fps")] = 24.0,
    sampling: Sampling = "nearest",
) -> Clip:
    """Bring a clip to another frame rate. Its duration and its sound stay as they are.

    Args:
        clip: What to convert.
        fps: Frames a second; 23.976, 29.97 and 59.94 are taken as the exact broadcast rates.
        sampling: `nearest` repeats and leaves out whole frames, `blend` fades between neighbors.

    Returns:
        The clip at the new rate.
    """
    from server.media import timing

    with blaming("fps"):
        return timing.change_fps(clip, exact_rate(fps), sampling=sampling)


@node(category="video/time", aliases=("slow motion", "fast forward", "time lapse", "stretch", "tempo"))
def change_speed(
    clip: Clip,
    *,
    speed: Annotated[float, Number(min=0.01, max=100, step=0.1)] = 2.0,
    sampling: Sampling = "nearest",
) -> Clip:
    """Play a clip faster or slower at the same frame rate. The sound goes along, its pitch is kept.

    Args:
        clip: What to change.
        speed: 2 is twice as fast, 0.5 half as fast.
        sampling: `nearest` repeats and leaves out whole frames, `blend` fades between neighbors.

    Returns:
        The faster or slower clip.
    """
    from server.media import timing

    with blaming("speed"):
        return timing.change_speed(clip, speed, sampling=sampling)


@node(category="video/time", aliases=("backwards", "rewind"))
def reverse_clip(clip: Clip) -> Clip:
    """Play a clip backwards, with its sound. It is stored on disk meanwhile, so its length does not matter.

    Args:
        clip: What to reverse.

    Returns:
        The reversed clip.
    """
    from server.media import timing

    with blaming("clip"):
        return timing.reverse_clip(clip)


@node(category="video/time", aliases=("repeat", "ping-pong", "boomerang", "cycle"))
def loop_clip(
    clip: Clip,
    *,
    times: Annotated[int, Slider(1, 100)] = 2,
    mode: Literal["repeat", "ping_pong"] = "repeat",
) -> Clip:
    """Show a clip several times in a row, with its sound.

    Args:
        clip: What to repeat.
        times: How often.
        mode: `repeat` starts over each time, `ping_pong` runs forwards and back each time.

    Returns:
        The longer clip.
    """
    from server.media import timing

    with blaming("clip"):
        return timing.loop_clip(clip, times, ping_pong=mode == "ping_pong")
