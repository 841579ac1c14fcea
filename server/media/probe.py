"""What a media file is: container, streams, exact duration, colour and tags, found by decoding a single frame."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from av.sidedata.sidedata import Type as SideDataType

from .chapters import read_chapters
from .codecs import has_alpha
from .colors import tags_from_codes
from .container import MAX_PIXELS, local_file, open_container, packets, video_stream
from .embed import workflow_in_comment
from .errors import MediaError
from .types import Chapter, ColorTags

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream as AvVideoStream

WORKFLOW_KEY = "workflow"
# Days of video. A header that says more is damaged or means harm.
MAX_FRAMES = 20_000_000
MAX_FPS = 1000
_RATE_ERROR = Fraction(1, 2_000_000)
_CUT_S = Fraction(3, 4)
"""A file that ends so much before its header says was cut off."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Describe a video stream as it is shown: ``width`` and ``height`` are those after ``rotation``.

    Attributes:
        rotation: Degrees clockwise by which the stored frames are turned for display: 0, 90, 180 or 270.
        mirrored: Whether left and right of the stored frames change places before that.
        frame_count: Exact for every container, because it is counted where the header does not say.
        bit_depth: Bits of each component.
        start_s: The time of the first frame on the file's own clock.
        has_alpha: Whether the frames have transparency.
        interlaced: Whether the first frame was stored as two fields; frames come deinterlaced out of ``decode``.
        pixel_aspect: Width of a pixel through its height, after ``rotation``: 1 for all but some camera formats.
    """

    codec: str
    width: int
    height: int
    fps: Fraction
    frame_count: int
    duration_s: Fraction
    pixel_format: str
    bit_depth: int
    rotation: int
    color: ColorTags
    start_s: Fraction
    has_alpha: bool = False
    interlaced: bool = False
    pixel_aspect: Fraction = Fraction(1)
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """Describe an audio stream; ``start_s`` is the time of its first sample on the file's own clock."""

    codec: str
    sample_rate: int
    channels: int
    duration_s: Fraction | None
    start_s: Fraction


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Describe a media file; the keys of ``tags`` are in lower case, because MKV and WebM change their case."""

    path: Path
    container: str
    size_bytes: int
    duration_s: Fraction | None
    video: VideoInfo | None
    audio: AudioInfo | None
    tags: dict[str, str]
    chapters: tuple[Chapter, ...] = ()

    @property
    def workflow(self) -> str | None:
        """The workflow embedded in the file, as JSON text, or None."""
        return self.tags.get(WORKFLOW_KEY)


def probe(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> MediaInfo:
    """Read what a local video or sound file is, decoding one frame to learn its rotation and colour.

    Args:
        path: A local file; addresses and playlists are refused.
        max_pixels: Largest frame that may be decoded.

    Raises:
        MediaError: The file is missing, empty, broken, too large, or no media file.
    """
    local = local_file(path)
    with open_container(local, max_pixels=max_pixels) as container:
        video = _probe_video(container, local, max_pixels)
        audio = _probe_audio(container)
        if video is None and audio is None:
            raise MediaError(
                f"{local.name} holds neither video nor sound, or is cut off", "choose another file, or export it again"
            )
        duration = None if container.duration is None else Fraction(container.duration, 1_000_000)
        return MediaInfo(
            path=local,
            container=container.format.name,
            size_bytes=local.stat().st_size,
            duration_s=duration,
            video=video,
            audio=audio,
            tags=_tags_of(container),
            chapters=read_chapters(container, video.start_s if video else Fraction(0)),
        )


def sound_end(path: Path) -> tuple[Fraction, Fraction]:
    """Return when the sound of a file ends on the file's own clock, and how long its longest packet is; in seconds.

    Every packet is looked at, and none decoded: headers repeat what the muxer was told.

    Raises:
        MediaError: The file has no sound.
    """
    end_s, longest_s = Fraction(0), Fraction(0)
    with open_container(path) as container:
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            raise MediaError(f"{path.name} has no sound", "check the disk and try again")
        for packet in packets(container, stream):
            if packet.pts is not None and packet.size:
                length_s = _seconds(packet.duration, stream.time_base)
                end_s = max(end_s, _seconds(packet.pts, stream.time_base) + length_s)
                longest_s = max(longest_s, length_s)
    return end_s, longest_s


def read_tags(path: str | Path) -> dict[str, str]:
    """Return the tags of a local video or sound file, keys in lower case; nothing is decoded.

    Raises:
        MediaError: The file is missing, empty, broken or no media file.
    """
    with open_container(path) as container:
        return _tags_of(container)


def _tags_of(container: InputContainer) -> dict[str, str]:
    """Return tags with keys in lower case; Ogg has its tags on the stream, and WAV the workflow in its comment."""
    found: dict[str, str] = {}
    for stream in container.streams.audio:
        found.update(stream.metadata)
    tags = {key.lower(): value for key, value in {**found, **container.metadata}.items()}
    workflow = workflow_in_comment(tags.get("comment", ""))
    return tags if workflow is None else {**tags, WORKFLOW_KEY: workflow}


def _probe_video(container: InputContainer, path: Path, max_pixels: int) -> VideoInfo | None:
    stream = video_stream(container)
    if stream is None:
        return None
    check_pixels(stream, path, max_pixels)
    frame = _first_frame(container, stream, path)
    fps = _rate(stream, path)
    start_s = _seconds(frame.pts, stream.time_base)
    frame_count = _count_frames(stream, fps, path, None if frame.pts is None else start_s)
    if frame_count > MAX_FRAMES:
        raise MediaError(
            f"{path.name} says that it has {frame_count} frames, above the limit of {MAX_FRAMES}",
            "cut it into parts; if it is short, its header is damaged and exporting it again helps",
        )
    rotation, mirrored = _orientation(frame)
    turned = rotation in {90, 270}
    return VideoInfo(
        codec=stream.codec_context.codec.canonical_name,
        width=frame.height if turned else frame.width,
        height=frame.width if turned else frame.height,
        fps=fps,
        frame_count=frame_count,
        duration_s=frame_count / fps,
        pixel_format=frame.format.name,
        bit_depth=max(component.bits for component in frame.format.components),
        rotation=rotation,
        color=color_of(frame),
        start_s=start_s,
        has_alpha=is_transparent(frame, stream),
        interlaced=bool(frame.interlaced_frame),
        pixel_aspect=_pixel_aspect(stream, turned=turned),
        mirrored=mirrored,
    )


def _orientation(frame: av.VideoFrame) -> tuple[int, bool]:
    """Return by how many degrees clockwise a frame is turned for display, and whether it is mirrored before.

    Its display matrix brings (x, y) to (ax + cy, bx + dy), y downwards (FFmpeg's libavutil/display.h). Phones store
    selfies as they were seen with one that mirrors.
    """
    known: Any = frame.side_data  # its stub knows no types as keys
    matrix = known.get(SideDataType.DISPLAYMATRIX)
    if matrix is None or len(data := bytes(matrix)) < 36:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack("=9i", data[:36])
    mirrored = a * d - b * c < 0
    turn = math.degrees(math.atan2(-b, -a) if mirrored else math.atan2(b, a))
    return round(turn / 90) * 90 % 360, mirrored


def is_transparent(frame: av.VideoFrame, stream: AvVideoStream) -> bool:
    """Return whether a stream is transparent: by its pixels, or as WebM says it, whose alpha is a stream of its own."""
    name = frame.format.name
    return has_alpha(name) or name == "pal8" or stream.metadata.get("alpha_mode") == "1"


def _rate(stream: AvVideoStream, path: Path) -> Fraction:
    fps = _usual_rate(Fraction(stream.average_rate or stream.guessed_rate or stream.base_rate or 0))
    if not 0 < fps <= MAX_FPS:
        said = f"says {float(fps):g} frames a second" if fps else "does not say its frame rate"
        raise MediaError(f"{path.name} {said}", "convert it to MP4 with a constant frame rate")
    return fps


def _usual_rate(fps: Fraction) -> Fraction:
    """Return the whole rate, or 1000/1001 of one, that a rate is but for the rounding of its container.

    MKV and WebM say how many nanoseconds a frame lasts, of which FFmpeg makes a fraction of small numbers: 60000/1001
    comes back as 19001/317.
    """
    for usual in (Fraction(round(fps)), Fraction(round(fps * 1001 / 1000) * 1000, 1001)):
        if abs(fps - usual) <= usual * _RATE_ERROR:
            return usual
    return fps


def _pixel_aspect(stream: AvVideoStream, *, turned: bool) -> Fraction:
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    # What no camera writes is damage.
    if not Fraction(1, 4) <= aspect <= 4:
        return Fraction(1)
    return 1 / aspect if turned else aspect


def check_pixels(stream: AvVideoStream, path: Path, max_pixels: int) -> None:
    """Refuse a stream whose frames are empty or larger than ``max_pixels``, before anything is decoded.

    Raises:
        MediaError: The frames are too large or have no size, or their codec is not known.
    """
    context: Any = stream.codec_context
    if context is None:
        raise MediaError(f"{path.name} holds video in a codec that is not known here", "convert it to H.264 in MP4")
    width, height = context.width, context.height
    if width <= 0 or height <= 0:
        message = f"{path.name} has no frame size, or one above {max(max_pixels, MAX_PIXELS)} pixels"
        raise MediaError(message, "export it again, or make it smaller with another program")
    if width * height > max_pixels:
        raise MediaError(
            f"{path.name} has frames of {width}x{height}, above the limit of {max_pixels} pixels",
            "make it smaller with another program, or raise the limit (KINEGRAPH_MAX_PIXELS)",
        )


def color_of(frame: av.VideoFrame) -> ColorTags:
    """Name the colour space of a decoded frame, guessing what the file leaves unsaid."""
    codes = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
    is_rgb = frame.format.is_rgb or frame.format.name.startswith(("gbr", "pal8"))
    tags = tags_from_codes(codes, frame.height, is_rgb=is_rgb)
    # The yuvj formats of JPEG are full range by their name alone.
    return replace(tags, full_range=True) if frame.format.name.startswith("yuvj") else tags


def _first_frame(container: InputContainer, stream: AvVideoStream, path: Path) -> av.VideoFrame:
    for packet in packets(container, stream):
        for frame in stream.decode(packet):
            return frame
    raise MediaError(f"{path.name} has no frames", "it is empty or cut off; export or download it again")


def _count_frames(stream: AvVideoStream, fps: Fraction, path: Path, start_s: Fraction | None) -> int:
    """Count frames at the constant rate ``fps`` that cover the stream's time, from its header where that is exact.

    Args:
        stream: The video.
        fps: Its rate.
        path: Its file.
        start_s: When its first frame that can be decoded comes; recordings begin between key frames.
    """
    if stream.frames and stream.duration and stream.time_base:
        return max(1, round(stream.duration * stream.time_base * fps))
    times: list[Fraction] = []
    count = 0
    # Opened anew, because raw streams cannot be sought.
    with open_container(path) as container:
        again = video_stream(container)
        for packet in () if again is None else packets(container, again):
            if packet.size:
                count += 1
                if packet.pts is not None:
                    times.append(_seconds(packet.pts, stream.time_base))
    if not times:
        return max(1, stream.frames, count)
    begin_s = min(times) if start_s is None else max(start_s, min(times))
    if (promised_s := _promised_s(path, max(times))) is not None:
        return max(1, round((promised_s - begin_s) * fps))
    span = round((max(times) - begin_s) * fps) + 1
    # Program streams time only some of their pictures, and perhaps not the last.
    untimed = count - round((begin_s - min(times)) * fps) if count > len(times) else 0
    return max(1, span, untimed)


def _promised_s(path: Path, last_s: Fraction) -> Fraction | None:
    """Return when a file should end by its header, if it is one that ends well before: it was cut off; else None.

    Only Matroska's and WebM's own duration is trusted; of other containers without an index FFmpeg guesses it.

    Args:
        path: The file.
        last_s: When its last frame of video comes.
    """
    with open_container(path) as container:
        promised_s = Fraction(container.duration or 0, 1_000_000)
        kinds = {stream.type for stream in container.streams}
        if "matroska" not in container.format.name or promised_s - last_s < _CUT_S or kinds - {"video", "audio"}:
            return None
    ends_s = sound_end(path)[0] if "audio" in kinds else last_s
    return promised_s if promised_s - max(ends_s, last_s) >= _CUT_S else None


def _probe_audio(container: InputContainer) -> AudioInfo | None:
    stream: Any = next(iter(container.streams.audio), None)
    if stream is None or stream.codec_context is None:
        return None
    duration = None if stream.duration is None else _seconds(stream.duration, stream.time_base)
    return AudioInfo(
        codec=stream.codec_context.codec.canonical_name,
        sample_rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        duration_s=duration,
        start_s=_seconds(stream.start_time, stream.time_base),
    )


def _seconds(ticks: int | None, time_base: Fraction | None) -> Fraction:
    return Fraction(0) if ticks is None or time_base is None else ticks * time_base
