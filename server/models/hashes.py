"""SHA-256 of models' files, each computed once: kept by path, size and time of change, and only when asked for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from server.models.catalog import Entry

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that are done and those that there are."""

_CHUNK = 8 * 2**20


class Hashes:
    """Known hashes, on disk from one process to the next. Several processes may keep the same file."""

    def __init__(self, file: Path) -> None:
        """Read what is known.

        Args:
            file: Where it is kept; one that cannot be read counts as empty.
        """
        self._file = file
        self._known = self._read()

    def known(self, path: Path) -> str | None:
        """Return a file's hash, if it was computed since the file last changed."""
        entry = self._known.get(str(path.resolve()))
        stat = path.stat()
        if entry and entry["size"] == stat.st_size and entry["mtime_ns"] == stat.st_mtime_ns:
            return str(entry["sha256"])
        return None

    def of(self, path: Path, progress: Progress | None = None) -> str:
        """Return a file's hash; computes it where it is not known, and keeps it."""
        known = self.known(path)
        if known is not None:
            return known
        stat, total, done = path.stat(), hashlib.sha256(), 0
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                total.update(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, stat.st_size)
        self.keep(path, total.hexdigest())
        return total.hexdigest()

    def keep(self, path: Path, sha256: str) -> None:
        """Keep a file's hash that was computed elsewhere, such as while it was fetched."""
        stat = path.stat()
        self._known = self._read()  # what other processes have found meanwhile
        entry = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": sha256}
        self._known[str(path.resolve())] = entry
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        temporary.write_text(json.dumps(self._known, indent=0, sort_keys=True), encoding="utf-8")
        temporary.replace(self._file)

    def find(self, sha256: str, among: list[Entry]) -> Entry | None:
        """Return the model of a hash, of those whose hash is known."""
        wanted = sha256.lower()
        return next((entry for entry in among if entry.path.is_file() and self.known(entry.path) == wanted), None)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            data = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}
