"""Uploads: media that people bring for their workflows."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from server.api.body import require_media_type
from server.api.endpoint import PREFIX, endpoint, json_answer
from server.api.errors import ApiError
from server.api.files import inert_headers, is_plain_file, send_file
from server.api.incoming import INCOMING, receive, safe_name, too_large
from server.api.keys import SETTINGS
from server.api.schema import RangeHeaders, UploadAnswer, UploadEntry, UploadList, UploadQuery

FORM = "multipart/form-data"
RAW = ("application/octet-stream", "image/*", "video/*", "audio/*")
CHUNK = 256 * 1024
BROKEN_FORM = (ValueError, LookupError, AssertionError, HttpProcessingError)
"""What aiohttp's reader of forms raises over one that breaks its rules."""
TYPED_BY_HAND = {".mkv": "video/x-matroska", ".webp": "image/webp", ".avif": "image/avif", ".flac": "audio/flac"}
"""Types that not every system's table of names knows."""


@endpoint("POST", "/uploads", status=201, consumes=(FORM, *RAW), answer=UploadAnswer, refuses=(408, 413, 422, 507))
async def upload_file(request: web.Request, query: UploadQuery) -> web.Response:
    """Keep a file that workflows can load.

    Send the bytes as they are with `?name=clip.mp4` and a media type of their own, or a form with one file in it. The
    file appears only when it has arrived whole. `name` in the answer is what a file input takes; it differs from the
    name sent when that was taken by another file.
    """
    limit = request.app[SETTINGS].max_upload_bytes
    name, chunks = await incoming_file(request, query.name)
    received = await receive(chunks, request.app[SETTINGS].folders.uploads, safe_name(name), limit)
    answer = UploadAnswer.model_validate({**upload_entry(received.path), "digest": received.digest})
    return json_answer(answer, 201, {"Location": answer.url})


@endpoint("GET", "/uploads")
async def list_uploads(request: web.Request) -> UploadList:
    """List the uploaded files, by name."""
    folder = request.app[SETTINGS].folders.uploads
    return UploadList(uploads=await asyncio.to_thread(_list, folder))


@endpoint("GET", "/uploads/{name}", produces=("application/octet-stream",), refuses=(404, 416))
async def get_upload(request: web.Request, name: str, headers: RangeHeaders) -> web.StreamResponse:
    """Return an uploaded file, or a part of it."""
    del headers  # checked for their form here, read where the file is sent
    path = await asyncio.to_thread(find_upload, request.app[SETTINGS].folders.uploads, name)
    facts = path.stat()
    etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    return await send_file(request, path, etag, inert_headers(path.name, media_type_of(path)))


async def incoming_file(request: web.Request, name: str | None) -> tuple[str, AsyncIterator[bytes]]:
    """Return the name and the pieces of the file that a request brings, in a form or as it is.

    Args:
        request: Its body has not been read.
        name: Of a file that comes as it is.

    Raises:
        ApiError: It brings none, or says that it is larger than the server takes.
    """
    limit = request.app[SETTINGS].max_upload_bytes
    if (request.content_length or 0) > limit + CHUNK:
        raise too_large(limit)
    return await _form_file(request) if request.content_type == FORM else _raw_file(request, name)


def media_type_of(path: Path) -> str:
    """Return the media type that a file's name stands for."""
    guessed = TYPED_BY_HAND.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    return guessed or "application/octet-stream"


def _raw_file(request: web.Request, name: str | None) -> tuple[str, AsyncIterator[bytes]]:
    is_media = request.content_type.startswith(("image/", "video/", "audio/"))
    if not (is_media or request.headers.get("Content-Type") == RAW[0]):
        require_media_type(request, FORM, *RAW)
    if name is None:
        raise ApiError(400, "bad_query", "the file has no name", "add ?name=clip.mp4 to the address")
    return name, request.content.iter_chunked(CHUNK)


async def _form_file(request: web.Request) -> tuple[str, AsyncIterator[bytes]]:
    try:
        form = await request.multipart()
        while (part := await form.next()) is not None:
            if isinstance(part, BodyPartReader) and part.filename:
                return part.filename, _only_file(form, part)
    except BROKEN_FORM as error:
        raise _bad_form(f"the form cannot be read: {error}") from error
    raise _bad_form("the form has no file in it")


async def _only_file(form: MultipartReader, part: BodyPartReader) -> AsyncIterator[bytes]:
    """Yield a file's pieces, and refuse the form when there is another file after it: that one would be lost."""
    async for piece in _pieces(part):
        yield piece
    try:
        while (other := await form.next()) is not None:
            if isinstance(other, BodyPartReader) and other.filename:
                raise _bad_form("the form has more than one file in it")
    except BROKEN_FORM as error:
        raise _bad_form(f"the form cannot be read: {error}") from error


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    try:
        while chunk := await part.read_chunk(CHUNK):
            yield chunk
        if not part.at_eof():
            raise _bad_form("the form breaks off inside the file")
    except BROKEN_FORM as error:
        raise _bad_form(f"the form cannot be read: {error}") from error


def _bad_form(message: str) -> ApiError:
    return ApiError(
        400, "bad_form", message, "send a form with one file for each upload, as `curl -F file=@clip.mp4` does"
    )


def upload_entry(path: Path) -> dict[str, object]:
    """Return an uploaded file as it crosses the wire, without its digest."""
    facts = path.stat()
    return {
        "name": path.name,
        "media_type": media_type_of(path),
        "size_bytes": facts.st_size,
        "modified_at": facts.st_mtime,
        "url": f"{PREFIX}/uploads/{quote(path.name, safe='')}",
    }


def _list(folder: Path) -> list[UploadEntry]:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [path for path in entries if is_plain_file(path) and path.resolve().parent == folder.resolve()]
    return [UploadEntry.model_validate(upload_entry(path)) for path in found]


def find_upload(folder: Path, name: str) -> Path:
    """Return the real path of an uploaded file.

    Raises:
        ApiError: 404: there is none of this name.
    """
    path = folder / name
    outside = name.startswith(".") or "/" in name or "\\" in name or "\0" in name
    if outside or name == INCOMING or not is_plain_file(path) or path.resolve().parent != folder.resolve():
        raise ApiError(404, "unknown_upload", f"there is no upload {name[:100]!r}", "GET /api/v1/uploads lists them")
    return path


ENDPOINTS = (upload_file, list_uploads, get_upload)
