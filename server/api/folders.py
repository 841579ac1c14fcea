"""A folder that a job produced, such as an image sequence, as a ZIP archive that is made while it is sent."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from aiohttp import web

from server.api.files import CHUNK, inert_headers

FOLDER = "inode/directory"


async def send_archive(request: web.Request, folder: Path) -> web.StreamResponse:
    """Send the files of a folder as an archive. Its size is not known beforehand, so no part of it can be asked for."""
    answer = web.StreamResponse(headers=inert_headers(f"{folder.name}.zip", "application/zip"))
    await answer.prepare(request)
    if request.method != "HEAD":
        async for piece in archive_pieces(folder):
            await answer.write(piece)
    await answer.write_eof()
    return answer


async def archive_pieces(folder: Path) -> AsyncIterator[bytes]:
    """Yield the archive of a folder's files, uncompressed: pictures and sound do not get smaller."""
    pieces = _pieces(folder)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _pieces(folder: Path) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(cast("BinaryIO", sink), "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(entry for entry in folder.iterdir() if entry.is_file()):
            entry = zipfile.ZipInfo.from_file(file, f"{folder.name}/{file.name}", strict_timestamps=False)
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as member:
                while chunk := source.read(CHUNK):
                    member.write(chunk)
                    yield sink.take()
    yield sink.take()


class _Sink:
    """Takes what an archive writes, until it is fetched. Without a `tell`, the archive knows that it cannot go back."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        """Keep some bytes."""
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written is there."""

    def take(self) -> bytes:
        """Return all that was written since the last time."""
        taken, self._held = bytes(self._held), bytearray()
        return taken
