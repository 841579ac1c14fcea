"""Clips on disk, bit for bit: written whole, written while they pass by, and read back lazily.

A folder holds numbered blocks as .npy files, the sound, and ``meta.json``, which is written last: a folder without it
is not a clip. Whether the bytes are still what was written is for the owner of the folder to check.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import MediaError
from .files import explain_os_error, make_durable, sync_folder
from .types import Audio, Chapter, Clip, ColorTags

if TYPE_CHECKING:
    from .types import Array

_log = logging.getLogger(__name__)
_META = "meta.json"
_SOUND = "audio.npy"
_VERSION = 1


def write(clip: Clip, folder: Path) -> None:
    """Write a clip to an empty or missing folder, pulling it through once.

    Raises:
        MediaError: The disk is full or the folder may not be written; what was written is removed.
    """
    recording = _Recording(clip, folder)
    try:
        recording.start()
        with closing(clip.chunks()) as blocks:
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
    try:
        meta = json.loads((folder / _META).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MediaError(f"{folder.name} holds no finished clip", "produce it again") from error
    if meta.get("version") != _VERSION:
        raise MediaError(f"{folder.name} was stored by another release", "produce it again")
    sizes: list[int] = meta["blocks"]

    def produce() -> Iterator[Array]:
        for number in range(len(sizes)):
            yield _load(folder / _block_name(number), mapped=True)

    rate = meta["sample_rate"]
    audio = None if rate is None else Audio(_load(folder / _SOUND, mapped=False), rate)
    return Clip(
        produce,
        meta["width"],
        meta["height"],
        Fraction(meta["fps"]),
        sum(sizes),
        meta["dtype"],
        ColorTags(**meta["color"]),
        audio,
        tuple(Chapter(Fraction(start), Fraction(end), title) for start, end, title in meta.get("chapters", ())),
    )


def read_backwards(folder: Path) -> Clip:
    """Open a stored clip from its last frame to its first, one block at a time; the sound still runs forwards.

    Raises:
        MediaError: The folder holds no finished clip.
    """
    clip = read(folder)

    def produce() -> Iterator[Array]:
        for path in sorted(folder.glob("[0-9]*.npy"), key=lambda path: int(path.stem), reverse=True):
            yield _load(path, mapped=True)[::-1]

    return clip.derive(produce)


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

    def produce() -> Iterator[Array]:
        if state.begin():
            yield from _recorded(clip, folder, state)
        else:
            yield from (state.stored() or clip).chunks()

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

    def close(self, recording: _Recording, reason: str) -> None:
        """Tell how the recording went, and let another pass record if it failed."""
        try:
            if recording.finished:
                self.folder = self.on_complete() or self.folder
                self.complete = True
            else:
                self.on_abort(recording.failure or reason)
        finally:
            self.recording.release()


def _recorded(clip: Clip, folder: Path, state: _TeeState) -> Iterator[Array]:
    """Pass blocks on and store each before it is consumed; always release ``state.recording``."""
    recording = _Recording(clip, folder)
    reason = "the production failed"
    try:
        recording.attempt(recording.start)
        with closing(clip.chunks()) as blocks:
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


@dataclass(slots=True)
class _Recording:
    """One attempt to store a clip."""

    clip: Clip
    folder: Path
    sizes: list[int] = field(default_factory=list[int])
    finished: bool = False
    failure: str | None = None
    written: list[Path] = field(default_factory=list[Path])

    @property
    def frames(self) -> int:
        return sum(self.sizes)

    def attempt(self, step: Callable[[], None]) -> None:
        """Run one step unless an earlier one failed; a full disk ends the recording and not the stream."""
        if self.failure is not None:
            return
        try:
            step()
        except OSError as error:
            self.failure = str(explain_os_error(error, self.folder))
            _log.warning("the clip is no longer stored while it passes: %s", self.failure)
            self.discard_unfinished()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.clip.audio is not None:
            self._save(_SOUND, self.clip.audio.samples)

    def add(self, block: Array) -> None:
        self._save(_block_name(len(self.sizes)), block)
        self.sizes.append(int(block.shape[0]))

    def finish(self) -> None:
        """Write ``meta.json``, which makes the folder a clip."""
        if self.finished:
            return
        clip = self.clip
        meta = {
            "version": _VERSION,
            "width": clip.width,
            "height": clip.height,
            "fps": str(clip.fps),
            "dtype": clip.dtype,
            "color": asdict(clip.color),
            "sample_rate": None if clip.audio is None else clip.audio.sample_rate,
            "chapters": [(str(one.start_s), str(one.end_s), one.title) for one in clip.chapters],
            "blocks": self.sizes,
        }
        temporary = self.folder / f"{_META}.part"
        self.written.append(temporary)
        temporary.write_text(json.dumps(meta, indent=1), encoding="utf-8")
        make_durable(temporary)
        temporary.replace(self.folder / _META)
        sync_folder(self.folder)
        self.finished = True

    def discard_unfinished(self) -> None:
        """Remove what was written unless the clip is whole."""
        if self.finished:
            return
        for path in self.written:
            path.unlink(missing_ok=True)
        self.written.clear()

    def _save(self, name: str, array: Any) -> None:
        path = self.folder / name
        self.written.append(path)
        with path.open("wb") as stream:
            whole = np.ascontiguousarray(array)
            np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(whole))
            # np.save loses the system's reason when the disk is full; a plain write keeps it.
            stream.write(whole.reshape(-1).view(np.uint8).data)
            stream.flush()
            os.fsync(stream.fileno())


def _load(path: Path, *, mapped: bool) -> Array:
    try:
        # Copy on write: the file is safe, and libraries that warn about read-only arrays stay quiet.
        return np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MediaError(f"the stored clip lost its part {path.name}", "produce it again") from error


def _block_name(number: int) -> str:
    return f"{number:06d}.npy"
