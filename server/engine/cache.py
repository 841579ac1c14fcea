"""Results by key, in memory and on disk, each within a byte budget; shared by all processes that open the same folder.

No trouble here ever fails a run: what cannot be read is a miss, and what cannot be written stays in memory.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from server.engine.artifacts import artifact_stamp, is_intact
from server.engine.disk import DiskTier
from server.engine.index import Index
from server.engine.keys import Key
from server.engine.memory import MemoryEntry, MemoryTier
from server.engine.records import (
    Manifest,
    NotStorableError,
    codec_of,
    codec_record,
    read_outputs,
    seal,
    write_outputs,
)
from server.kit.values import Artifact, SocketType, StreamCodec

logger = logging.getLogger(__name__)

T = TypeVar("T")

SLOW_S = 0.05
"""Results that took longer, and artifacts, are durable on disk before anything goes on."""

SMALL_BYTES = 2**20
"""Quicker results go to the disk too when they are no larger, but nobody waits for the disk: a power cut may cost them.

Knobs' values stay in memory: reading them back would gain nothing. So do large quick results.
"""

ENTRY_BYTES = 256
"""What an entry costs beside its values."""

Place: TypeAlias = Literal["memory", "disk", "nowhere"]
Answer: TypeAlias = Literal["memory", "disk", "file_lost"]


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a result was put, and what kept it from the disk, in words."""

    place: Place
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A node's last run: the parts of its key as JSON, and where the result went, or `unfinished`."""

    parts: str
    outcome: str


class Cache:
    """The cache of one process; thread-safe.

    Args:
        folder: Made when missing; may be deleted while nothing runs.
        memory_bytes: Budget of results in memory.
        disk_bytes: Budget of results on disk.
        sockets: Socket types by name, for their codecs and sizes.
    """

    def __init__(self, folder: Path, memory_bytes: int, disk_bytes: int, sockets: Mapping[str, SocketType]) -> None:
        folder = folder.resolve()
        self.sockets = sockets
        self._disk_bytes = disk_bytes
        self._lock = threading.RLock()
        self._pins: Counter[Key] = Counter()
        self._memory = MemoryTier(memory_bytes, self._pins)
        self._disk = DiskTier(folder)
        self._index = Index(folder / "index.sqlite")
        self._used: set[Key] = set()
        self._attempt(self._reconcile, None)
        self.durations: dict[str, float] = self._attempt(self._index.durations, {})
        self.paces: dict[str, float] = self._attempt(self._index.paces, {})

    def close(self) -> None:
        """Write down what was used, and leave the folder to others."""
        with self._lock:
            self._attempt(self._flush, None)
            self._index.close()
            self._disk.close()

    @property
    def memory_used(self) -> int:
        """Bytes held in memory."""
        return self._memory.size_bytes

    @property
    def disk_used(self) -> int:
        """Bytes held on disk."""
        with self._lock:
            return self._attempt(self._index.size_bytes, 0)

    def where(self, key: Key, outputs: Path) -> Answer | None:
        """Return where a result is; `file_lost` when it is an artifact that was deleted or changed.

        Args:
            key: The node's key.
            outputs: The outputs folder, in which artifacts are looked for.
        """
        with self._lock:
            entry = self._memory.get(key)
            if entry is not None:
                return "memory" if _memory_intact(entry, outputs) else "file_lost"
            return self._attempt(lambda: self._where_on_disk(key, outputs), None)

    def get(self, key: Key, outputs: Path) -> Mapping[str, object] | None:
        """Return a node's outputs, or None; what is damaged or has lost its file is dropped."""
        with self._lock:
            answer = self.where(key, outputs)
            if answer == "memory":
                entry = self._memory.get(key)
                self._used.add(key)
                return entry.outputs if entry else None
            if answer == "file_lost":
                self.drop(key)
        return self._read(key, outputs) if answer == "disk" else None

    def put(
        self, key: Key, outputs: Mapping[str, object], types: Mapping[str, str], seconds: float, folder: Path
    ) -> Stored:
        """Keep a node's outputs, none of them a stream: in memory, and on disk where that is worth it.

        Args:
            key: The node's key.
            outputs: By name.
            types: Socket types by output name.
            seconds: What the result took; see `SLOW_S` and `SMALL_BYTES`.
            folder: The outputs folder.
        """
        size = self._size(outputs, types)
        stamps = {name: artifact_stamp(folder, value) for name, value in outputs.items() if isinstance(value, Artifact)}
        with self._lock:
            in_memory = self._memory.put(key, MemoryEntry(outputs, size, stamps))
        place: Place = "memory" if in_memory else "nowhere"
        quick = seconds < SLOW_S and not stamps
        if quick and (size > SMALL_BYTES or not self._has_codec(outputs, types)):
            return Stored(place)
        try:
            written = self._write(
                key, lambda target: write_outputs(outputs, types, stamps, self.sockets, target), durable=not quick
            )
        except NotStorableError:
            return Stored(place)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  (a codec's code, or the disk: the result itself is fine)
            logger.warning("a result could not be kept on disk: %s", error)
            return Stored(place, str(error) or type(error).__name__)
        return Stored("disk" if written else place)

    def stream_codec(self, value: object, socket_type: str) -> tuple[str, StreamCodec] | None:
        """Return the name and codec of a value that is consumed piece by piece; None for all other values."""
        found = None if value is None else codec_of(value, socket_type, self.sockets)
        return (found[0], found[1]) if found and isinstance(found[1], StreamCodec) else None

    def room_bytes(self) -> int:
        """Return how large a new entry may be: within the budget, and within what is free on the disk."""
        return min(self._disk_bytes, self._disk.free_bytes())

    def begin_entry(self) -> Path:
        """Make a folder for an entry that is filled piece by piece; see `commit_entry` and `abandon_entry`."""
        return self._disk.begin()

    def abandon_entry(self, folder: Path) -> None:
        """Remove what `begin_entry` made."""
        self._disk.discard(folder)

    def commit_entry(
        self,
        key: Key,
        folder: Path,
        outputs: Mapping[str, object],
        types: Mapping[str, str],
        streams: Mapping[str, tuple[str, StreamCodec, str]],
    ) -> None:
        """Publish an entry whose streams are in its folder already; pinned entries may exceed the budget.

        Args:
            key: The node's key.
            folder: From `begin_entry`; it is gone afterwards.
            outputs: The other outputs.
            types: Socket types by output name.
            streams: By output name: codec's name, codec, subfolder.

        Raises:
            OSError: The disk is full, or otherwise unwilling.
            NotStorableError: Another output has no codec.
        """
        records = write_outputs(outputs, types, {}, self.sockets, folder)
        records |= {name: codec_record(*stream) for name, stream in streams.items()}
        self._publish(key, folder, seal(folder, records))

    def drop(self, key: Key) -> None:
        """Forget a result."""
        with self._lock:
            self._memory.drop(key)
            self._attempt(lambda: self._index.remove([key]), None)
            self._disk.remove(key)

    def pin(self, keys: Iterable[Key]) -> None:
        """Keep entries, and those that come under these keys, whatever the budgets say, until `unpin`."""
        keys = list(keys)
        with self._lock:
            self._pins.update(keys)
            on_disk = [key for key in keys if key not in self._memory]
            if on_disk:  # other processes are told too
                self._attempt(lambda: self._transact(lambda: self._index.pin(on_disk, self._disk.owner.name)), None)

    def unpin(self, keys: Iterable[Key]) -> None:
        """Take pins back; the budgets hold again at once in memory, and on disk after `settle`."""
        with self._lock:
            for key in keys:
                self._pins[key] -= 1
                if self._pins[key] <= 0:
                    del self._pins[key]
            self._memory.trim()

    def free_memory(self) -> None:
        """Forget all results in memory that no run needs; what took long is on disk."""
        with self._lock:
            self._memory.clear()

    def settle(self) -> None:
        """Bring the disk within its budget and write down what was used; called after each run."""
        with self._lock:
            self._attempt(self._flush, None)
            if not self._pins:
                self._attempt(lambda: self._index.unpin(self._disk.owner.name), None)
            self._discard(self._attempt(lambda: self._transact(lambda: self._make_room(0)), []))

    def recall(self, node_type: str, node: str) -> Remembered | None:
        """Return what is remembered of a node's last run."""
        with self._lock:
            row = self._attempt(lambda: self._index.node(node_type, node), None)
        return Remembered(*row) if row else None

    def remember(
        self,
        nodes: Sequence[tuple[str, str, str, str]],
        seconds: Mapping[str, list[float]],
        paces: Mapping[str, list[float]],
    ) -> None:
        """Remember a run: nodes as (type, id, parts, outcome); seconds, and seconds for each byte, by type."""
        with self._lock:
            durations = _averaged(self.durations, seconds)
            rates = _averaged(self.paces, paces)

            def write() -> None:
                self._index.set_nodes(nodes)
                self._index.set_durations(durations)
                self._index.set_paces(rates)

            if nodes or durations:
                self._attempt(lambda: self._transact(write), None)

    def _where_on_disk(self, key: Key, outputs: Path) -> Answer | None:
        formats = self._index.formats(key)
        if formats is None:
            return None
        versions: dict[str, int] = json.loads(formats)
        for name, version in versions.items():
            socket = self.sockets.get(name)
            if socket is None or socket.codec is None or socket.codec.version != version:
                return None
        try:
            manifest = self._disk.manifest(key)
        except (OSError, ValueError):
            self.drop(key)
            return None
        intact = all(is_intact(outputs, artifact, stamp) for _, artifact, stamp in manifest.artifacts())
        return "disk" if intact else "file_lost"

    def _read(self, key: Key, folder: Path) -> Mapping[str, object] | None:
        try:
            manifest, entry = self._disk.open(key)
            outputs = read_outputs(manifest, self.sockets, entry)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  (a codec's code, or the disk: the result is made anew)
            logger.warning("a damaged cache entry is dropped: %s", error)
            self.drop(key)
            return None
        types = {name: str(record.get("codec", "")) for name, record in manifest.outputs.items()}
        stamps = {name: artifact_stamp(folder, artifact) for name, artifact, _ in manifest.artifacts()}
        with self._lock:
            self._used.add(key)
            if not any(self.stream_codec(value, types[name]) for name, value in outputs.items()):
                self._memory.put(key, MemoryEntry(outputs, self._size(outputs, types), stamps))
        return outputs

    def _has_codec(self, outputs: Mapping[str, object], types: Mapping[str, str]) -> bool:
        return any(codec_of(value, types[name], self.sockets) for name, value in outputs.items() if value is not None)

    def _write(self, key: Key, fill: Callable[[Path], Mapping[str, dict[str, object]]], *, durable: bool) -> bool:
        folder = self._disk.begin()
        try:
            return self._publish(key, folder, seal(folder, fill(folder), durable=durable), durable=durable)
        finally:
            self._disk.discard(folder)

    def _publish(self, key: Key, folder: Path, manifest: Manifest, *, durable: bool = True) -> bool:
        """Move a sealed folder among the entries, if there is room for it or it is pinned."""
        size = manifest.size_bytes

        def publish() -> tuple[bool, list[Key]]:
            if self._index.formats(key) is not None and self._holds(key, manifest):
                self._index.touch([key])  # another process was faster: an equal key is an equal result
                return True, []
            self._disk.remove(key)
            self._index.remove([key])
            doomed = self._make_room(size)
            fits = self._index.size_bytes() + size <= self._disk_bytes
            if fits or key in self._pins:
                self._disk.commit(folder, key, manifest, durable=durable)
                self._index.add(key, size, json.dumps(manifest.formats))
                if key in self._pins:
                    self._index.pin([key], self._disk.owner.name)
                return True, doomed
            return False, doomed

        with self._lock:
            written, doomed = self._attempt(lambda: self._transact(publish), (False, []))
            self._discard(doomed)
        self._disk.discard(folder)
        return written

    def _holds(self, key: Key, manifest: Manifest) -> bool:
        """Return whether the entry on disk says the same: not an older codec's, nor an artifact that is gone."""
        try:
            return self._disk.manifest(key).content == manifest.content
        except (OSError, ValueError):
            return False

    def _make_room(self, incoming: int) -> list[Key]:
        """Take entries out of the index, least recently used first, until `incoming` bytes fit; return their keys."""
        excess = self._index.size_bytes() + incoming - self._disk_bytes
        doomed: list[Key] = []
        if excess <= 0 or incoming > self._disk_bytes:
            return doomed
        alive = self._disk.owner.is_alive
        pinned = {key for key, owner in self._index.pins() if owner != self._disk.owner.name and alive(owner)}
        for key, size in self._index.oldest_first():
            if excess <= 0:
                break
            if key not in pinned and key not in self._pins:
                doomed.append(key)
                excess -= size
        self._index.remove(doomed)
        return doomed

    def _discard(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._disk.remove(key)

    def _reconcile(self) -> None:
        """Make index and folders agree after whatever happened to either, and clean up after dead processes."""
        self._disk.clean()

        def agree() -> list[Key]:
            present, listed = set(self._disk.keys()), self._index.keys()
            self._index.remove(listed - present)
            for owner in {owner for _, owner in self._index.pins()}:
                if not self._disk.owner.is_alive(owner):
                    self._index.unpin(owner)
            damaged: list[Key] = []
            for key in present - listed:
                try:
                    manifest = self._disk.manifest(key)
                    self._index.add(key, manifest.size_bytes, json.dumps(manifest.formats))
                except (OSError, ValueError):
                    damaged.append(key)
            return damaged + self._make_room(0)

        self._discard(self._transact(agree))

    def _flush(self) -> None:
        used, self._used = self._used, set()
        if used:
            self._transact(lambda: self._index.touch(used))

    def _transact(self, work: Callable[[], T]) -> T:
        with self._index.transaction():
            return work()

    def _attempt(self, work: Callable[[], T], otherwise: T) -> T:
        """Do something with the index; when it is damaged make it anew, and in any case go on."""
        try:
            return work()
        except sqlite3.OperationalError as error:
            logger.warning("the cache's index is unavailable: %s", error)
        except sqlite3.DatabaseError as error:
            logger.warning("the cache's index is damaged (%s) and is made anew", error)
            self._index.rebuild()
            self._reconcile()
        return otherwise

    def _size(self, outputs: Mapping[str, object], types: Mapping[str, str]) -> int:
        size = ENTRY_BYTES
        for name, value in outputs.items():
            socket = self.sockets.get(types[name])
            size += socket.size_bytes(value) if socket and value is not None else _plain_size(value)
        return size


def _averaged(known: dict[str, float], measured: Mapping[str, list[float]]) -> list[tuple[str, float]]:
    """Move what is known by type halfway to what was measured, and return the types that changed."""
    for node_type, values in measured.items():
        mean = sum(values) / len(values)
        known[node_type] = (known.get(node_type, mean) + mean) / 2
    return [(node_type, known[node_type]) for node_type in measured]


def _plain_size(value: object) -> int:
    return len(value) * 2 if isinstance(value, str) else 32


def _memory_intact(entry: MemoryEntry, outputs: Path) -> bool:
    return not entry.stamps or all(
        is_intact(outputs, artifact, stamp)
        for name, stamp in entry.stamps.items()
        if isinstance(artifact := entry.outputs[name], Artifact)
    )
