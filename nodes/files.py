"""Names of files in the nodes that load and save: whether they are usable, and what is in them. No nodes here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

from nodes import Folders, InputProblem, NodeInputError

_FORBIDDEN = frozenset('<>:"|?*\\')
"""Characters that some system refuses in a name; a workflow shall run on all of them."""

_LONGEST = 180
"""Bytes of one part of a name: most systems take 255, of which the number, the suffix and a draft's mark need some."""


def output_problems(filename: str, folders: Folders) -> Iterator[InputProblem]:
    """Yield what keeps `filename`, without suffix and relative to the outputs folder, from being written."""
    parts = filename.split("/")
    if not filename.strip():
        yield InputProblem("filename", "the file has no name", "give it one, such as 'boat'", "bad_filename")
    elif PurePosixPath(filename).is_absolute() or PureWindowsPath(filename).drive or ".." in parts:
        message = f"{filename!r} lies outside the outputs folder"
        hint = f"give a name relative to it, such as {_inside(filename)!r}"
        yield InputProblem("filename", message, hint, "outside_folder")
    elif bad := sorted({character for character in filename if character in _FORBIDDEN or not character.isprintable()}):
        shown = " ".join(character if character.isprintable() else repr(character) for character in bad)
        hint = "leave them out; folders are separated by /"
        yield InputProblem(
            "filename", f"{filename!r} contains {shown}, which a file name cannot hold", hint, "bad_filename"
        )
    elif any(len(part.encode("utf-8", "replace")) > _LONGEST for part in parts):
        message = f"{filename[:40]!r}... is longer than a file name can be"
        yield InputProblem("filename", message, f"give it at most {_LONGEST} letters", "bad_filename")
    elif any(not part.strip(". ") for part in parts):
        yield InputProblem("filename", f"{filename!r} has an empty part", "name the file itself too", "bad_filename")
    else:
        yield from _link_problems(filename, folders)


def _link_problems(filename: str, folders: Folders) -> Iterator[InputProblem]:
    try:
        folders.resolve("outputs", filename)
    except ValueError:
        message = f"{filename!r} leads outside the outputs folder through a link"
        yield InputProblem("filename", message, "choose another folder", "outside_folder")


def _inside(filename: str) -> str:
    plain = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in plain if character not in _FORBIDDEN).strip(". ") or "video"


def upload_problems(file: str | Path, folders: Folders) -> Iterator[InputProblem]:
    """Yield what keeps an uploaded file from being read."""
    try:
        source_path(file, folders)
    except NodeInputError as error:
        yield InputProblem(error.input_name, str(error), error.hint, "no_such_file")


def source_path(
    file: str | Path,
    folders: Folders,
    root: Literal["uploads", "models"] = "uploads",
    *,
    input_name: str = "file",
) -> Path:
    """Return the real path of a file to read.

    Raises:
        NodeInputError: It lies outside the folder, or is not there.
    """
    name = file.as_posix() if isinstance(file, Path) else file
    try:
        path = folders.resolve(root, name)
    except ValueError as error:
        hint = f"put it into {getattr(folders, root)} and give its name in there"
        raise NodeInputError(input_name, f"{name!r} lies outside the {root} folder", hint) from error
    if not path.is_file():
        raise NodeInputError(
            input_name, f"there is no file {name!r} in the {root} folder", f"put it into {path.parent}"
        )
    return path


def content_digest(file: str | Path, folders: Folders, root: Literal["uploads", "models"] = "uploads") -> str:
    """Return a digest of a file's content, for cache keys."""
    path = source_path(file, folders, root)
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    # Size and time are there for the cache's sake: a file that changed on disk is hashed anew.
    del size, mtime_ns
    from server.media.files import describe_file

    return describe_file(path).digest
