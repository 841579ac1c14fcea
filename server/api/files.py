"""Files to a client: whole or in part, with an ETag, and inert. Which file it is has been decided elsewhere."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from aiohttp import web

from server.api.errors import ApiError

CHUNK = 256 * 1024
INLINE_TYPES = frozenset(
    {
        *("image/" + kind for kind in ("png", "jpeg", "webp", "gif", "avif")),
        *("video/" + kind for kind in ("mp4", "webm", "quicktime", "x-matroska")),
        *("audio/" + kind for kind in ("mpeg", "mp4", "aac", "flac", "ogg", "wav", "x-wav", "webm")),
    }
)
"""What a browser may show in place; it cannot carry script. SVG and HTML can, and are not here."""

MEDIA_POLICY = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file, from `start` up to but not including `end`."""

    start: int
    end: int


def inert_headers(name: str, media_type: str) -> dict[str, str]:
    """Return headers under which no browser runs anything in the file.

    Args:
        name: What it is called when it is saved.
        media_type: What it is said to be; unless it is a picture, video or sound that browsers know, it is downloaded.
    """
    shown = media_type in INLINE_TYPES
    return {
        "Content-Type": media_type if shown else "application/octet-stream",
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": MEDIA_POLICY,
    }


def read_range(header: str | None, size: int) -> Span | None:
    """Return the bytes that a Range header asks for; None when there is none, and the file is sent whole.

    Raises:
        ApiError: 416, with the size: the header is none that we know, names several ranges, or lies outside.
    """
    if header is None:
        return None
    match = RANGE.fullmatch(header.strip())
    if match and match.group(1):
        start, last = int(match.group(1)), int(match.group(2) or size - 1)
        if start < size and start <= last:
            return Span(start, min(last + 1, size))
    elif match and match.group(2) and int(match.group(2)) > 0 and size > 0:
        return Span(max(size - int(match.group(2)), 0), size)
    message = f"the range {header[:100]!r} does not lie in the file's {size} bytes"
    hint = "ask for one range, such as Range: bytes=0-1023"
    raise ApiError(416, "bad_range", message, hint, headers={"Content-Range": f"bytes */{size}"})


def matches(header: str | None, etag: str) -> bool:
    """Return whether a list of ETags, as in If-None-Match, names this one."""
    listed = [entry.strip().removeprefix("W/") for entry in (header or "").split(",")]
    return etag in listed or "*" in listed


async def send_file(request: web.Request, path: Path, etag: str, headers: Mapping[str, str]) -> web.StreamResponse:
    """Send a file, or the part that the Range header asks for.

    Args:
        request: GET or HEAD.
        path: An existing file; its real path has been judged.
        etag: With its quotes; changes when the content does.
        headers: Sent along.

    Raises:
        ApiError: The file is not there any more (404), or the range lies outside (416).
    """
    file, size = await asyncio.to_thread(_open, path)
    try:
        common = {**headers, "ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
        if matches(request.headers.get("If-None-Match"), etag):
            return web.Response(status=304, headers=common)
        current = request.headers.get("If-Range", etag) == etag
        span = read_range(request.headers.get("Range"), size) if current else None
        response = web.StreamResponse(status=206 if span else 200, headers=common)
        if span:
            response.headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
        return await _send(request, response, file, span or Span(0, size))
    finally:
        await asyncio.to_thread(file.close)


def _open(path: Path) -> tuple[BinaryIO, int]:
    try:
        file = path.open("rb")
    except OSError as error:
        message = f"the file {path.name!r} cannot be read: {error.strerror}"
        raise ApiError(404, "file_missing", message, "it was moved or deleted; run the job again to make it") from error
    return file, path.stat().st_size


async def _send(request: web.Request, response: web.StreamResponse, file: BinaryIO, span: Span) -> web.StreamResponse:
    response.content_length = span.end - span.start
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    await asyncio.to_thread(file.seek, span.start)
    left = span.end - span.start
    while left > 0:
        chunk = await asyncio.to_thread(file.read, min(CHUNK, left))
        if not chunk:
            message = "the file became shorter while it was sent"
            raise ConnectionError(message)
        await response.write(chunk)
        left -= len(chunk)
    await response.write_eof()
    return response


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """Yield the content of a file, piece by piece.

    Raises:
        ApiError: 404: it is not there any more.
    """
    file, _size = await asyncio.to_thread(_open, path)
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(file.close)


def is_plain_file(path: Path) -> bool:
    """Return whether there is an ordinary file at the path: no folder, pipe or device."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
