"""Reading video as a lazy clip: exact frames at a constant rate, upright, in RGB. Pictures are read in ``pictures``."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio import read_audio
from .colors import PixelConverter
from .container import MAX_PIXELS, open_container
from .errors import MediaError
from .probe import MediaInfo, VideoInfo, check_pixels, probe
from .types import Clip, frames_per_chunk

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from .types import Array


_WORTH_SEEKING = 48
"""Frames from which on it is quicker to go to a key frame than to decode all between; the usual distance of keys."""


def load_clip(
    path: str | Path,
    *,
    start_s: Fraction | float = 0,
    duration_s: Fraction | float | None = None,
    with_audio: bool = True,
    max_pixels: int = MAX_PIXELS,
) -> Clip:
    """Open a local video file as a lazy clip with its sound.

    Frames come at the file's average rate. A file of variable rate has frames repeated or dropped so that each is
    shown at its time. Files deeper than 8 bits give uint16, all others uint8.

    Args:
        path: A local file; addresses and playlists are refused.
        start_s: Where to start, in seconds; rounded to the nearest frame.
        duration_s: How much to read, in seconds; to the end when absent or when the file is shorter.
        with_audio: Whether to read the sound too; it is decoded at once, the frames only as the clip is consumed.
        max_pixels: Largest frame that may be decoded.

    Raises:
        MediaError: The file is bad or has no video, or nothing lies in the chosen span. A file that turns out to be
            cut off raises while its frames are consumed.
    """
    info = probe(path, max_pixels=max_pixels)
    video = info.video
    if video is None:
        raise MediaError(f"{info.path.name} holds sound but no video", "choose a video file, or load it as sound")
    first, count = _span(info.path.name, video, Fraction(start_s), duration_s)
    dtype = "uint16" if video.bit_depth > 8 else "uint8"
    audio = None
    if with_audio and info.audio is not None:
        span_s = count / video.fps
        audio = read_audio(info.path, start_s=first / video.fps, duration_s=span_s, origin_s=video.start_s)

    def produce() -> Iterator[Array]:
        return _blocks(info, video, first, count, max_pixels)

    # Matrix and range ended with the conversion to RGB; what is left says how to store the pixels again.
    matrix = "bt2020nc" if video.color.primaries == "bt2020" else "bt709"
    color = replace(video.color, matrix=matrix, full_range=False)
    return Clip(produce, video.width, video.height, video.fps, count, dtype, color, audio)


def frames_at(info: MediaInfo, wanted: Sequence[int], *, max_pixels: int = MAX_PIXELS) -> Generator[Array]:
    """Yield single frames of a video, upright and in RGB; what lies between far ones is skipped from key to key.

    Args:
        info: From ``probe``; with video.
        wanted: Numbers of frames at the constant rate, rising.
        max_pixels: Largest frame that may be decoded.

    Raises:
        MediaError: The file is broken, or ends before a wanted frame.
    """
    video = info.video
    if video is None:
        raise MediaError(f"{info.path.name} holds sound but no video", "choose a video file")
    deep = video.bit_depth > 8
    converter = PixelConverter(video.color)
    with open_container(info.path) as container:
        stream = container.streams.video[0]
        check_pixels(stream, info.path, max_pixels)
        stream.thread_type = "AUTO"
        held = _Held(_decode_from(container, stream, video, 0))
        for number in wanted:
            if number - held.index > _WORTH_SEEKING:
                held = _Held(_decode_from(container, stream, video, number))
            yield _upright(converter.to_rgb(held.at(number, info.path.name), deep=deep), video, info.path.name)


class _Held:
    """Goes forward through decoded frames, holding the one that is shown and the one after it."""

    def __init__(self, decoded: Iterator[tuple[int, av.VideoFrame]]) -> None:
        self._decoded = decoded
        self._shown: av.VideoFrame | None = None
        self._next: tuple[int, av.VideoFrame] | None = None
        self.index = 0

    def at(self, number: int, name: str) -> av.VideoFrame:
        while True:
            ahead = self._next or next(self._decoded, None)
            self._next = ahead
            if ahead is None or (ahead[0] > number and self._shown is not None):
                break
            self.index, self._shown = ahead
            self._next = None
        if self._shown is None:
            raise MediaError(f"{name} has no frame {number}", "it is cut off; export or download it again")
        return self._shown


def _span(name: str, video: VideoInfo, start_s: Fraction, duration_s: Fraction | float | None) -> tuple[int, int]:
    """Return the first frame's index and the number of frames of the span."""
    if start_s < 0 or (duration_s is not None and duration_s <= 0):
        raise MediaError("a clip starts at 0 s or later and lasts longer than 0 s", "correct start and duration")
    first = round(start_s * video.fps)
    left = video.frame_count - first
    if left <= 0:
        raise MediaError(
            f"{name} is {float(video.duration_s):.3f} s long, so nothing starts at {float(start_s):.3f} s",
            "choose an earlier start",
        )
    if duration_s is None:
        return first, left
    return first, min(left, max(1, round(Fraction(duration_s) * video.fps)))


def _blocks(info: MediaInfo, video: VideoInfo, first: int, count: int, max_pixels: int) -> Iterator[Array]:
    """Yield the wanted frames in blocks, holding the file open only while the generator lives."""
    deep = video.bit_depth > 8
    converter = PixelConverter(video.color)
    size = frames_per_chunk(video.width, video.height, "uint16" if deep else "uint8")
    pending: list[Array] = []
    with open_container(info.path) as container:
        stream = container.streams.video[0]
        check_pixels(stream, info.path, max_pixels)
        stream.thread_type = "AUTO"
        decoded = _decode_from(container, stream, video, first)
        for frame, repeats in _at_constant_rate(decoded, info.path.name, video, first, count):
            pixels = _upright(converter.to_rgb(frame, deep=deep), video, info.path.name)
            for _ in range(repeats):
                pending.append(pixels)
                if len(pending) == size:
                    yield np.stack(pending)
                    pending.clear()
    if pending:
        yield np.stack(pending)


def _decode_from(
    container: InputContainer, stream: VideoStream, video: VideoInfo, first: int
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield (index, frame) from at or before frame ``first`` on; the index follows from the frame's time."""
    if first > 0 and stream.time_base:
        container.seek(int((video.start_s + first / video.fps) / stream.time_base), stream=stream, backward=True)
        frames = _indexed(container, stream, video)
        head = next(frames, None)
        if head is not None and head[0] <= first:
            yield head
            yield from frames
            return
        # An index that points past the frame: start over from the beginning, slow but exact.
        frames.close()
        container.seek(0)
    yield from _indexed(container, stream, video)


def _indexed(container: InputContainer, stream: VideoStream, video: VideoInfo) -> Generator[tuple[int, av.VideoFrame]]:
    index = -1
    for frame in container.decode(stream):
        if frame.pts is None or frame.time_base is None:
            index += 1  # Raw streams carry no times; their frames are counted.
        else:
            index = round((frame.pts * frame.time_base - video.start_s) * video.fps)
        yield index, frame


def _at_constant_rate(
    decoded: Iterator[tuple[int, av.VideoFrame]], name: str, video: VideoInfo, first: int, count: int
) -> Iterator[tuple[av.VideoFrame, int]]:
    """Yield each shown frame with how often it is shown, so that ``count`` frames from ``first`` come out.

    Raises:
        MediaError: The frames end more than a moment before the header says.
    """
    shown, end = first, first + count
    held: av.VideoFrame | None = None
    found = 0
    for index, frame in decoded:
        found = max(found, index + _frames_covered(frame, video.fps))
        if held is not None and index > shown:
            yield held, min(index, end) - shown
            shown = min(index, end)
        if shown >= end:
            return
        held = frame
    # One frame may be missing because of rounding.
    if held is None or end - found > 1:
        raise MediaError(
            f"{name} is cut off: it says {video.frame_count} frames but ends after {found}",
            f"export or download it again, or load only its first {float(found / video.fps):.2f} seconds",
        )
    yield held, end - shown


def _frames_covered(frame: av.VideoFrame, fps: Fraction) -> int:
    """Return how many frames at the constant rate the file itself wants this one to stand for."""
    if not frame.duration or frame.time_base is None:
        return 1
    return max(1, round(frame.duration * frame.time_base * fps))


def _upright(pixels: Array, video: VideoInfo, name: str) -> Array:
    turned = np.rot90(pixels, -(video.rotation // 90) % 4) if video.rotation else pixels
    if turned.shape[:2] != (video.height, video.width):
        raise MediaError(
            f"{name} changes its size from {video.width}x{video.height} to {turned.shape[1]}x{turned.shape[0]} midway",
            "convert it to one size first",
        )
    return turned
