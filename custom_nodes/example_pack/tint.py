"""A node that works on a clip block by block, so that the clip may be of any length."""

from __future__ import annotations

from typing import Annotated

from nodes import Clip, Color, Slider, node


@node(category="video/color", aliases=("colorize", "filter", "grade"))
def tint(
    clip: Clip,
    *,
    color: Annotated[str, Color()] = "#ff8800",
    amount: Annotated[float, Slider(0.0, 1.0, step=0.05)] = 0.5,
) -> Clip:
    """Shift the colors of a clip towards one color.

    Args:
        clip: What to tint.
        color: The color to shift towards.
        amount: How far: 0 changes nothing, 1 leaves only the color.

    Returns:
        The tinted clip, with the same size, rate and sound.
    """
    import numpy as np

    from server.media.colors import convert_dtype

    target = np.frombuffer(bytes.fromhex(color[1:]), np.uint8).astype(np.float32) / 255

    def produce():
        for block in clip.chunks():
            pixels = convert_dtype(block, "float32")
            yield pixels + (target - pixels) * np.float32(amount)

    return clip.derive(produce, dtype="float32")
