"""A file's frames in order, each with its number at the constant rate, from wherever reading starts. No pixels yet."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


def read_from(footage: Footage, first: int) -> Generator[tuple[int, av.VideoFrame]]:
    """Yield (index, frame) from at or before frame ``first`` on; the index follows from the frame's time.

    Raises:
        MediaError: The file is broken, or is no longer what it was.
    """
    if first > 0:
        with _opened(footage) as (container, stream):
            if _seek(container, stream, footage, first):
                frames = _indexed(_decode(container, stream, alpha=footage.alpha), footage.video)
                head = next(frames, None)
                if head is not None and head[0] <= first and head[1].pts is not None:
                    yield head
                    yield from frames
                    return
    # From the beginning, slow but exact: the file has no index, or one that points past the frame.
    with _opened(footage) as (container, stream):
        yield from _indexed(_decode(container, stream, alpha=footage.alpha), footage.video)


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


def _indexed(frames: Iterable[av.VideoFrame], video: VideoInfo) -> Generator[tuple[int, av.VideoFrame]]:
    index = -1
    for frame in frames:
        if frame.pts is None or frame.time_base is None:
            index += 1  # Raw streams carry no times; their frames are counted.
        else:
            index = round((frame.pts * frame.time_base - video.start_s) * video.fps)
        yield index, frame
