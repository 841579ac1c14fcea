"""Saved workflows and their versions, as files. Documents go in and come out as they are; nothing is judged here."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from server.graph import Workflow, dump, parse
from server.graph.json_text import DEFAULT_LIMITS
from server.kit.problems import WorkflowError
from server.library.drafts import discard_drafts, sync_folder, write_whole
from server.library.errors import (
    LibraryFullError,
    UnknownVersionError,
    UnknownWorkflowError,
    VersionConflictError,
)
from server.library.names import IS_ID, check_id, make_id

DELETED = ".deleted"
IS_VERSION = re.compile(r"([0-9]{6,12})\.json")
SUMMARIES_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Saved:
    """One version of a saved workflow.

    Attributes:
        id: The workflow's; it never changes.
        version: 1, 2, 3, ...
        title: The document's; empty when it has none, or when somebody broke the file by hand.
        etag: Names this version and its content, quotes included.
        modified_at: Seconds since 1970.
        size_bytes: Of the file.
    """

    id: str
    version: int
    title: str
    etag: str
    modified_at: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A version with its document, as JSON text."""

    saved: Saved
    document: str


class WorkflowLibrary:
    """All saved workflows of one home folder. Calls may come from any thread; they take turns.

    Args:
        folder: Where they are; made when the first one is saved. No other process writes in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self._summaries: dict[tuple[str, int, int, int], Saved] = {}

    def tidy(self) -> None:
        """Remove what a killed server left half done."""
        for id_ in self._ids():
            folder = self._folder / id_
            discard_drafts(folder)
            if not any(folder.iterdir()):
                folder.rmdir()

    def list(self) -> tuple[Saved, ...]:
        """Return the newest version of every workflow, the one saved last first."""
        found: list[Saved] = []
        for id_ in self._ids():
            with self._turn:
                if newest := self._newest(id_):
                    found.append(self._summary(id_, newest))
        return tuple(sorted(found, key=lambda saved: (-saved.modified_at, saved.id)))

    def open(self, id: str, version: int | None = None) -> Opened:  # noqa: A002  (the field's word)
        """Return a workflow as it is, or as it was.

        Raises:
            UnknownWorkflowError: There is none of this id.
            UnknownVersionError: It has no such version.
        """
        with self._turn:
            newest = self._require(id)
            return self._open(id, newest if version is None else self._existing(id, version))

    def versions(self, id: str) -> tuple[Saved, ...]:  # noqa: A002
        """Return all versions of a workflow, newest first.

        Raises:
            UnknownWorkflowError: There is none of this id.
        """
        with self._turn:
            self._require(id)
            return tuple(self._summary(id, version) for version in sorted(self._numbers(id), reverse=True))

    def create(self, workflow: Workflow) -> Saved:
        """Keep a workflow under a fresh id, made from its title.

        Raises:
            LibraryFullError: The disk is full.
        """
        with self._turn:
            return self._write(self._fresh_id(workflow.title or ""), 1, workflow)

    def create_as(self, id: str, workflow: Workflow) -> Saved:  # noqa: A002
        """Keep a workflow under an id of the caller's choice.

        Raises:
            BadIdError: No folder can be called so.
            VersionConflictError: The id is taken, by another document.
            LibraryFullError: The disk is full.
        """
        with self._turn:
            newest = self._newest(check_id(id))
            if newest is None:
                return self._write(id, 1, workflow)
            if dump(workflow) == self._open(id, newest).document:
                return self._summary(id, newest)
            message = f"there is a workflow {id!r} already"
            raise VersionConflictError(message, "choose another id, or open that one", self._summary(id, newest).etag)

    def save(self, id: str, workflow: Workflow, expected: str) -> Saved:  # noqa: A002
        """Keep a new version of a workflow; what is saved already is not saved again.

        Args:
            id: Of the workflow.
            workflow: All of the document.
            expected: ETags that the caller started from, as If-Match lists them; `*` for any.

        Raises:
            VersionConflictError: Another version was saved since, or the workflow was deleted.
            LibraryFullError: The disk is full.
        """
        with self._turn:
            newest = self._newest(id)
            if newest is not None and dump(workflow) == self._open(id, newest).document:
                return self._summary(id, newest)  # a repeated request, after an answer that was lost
            return self._write(id, self._expect(id, newest, expected) + 1, workflow)

    def rename(self, id: str, title: str, expected: str | None = None) -> Saved:  # noqa: A002
        """Give a workflow another title, as a new version; its id stays.

        Raises:
            UnknownWorkflowError: There is none of this id.
            VersionConflictError: `expected` is given, and another version was saved since.
            WorkflowError: Somebody broke the file by hand.
        """
        return self._change(id, expected, lambda newest: replace(self._parsed(id, newest), title=title))

    def restore(self, id: str, version: int, expected: str | None = None) -> Saved:  # noqa: A002
        """Make an earlier version the newest again, as a new version.

        Raises:
            UnknownWorkflowError: There is none of this id.
            UnknownVersionError: It has no such version.
            VersionConflictError: `expected` is given, and another version was saved since.
        """
        return self._change(id, expected, lambda _newest: self._parsed(id, self._existing(id, version)))

    def duplicate(self, id: str, title: str | None = None) -> Saved:  # noqa: A002
        """Keep a copy of a workflow under a fresh id; its versions stay with the original.

        Raises:
            UnknownWorkflowError: There is none of this id.
        """
        with self._turn:
            workflow = self._parsed(id, self._require(id))
            title = f"{workflow.title or id} (copy)" if title is None else title
            return self._write(self._fresh_id(title), 1, replace(workflow, title=title))

    def delete(self, id: str, expected: str | None = None) -> None:  # noqa: A002
        """Move a workflow with its versions to the folder of deleted ones.

        Raises:
            UnknownWorkflowError: There is none of this id.
            VersionConflictError: `expected` is given, and another version was saved since.
        """
        with self._turn:
            self._expect(id, self._require(id), expected)
            bin_ = self._folder / DELETED
            bin_.mkdir(exist_ok=True)
            (self._folder / id).rename(bin_ / f"{id}.{secrets.token_hex(4)}")
            sync_folder(self._folder)

    def undelete(self, id: str) -> Saved:  # noqa: A002
        """Bring back the workflow of this id that was deleted last, with all its versions.

        It has a fresh id afterwards when its own was taken meanwhile.

        Raises:
            UnknownWorkflowError: None of this id was deleted.
        """
        with self._turn:
            found = [path for path in (self._folder / DELETED).glob("*.*") if _deleted_id(path) == id]
            if not found:
                raise UnknownWorkflowError(id)
            back = check_id(id) if self._newest(id) is None else self._fresh_id(id)
            # Moving a folder sets no time of its own; of one id, the one with the latest version was deleted last.
            latest = max(found, key=lambda path: max((file.stat().st_mtime_ns for file in path.iterdir()), default=0))
            if (self._folder / back).is_dir():  # empty, after a kill
                (self._folder / back).rmdir()
            latest.rename(self._folder / back)
            sync_folder(self._folder)
            return self._summary(back, self._require(back))

    def _fresh_id(self, title: str) -> str:
        """Return an id that no workflow has, nor had when it was deleted, so that it can come back under it."""
        return make_id(title, {*self._ids(), *map(_deleted_id, (self._folder / DELETED).glob("*.*"))})

    def _change(self, id_: str, expected: str | None, make: Callable[[int], Workflow]) -> Saved:
        with self._turn:
            newest = self._require(id_)
            self._expect(id_, newest, expected)
            workflow = make(newest)
            if dump(workflow) == self._open(id_, newest).document:
                return self._summary(id_, newest)
            return self._write(id_, newest + 1, workflow)

    def _expect(self, id_: str, newest: int | None, expected: str | None) -> int:
        """Return the newest version's number, after seeing that it is the one that the caller means."""
        if newest is None:
            message = f"there is no saved workflow {id_[:80]!r} any more; it was deleted"
            raise VersionConflictError(message, "save it as a new one", None)
        current = self._summary(id_, newest)
        listed = None if expected is None else [entry.strip() for entry in expected.split(",")]
        if listed is not None and current.etag not in listed and "*" not in listed:
            message = f"the workflow {id_!r} was saved by somebody else since: it has version {newest} now"
            hint = "open that version and save again from it, or save yours as a copy"
            raise VersionConflictError(message, hint, current.etag)
        return newest

    def _write(self, id_: str, version: int, workflow: Workflow) -> Saved:
        content = dump(workflow).encode("utf-8")
        folder = self._folder / id_
        with _explaining_full_disk():
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(_path(folder, version), content)
            sync_folder(self._folder)
        return self._summary(id_, version)

    def _ids(self) -> list[str]:
        """Return the names of the folders; one may be empty, after a kill."""
        if not self._folder.is_dir():
            return []
        return sorted(entry.name for entry in self._folder.iterdir() if IS_ID.fullmatch(entry.name) and entry.is_dir())

    def _numbers(self, id_: str) -> set[int]:
        folder = self._folder / id_
        if not (IS_ID.fullmatch(id_) and folder.is_dir()):
            return set()
        return {int(match[1]) for entry in folder.iterdir() if (match := IS_VERSION.fullmatch(entry.name))}

    def _newest(self, id_: str) -> int | None:
        return max(self._numbers(id_), default=None)

    def _require(self, id_: str) -> int:
        newest = self._newest(id_)
        if newest is None:
            raise UnknownWorkflowError(id_)
        return newest

    def _existing(self, id_: str, version: int) -> int:
        if version not in self._numbers(id_):
            message = f"the workflow {id_!r} has no version {version}"
            raise UnknownVersionError(message, f"GET /api/v1/workflows/{id_}/versions lists them")
        return version

    def _open(self, id_: str, version: int) -> Opened:
        content = _path(self._folder / id_, version).read_bytes()
        return Opened(self._summary(id_, version, content), content.decode("utf-8", "replace"))

    def _parsed(self, id_: str, version: int) -> Workflow:
        return read_document(self._open(id_, version).document)

    def _summary(self, id_: str, version: int, content: bytes | None = None) -> Saved:
        """Return what is told of a version; its file is read only when it is not known already."""
        path = _path(self._folder / id_, version)
        facts = path.stat()
        known = (id_, version, facts.st_mtime_ns, facts.st_size)
        if known not in self._summaries:
            if len(self._summaries) >= SUMMARIES_KEPT:
                self._summaries.clear()
            self._summaries[known] = _describe(id_, version, path.read_bytes() if content is None else content, facts)
        return self._summaries[known]


def read_document(text: str) -> Workflow:
    """Return the workflow in a file of ours, however long: its layout makes it longer than what came over the wire.

    Raises:
        WorkflowError: It was broken by hand.
    """
    return parse(text, replace(DEFAULT_LIMITS, size=max(len(text), DEFAULT_LIMITS.size)))


def _deleted_id(path: Path) -> str:
    return path.name.partition(".")[0]  # an id holds no dot


def _path(folder: Path, version: int) -> Path:
    return folder / f"{version:06d}.json"


def _describe(id_: str, version: int, content: bytes, facts: os.stat_result) -> Saved:
    try:
        title = read_document(content.decode("utf-8", "replace")).title or ""
    except WorkflowError:
        title = ""
    digest = hashlib.blake2b(content, digest_size=10).hexdigest()
    return Saved(id_, version, title, f'"{version}-{digest}"', facts.st_mtime, facts.st_size)


@contextmanager
def _explaining_full_disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise LibraryFullError(
            "the disk that holds the workflows is full", "free some space, and save again"
        ) from error
