"""Streams of frames: how a frame-wise change becomes a clip, and how several clips are read in step.

Everything here holds one block at a time. What is done to the pixels is said elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import numpy as np

from .colors import convert_dtype
from .errors import MediaError
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

RGB = tuple[float, float, float]


def map_frames(clip: Clip, change: Callable[[Array], Array], **changes: Any) -> Clip:
    """Return the clip with every frame changed by itself.

    Args:
        clip: Any clip.
        change: From (H, W, 3) pixels, which it must not write to, to those of the result.
        changes: What else differs: width, height, dtype.
    """
    return map_numbered(clip, lambda pixels, _index: change(pixels), **changes)


def map_numbered(clip: Clip, change: Callable[[Array, int], Array], **changes: Any) -> Clip:
    """Return the clip with every frame changed by itself and by its number, from 0."""

    def produce() -> Iterator[Array]:
        with closing(clip.frames()) as frames:
            yield from gather((change(pixels, index) for index, pixels in enumerate(frames)), result)

    result = clip.derive(produce, **changes)
    return result


def gather(frames: Generator[Array], clip: Clip) -> Iterator[Array]:
    """Stack single frames into blocks of the size that suits ``clip``, and close their production in the end."""
    size = clip.frames_per_chunk
    pending: list[Array] = []
    with closing(frames):
        for pixels in frames:
            pending.append(pixels)
            if len(pending) == size:
                yield stacked(pending)
                pending.clear()
    if pending:
        yield stacked(pending)


def stacked(frames: Sequence[Array]) -> Array:
    """Return frames as one block; a single one is not copied."""
    return frames[0][None] if len(frames) == 1 else np.stack(frames)


def in_step(clips: Sequence[Clip]) -> Generator[tuple[Array | None, ...]]:
    """Yield the frames of several clips side by side until the longest ends; None where one has ended before."""
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(clip.frames())) for clip in clips]
        while True:
            row = tuple(next(stream, None) for stream in streams)
            if all(pixels is None for pixels in row):
                return
            yield row


def windows(clip: Clip, radius: int) -> Generator[tuple[list[Array], int]]:
    """Yield, for each frame, the frames within ``radius`` of it and its own place among them.

    At both ends the window is smaller. No more than 2 x radius + 1 frames are held.
    """
    ring: deque[Array] = deque()
    center = 0
    with closing(clip.frames()) as frames:
        for pixels in frames:
            # A view would keep its whole block in memory for as long as the ring holds it.
            ring.append(pixels.copy())
            if len(ring) > center + radius:
                yield list(ring), center
                if center == radius:
                    ring.popleft()
                else:
                    center += 1
    while center < len(ring):
        yield list(ring), center
        if center == radius:
            ring.popleft()
        else:
            center += 1


def require_one_rate(clips: Sequence[Clip]) -> None:
    """Refuse clips of different frame rates or color spaces.

    Raises:
        MediaError: They cannot be shown in step, or their pixels mean different colors.
    """
    first = clips[0]
    for number, clip in enumerate(clips[1:], start=2):
        if clip.fps != first.fps:
            raise MediaError(
                f"clip {number} has {clip.fps} frames a second but the first has {first.fps}",
                "bring them to one rate first",
            )
        mine, theirs = (clip.color.primaries, clip.color.transfer), (first.color.primaries, first.color.transfer)
        if mine != theirs:
            raise MediaError(
                f"clip {number} is in {'/'.join(mine)} color but the first in {'/'.join(theirs)}",
                "convert them to one color space first",
            )


def paint(color: RGB, dtype: str) -> Array:
    """Return one pixel, shaped (3,), of an RGB color in [0, 1]."""
    return convert_dtype(np.array(color, np.float32), dtype)


def to_pixels(values: Array, dtype: str) -> Array:
    """Return float values as pixels of a dtype; what lies outside [0, 1] is clipped."""
    return np.clip(values, 0, 1).astype(np.float32, copy=False) if dtype == "float32" else convert_dtype(values, dtype)
