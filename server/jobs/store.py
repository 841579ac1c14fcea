"""One SQLite file, written by one thread in batches and read by others. Threads and transactions; no SQL of ours here.

Every transaction is synced to the disk before its futures resolve (`synchronous=FULL`), so a job that was accepted
survives a power cut; the batch shares the price of the sync. Two servers never share a file: see `_claim`.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from server.jobs.errors import StoreError
from server.jobs.tables import migrate_tables

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

BATCH = 512
"""Most operations in a transaction: bounds how long the first of them waits for the last."""

READERS = 2
BUSY_MS = 10_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Write:
    operation: Operation[Any]
    future: Future[Any]


class Store:
    """The database of jobs.

    Args:
        path: The SQLite file; made with its folder when missing.

    Raises:
        StoreError: The file cannot be opened, is newer than this program, or another server uses it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._claim = _claim(path)
        try:
            self._connection = _connect(path)
            migrate_tables(self._connection)
        except (sqlite3.Error, StoreError) as error:
            self._claim.close()
            message = f"the job database {path} cannot be opened: {error}"
            raise StoreError(message, getattr(error, "hint", "") or "free the disk, or move the file away") from error
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="job-reader")
        self._writer = threading.Thread(target=self._write_all, name="job-writer", daemon=True)
        self._writer.start()

    def write(self, operation: Operation[T]) -> Future[T]:
        """Run an operation in the writer's next transaction; operations run in the order of these calls.

        Returns:
            A future of the operation's result, resolved when it is on the disk. An operation that raises is undone
            alone. `StoreError` when the transaction cannot be written.
        """
        write = _Write(operation, Future())
        self._writes.put(write)
        return write.future

    def read(self, operation: Operation[T]) -> Future[T]:
        """Run an operation that only reads, in a reader's thread; sees everything whose future has resolved."""
        return self._readers.submit(self._read, operation)

    def close(self) -> None:
        """Write what is pending and close the file."""
        self._writes.put(None)
        self._writer.join()
        self._readers.shutdown()
        for connection in (*self._connections, self._connection, self._claim):
            connection.close()

    def _read(self, operation: Operation[T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(self._path)
            self._local.connection = connection
            self._connections.append(connection)
        connection.execute("BEGIN")  # one snapshot: what is read first and what is read last belong together
        try:
            return operation(connection)
        finally:
            connection.execute("COMMIT")

    def _write_all(self) -> None:
        while True:
            batch = self._next_batch()
            writes = [write for write in batch if write is not None]
            if writes:
                self._write_batch(writes)
            if len(writes) < len(batch):
                return

    def _next_batch(self) -> list[_Write | None]:
        batch = [self._writes.get()]
        with contextlib.suppress(queue.Empty):
            while batch[-1] is not None and len(batch) < BATCH:
                batch.append(self._writes.get_nowait())
        return batch

    def _write_batch(self, writes: Sequence[_Write]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [_attempt(connection, write.operation) for write in writes]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            logger.exception("the job database could not be written")
            message = f"the job database could not be written: {error}"
            refusal = StoreError(message, "free space on the disk that holds it, and try again")
            for write in writes:
                write.future.set_exception(refusal)
            return
        for write, (result, error) in zip(writes, outcomes, strict=True):
            if error is None:
                write.future.set_result(result)
            else:
                write.future.set_exception(error)


def _attempt(connection: sqlite3.Connection, operation: Operation[Any]) -> tuple[Any, Exception | None]:
    """Run one operation of a batch; when it raises, undo it alone.

    Raises:
        sqlite3.OperationalError: The disk is full or fails: the whole batch is lost, not this operation alone.
    """
    connection.execute("SAVEPOINT operation")
    try:
        result = operation(connection)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to the caller who waits for the future)
        connection.execute("ROLLBACK TO operation")
        connection.execute("RELEASE operation")
        return None, error
    connection.execute("RELEASE operation")
    return result, None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA fullfsync=ON")  # macOS: a plain fsync does not reach the platter there
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _claim(path: Path) -> sqlite3.Connection:
    """Return a connection that holds a lock beside the database for as long as this process lives.

    SQLite's own lock is used because it works alike on every system and goes with the process, however that ends.

    Raises:
        StoreError: Another process holds it; two servers would run every job twice.
    """
    lock = path.with_suffix(".lock")
    connection = sqlite3.connect(lock, isolation_level=None, check_same_thread=False, timeout=0)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        message = f"another Kinegraph server uses {path}, or its folder cannot be written: {error}"
        raise StoreError(message, "stop the other server, or give this one another KINEGRAPH_HOME") from error
    return connection
