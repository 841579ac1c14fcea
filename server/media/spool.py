"""Clips on disk, bit for bit: written whole, written while they pass by, and read back lazily.

A folder holds the frames in numbered files, one after the other and without headers, the sound, and ``meta.json``,
which is written last: a folder without it is not a clip. Frames are RGB, or YUV 4:2:0 as a decoder left them. Whether
the bytes are still what was written is for the owner of the folder to check.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import MediaError
from .files import explain_os_error
from .recording import META, SOUND, VERSION, Part, Recording, part_name
from .samples import IN_MEMORY_BYTES
from .types import Audio, Chapter, Clip, ColorTags, as_pixels
from .yuv import Restorer

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
        recording.discard_unfinished()


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
    shape = (clip.height * 3 // 2, clip.width) if part.tags else (clip.height, clip.width, 3)
    try:
        # Copy on write: the file is safe, and libraries that warn about read-only arrays stay quiet.
        stored = np.memmap(path, clip.dtype, "c", shape=(part.frames, *shape))
    except (OSError, ValueError) as error:
        raise MediaError(f"the stored clip lost its part {path.name}", "produce it again") from error
    restorer = Restorer(ColorTags(**part.tags), part.siting, clip.width, clip.height) if part.tags else None
    step = clip.frames_per_chunk
    starts = range(0, part.frames, step)
    for start in reversed(starts) if backwards else starts:
        frames = stored[start : start + step]
        block: Block = restorer.block(frames) if restorer else frames
        yield as_pixels(block)[::-1] if backwards else block


def tee(clip: Clip, folder: Path, on_complete: Callable[[], Path | None], on_abort: Callable[[str], None]) -> Clip:
    """Return the same clip, which is stored in ``folder`` while its consumer pulls it.

    The first pass records. A pass that starts while another records goes to the producer without recording; one that
    starts after a recording was finished reads the folder, so the producer runs once. A recording that fails for want
    of disk space is given up, and its consumer goes on undisturbed.

    Args:
        clip: What to store.
        folder: Empty or missing; it is emptied again when a recording is given up.
        on_complete: Called once, when every frame is durable on disk. It may move the folder, and then returns the
            new place.
        on_abort: Called with the reason whenever a recording is given up; the next pass records anew.
    """
    state = _TeeState(folder, on_complete, on_abort)

    def produce() -> Iterator[Block]:
        if state.begin():
            yield from _recorded(clip, folder, state)
        else:
            yield from (state.stored() or clip).blocks()

    return clip.derive(produce)


@dataclass(slots=True)
class _TeeState:
    folder: Path
    on_complete: Callable[[], Path | None]
    on_abort: Callable[[str], None]
    complete: bool = False
    recording: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> bool:
        """Return whether the caller is the one to record, which then ends with ``close``."""
        if self.complete or not self.recording.acquire(blocking=False):
            return False
        if self.complete:  # It was finished between the two questions.
            self.recording.release()
            return False
        return True

    def stored(self) -> Clip | None:
        """Return the finished recording, or None when there is none, or no longer."""
        if not self.complete:
            return None
        try:
            return read(self.folder)
        except MediaError as error:
            _log.info("the stored clip is gone and is produced again: %s", error)
            return None

    def close(self, recording: Recording, reason: str) -> None:
        """Tell how the recording went, and let another pass record if it failed."""
        try:
            if recording.finished:
                self.folder = self.on_complete() or self.folder
                self.complete = True
            else:
                self.on_abort(recording.failure or reason)
        finally:
            self.recording.release()


def _recorded(clip: Clip, folder: Path, state: _TeeState) -> Iterator[Block]:
    """Pass blocks on and store each before it is consumed; always release ``state.recording``."""
    recording = Recording(clip, folder)
    reason = "the production failed"
    try:
        recording.attempt(recording.start)
        with closing(clip.blocks()) as blocks:
            for block in blocks:
                recording.attempt(lambda block=block: recording.add(block))
                yield block
        recording.attempt(recording.finish)
    except GeneratorExit:
        reason = "the consumer stopped before the end"
        # A consumer that counts frames may never ask for the end; it has had everything all the same.
        if recording.frames == clip.frame_count:
            recording.attempt(recording.finish)
        raise
    finally:
        recording.discard_unfinished()
        state.close(recording, reason)


def _load_sound(path: Path) -> Array:
    try:
        mode = "c" if path.stat().st_size > IN_MEMORY_BYTES else None
        return np.load(path, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MediaError(f"the stored clip lost its part {path.name}", "produce it again") from error
