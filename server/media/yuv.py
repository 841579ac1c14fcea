"""Frames as a decoder left them: turned into RGB only when, and at the size that, somebody wants them.

Converting and scaling in one step costs less than half of doing one after the other, and planes of 4:2:0 take half of
the memory and disk that RGB takes. A block in this form means exactly the pixels that ``pixels`` returns.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import av
import numpy as np

from .colors import PixelConverter
from .siting import SITINGS, SitingMarker
from .types import ColorTags

if TYPE_CHECKING:
    from .types import Array

FORMAT = "yuv420p"
"""The one pixel format that is passed on like this: that of nearly all video files."""

_THREADS = min(4, os.cpu_count() or 1)


def is_yuv(frame: av.VideoFrame) -> bool:
    """Return whether a decoded frame can be passed on without being turned into RGB first."""
    return frame.format.name == FORMAT and not (frame.width % 2 or frame.height % 2)


@dataclass(frozen=True, slots=True, eq=False)
class Developer:
    """Turns the frames of one pass into RGB; keeps swscale's tables from frame to frame.

    Attributes:
        tags: How the frames store their colors.
    """

    tags: ColorTags
    _converters: dict[tuple[int, int], PixelConverter] = field(default_factory=dict[tuple[int, int], PixelConverter])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def develop(self, frame: av.VideoFrame, width: int, height: int) -> Array:
        """Return a frame as (height, width, 3) RGB in uint8; at another size than its own, filtered by Lanczos."""
        with self._lock:
            converter = self._converters.get((width, height))
            if converter is None:
                converter = self._converters[width, height] = PixelConverter(self.tags, threads=_THREADS)
            return converter.to_scaled_rgb(frame, width, height)


@dataclass(frozen=True, slots=True)
class YuvBlock:
    """A block of a uint8 clip whose frames are stored as 8-bit YUV 4:2:0.

    Attributes:
        frames: At least one; all of one, even size.
        developer: Turns them into RGB.
    """

    frames: tuple[av.VideoFrame, ...]
    developer: Developer

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of ``pixels``."""
        return len(self.frames), self.frames[0].height, self.frames[0].width, 3

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """The dtype of ``pixels``."""
        return np.dtype(np.uint8)

    def part(self, start: int, end: int) -> YuvBlock:
        """Return the frames from ``start`` to before ``end``."""
        return YuvBlock(self.frames[start:end], self.developer)

    def pixels(self) -> Array:
        """Return the frames as (N, H, W, 3) RGB, full range."""
        frames = list(self.resized(self.frames[0].width, self.frames[0].height))
        return frames[0][None] if len(frames) == 1 else np.stack(frames)

    def resized(self, width: int, height: int) -> Iterator[Array]:
        """Yield the frames as (height, width, 3) RGB, scaled by Lanczos with the filter widened for shrinking."""
        for frame in self.frames:
            yield self.developer.develop(frame, width, height)

    def planes(self) -> Array:
        """Return what is stored, shaped (N, H x 3 / 2, W): luma, and below it both chroma planes in a row."""
        return np.stack([frame.to_ndarray() for frame in self.frames])


_PROBE = 64


class Restorer:
    """Makes blocks of stored planes that mean the same pixels as those they came from.

    Args:
        tags: How the frames store their colors.
        siting: Where chroma samples lie between luma samples: what ``siting_of`` said.
        width: Of the frames.
        height: Of the frames.
    """

    def __init__(self, tags: ColorTags, siting: str, width: int, height: int) -> None:
        self._developer = Developer(tags)
        self._marker = SitingMarker(width, height, FORMAT, siting)

    def block(self, planes: Array) -> YuvBlock:
        """Return the block whose ``planes`` these are."""
        return YuvBlock(tuple(self._marker.mark(_frame_of(plane)) for plane in planes), self._developer)


def siting_of(block: YuvBlock) -> str | None:
    """Return where the chroma samples of a block lie, or None when that is nowhere that can be stored.

    swscale heeds what the decoder says of it, but PyAV does not show it. So a small frame with the same properties is
    filled with noise, and compared with frames whose siting is known: one of them gives the same pixels.
    """
    probe = block.frames[0].reformat(_PROBE, _PROBE, FORMAT)
    noise = np.random.default_rng(0).integers(16, 236, (_PROBE * 3 // 2, _PROBE), np.uint8)
    for plane, values in zip(probe.planes, _split(noise), strict=True):
        padded = np.zeros((values.shape[0], plane.line_size), np.uint8)
        padded[:, : values.shape[1]] = values
        plane.update(padded.tobytes())
    tags = block.developer.tags
    wanted = YuvBlock((probe,), Developer(tags)).pixels()
    for siting in SITINGS:
        if np.array_equal(Restorer(tags, siting, _PROBE, _PROBE).block(noise[None]).pixels(), wanted):
            return siting
    return None


def _frame_of(plane: Array) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(plane), FORMAT)


def _split(planes: Array) -> tuple[Array, Array, Array]:
    """Return luma and both chroma planes of one frame's ``planes``."""
    height = planes.shape[0] * 2 // 3
    middle = height + height // 4
    half = (height // 2, planes.shape[1] // 2)
    return planes[:height], planes[height:middle].reshape(half), planes[middle:].reshape(half)
