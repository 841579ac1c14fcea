"""Files in the outputs folder: written whole or not at all, numbered without races, and recognised later."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path

from server.kit.values import Artifact

BLOCK_BYTES = 1 << 20


def save_artifact(outputs: Path, target: Path, suffix: str, media_type: str, write: Callable[[Path], None]) -> Artifact:
    """Write a file beside its final place, make it durable, and give it the next free number.

    Args:
        outputs: The outputs folder.
        target: Wanted path inside it, without number and suffix.
        suffix: With its dot.
        media_type: Such as `video/mp4`.
        write: Writes the content to the path that it is given.

    Raises:
        OSError: The disk is full, or the folder may not be written; nothing is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{uuid.uuid4().hex}{suffix}"
    try:
        write(temporary)
        make_durable(temporary)
        size_bytes, digest = temporary.stat().st_size, file_digest(temporary)
        final = _publish(temporary, target, suffix)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(final.parent)
    return Artifact(final.relative_to(outputs).as_posix(), media_type, size_bytes, digest)


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
        status = path.stat()
        if status.st_size != artifact.size_bytes:
            return False
        return status.st_mtime_ns == stamp or file_digest(path) == artifact.digest
    except OSError:
        return False


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
    try:
        os.link(temporary, final)
    except FileExistsError:
        raise
    except OSError:
        # File systems without hard links (FAT, some network shares): take the name first, then fill it.
        os.close(os.open(final, os.O_CREAT | os.O_EXCL))
        temporary.replace(final)
