"""Clips on disk, bit for bit: written whole, or by a `Recording` while they pass by, and read back lazily.

A folder holds the frames in numbered files, one after the other and without headers, the sound, and ``meta.json``,
which is written last: a folder without it is not a clip. Frames are RGB, or YUV 4:2:0 as a decoder left them. Whether
the bytes are still what was written is for the owner of the folder to check.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import MediaError
from .files import explain_os_error
from .recording import META, SOUND, VERSION, Part, Recording, part_name
from .samples import IN_MEMORY_BYTES
from .types import Audio, Chapter, Clip, ColorTags, as_pixels

if TYPE_CHECKING:
    from .types import Array, Block

_log = logging.getLogger(__name__)


def write(clip: Clip, folder: Path) -> None:
    """Write a clip to an empty or missing folder, pulling it through once.

    Raises:
        MediaError: The disk is full or the folder may not be written; what was written is removed.
    """
    recording = Recording(clip, folder)
    try:
        recording.start()
        with closing(clip.blocks()) as blocks:
            for block in blocks:
                recording.add(block)
        recording.finish()
    except OSError as error:
        raise explain_os_error(error, folder) from error
    finally:
        recording.discard()


def read(folder: Path) -> Clip:
    """Open a stored clip; its blocks are mapped from disk one at a time, as they are consumed.

    Raises:
        MediaError: The folder holds no finished clip.
    """
    return _read(folder, backwards=False)


def read_backwards(folder: Path) -> Clip:
    """Open a stored clip from its last frame to its first, one block at a time; the sound still runs forwards.

    Raises:
        MediaError: The folder holds no finished clip.
    """
    return _read(folder, backwards=True)


def _read(folder: Path, *, backwards: bool) -> Clip:
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MediaError(f"{folder.name} holds no finished clip", "produce it again") from error
    if meta.get("version") != VERSION:
        raise MediaError(f"{folder.name} was stored by another release", "produce it again")
    parts = [Part(**part) for part in meta["parts"]]
    rate = meta["sample_rate"]

    def produce() -> Iterator[Block]:
        numbered = list(enumerate(parts))
        for number, part in reversed(numbered) if backwards else numbered:
            yield from _blocks(folder / part_name(number), part, clip, backwards=backwards)

    audio = None if rate is None else Audio(_load_sound(folder / SOUND), rate)
    clip = Clip(
        produce,
        meta["width"],
        meta["height"],
        Fraction(meta["fps"]),
        sum(part.frames for part in parts),
        meta["dtype"],
        ColorTags(**meta["color"]),
        audio,
        tuple(Chapter(Fraction(start), Fraction(end), title) for start, end, title in meta["chapters"]),
    )
    return clip


def _blocks(path: Path, part: Part, clip: Clip, *, backwards: bool) -> Iterator[Block]:
    """Yield a part's frames in blocks."""
    try:
        # Copy on write: the file is safe, and libraries that warn about read-only arrays stay quiet.
        stored = np.memmap(path, clip.dtype, "c", shape=part.shape(clip))
    except (OSError, ValueError) as error:
        raise MediaError(f"the stored clip lost its part {path.name}", "produce it again") from error
    restore = part.restorer(clip)
    step = clip.frames_per_chunk
    starts = range(0, part.frames, step)
    for start in reversed(starts) if backwards else starts:
        block = restore(stored[start : start + step])
        yield as_pixels(block)[::-1] if backwards else block


def _load_sound(path: Path) -> Array:
    try:
        mode = "c" if path.stat().st_size > IN_MEMORY_BYTES else None
        return np.load(path, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MediaError(f"the stored clip lost its part {path.name}", "produce it again") from error
