"""Tells which processes use a cache folder now, so that what a dead one left can be cleaned and a live one's is not.

A process holds an exclusive SQLite lock on a file of its own for as long as it lives: the one kind of lock that the
standard library has on every system, and that the system drops with the process, however it ends.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from contextlib import closing, suppress
from pathlib import Path

GRACE_S = 60.0
"""A lock file younger than this may be between its creation and its lock: it is left alone."""


class Owner:
    """This process' (or this cache object's) claim."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = uuid.uuid4().hex
        self._folder = folder
        self._lock = sqlite3.connect(self._file(self.name), isolation_level=None, check_same_thread=False)
        self._lock.execute("BEGIN EXCLUSIVE")

    def close(self) -> None:
        """Give the claim up."""
        self._lock.close()
        self._file(self.name).unlink(missing_ok=True)

    def is_alive(self, name: str) -> bool:
        """Return whether the owner of that name still runs."""
        if name == self.name:
            return True
        try:
            return not _is_free(self._file(name))
        except FileNotFoundError:
            return False

    def remove_dead(self) -> None:
        """Remove the lock files of owners that are gone."""
        for file in self._folder.glob("*.lock"):
            with suppress(FileNotFoundError):  # another process cleans at the same time
                if time.time() - file.stat().st_mtime > GRACE_S and not self.is_alive(file.stem):
                    file.unlink()

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.lock"


def _is_free(file: Path) -> bool:
    """Return whether nobody holds the lock.

    Raises:
        FileNotFoundError: There is no such file; opening it must not make one.
    """
    file.stat()
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)) as probe:
        try:
            probe.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True
