"""Writing an upload to the disk while it arrives: within limits, whole or not at all, safely named. No HTTP here."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import secrets
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from server.api.errors import ApiError

PATIENCE_S = 60.0
"""Longest pause between two pieces of an upload."""

INCOMING = ".incoming"
"""Folder, beside the files that are whole, of those that are still arriving."""

MAX_NAME_BYTES = 180
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
"""Names that are devices on Windows, with any suffix."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived whole."""

    path: Path
    size_bytes: int
    digest: str


def safe_name(name: str) -> str:
    """Return a file name that means the same file, and nothing else, on every system.

    Raises:
        ApiError: 422, when nothing is left of it.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join("_" if character in '<>:"|?*' else character for character in last if character.isprintable())
    kept = kept.encode("utf-8", "ignore").decode("utf-8").strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    if not stem:
        stem, dot, suffix = kept, "", ""
    suffix = suffix[:16]
    room = MAX_NAME_BYTES - len(suffix.encode()) - 1
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .")
    if stem.partition(".")[0].lower() in RESERVED:
        stem = "_" + stem
    if not stem:
        message = f"{name[:100]!r} is no file name"
        raise ApiError(422, "bad_name", message, "name the file with letters or digits, such as clip.mp4")
    return f"{stem}{dot}{suffix}"


async def receive(chunks: AsyncIterator[bytes], folder: Path, name: str, limit: int) -> Received:
    """Write the pieces to `folder` and return the file, which appears there only when it is whole.

    A file of the same name and content is taken for the same; one of other content gets a counter in its name.

    Args:
        chunks: The content; may fail at any point, after which nothing is left behind.
        folder: Where uploads are kept.
        name: From `safe_name`.
        limit: Most bytes that are taken.

    Raises:
        ApiError: Too large (413), too slow (408), or the disk is full (507).
    """
    async with arriving(chunks, folder, name, limit) as waiting:
        path = await asyncio.to_thread(_place, waiting.path, folder, name, waiting.digest)
    return Received(path, waiting.size_bytes, waiting.digest)


@asynccontextmanager
async def arriving(chunks: AsyncIterator[bytes], folder: Path, name: str, limit: int) -> AsyncGenerator[Received]:
    """Write the pieces to a file beside the uploads, and delete it at the end unless it was moved away meanwhile.

    Args:
        chunks: The content; may fail at any point.
        folder: Where uploads are kept.
        name: From `safe_name`; the file has its suffix.
        limit: Most bytes that are taken.

    Raises:
        ApiError: Too large (413), too slow (408), or the disk is full (507).
    """
    path = folder / INCOMING / f"{secrets.token_hex(8)}{PurePath(name).suffix}"
    try:
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        file = await asyncio.to_thread(path.open, "xb")
        try:
            size, digest = await _write(chunks, file, limit)
            await asyncio.to_thread(_flush, file)
        finally:
            await asyncio.to_thread(file.close)
        yield Received(path, size, digest)
    except OSError as error:
        raise _disk_refusal(error) from error
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def discard_incoming(folder: Path) -> None:
    """Delete what uploads left behind when the server was killed. Nothing else may be using the folder."""
    for path in (folder / INCOMING).glob("*"):
        path.unlink(missing_ok=True)


async def _write(chunks: AsyncIterator[bytes], file: BinaryIO, limit: int) -> tuple[int, str]:
    digest = hashlib.blake2b(digest_size=20)
    size = 0
    while True:
        try:
            async with asyncio.timeout(PATIENCE_S):
                chunk = await anext(chunks, b"")
        except TimeoutError as error:
            message = f"nothing arrived for {PATIENCE_S:.0f} s"
            raise ApiError(408, "too_slow", message, "send it again", headers={"Connection": "close"}) from error
        if not chunk:
            return size, digest.hexdigest()
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        digest.update(chunk)
        await asyncio.to_thread(file.write, chunk)


def too_large(limit: int) -> ApiError:
    """Return the refusal of a file that is larger than `limit` bytes."""
    message = f"the file is larger than the {limit} bytes that the server takes"
    hint = "send a smaller one, or raise KINEGRAPH_MAX_UPLOAD_BYTES"
    return ApiError(413, "too_large", message, hint, headers={"Connection": "close"})


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _place(waiting: Path, folder: Path, name: str, digest: str) -> Path:
    stem, dot, suffix = name.rpartition(".")
    stem, ending = (stem, dot + suffix) if stem else (name, "")
    for number in range(1, 10_000):
        path = folder / (name if number == 1 else f"{stem}-{number}{ending}")
        try:
            path.open("xb").close()  # takes the name, so that two uploads cannot both have it
        except FileExistsError:
            if path.is_file() and not path.is_symlink() and _digest(path) == digest:
                return path
            continue
        waiting.replace(path)
        return path
    message = f"there are ten thousand files called {name!r}"
    raise ApiError(409, "name_taken", message, "choose another name")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()


def _disk_refusal(error: OSError) -> ApiError | OSError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ApiError(507, "disk_full", "the disk of the uploads folder is full", "free some space on it")
    return error
