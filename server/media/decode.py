"""Reading video as a lazy clip: exact frames at a constant rate, upright, in RGB. Pictures are read in ``pictures``."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio import read_audio
from .chapters import cut_chapters
from .colors import PixelConverter
from .container import MAX_PIXELS
from .errors import MediaError
from .footage import Footage, read_from
from .frames import stacked
from .probe import MAX_FPS, MediaInfo, VideoInfo, probe
from .resize import resize_clip
from .types import Audio, Clip, ColorTags, Dtype, frames_per_chunk
from .yuv import Developer, YuvBlock, is_yuv

if TYPE_CHECKING:
    import av

    from .types import Array, Block

_WORTH_SEEKING = 48
"""Frames from which on it is quicker to go to a key frame than to decode all between; the usual distance of keys."""


def load_clip(
    path: str | Path,
    *,
    start_s: Fraction | float = 0,
    duration_s: Fraction | float | None = None,
    fps: Fraction | int | None = None,
    stride: int = 1,
    with_audio: bool = True,
    max_pixels: int = MAX_PIXELS,
) -> Clip:
    """Open a local video file as a lazy clip with its sound and chapters.

    Frames come at the file's average rate. Of a file of variable rate each is the one on screen when it is due; of one
    of constant rate each comes once, however its clock rounds. Interlaced frames are made whole, and pixels that are
    not square are stretched in width. Files deeper than 8 bits give uint16, all others uint8. Transparency is left out;
    ``load_alpha`` reads it.

    Args:
        path: A local file; addresses and playlists are refused.
        start_s: Where to start, in seconds; rounded to the nearest frame.
        duration_s: How much to read, in seconds; to the end when absent or when the file is shorter.
        fps: Frames a second of the clip: of those in the file, each that is on screen when a new one is due. Those in
            between are decoded, but not converted.
        stride: Take every so many of these frames; the clip lasts as long, at a lower rate.
        with_audio: Whether to read the sound too; it is decoded at once, the frames only as the clip is consumed.
        max_pixels: Largest frame that may be decoded.

    Raises:
        MediaError: The file is bad or has no video, or nothing lies in the chosen span. A file that turns out to be
            cut off raises while its frames are consumed.
    """
    source = _choose(path, (start_s, duration_s), fps, stride, max_pixels)
    audio = None
    if with_audio and source.info.audio is not None:
        first_s, span_s = source.first / source.video.fps, source.count / source.video.fps
        audio = read_audio(source.info.path, start_s=first_s, duration_s=span_s, origin_s=source.video.start_s)
    return source.clip(alpha=False, audio=audio)


def load_alpha(
    path: str | Path,
    *,
    start_s: Fraction | float = 0,
    duration_s: Fraction | float | None = None,
    fps: Fraction | int | None = None,
    stride: int = 1,
    max_pixels: int = MAX_PIXELS,
) -> Clip:
    """Open the transparency of a local video file as a lazy gray clip without sound: white is opaque.

    Arguments and errors are those of ``load_clip``; a file without transparency is refused too.
    """
    source = _choose(path, (start_s, duration_s), fps, stride, max_pixels)
    if not source.video.has_alpha:
        raise MediaError(f"{source.info.path.name} has no transparency", "load a file that has, such as ProRes 4444")
    return source.clip(alpha=True, audio=None)


@dataclass(frozen=True, slots=True)
class _Source:
    """Which frames of which file: ``count`` from ``first`` on at the file's rate, shown at the rate ``fps``."""

    info: MediaInfo
    video: VideoInfo
    first: int
    count: int
    fps: Fraction
    max_pixels: int

    @property
    def dtype(self) -> Dtype:
        return "uint16" if self.video.bit_depth > 8 else "uint8"

    @property
    def total(self) -> int:
        """Frames of the clip."""
        return max(1, round(self.count * self.fps / self.video.fps))

    def clip(self, *, alpha: bool, audio: Audio | None) -> Clip:
        video = self.video
        # Matrix and range ended with the conversion to RGB; what is left says how to store the pixels again.
        matrix = "bt2020nc" if video.color.primaries == "bt2020" else "bt709"
        color = ColorTags() if alpha else replace(video.color, matrix=matrix, full_range=False)
        end = self.first + self.count
        chapters = cut_chapters(self.info.chapters, self.first / video.fps, end / video.fps)
        clip = Clip(
            lambda: _blocks(self, alpha=alpha),
            video.width,
            video.height,
            self.fps,
            self.total,
            self.dtype,
            color,
            audio,
            chapters,
        )
        if video.pixel_aspect == 1:
            return clip
        return resize_clip(clip, max(2, 2 * round(video.width * video.pixel_aspect / 2)), video.height)


def _choose(
    path: str | Path,
    span: tuple[Fraction | float, Fraction | float | None],
    fps: Fraction | int | None,
    stride: int,
    max_pixels: int,
) -> _Source:
    info = probe(path, max_pixels=max_pixels)
    video = info.video
    if video is None:
        raise MediaError(f"{info.path.name} holds sound but no video", "choose a video file, or load it as sound")
    rate = video.fps if fps is None else Fraction(fps)
    if not 0 < rate <= MAX_FPS or stride < 1:
        raise MediaError(
            f"every {stride}. of {float(rate):g} frames a second is out of range", f"use 1 to {MAX_FPS}, and 1 or more"
        )
    first, count = _span(info.path.name, video, Fraction(span[0]), span[1])
    return _Source(info, video, first, count, rate / stride, max_pixels)


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
    footage = Footage(info, video, max_pixels)
    held = _Held(read_from(footage, 0))
    try:
        for number in wanted:
            if number - held.index > _WORTH_SEEKING:
                held.close()
                held = _Held(read_from(footage, number))
            yield _upright(converter.to_rgb(held.at(number, info.path.name), deep=deep), video, info.path.name)
    finally:
        held.close()


class _Held:
    """Goes forward through decoded frames, holding the one that is shown and the one after it."""

    def __init__(self, decoded: Generator[tuple[Fraction, av.VideoFrame]]) -> None:
        self._decoded = decoded
        self._shown: av.VideoFrame | None = None
        self._next: tuple[Fraction, av.VideoFrame] | None = None
        self.index = Fraction(0)

    def close(self) -> None:
        self._decoded.close()

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


def _blocks(source: _Source, *, alpha: bool) -> Iterator[Block]:
    """Yield the wanted frames in blocks, holding the file open only while the generator lives."""
    video, name = source.video, source.info.path.name
    developer, converter = Developer(video.color), PixelConverter(video.color)
    convert = converter.to_gray_alpha if alpha else converter.to_rgb

    def block_of(frames: list[av.VideoFrame]) -> Block:
        shape = (video.width, video.height)
        as_they_are = not (alpha or video.rotation or video.mirrored)
        if as_they_are and all(is_yuv(frame) and (frame.width, frame.height) == shape for frame in frames):
            return YuvBlock(tuple(frames), developer)
        # A frame that is shown for long is converted once.
        made = {id(frame): _upright(convert(frame, deep=source.dtype == "uint16"), video, name) for frame in frames}
        return stacked([made[id(frame)] for frame in frames])

    size = frames_per_chunk(video.width, video.height, source.dtype)
    pending: list[av.VideoFrame] = []
    decoded = read_from(Footage(source.info, video, source.max_pixels, alpha), source.first)
    with closing(decoded):
        for frame, repeats in _on_screen(decoded, source):
            for _ in range(repeats):
                pending.append(frame)
                if len(pending) == size:
                    yield block_of(pending)
                    pending.clear()
    if pending:
        yield block_of(pending)


def _on_screen(
    decoded: Iterable[tuple[Fraction, av.VideoFrame]], source: _Source
) -> Iterator[tuple[av.VideoFrame, int]]:
    """Yield each frame that is on screen when frames of the clip are due, with how many are; the last is held.

    Raises:
        MediaError: The frames end more than a moment before the header says.
    """
    step = source.video.fps / source.fps
    made = found = 0
    held: av.VideoFrame | None = None
    for place, frame in decoded:
        found = max(found, round(place) + _frames_covered(frame, source.video.fps))
        due = min(source.total, math.ceil((place - source.first) / step))
        if held is not None and due > made:
            yield held, due - made
            made = due
        if made == source.total:
            return
        held = frame
    # One frame may be missing because of rounding.
    if held is None or source.first + source.count - found > 1:
        raise MediaError(
            f"{source.info.path.name} is cut off: it says {source.video.frame_count} frames but ends after {found}",
            f"export or download it again, or load only its first {float(found / source.video.fps):.2f} seconds",
        )
    yield held, source.total - made


def _frames_covered(frame: av.VideoFrame, fps: Fraction) -> int:
    """Return how many frames at the constant rate the file itself wants this one to stand for."""
    if not frame.duration or frame.time_base is None:
        return 1
    return max(1, round(frame.duration * frame.time_base * fps))


def _upright(pixels: Array, video: VideoInfo, name: str) -> Array:
    seen = pixels[:, ::-1] if video.mirrored else pixels
    turned = np.rot90(seen, -(video.rotation // 90) % 4) if video.rotation else seen
    if turned.shape[:2] != (video.height, video.width):
        raise MediaError(
            f"{name} changes its size from {video.width}x{video.height} to {turned.shape[1]}x{turned.shape[0]} midway",
            "convert it to one size first",
        )
    return turned
