"""A file's frames in order, each with its place at the constant rate, from wherever reading starts. No pixels yet."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from .container import open_container, packets, video_stream
from .deinterlace import deinterlaced
from .errors import MediaError
from .probe import MediaInfo, VideoInfo, check_pixels

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_log = logging.getLogger(__name__)
_UNEVEN = Fraction(1, 4)
"""How far two frames may be from a frame's time apart and still be of a constant rate, in frames: cameras waver."""
_EARLY_S = Fraction(3, 2000)
"""Clocks count in milliseconds, so two times may be wrong by one; a frame of uneven time may be shown so early."""
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True, slots=True)
class Footage:
    """Point to the frames of a video file.

    Attributes:
        info: What the file is.
        video: Its video.
        max_pixels: Largest frame that may be decoded.
        alpha: Whether transparency is wanted, which some files keep beside the picture.
    """

    info: MediaInfo
    video: VideoInfo
    max_pixels: int
    alpha: bool = False


def read_from(footage: Footage, first: int) -> Generator[tuple[Fraction, av.VideoFrame]]:
    """Yield (place, frame) from at or before frame ``first`` on, in the order of their places.

    Places follow from the frames' times and count frames at the constant rate: frame 2 comes at 2. Where frames follow
    each other evenly, places are whole, whatever the clock rounds; elsewhere they are those of the times themselves.

    Raises:
        MediaError: The file is broken, or is no longer what it was.
    """
    if first > 0:
        with _opened(footage) as (container, stream):
            if _seek(container, stream, footage, first):
                frames = _placed(_decode(container, stream, alpha=footage.alpha), footage.video)
                head = next(frames, None)
                if head is not None and head[0] <= first and head[1].pts is not None:
                    yield head
                    yield from frames
                    return
    # From the beginning, slow but exact: the file has no index, or one that points past the frame.
    with _opened(footage) as (container, stream):
        yield from _placed(_decode(container, stream, alpha=footage.alpha), footage.video)


@contextmanager
def _opened(footage: Footage) -> Generator[tuple[InputContainer, VideoStream]]:
    with open_container(footage.info.path, max_pixels=footage.max_pixels) as container:
        stream = video_stream(container)
        if stream is None:
            raise MediaError(f"{footage.info.path.name} has changed and holds no video any more", "choose it again")
        check_pixels(stream, footage.info.path, footage.max_pixels)
        stream.thread_type = "AUTO"
        yield container, stream


def _seek(container: InputContainer, stream: VideoStream, footage: Footage, first: int) -> bool:
    """Go to the key frame before the first wanted frame; return whether the file can be sought at all."""
    if not stream.time_base:
        return False
    # One frame early, because a deinterlacer looks back.
    start_s = footage.video.start_s + (first - 1) / footage.video.fps
    try:
        container.seek(int(start_s / stream.time_base), stream=stream, backward=True)
    except av.FFmpegError as error:
        _log.debug("%s cannot be sought: %s", footage.info.path.name, error)
        return False
    return True


def _decode(container: InputContainer, stream: VideoStream, *, alpha: bool) -> Iterator[av.VideoFrame]:
    if alpha and stream.metadata.get("alpha_mode") == "1":
        # WebM keeps transparency beside the picture, where only the encoder's own library looks for it.
        library: Any = av.CodecContext.create(_ALPHA_DECODERS[stream.codec_context.codec.canonical_name], "r")
        library.options = dict(stream.codec_context.options)
        return (frame for packet in packets(container, stream) for frame in library.decode(packet))
    return deinterlaced(frame for packet in packets(container, stream) for frame in stream.decode(packet))


def _placed(frames: Iterable[av.VideoFrame], video: VideoInfo) -> Generator[tuple[Fraction, av.VideoFrame]]:
    """Yield each frame with its place, once the frame after it has told whether it is one of a constant rate."""
    before: Fraction | None = None
    held: tuple[Fraction, av.VideoFrame] | None = None
    for time, frame in _timed(frames, video):
        if held is not None:
            yield _place(before, held[0], time, held[1], video.fps), held[1]
            before = held[0]
        held = (time, frame)
    if held is not None:
        yield _place(before, held[0], None, held[1], video.fps), held[1]


def _timed(frames: Iterable[av.VideoFrame], video: VideoInfo) -> Generator[tuple[Fraction, av.VideoFrame]]:
    """Yield frames with their times, counted in frames at the constant rate."""
    time = Fraction(-1)
    for frame in frames:
        if frame.pts is None or frame.time_base is None:
            time += 1  # Raw streams carry no times; their frames are counted.
        else:
            time = (frame.pts * frame.time_base - video.start_s) * video.fps
        yield time, frame


def _place(
    before: Fraction | None, time: Fraction, after: Fraction | None, frame: av.VideoFrame, fps: Fraction
) -> Fraction:
    """Return where a frame belongs, from its own time and its neighbors', all counted in frames.

    The first frame that is read counts as uneven, so that its place does not hang on where reading starts.
    """
    coarse = frame.time_base is not None and frame.time_base * fps >= _UNEVEN
    even = before is not None and abs(time - before - 1) < _UNEVEN
    if coarse or (even and (after is None or abs(after - time - 1) < _UNEVEN)):
        return Fraction(round(time))
    return time - min(_EARLY_S * fps, _UNEVEN)
