"""How a pack finds the workflow inside the files that its nodes save, for whoever opens such a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

UNREADABLE_FILE = "unreadable_file"
"""Code of the problem that such an error becomes: a file's own, with no place in any workflow."""


class UnreadableFileError(Exception):
    """A file is not what its name says, or is broken; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Reads the workflow out of one kind of file. A pack lists its readers in `DOCUMENT_READERS`.

    Attributes:
        suffixes: Of the files, in small letters and with the dot.
        read: Returns the document as JSON text, or None when the file carries none. Raises `UnreadableFileError`.
            Runs in the worker, on files that anybody may have made.
    """

    suffixes: frozenset[str]
    read: Callable[[Path], str | None]
