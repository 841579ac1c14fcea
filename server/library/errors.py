"""What the library refuses, in words for people and a stable code for programs."""

from __future__ import annotations

from typing import ClassVar


class LibraryError(Exception):
    """The base of all refusals.

    Attributes:
        code: Stable word for programs.
        hint: What to do next.
    """

    code: ClassVar[str] = "library_error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UnknownWorkflowError(LibraryError):
    """No saved workflow has this id: it was deleted, or never was."""

    code = "unknown_workflow"

    def __init__(self, id: str) -> None:  # noqa: A002  (the field's word)
        super().__init__(f"there is no saved workflow {id[:80]!r}", "GET /api/v1/workflows lists those that there are")


class UnknownVersionError(LibraryError):
    """The workflow has no version of this number."""

    code = "unknown_version"


class UnknownTemplateError(LibraryError):
    """No template has this name."""

    code = "unknown_template"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no template {name[:80]!r}", "GET /api/v1/templates lists those that there are")


class BadIdError(LibraryError):
    """The id cannot be a folder's name on every system."""

    code = "bad_id"


class VersionConflictError(LibraryError):
    """Somebody else saved, or deleted, the workflow since.

    Attributes:
        current: ETag of what is saved now; None when nothing is.
    """

    code = "version_conflict"

    def __init__(self, message: str, hint: str, current: str | None) -> None:
        super().__init__(message, hint)
        self.current = current


class LibraryFullError(LibraryError):
    """The disk is full."""

    code = "disk_full"
