"""Opening a video or audio file safely: local regular files only, known containers only, no playlists, no network.

Every read of a container in this room goes through ``open_container``.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from .errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer

# One 8K frame is 33 million pixels; twice that leaves room for tall and square formats.
MAX_PIXELS = 67_000_000

# FFmpeg checks this before a demuxer reads anything. Absent on purpose: hls, dash, concat, sdp and image2, which open
# other files or addresses that a file names.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,ivf,h264,hevc,obu,m4v,"
    "gif,apng,wav,w64,flac,mp3,aac,ac3,eac3,aiff,caf,yuv4mpegpipe"
)
_OPTIONS = {"protocol_whitelist": "file,pipe", "format_whitelist": _FORMATS}
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]+:")
_PLAYLIST_SUFFIXES = {".m3u8", ".m3u", ".mpd", ".ffconcat", ".sdp", ".pls", ".xspf", ".asx", ".ism"}
_PLAYLIST_STARTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"<MPD", b"v=0\r\n", b"v=0\no=")


@contextmanager
def open_container(path: str | Path) -> Generator[InputContainer]:
    """Open a local media file for reading and close it afterwards, whatever happens.

    Raises:
        MediaError: The path is an address or a playlist, or the file is missing, empty, cut off or not media.
    """
    local = local_file(path)
    try:
        container = av.open(str(local), "r", options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        raise _explain(local, error) from error
    with container:
        try:
            yield container
        except av.FFmpegError as error:
            raise _explain(local, error) from error


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
    if isinstance(error, PermissionError):
        return MediaError(f"{path.name} cannot be read: permission denied", "check its permissions")
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return MediaError(
            f"{path.name} is not a readable video or sound file, or it is cut off",
            "play it elsewhere to check; if it plays, convert it to MP4, else export or download it again",
        )
    return MediaError(
        f"{path.name} is not in a container that can be read ({error})",
        "convert it to MP4, MOV, MKV or WebM; load pictures as images",
    )
