"""How a pack lets files be looked at before and after a run: what they are, small pictures of them, a playable copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

View: TypeAlias = Literal["facts", "strip", "peaks", "playable"]
"""What can be asked of a file: what it is, a strip of frames, its loudness over time, a copy that browsers play."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a media file is.

    Attributes:
        kind: What it is shown as.
        width: In pixels, as it is shown; 0 for sound.
        height: Likewise.
        fps: Frames a second, exactly: `24000/1001`; empty for pictures and sound.
        frame_count: Exact; 1 for a picture, 0 for sound.
        duration_s: In seconds; 0 for a picture.
        codec: Of the frames, or of the sound where there are none.
        has_sound: Whether there is a sound track.
    """

    kind: Literal["video", "image", "audio"]
    width: int = 0
    height: int = 0
    fps: str = ""
    frame_count: int = 0
    duration_s: float = 0.0
    codec: str = ""
    has_sound: bool = False


@dataclass(frozen=True, slots=True)
class FileViewer:
    """Looks into one kind of file. A pack lists its viewers in `FILE_VIEWERS`.

    All of it runs in the worker, on files that anybody may have made, and raises `UnreadableFileError`.

    Attributes:
        suffixes: Of the files, in small letters and with the dot.
        facts: Returns what a file is.
        strip: Writes frames of a file, evenly spaced and of one size, side by side into a WebP picture.
        peaks: Returns how loud the sound is in so many stretches of equal length, from 0 to 1; nothing without sound.
        playable: Writes a smaller MP4 with the same frames at the same times; None where browsers play the file itself.
    """

    suffixes: frozenset[str]
    facts: Callable[[Path], FileFacts]
    strip: Callable[[Path, Path, int], None] | None = None
    peaks: Callable[[Path, int], Sequence[float]] | None = None
    playable: Callable[[Path, Path], None] | None = None
