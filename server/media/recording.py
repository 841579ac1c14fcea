"""One clip on its way to disk, block by block.

``spool`` says when a clip is stored, and reads it back.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from .files import make_durable, sync_folder, write_all
from .samples import write_array
from .types import Clip, ColorTags, as_pixels
from .yuv import Developer, Restorer, YuvBlock, siting_of

if TYPE_CHECKING:
    from .types import Array, Block

META = "meta.json"
SOUND = "audio.npy"
VERSION = 2
PART_BYTES = 64 * 2**20
"""A file of frames is closed, and made durable, when it has grown to this."""


@dataclass(slots=True)
class Part:
    """One file of frames.

    Attributes:
        frames: How many there are.
        tags: How they store their colors; empty when they are RGB.
        siting: Where their chroma samples lie; empty likewise.
    """

    frames: int
    tags: dict[str, Any] = field(default_factory=dict[str, Any])
    siting: str = ""

    def shape(self, clip: Clip) -> tuple[int, ...]:
        """Return the shape of all that is in the file."""
        rows = (clip.height * 3 // 2, clip.width) if self.tags else (clip.height, clip.width, 3)
        return (self.frames, *rows)

    def restorer(self, clip: Clip) -> Callable[[Array], Block]:
        """Return what turns frames as they are in the file into a block."""
        if not self.tags:
            return lambda frames: frames
        return Restorer(ColorTags(**self.tags), self.siting, clip.width, clip.height).block


@dataclass(slots=True)
class Recording:
    """One attempt to store a clip. What has been added can be read back at once; every step may raise OSError."""

    clip: Clip
    folder: Path
    parts: list[Part] = field(default_factory=list[Part])
    finished: bool = False
    written: list[Path] = field(default_factory=list[Path])
    _file: BinaryIO | None = None
    _places: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    _sitings: dict[Developer, str | None] = field(default_factory=dict[Developer, "str | None"])

    def start(self) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, block: Block) -> None:
        """Store the next frames."""
        siting = self._siting_of(block)
        if isinstance(block, YuvBlock) and siting:
            form, raw = Part(0, asdict(block.developer.tags), siting), block.planes()
        else:
            form, raw = Part(0), np.ascontiguousarray(as_pixels(block))
        last = self.parts[-1] if self.parts else form
        if (
            self._file is None
            or (last.tags, last.siting) != (form.tags, form.siting)
            or self._file.tell() >= PART_BYTES
        ):
            self._close_part()
            self._file = self._created(part_name(len(self.parts)))
            self.parts.append(form)
        write_all(self._file, raw)
        part = self.parts[-1]
        self._places.append((len(self.parts) - 1, part.frames, int(block.shape[0])))
        part.frames += int(block.shape[0])

    def piece(self, number: int) -> Block:
        """Read back a block that was added; also while another thread adds more, and until the folder moves.

        Raises:
            OSError: It is not there.
        """
        at, first, count = self._places[number]
        part = self.parts[at]
        shape = part.shape(self.clip)[1:]
        size = math.prod(shape)
        dtype = np.dtype(self.clip.dtype)
        values = np.fromfile(self.folder / part_name(at), dtype, count * size, offset=first * size * dtype.itemsize)
        if values.size < count * size:
            raise OSError(errno.EIO, "a part of a stored clip is too short", part_name(at))
        return part.restorer(self.clip)(values.reshape(count, *shape))

    def finish(self) -> None:
        """Store the sound, and write ``meta.json``, which makes the folder a clip."""
        if self.finished:
            return
        self._close_part()
        self._store_sound()
        clip = self.clip
        meta = {
            "version": VERSION,
            "width": clip.width,
            "height": clip.height,
            "fps": str(clip.fps),
            "dtype": clip.dtype,
            "color": asdict(clip.color),
            "sample_rate": None if clip.audio is None else clip.audio.sample_rate,
            "chapters": [(str(one.start_s), str(one.end_s), one.title) for one in clip.chapters],
            "parts": [asdict(part) for part in self.parts],
        }
        temporary = self.folder / f"{META}.part"
        self.written.append(temporary)
        temporary.write_text(json.dumps(meta, indent=1), encoding="utf-8")
        make_durable(temporary)
        temporary.replace(self.folder / META)
        sync_folder(self.folder)
        self.finished = True

    def discard(self) -> None:
        """Remove what was written unless the clip is whole."""
        if self.finished:
            return
        if self._file is not None:
            self._file.close()
            self._file = None
        for path in self.written:
            path.unlink(missing_ok=True)
        self.written.clear()

    def _store_sound(self) -> None:
        if self.clip.audio is None:
            return
        with self._created(SOUND) as stream:
            write_array(stream, self.clip.audio.samples)
            _sync(stream)

    def _siting_of(self, block: Block) -> str | None:
        """Return where a block's chroma samples lie, asked once for all blocks that one decoder made."""
        if not isinstance(block, YuvBlock):
            return None
        if block.developer not in self._sitings:
            self._sitings[block.developer] = siting_of(block)
        return self._sitings[block.developer]

    def _created(self, name: str) -> BinaryIO:
        path = self.folder / name
        self.written.append(path)
        # Unbuffered, so that nothing is left to fail when a file is closed because the disk is full.
        return cast("BinaryIO", path.open("wb", buffering=0))

    def _close_part(self) -> None:
        if self._file is not None:
            with self._file as stream:
                self._file = None
                _sync(stream)


def _sync(stream: BinaryIO) -> None:
    os.fsync(stream.fileno())


def part_name(number: int) -> str:
    """Return the name of a file of frames."""
    return f"{number:06d}.raw"
