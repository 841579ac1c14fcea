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
_Way = Callable[["Array", "Array", Fraction], "Array"]

MAX_FACTOR = 16
_FINEST = 256  # parts of the way between two frames that a blend tells apart; no eye sees finer
_CUT, _STRIDE = 0.2, 4
"""Mean change of pixels in [0, 1] above which two frames are of different scenes, by every 4th pixel each way."""
_STILL, _BLOCK = 4 / 255, 8
"""Mean change of a block of 8x8 pixels up to which nothing moved in it: coding a frame twice changes it by as much.

Of camera footage coded by x264 at CRF 18, nine repeated frames in ten stay below it, and no frame with motion does.
"""


def interpolate_clip(clip: Clip, factor: int, *, tween: Tween | None = None, cuts: bool = True) -> Clip:
    """Return the clip at ``factor`` times its rate, new frames made of their neighbours.

    N frames become N x factor frames, so the duration stays exactly what it was and the sound stays in step: frame i of
    the source is frame i x factor of the result, and the last frame is held.

    Args:
        clip: Any clip.
        factor: 1 (unchanged) to 16.
        tween: Draws a new frame, in the clip's dtype, from the two around it and its time between them, in (0, 1);
            they are blended linearly when it is absent.
        cuts: Whether the frame before a cut is held, rather than drawing from one scene into the other.

    Between frames in which nothing moves ``tween`` is not asked: equal ones are repeated, nearly equal ones blended.

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

    def made() -> Generator[Array]:
        place = Fraction(0)
        with closing(pairs(clip)) as neighbors:
            for index, (pixels, following) in enumerate(neighbors):
                draw = None if place >= index + 1 else _way(pixels, following, tween, cuts)
                while place < index + 1:
                    time = place - index
                    place += step
                    yield pixels if time == 0 or draw is None else draw(pixels, following, time)

    count = None if clip.frame_count is None else math.ceil(clip.frame_count / step)
    result = clip.derive(lambda: gather(made(), result), fps=fps, frame_count=count)
    return result


def _way(first: Array, second: Array, tween: Tween | None, cuts: bool) -> _Way | None:
    """Return how frames between two others are made; None where the first is held instead."""
    if first is second:
        return None
    if tween is None:
        return _blended
    if np.array_equal(first, second) or (cuts and _is_cut(first, second)):
        return None
    return _blended if _is_still(first, second) else lambda one, other, time: tween(one, other, float(time))


def _blended(first: Array, second: Array, time: Fraction) -> Array:
    if time.denominator <= _FINEST:
        return blend(first, second, time.numerator, time.denominator)
    return blend(first, second, round(time * _FINEST), _FINEST)


def _is_cut(first: Array, second: Array) -> bool:
    """Return whether two frames are of different scenes."""
    one, other = (frame[::_STRIDE, ::_STRIDE].astype(np.float32) for frame in (first, second))
    return float(np.abs(one - other).mean()) > _CUT * _full_scale(first)


def _is_still(first: Array, second: Array) -> bool:
    """Return whether nothing moves between two frames: no part of them changes by more than coding alone does."""
    wide = np.int32 if first.dtype.kind == "u" else np.float32
    change = np.abs(first.astype(wide) - second.astype(wide)).mean(axis=2, dtype=np.float32)
    rows, columns = (np.arange(0, side, _BLOCK) for side in change.shape)
    blocks = np.add.reduceat(np.add.reduceat(change, rows, axis=0), columns, axis=1)
    return float(blocks.max()) <= _STILL * _full_scale(first) * _BLOCK**2


def _full_scale(frame: Array) -> float:
    return float(np.iinfo(frame.dtype).max) if frame.dtype.kind == "u" else 1.0


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
