"""The cache's disk tier: one folder an entry, published by a rename, checked when read. It knows no budget."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from server.engine.artifacts import sync_folder
from server.engine.keys import Key
from server.engine.owner import Owner
from server.engine.records import Manifest, read_manifest, verify


class DiskTier:
    """Entries under `entries/<two letters>/<key>`; what is being written or deleted is under `temporary`."""

    def __init__(self, folder: Path) -> None:
        self._entries = folder / "entries"
        self._temporary = folder / "temporary"
        for made in (self._entries, self._temporary):
            made.mkdir(parents=True, exist_ok=True)
        self._owner = Owner(folder / "owners")
        self._numbers = itertools.count()
        self._verified: dict[Key, int] = {}

    @property
    def owner(self) -> Owner:
        """The claim of this process on the folder."""
        return self._owner

    def close(self) -> None:
        """Remove what this process left unfinished, and give its claim up."""
        self._clean_of(self._owner.name)
        self._owner.close()

    def clean(self) -> None:
        """Remove what dead processes left unfinished."""
        names = {entry.name.partition("-")[0] for entry in self._temporary.iterdir()}
        for name in names:
            if not self._owner.is_alive(name):
                self._clean_of(name)
        self._owner.remove_dead()

    def free_bytes(self) -> int:
        """Return what is free on the disk that holds the cache; 0 when it cannot be asked."""
        try:
            return shutil.disk_usage(self._temporary).free
        except OSError:
            return 0

    def begin(self) -> Path:
        """Make an empty folder to write an entry into."""
        folder = self._new_temporary()
        folder.mkdir()
        return folder

    def commit(self, folder: Path, key: Key, manifest: Manifest, *, durable: bool = True) -> None:
        """Publish a sealed folder; an entry of the same key that cannot be replaced, because it is in use, stays."""
        final = self.folder(key)
        final.parent.mkdir(exist_ok=True)
        signature = _signature(folder, manifest)
        try:
            folder.rename(final)
        except OSError:
            if not final.is_dir():
                raise
            self.discard(folder)
            return
        if durable:
            sync_folder(final.parent)
        self._verified[key] = signature  # the digests were made from these files a moment ago

    def discard(self, folder: Path) -> None:
        """Remove a folder that `begin` made."""
        shutil.rmtree(folder, ignore_errors=True)

    def folder(self, key: Key) -> Path:
        """Return where an entry is, or would be."""
        return self._entries / key[:2] / key

    def manifest(self, key: Key) -> Manifest:
        """Read an entry's manifest; its files are not looked at.

        Raises:
            OSError: There is no such entry.
            ValueError: It is damaged.
        """
        return read_manifest(self.folder(key))

    def open(self, key: Key) -> tuple[Manifest, Path]:
        """Return an entry's manifest and folder after a check of all files.

        The first time they are checked by digest, afterwards by their time of change.

        Raises:
            OSError: It is missing, in whole or in part.
            ValueError: It is damaged.
        """
        folder = self.folder(key)
        manifest = read_manifest(folder)
        signature = _signature(folder, manifest)
        if self._verified.get(key) != signature:
            verify(folder, manifest)
            self._verified[key] = signature
        return manifest, folder

    def remove(self, key: Key) -> None:
        """Remove an entry: out of sight at once, then file by file."""
        self._verified.pop(key, None)
        doomed = self._new_temporary()
        try:
            self.folder(key).rename(doomed)
        except OSError:
            return  # another process was faster, or (on Windows) still reads it: its next owner will
        shutil.rmtree(doomed, ignore_errors=True)

    def keys(self) -> Iterator[Key]:
        """Yield the keys of all entries that are there."""
        for shelf in self._entries.iterdir():
            for entry in shelf.iterdir() if shelf.is_dir() else ():
                yield Key(entry.name)

    def _new_temporary(self) -> Path:
        return self._temporary / f"{self._owner.name}-{next(self._numbers)}"

    def _clean_of(self, owner: str) -> None:
        for folder in self._temporary.glob(f"{owner}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def _signature(folder: Path, manifest: Manifest) -> int:
    return hash(tuple((folder / name).stat().st_mtime_ns for name in manifest.files))
