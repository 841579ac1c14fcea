"""Nodes that calm a clip over time: noise, flicker and the shake of the camera."""

from __future__ import annotations

from typing import Annotated, Literal

from nodes import Clip, ShownIf, Slider, node
from nodes.blame import blaming


@node(category="video/finish", title="Temporal denoise", aliases=("noise", "clean", "smooth", "shimmer", "boiling"))
def denoise_clip(
    clip: Clip,
    *,
    strength: Annotated[float, Slider(0.005, 0.5, step=0.005)] = 0.05,
    radius: Annotated[int, Slider(1, 8, unit="frames")] = 2,
) -> Clip:
    """Even out noise by averaging each pixel with those of the frames around it, where these are like it.

    Args:
        clip: What to clean.
        strength: Differences up to about this are noise, larger ones are motion.
        radius: How many frames before and after are looked at.

    Returns:
        The cleaner clip.
    """
    from server.media import steady

    with blaming("strength"):
        return steady.denoise_clip(clip, strength=strength, radius=radius)


@node(category="video/finish", title="Deflicker", aliases=("brightness", "pulsing", "exposure", "time lapse", "steady"))
def deflicker_clip(clip: Clip, *, radius: Annotated[int, Slider(1, 8, unit="frames")] = 3) -> Clip:
    """Make each frame as bright as the frames around it are on average.

    Args:
        clip: What to steady.
        radius: How many frames before and after are averaged.

    Returns:
        The steadier clip.
    """
    from server.media import steady

    with blaming("radius"):
        return steady.deflicker_clip(clip, radius=radius)


@node(category="video/finish", title="Stabilize", aliases=("shake", "steady", "handheld", "camera", "jitter", "smooth"))
def stabilize_clip(
    clip: Clip,
    *,
    smoothness: Annotated[int, Slider(1, 60, unit="frames")] = 15,
    border: Literal["crop", "edge", "black"] = "crop",
    crop: Annotated[float, Slider(0.0, 0.3, step=0.01), ShownIf("border", ("crop",))] = 0.1,
    turns: bool = True,
) -> Clip:
    """Take the shake of a hand-held camera out of a clip; slow pans stay.

    Args:
        clip: What to steady.
        smoothness: How many frames before and after the camera's path is smoothed over. So many are held in memory.
        border: What shows where a frame was moved away: `crop` enlarges all frames so that nothing does, `edge` repeats
            the outermost pixels, `black` leaves it black.
        crop: The share of each side that may fall away; it bounds how far frames are moved.
        turns: Take turns and zooms out too, and not only shifts.

    Returns:
        The steady clip.
    """
    from server.media import stabilize

    with blaming("smoothness"):
        return stabilize.stabilize_clip(clip, stabilize.Steadiness(smoothness, border, crop, turns))
