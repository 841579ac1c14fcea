"""Files in the outputs folder: written whole or not at all, numbered without races, and recognised later.

An artifact may be a folder of files too, such as an image sequence; then its size and digest are of all of them.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from server.kit.values import Artifact

BLOCK_BYTES = 1 << 20

DRAFT = re.compile(r"\.+[0-9a-f]{32}(\..*)?")
"""Names of files and folders that are being written, and of a draft's own draft."""

DRAFT_LIFE_S = 3600.0
"""A draft that nobody wrote to for so long belongs to a program that was killed."""


def save_artifact(outputs: Path, target: Path, suffix: str, media_type: str, write: Callable[[Path], None]) -> Artifact:
    """Write a file beside its final place, make it durable, and give it the next free number.

    Args:
        outputs: The outputs folder.
        target: Wanted path inside it, without number and suffix.
        suffix: With its dot; empty for a folder.
        media_type: Such as `video/mp4`; `inode/directory` for a folder.
        write: Writes the content to the path that it is given, or makes a folder there with files in it.

    Raises:
        OSError: The disk is full, or the folder may not be written; nothing is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{uuid.uuid4().hex}{suffix}"
    try:
        write(temporary)
        for file in files_of(temporary):
            make_durable(file)
        size_bytes, digest = content_size(temporary), content_digest(temporary)
        final = _publish(temporary, target, suffix)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
    sync_folder(final.parent)
    return Artifact(final.relative_to(outputs).as_posix(), media_type, size_bytes, digest)


def discard_drafts(outputs: Path) -> None:
    """Delete what killed programs left half written, in the outputs folder and those in it."""
    before = time.time() - DRAFT_LIFE_S
    for folder, folders, files in os.walk(outputs):
        for name in filter(DRAFT.fullmatch, (*folders, *files)):
            path = Path(folder, name)
            with suppress(OSError):  # its writer may be done this moment
                if path.stat().st_mtime < before:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def artifact_stamp(outputs: Path, artifact: Artifact) -> int:
    """Return the file's time of change in nanoseconds; 0 when it is gone."""
    try:
        return (outputs / artifact.path).stat().st_mtime_ns
    except OSError:
        return 0


def is_intact(outputs: Path, artifact: Artifact, stamp: int) -> bool:
    """Return whether the file is there, unchanged.

    Args:
        outputs: The outputs folder.
        artifact: What was written.
        stamp: Its time of change then: while size and time are the same, the content is not read.
    """
    path = outputs / artifact.path
    try:
        if content_size(path) != artifact.size_bytes:
            return False
        return path.stat().st_mtime_ns == stamp or content_digest(path) == artifact.digest
    except OSError:
        return False


def files_of(path: Path) -> list[Path]:
    """Return the file itself, or the files of a folder in the order of their names."""
    return sorted(entry for entry in path.iterdir() if entry.is_file()) if path.is_dir() else [path]


def content_size(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder.

    Raises:
        OSError: It is gone.
    """
    return sum(file.stat().st_size for file in files_of(path))


def content_digest(path: Path) -> str:
    """Return the digest of a file's content, or of the names and contents of all files of a folder."""
    if not path.is_dir():
        return file_digest(path)
    lines = "".join(f"{file_digest(file)} {file.name}\n" for file in files_of(path))
    return hashlib.blake2b(lines.encode(), digest_size=20).hexdigest()


def file_digest(path: Path) -> str:
    """Return the BLAKE2b-160 of a file's content in hexadecimal."""
    digest = hashlib.blake2b(digest_size=20)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def make_durable(path: Path) -> None:
    """Have the system write a file's content to the disk now."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Have the system write a folder's entries to the disk now, where systems can (Windows needs and allows none)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _publish(temporary: Path, target: Path, suffix: str) -> Path:
    """Move the file to the next free number; another process may take one at any moment."""
    pattern = re.compile(re.escape(target.name) + r"_(\d+)" + re.escape(suffix))
    matches = (pattern.fullmatch(entry.name) for entry in target.parent.iterdir())
    number = max((int(match[1]) for match in matches if match), default=0) + 1
    while True:
        final = target.parent / f"{target.name}_{number:05d}{suffix}"
        try:
            _move_to_free_name(temporary, final)
        except FileExistsError:
            number += 1
        else:
            return final


def _move_to_free_name(temporary: Path, final: Path) -> None:
    """Rename without ever replacing a file.

    Raises:
        FileExistsError: The name is taken.
    """
    if temporary.is_dir():
        # Windows refuses a name that is taken by itself; elsewhere a folder may take the place of an empty one.
        if os.name == "posix":
            final.mkdir()
        temporary.rename(final)
        return
    try:
        os.link(temporary, final)
    except FileExistsError:
        raise
    except OSError:
        # File systems without hard links (FAT, some network shares): take the name first, then fill it.
        os.close(os.open(final, os.O_CREAT | os.O_EXCL))
        temporary.replace(final)
