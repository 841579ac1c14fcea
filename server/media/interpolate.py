"""More frames a second, blended from their neighbours or drawn by whoever is asked to. Models live elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from .errors import MediaError
from .frames import gather
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

Tween = Callable[["Array", "Array", float], "Array"]

MAX_FACTOR = 16


def interpolate_clip(clip: Clip, factor: int, *, tween: Tween | None = None) -> Clip:
    """Return the clip at ``factor`` times its rate, new frames made of their neighbours.

    N frames become N x factor frames, so the duration stays exactly what it was and the sound stays in step: frame i of
    the source is frame i x factor of the result, and the last frame is held.

    Args:
        clip: Any clip.
        factor: 1 (unchanged) to 16.
        tween: Draws a new frame, in the clip's dtype, from the two around it and its time between them, in (0, 1);
            they are blended linearly when it is absent.

    Raises:
        MediaError: The factor is out of range.
    """
    if not 1 <= factor <= MAX_FACTOR:
        raise MediaError(f"a factor of {factor} is outside 1 to {MAX_FACTOR}", "try 2")
    if factor == 1:
        return clip

    def drawn() -> Generator[Array]:
        with closing(pairs(clip)) as neighbors:
            for pixels, following in neighbors:
                for step in range(factor):
                    if tween is None or step == 0 or pixels is following:
                        yield blend(pixels, following, step, factor)
                    else:
                        yield tween(pixels, following, step / factor)

    count = None if clip.frame_count is None else clip.frame_count * factor
    result = clip.derive(lambda: gather(drawn(), result), fps=clip.fps * factor, frame_count=count)
    return result


def pairs(clip: Clip) -> Generator[tuple[Array, Array]]:
    """Yield each frame with the one after it; the last frame with itself."""
    held: Array | None = None
    with closing(clip.frames()) as frames:
        for pixels in frames:
            if held is not None:
                yield held, pixels
            held = pixels
    if held is not None:
        yield held, held


def blend(first: Array, second: Array, step: int, factor: int) -> Array:
    """Return the frame that lies ``step`` of ``factor`` (at most 65537) parts of the way from one frame to another."""
    if step == 0 or first is second:
        return first
    if first.dtype.kind == "u":
        # Whole numbers give the same result on every machine; 16 bits hold 255 x 256, 32 hold 65535 x 65537.
        wide = np.uint16 if first.dtype == np.uint8 and factor <= 256 else np.uint32
        total = first.astype(wide) * wide(factor - step) + second.astype(wide) * wide(step)
        return ((total + wide(factor // 2)) // wide(factor)).astype(first.dtype)
    weight = np.float32(step / factor)
    values = first.astype(np.float32) * (1 - weight) + second.astype(np.float32) * weight
    return values.astype(first.dtype)
