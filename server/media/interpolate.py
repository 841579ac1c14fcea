"""More frames a second, blended from their neighbours or drawn by whoever is asked to. Models live elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .errors import MediaError
from .frames import gather
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

Tween = Callable[["Array", "Array", float], "Array"]

MAX_FACTOR = 16
_CUT, _STRIDE = (
    0.2,
    4,
)  # mean change of pixels in [0, 1] above which two frames are of different scenes; every 4th pixel


def interpolate_clip(clip: Clip, factor: int, *, tween: Tween | None = None, cuts: bool = True) -> Clip:
    """Return the clip at ``factor`` times its rate, new frames made of their neighbours.

    N frames become N x factor frames, so the duration stays exactly what it was and the sound stays in step: frame i of
    the source is frame i x factor of the result, and the last frame is held.

    Args:
        clip: Any clip.
        factor: 1 (unchanged) to 16.
        tween: Draws a new frame, in the clip's dtype, from the two around it and its time between them, in (0, 1);
            they are blended linearly when it is absent.
        cuts: Whether ``tween`` is spared at cuts, where the frame before is held, and between equal frames.

    Raises:
        MediaError: The factor is out of range.
    """
    if not 1 <= factor <= MAX_FACTOR:
        raise MediaError(f"a factor of {factor} is outside 1 to {MAX_FACTOR}", "try 2")
    return clip if factor == 1 else _at_rate(clip, clip.fps * factor, tween, cuts)


def interpolate_to_rate(clip: Clip, fps: Fraction, *, tween: Tween | None = None, cuts: bool = True) -> Clip:
    """Return the clip at another rate, for as long: frames of the source where times meet, new ones between.

    Args:
        clip: Any clip.
        fps: Frames a second, up to 16 times the clip's.
        tween: As for ``interpolate_clip``.
        cuts: As for ``interpolate_clip``.

    Raises:
        MediaError: The rate is out of range.
    """
    if not 0 < fps <= clip.fps * MAX_FACTOR:
        raise MediaError(f"{fps} frames a second are outside 0 to {clip.fps * MAX_FACTOR}", f"try {clip.fps * 2}")
    return clip if fps == clip.fps else _at_rate(clip, fps, tween, cuts)


def _at_rate(clip: Clip, fps: Fraction, tween: Tween | None, cuts: bool) -> Clip:
    step = clip.fps / fps

    def drawn() -> Generator[Array]:
        place = Fraction(0)
        with closing(pairs(clip)) as neighbors:
            for index, (pixels, following) in enumerate(neighbors):
                held = pixels is following or (tween is not None and cuts and _is_break(pixels, following))
                while place < index + 1:
                    time = place - index
                    place += step
                    if time == 0 or held:
                        yield pixels
                    elif tween is None:
                        yield blend(pixels, following, time.numerator, time.denominator)
                    else:
                        yield tween(pixels, following, float(time))

    count = None if clip.frame_count is None else math.ceil(clip.frame_count / step)
    result = clip.derive(lambda: gather(drawn(), result), fps=fps, frame_count=count)
    return result


def _is_break(first: Array, second: Array) -> bool:
    """Return whether nothing moves between two frames, or all of it: they are equal, or of different scenes."""
    if np.array_equal(first, second):
        return True
    full = np.iinfo(first.dtype).max if first.dtype.kind == "u" else 1.0
    one, other = (frame[::_STRIDE, ::_STRIDE].astype(np.float32) / full for frame in (first, second))
    return float(np.abs(one - other).mean()) > _CUT


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
