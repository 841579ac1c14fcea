"""Finished files: how one is described, and how one comes into being all at once or not at all. No pixels here."""

from __future__ import annotations

import errno
import hashlib
import mimetypes
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .errors import MediaError
from .types import File

if TYPE_CHECKING:
    from .types import Array

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".wav": "audio/wav",
}


_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def media_type_of(path: Path) -> str:
    """Return the media type that a file's suffix stands for, ``application/octet-stream`` when unknown."""
    known = MEDIA_TYPES.get(path.suffix.lower())
    return known or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def describe_file(path: Path) -> File:
    """Read a finished file once and return its path, media type, size and digest.

    Raises:
        MediaError: The file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=32)
    size_bytes = 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
                size_bytes += len(block)
    except OSError as error:
        raise MediaError(
            f"{path.name} cannot be read: {error.strerror}", "check that the file is still there"
        ) from error
    return File(path, media_type_of(path), size_bytes, digest.hexdigest())


@contextmanager
def write_whole(path: Path) -> Generator[Path]:
    """Yield a temporary path beside ``path``; on success make it durable under the final name, else remove it.

    Args:
        path: Final name; its folder must exist. A file of that name is replaced.

    Raises:
        MediaError: The folder is missing or closed to us, or the disk is full; the hint says which.
    """
    temporary = path.with_name(f".{path.stem[:80]}.{secrets.token_hex(6)}.part{path.suffix}")
    try:
        try:
            yield temporary
        except OSError as error:
            # What made the content may fail for reasons of its own, which are not the disk's.
            if error.errno not in _DISK_ERRORS and error.filename != str(temporary):
                raise
            raise explain_os_error(error, path) from error
        try:
            make_durable(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise explain_os_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_all(stream: IO[bytes], array: Array) -> None:
    """Write an array's bytes to an unbuffered file; numpy would lose the system's reason when the disk is full."""
    data = array.reshape(-1).view("u1").data
    while data:
        data = data[stream.write(data) :]


def make_durable(path: Path) -> None:
    """Flush a written file to the disk."""
    # Windows flushes only handles that may write, so the file is opened for both.
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, so that a rename survives a power cut."""
    if os.name == "nt":
        return  # Windows cannot open a folder for this; NTFS journals the rename itself.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def explain_os_error(error: OSError, path: Path) -> MediaError:
    """Turn an operating system's error while writing ``path`` into one with a hint."""
    # A name that begins with a dot is a temporary one, which says nothing to anybody.
    name = "the file" if path.name.startswith(".") else path.name
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return MediaError(
            f"the disk is full, so {name} was not written",
            f"free space in {path.parent}, or choose a folder on another disk",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return MediaError(f"{name} may not be written", f"check the permissions of {path.parent}")
    if error.errno == errno.ENOENT:
        return MediaError(f"{name} has no folder to be written to", f"create {path.parent} first")
    return MediaError(
        f"{name} could not be written: {error.strerror or error}", f"check the disk that holds {path.parent}"
    )
