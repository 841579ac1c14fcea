"""The cache's index in SQLite: entries with size and last use, pins, and what was remembered of nodes. No values here.

It can be lost at any time: entries are found again on disk, the rest is only for people's comfort.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.engine.keys import Key

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
BUSY_TIMEOUT_S = 20.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries(
    key TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, used_at REAL NOT NULL, formats TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_use ON entries(used_at);
CREATE TABLE IF NOT EXISTS pins(key TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY(key, owner)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS durations(type TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS paces(type TEXT PRIMARY KEY, seconds_per_byte REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes(
    type TEXT NOT NULL, node TEXT NOT NULL, parts TEXT NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY(type, node)
) WITHOUT ROWID;
"""


class Index:
    """One connection; its owner sees to it that one thread uses it at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection = self._open()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def rebuild(self) -> None:
        """Start from an empty index; in memory alone when the file cannot be replaced."""
        self._connection.close()
        try:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._file}{suffix}").unlink(missing_ok=True)
            self._connection = _connect(str(self._file))
        except (OSError, sqlite3.Error) as error:
            logger.warning("the cache's index cannot be written (%s); this process does without", error)
            self._connection = _connect(":memory:")

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Do everything in the block, or nothing; other processes wait."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def formats(self, key: Key) -> str | None:
        """Return the codec versions of an entry as JSON, or None when there is no such entry."""
        row = self._connection.execute("SELECT formats FROM entries WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def keys(self) -> set[Key]:
        """Return all entries' keys."""
        return {Key(key) for (key,) in self._connection.execute("SELECT key FROM entries")}

    def add(self, key: Key, size_bytes: int, formats: str) -> None:
        """Add an entry, or replace it."""
        self._connection.execute(
            "INSERT OR REPLACE INTO entries VALUES(?, ?, ?, ?)", (key, size_bytes, time.time(), formats)
        )

    def remove(self, keys: Iterable[Key]) -> None:
        """Forget entries."""
        self._connection.executemany("DELETE FROM entries WHERE key = ?", [(key,) for key in keys])

    def touch(self, keys: Iterable[Key]) -> None:
        """Count entries as used now."""
        now = time.time()
        self._connection.executemany("UPDATE entries SET used_at = ? WHERE key = ?", [(now, key) for key in keys])

    def size_bytes(self) -> int:
        """Return the size of all entries."""
        return int(self._connection.execute("SELECT COALESCE(SUM(size_bytes), 0) FROM entries").fetchone()[0])

    def oldest_first(self) -> list[tuple[Key, int]]:
        """Return keys and sizes, the least recently used first."""
        return self._connection.execute("SELECT key, size_bytes FROM entries ORDER BY used_at, rowid").fetchall()

    def pin(self, keys: Iterable[Key], owner: str) -> None:
        """Say to other processes that entries are needed."""
        self._connection.executemany("INSERT OR IGNORE INTO pins VALUES(?, ?)", [(key, owner) for key in keys])

    def unpin(self, owner: str) -> None:
        """Take all pins of an owner back."""
        self._connection.execute("DELETE FROM pins WHERE owner = ?", (owner,))

    def pins(self) -> list[tuple[Key, str]]:
        """Return every pinned key with its owner."""
        return self._connection.execute("SELECT key, owner FROM pins").fetchall()

    def durations(self) -> dict[str, float]:
        """Return the seconds that a node of each type takes."""
        return dict(self._connection.execute("SELECT type, seconds FROM durations"))

    def set_durations(self, durations: Iterable[tuple[str, float]]) -> None:
        """Remember seconds by type."""
        self._connection.executemany("INSERT OR REPLACE INTO durations VALUES(?, ?)", list(durations))

    def paces(self) -> dict[str, float]:
        """Return the seconds that a node of each type takes for a byte of a large stream."""
        return dict(self._connection.execute("SELECT type, seconds_per_byte FROM paces"))

    def set_paces(self, paces: Iterable[tuple[str, float]]) -> None:
        """Remember seconds for each byte by type."""
        self._connection.executemany("INSERT OR REPLACE INTO paces VALUES(?, ?)", list(paces))

    def node(self, node_type: str, node: str) -> tuple[str, str] | None:
        """Return what is remembered of a node: its parts as JSON, and how its last run went."""
        return self._connection.execute(
            "SELECT parts, outcome FROM nodes WHERE type = ? AND node = ?", (node_type, node)
        ).fetchone()

    def set_nodes(self, rows: Sequence[tuple[str, str, str, str]]) -> None:
        """Remember nodes: type, id, parts, outcome."""
        self._connection.executemany("INSERT OR REPLACE INTO nodes VALUES(?, ?, ?, ?)", rows)

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(str(self._file))
        except sqlite3.OperationalError as error:
            logger.warning("the cache's index cannot be opened (%s); this process does without", error)
            return _connect(":memory:")
        except sqlite3.DatabaseError as error:
            logger.warning("the cache's index is damaged (%s) and is made anew", error)
            self._connection = sqlite3.connect(":memory:")
            self.rebuild()
            return self._connection


def _connect(file: str) -> sqlite3.Connection:
    connection: Any = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            message = f"it has version {version}"
            raise sqlite3.DatabaseError(message)
        if version == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
