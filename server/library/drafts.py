"""Files that appear whole or not at all, and are on the disk when the call returns. No rule about workflows here."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

PREFIX = ".draft-"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is not there yet.

    Args:
        path: In an existing folder. Two processes must not write the same one at a time.
        content: All of it.

    Raises:
        OSError: The disk is full, or the folder cannot be written; nothing is left behind.
    """
    draft = path.with_name(PREFIX + secrets.token_hex(8))
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; Windows does so by itself, and can open no folder."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard_drafts(folder: Path) -> None:
    """Delete what a killed server left behind in a folder. Nothing else may be writing in it."""
    for path in folder.glob(PREFIX + "*"):
        path.unlink(missing_ok=True)
