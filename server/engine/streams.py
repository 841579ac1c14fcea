"""The engine between a stream's producer and its consumer: canceling, blame, time, and the copy on disk.

A node's stream is replaced by one whose every pass comes through here. A pass runs ahead of its consumer on a thread of
its own. It reads the stored copy when there is one; else it takes pieces from the producer, one at a time, and stores
them on the way where that pays.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.engine.ahead import Crew, Turn, closable
from server.engine.cache import Cache
from server.engine.cancel import CancelToken
from server.engine.keys import Key
from server.engine.stopwatch import Stopwatch
from server.engine.tape import END, Tape
from server.kit.problems import Canceled
from server.kit.values import StreamCodec

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Production:
    """One node's stream outputs while a run lasts.

    Attributes:
        key: The node's.
        name: The node's, for its threads.
        cache: Where the copy goes.
        cancel: Checked at every piece.
        stopwatch: Measures the producer's own time.
        crew: Lets passes run ahead; None when they have to run on their consumers' threads.
        turn: Whose work the device does.
        on_device: Whether the producer needs the device.
        keep: Whether a copy is wanted.
        pays: Asked while a copy grows whether it is still wanted: with the bytes that passed, and whether they are all.
        types: Socket types of all outputs.
        others: The outputs that are no streams, for the copy.
        outputs: The folder of artifacts.
        blame: Told of every exception that the producer raises while it is consumed.
        done: Told once, when every stream of the node has passed to its end.
        warn: Told when a copy was wanted and could not be made.
        seconds: The producer's own time so far.
    """

    key: Key
    name: str
    cache: Cache
    cancel: CancelToken
    stopwatch: Stopwatch
    crew: Crew | None
    turn: Turn
    on_device: bool
    keep: bool
    types: Mapping[str, str]
    others: Mapping[str, object]
    outputs: Path
    blame: Callable[[BaseException], None]
    done: Callable[[], None]
    warn: Callable[[str], None]
    seconds: float = 0.0
    pays: Callable[[int, bool], bool] | None = None
    _passed_bytes: int = 0
    _values: dict[str, tuple[object, str, StreamCodec]] = field(default_factory=dict[str, Any])
    _passed: set[str] = field(default_factory=set[str])
    _copy: _Copy | None = None
    _tapes: dict[str, Tape] = field(default_factory=dict[str, Tape])
    _warned: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def kept(self) -> bool:
        """Whether the copy was finished and is in the cache."""
        return self._copy is not None and self._copy.committed

    @property
    def passed(self) -> bool:
        """Whether every stream of the node has passed to its end."""
        return len(self._passed) == len(self._values)

    @property
    def stored_bytes(self) -> int | None:
        """Size of a copy of all streams, if it is known beforehand."""
        sizes = [codec.stored_bytes(value) for value, _, codec in self._values.values()]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def relay(self, name: str, value: object, codec_name: str, codec: StreamCodec) -> object:
        """Return the stream to give to consumers in place of the producer's own."""
        self._values[name] = (value, codec_name, codec)
        return codec.with_pieces(value, lambda: self._pass(name))

    def close(self) -> None:
        """Give up a copy that was not finished; called when the run is over."""
        with self._lock:
            if self._copy is not None:
                self._copy.abandon()

    def _pass(self, name: str) -> Iterator[object]:
        return self._ahead(lambda: self._made(name))

    def _ahead(self, start: Callable[[], Iterator[object]]) -> Iterator[object]:
        """Start a pass on a thread of its own, if that may be."""
        if self.crew is None:
            return start()
        return self.crew.ahead(start, f"kinegraph-{self.name}", self._waiting)

    @contextmanager
    def _waiting(self) -> Generator[None]:
        """While a consumer waits, its time is not its own, and neither is the device."""
        mark = self.stopwatch.begin()
        try:
            with self.turn.lent():
                yield
        finally:
            self.stopwatch.end(mark)

    def _made(self, name: str) -> Iterator[object]:
        value, _, codec = self._values[name]
        stored = self._stored(name)
        if stored is not None:
            yield from self._watched(name, stored, codec)
            return
        tape = self._tape_of(name) if self.keep else None
        if tape is None:
            yield from self._watched(name, value, codec)
            return
        with closing(tape.read()) as pieces:
            for piece in pieces:
                yield piece
                piece = None  # noqa: PLW2901  (so that nothing holds it while the next is made)
                self.cancel.check()
        if tape.broken and self.keep:
            self._warn_once()

    def _warn_once(self) -> None:
        with self._lock:
            warned, self._warned = self._warned, True
        if not warned:
            self.warn("its result could not be kept on disk, and will be made anew when it is needed again")

    def _watched(self, name: str, value: object, codec: StreamCodec) -> Iterator[object]:
        """Yield a value's pieces, never holding one while the next is made."""
        pieces: Iterator[object] | None = None
        try:
            while True:
                mark = self.stopwatch.begin()
                try:
                    self.cancel.check()
                    with self.turn.held() if self.on_device else nullcontext():
                        if pieces is None:
                            pieces = codec.pieces(value)
                        piece = next(pieces, END)
                except Canceled:
                    raise
                except Exception as error:
                    self.blame(error)
                    raise
                finally:
                    seconds = self.stopwatch.end(mark)
                    with self._lock:
                        self.seconds += seconds
                if piece is END:
                    break
                yield piece
                piece = None
        finally:
            if pieces is not None:
                closable(pieces).close()
        self._passed.add(name)
        if self.passed:
            self.done()

    def _stored(self, name: str) -> object | None:
        """Return the stream as it was copied in this run, or None."""
        if not self.kept:
            return None
        outputs = self.cache.get(self.key, self.outputs)
        return None if outputs is None else outputs.get(name)

    def _tape_of(self, name: str) -> Tape | None:
        """Return the production that a pass shall read from, counted as its reader; None when no copy can be made."""
        try:
            with self._lock:
                running = self._tapes.get(name)
                if running is not None and self.pays is not None and not running.is_over:
                    return None  # a copy on trial has one reader, so that it costs next to nothing
                if running is not None and running.join():
                    return running
                if self._copy is None or self._copy.lost:
                    self._copy = _Copy(self.cache, self.cache.begin_entry())
                if name in self._copy.complete:
                    return None  # it waits for the node's other streams
                tape = self._tapes[name] = self._begun(name, self._copy)
                tape.join()
                return tape
        except OSError as error:
            logger.warning("a stream cannot be kept on disk: %s", error)
            self._warn_once()
            return None

    def _begun(self, name: str, copy: _Copy) -> Tape:
        value, _, codec = self._values[name]
        recorder = codec.record(value, copy.subfolder(name))

        def start() -> Iterator[object]:
            # Several readers are on several threads, and a producer shall stay on one.
            if self.pays is not None:
                return self._watched(name, value, codec)
            return self._ahead(lambda: self._watched(name, value, codec))

        return Tape(
            start,
            recorder,
            self._waiting,
            lambda complete: self._left(copy, name, complete=complete),
            lambda piece: self._still_pays(piece, codec),
        )

    def _still_pays(self, piece: object, codec: StreamCodec) -> bool:
        """Count a piece that is about to be copied; return False, and want no copy any more, when it does not pay."""
        if self.pays is None:
            return True
        ended = piece is END
        self._passed_bytes += 0 if ended else codec.piece_bytes(piece)
        self.keep = self.keep and self.pays(self._passed_bytes, ended)
        return self.keep

    def _left(self, copy: _Copy, name: str, *, complete: bool) -> None:
        """Publish the copy when its last stream is complete and nobody reads from it any more."""
        with self._lock:
            if not complete:
                copy.clear(name)
                return
            copy.complete.add(name)
            if len(copy.complete) < len(self._values):
                return
            streams = {
                stream: (codec_name, codec, copy.names[stream])
                for stream, (_, codec_name, codec) in self._values.items()
            }
            try:
                self.cache.commit_entry(self.key, copy.folder, self.others, self.types, streams)
                copy.committed = True
            except Exception as error:  # noqa: BLE001  (a codec's code, or the disk: the stream itself has passed)
                logger.warning("a stream could not be kept on disk: %s", error)
                copy.abandon()
        if not copy.committed:
            self._warn_once()


@dataclass(slots=True)
class _Copy:
    """An entry that is being filled by passing streams."""

    cache: Cache
    folder: Path
    names: dict[str, str] = field(default_factory=dict[str, str])
    complete: set[str] = field(default_factory=set[str])
    committed: bool = False
    lost: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def subfolder(self, name: str) -> Path:
        """Make the folder of one stream."""
        self.names[name] = f"stream{next(self._numbers)}"
        made = self.folder / self.names[name]
        made.mkdir()
        return made

    def clear(self, name: str) -> None:
        """Remove what there is of one stream; the next pass may try again."""
        self.complete.discard(name)
        self.cache.abandon_entry(self.folder / self.names.pop(name))

    def abandon(self) -> None:
        """Remove everything, unless it is in the cache."""
        self.lost = not self.committed
        if self.lost:
            self.cache.abandon_entry(self.folder)
