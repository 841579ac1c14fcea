"""How the files that these nodes load and save are looked at in the editor. No nodes here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nodes import FileFacts, FileViewer
from nodes.audio import AUDIO_SUFFIXES
from nodes.documents import explaining
from nodes.image import IMAGE_SUFFIXES
from nodes.video import VIDEO_SUFFIXES


def look_at_media(path: Path) -> FileFacts:
    """Return what a video or sound file is.

    Raises:
        UnreadableFileError: It is neither, or broken.
    """
    from server.media.probe import probe

    with explaining():
        info = probe(path)
    if info.video is None:
        codec = info.audio.codec if info.audio else ""
        seconds = (info.audio.duration_s if info.audio else None) or info.duration_s or 0
        return FileFacts("audio", duration_s=float(seconds), codec=codec, has_sound=True)
    video = info.video
    return FileFacts(
        kind="video",
        width=video.width,
        height=video.height,
        fps=f"{video.fps.numerator}/{video.fps.denominator}",
        frame_count=video.frame_count,
        duration_s=float(video.duration_s),
        codec=video.codec,
        has_sound=info.audio is not None,
    )


def look_at_picture(path: Path) -> FileFacts:
    """Return what a picture is.

    Raises:
        UnreadableFileError: It is none, or broken.
    """
    from server.media.pictures import image_size

    with explaining():
        width, height, kind = image_size(path)
    return FileFacts("image", width=width, height=height, frame_count=1, codec=kind)


def draw_strip(path: Path, target: Path, frames: int) -> None:
    """Write a strip of frames.

    Raises:
        UnreadableFileError: The file is no video, or broken.
    """
    from server.media.looks import write_filmstrip

    with explaining():
        write_filmstrip(path, target, frames)


def measure_peaks(path: Path, count: int) -> Sequence[float]:
    """Return the loudness over time.

    Raises:
        UnreadableFileError: The file has neither video nor sound, or is broken.
    """
    from server.media.looks import sound_peaks

    with explaining():
        return sound_peaks(path, count)


def make_playable(path: Path, target: Path) -> None:
    """Write a copy that every browser plays.

    Raises:
        UnreadableFileError: The file is no video, is broken, or too long.
    """
    from server.media.looks import write_playable

    with explaining():
        write_playable(path, target)


FILE_VIEWERS = (
    FileViewer(frozenset(VIDEO_SUFFIXES) - {".gif"}, look_at_media, draw_strip, measure_peaks, make_playable),
    FileViewer(frozenset(AUDIO_SUFFIXES) - frozenset(VIDEO_SUFFIXES), look_at_media, peaks=measure_peaks),
    FileViewer(frozenset(IMAGE_SUFFIXES) | {".gif"}, look_at_picture),
)
