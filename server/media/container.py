"""Opening a video or audio file safely: local regular files only, known containers only, no playlists, no network.

Every read of a container in this room goes through ``open_container``.
"""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error

from .errors import MediaError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

    AnyStream = VideoStream | AudioStream

# One 8K frame is 33 million pixels; twice that leaves room for tall and square formats.
MAX_PIXELS = 67_000_000

# FFmpeg checks this before a demuxer reads anything. Absent on purpose: hls, dash, concat, sdp and image2, which open
# other files or addresses that a file names.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,ivf,h264,hevc,obu,m4v,"
    "gif,apng,wav,w64,flac,mp3,aac,ac3,eac3,aiff,caf,yuv4mpegpipe"
)
_OPTIONS = {"protocol_whitelist": "file,pipe", "format_whitelist": _FORMATS}
# A local disk answers within this; what takes longer is a file that sends the demuxer in circles, or a dead share.
_TIMEOUT_S = 60
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]+:")
_PLAYLIST_SUFFIXES = {".m3u8", ".m3u", ".mpd", ".ffconcat", ".sdp", ".pls", ".xspf", ".asx", ".ism"}
_PLAYLIST_STARTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"<MPD", b"v=0\r\n", b"v=0\no=")


@contextmanager
def open_container(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Generator[InputContainer]:
    """Open a local media file for reading and close it afterwards, whatever happens.

    Args:
        path: A local file.
        max_pixels: Largest frame that a decoder may allocate, also midway. While the file is opened, when FFmpeg
            decodes a little to learn what is in it, ``MAX_PIXELS`` holds if that is more, so that a size can be told.

    Raises:
        MediaError: The path is an address or a playlist, or the file is missing, empty, cut off or not media.
    """
    local = local_file(path)
    limits = {"max_pixels": str(max(max_pixels, MAX_PIXELS))}
    try:
        container = av.open(
            str(local), "r", options=_OPTIONS | limits, metadata_errors="replace", timeout=(_TIMEOUT_S, _TIMEOUT_S)
        )
    except (av.FFmpegError, ValueError, OSError) as error:
        raise _explain(local, error) from error
    with container:
        for stream in container.streams.video:
            context: Any = stream.codec_context
            if context is not None:  # FFmpeg knows no decoder for the stream
                context.options = {"max_pixels": str(max_pixels)}
        try:
            yield container
        except av.FFmpegError as error:
            raise _explain(local, error) from error


def video_stream(container: InputContainer) -> VideoStream | None:
    """Return the stream that is shown, or None: a cover picture is stored as a video stream too."""
    shown = (stream for stream in container.streams.video if "attached_pic" not in str(stream.disposition))
    return next(shown, None)


def packets(container: InputContainer, stream: AnyStream) -> Iterator[av.Packet]:
    """Yield a stream's packets, and an empty one at the end, with which its decoder gives out what it holds back."""
    try:
        yield from container.demux(stream)
    except IndexError:
        # All have been read. PyAV 18 fails to end a file in which another stream turns up midway, as recordings have.
        last = av.Packet()
        last.time_base = stream.time_base or Fraction(1)
        yield last


def local_file(path: str | Path) -> Path:
    """Return the absolute path of a regular, non-empty local file that is no playlist.

    Raises:
        MediaError: It is anything else.
    """
    text = str(path)
    # A single letter before the colon is a Windows drive, which the pattern leaves alone.
    if _ADDRESS.match(text):
        raise MediaError(f"{text[:80]} is an address, not a file", "download the file first and give its local path")
    local = Path(path).absolute()
    try:
        status = local.stat()
    except (OSError, ValueError) as error:
        raise MediaError(f"there is no file {local.name}", f"check the name and the folder {local.parent}") from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{local.name} is not a regular file", "give the path of a video, not of a folder or a device")
    if status.st_size == 0:
        raise MediaError(f"{local.name} is empty (0 bytes)", "export or download it again")
    _refuse_playlist(local)
    return local


def _refuse_playlist(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            start = stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise MediaError(f"{path.name} cannot be read: {error.strerror}", "check its permissions") from error
    if path.suffix.lower() in _PLAYLIST_SUFFIXES or start.startswith(_PLAYLIST_STARTS):
        raise MediaError(
            f"{path.name} is a playlist, which may point to other files or to the network",
            "join its parts into one video file first",
        )


def _explain(path: Path, error: Exception) -> MediaError:
    # EPERM is only what FFmpeg's bare -1 turns into.
    if isinstance(error, PermissionError) and error.errno == errno.EACCES:
        return MediaError(f"{path.name} cannot be read: permission denied", "check its permissions")
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError | PermissionError):
        return MediaError(
            f"{path.name} is not a readable video or sound file, or it is cut off",
            "play it elsewhere to check; if it plays, convert it to MP4, else export or download it again",
        )
    if isinstance(error, av.error.ExitError):
        return MediaError(
            f"{path.name} took longer than {_TIMEOUT_S} s to read", "copy it to a local disk and try again"
        )
    # An invalid argument is what FFmpeg says about a container that is not among ours.
    reason = "" if isinstance(error, av.error.ArgumentError) else f" ({_reason(error)})"
    return MediaError(
        f"{path.name} is not in a container that can be read{reason}",
        "convert it to MP4, MOV, MKV or WebM; load pictures as images",
    )


def _reason(error: Exception) -> str:
    """Return what went wrong without FFmpeg's number and function, which tell the user nothing."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).rstrip(".").lower()
