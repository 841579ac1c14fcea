"""Folders of pictures in the nodes that read sequences: where they are, and what is in them. No nodes here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nodes import Folders, NodeInputError


def folder_path(folder: str, folders: Folders, root: Literal["uploads", "outputs"]) -> Path:
    """Return the real path of a folder to read.

    Raises:
        NodeInputError: It lies outside the root folder, or is not there.
    """
    try:
        path = folders.resolve(root, folder)
    except ValueError as error:
        hint = f"put it into {getattr(folders, root)} and give its name in there"
        raise NodeInputError("folder", f"{folder!r} lies outside the {root} folder", hint) from error
    if not path.is_dir():
        message = f"there is no folder {folder!r} in the {root} folder"
        raise NodeInputError("folder", message, f"put it into {getattr(folders, root)}")
    return path


def pictures_digest(path: Path) -> str:
    """Return what changes when a picture in a folder, or the archive, does: names, sizes and times, not contents.

    A sequence may have gigabytes, and its digest is wanted while the workflow is edited.
    """
    import hashlib

    entries = sorted(path.iterdir()) if path.is_dir() else [path]
    facts = ((entry.name, entry.stat()) for entry in entries if entry.is_file())
    text = "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in facts)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()
