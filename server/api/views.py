"""Looks at files that jobs produced or that were uploaded: facts, a strip of frames, loudness, a playable copy."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from server.api.artifacts import find_artifact
from server.api.endpoint import endpoint
from server.api.files import inert_headers, send_file
from server.api.keys import SERVICE, SETTINGS
from server.api.schema import RangeHeaders
from server.api.schema_views import FileFacts, PeaksAnswer, PeaksQuery, StripQuery
from server.api.uploads import find_upload
from server.kit.viewers import View

REFUSES = (404, 422, 503)


@endpoint("GET", "/artifacts/{digest}/facts", refuses=(*REFUSES, 410))
async def get_artifact_facts(request: web.Request, digest: str) -> FileFacts:
    """Return what a produced file is: size, exact rate, number of frames, duration."""
    return await _facts(request, (await find_artifact(request, digest))[1])


@endpoint("GET", "/uploads/{name}/facts", refuses=REFUSES)
async def get_upload_facts(request: web.Request, name: str) -> FileFacts:
    """Return what an uploaded file is: size, exact rate, number of frames, duration."""
    return await _facts(request, await _upload(request, name))


@endpoint("GET", "/artifacts/{digest}/strip", produces=("image/webp",), refuses=(*REFUSES, 410, 416))
async def get_artifact_strip(
    request: web.Request, digest: str, query: StripQuery, headers: RangeHeaders
) -> web.StreamResponse:
    """Return frames of a produced video side by side in one picture, evenly spaced."""
    del headers  # checked for their form here, read where the file is sent
    return await _file(request, (await find_artifact(request, digest))[1], "strip", query.frames)


@endpoint("GET", "/uploads/{name}/strip", produces=("image/webp",), refuses=(*REFUSES, 416))
async def get_upload_strip(
    request: web.Request, name: str, query: StripQuery, headers: RangeHeaders
) -> web.StreamResponse:
    """Return frames of an uploaded video side by side in one picture, evenly spaced."""
    del headers
    return await _file(request, await _upload(request, name), "strip", query.frames)


@endpoint("GET", "/artifacts/{digest}/peaks", refuses=(*REFUSES, 410))
async def get_artifact_peaks(request: web.Request, digest: str, query: PeaksQuery) -> PeaksAnswer:
    """Return how loud a produced file is over its time."""
    return await _peaks(request, (await find_artifact(request, digest))[1], query.count)


@endpoint("GET", "/uploads/{name}/peaks", refuses=REFUSES)
async def get_upload_peaks(request: web.Request, name: str, query: PeaksQuery) -> PeaksAnswer:
    """Return how loud an uploaded file is over its time."""
    return await _peaks(request, await _upload(request, name), query.count)


@endpoint("GET", "/artifacts/{digest}/playable", produces=("video/mp4",), refuses=(*REFUSES, 410, 416))
async def get_playable_artifact(request: web.Request, digest: str, headers: RangeHeaders) -> web.StreamResponse:
    """Return a smaller copy of a produced video that every browser plays, with the same frames at the same times.

    It is made when it is first asked for, which takes as long as decoding the video does.
    """
    del headers
    return await _file(request, (await find_artifact(request, digest))[1], "playable")


@endpoint("GET", "/uploads/{name}/playable", produces=("video/mp4",), refuses=(*REFUSES, 416))
async def get_playable_upload(request: web.Request, name: str, headers: RangeHeaders) -> web.StreamResponse:
    """Return a smaller copy of an uploaded video that every browser plays, with the same frames at the same times."""
    del headers
    return await _file(request, await _upload(request, name), "playable")


async def _upload(request: web.Request, name: str) -> Path:
    return await asyncio.to_thread(find_upload, request.app[SETTINGS].folders.uploads, name)


async def _facts(request: web.Request, path: Path) -> FileFacts:
    return FileFacts.model_validate(await request.app[SERVICE].view(path, "facts"))


async def _peaks(request: web.Request, path: Path, count: int) -> PeaksAnswer:
    return PeaksAnswer.model_validate(await request.app[SERVICE].view(path, "peaks", count))


async def _file(request: web.Request, path: Path, view: View, count: int = 0) -> web.StreamResponse:
    made = Path((await request.app[SERVICE].view(path, view, count))["path"])
    media_type = "image/webp" if view == "strip" else "video/mp4"
    # The name is a digest of the file and of how it was looked at, so the content under it does not change.
    return await send_file(request, made, f'"{made.stem}"', inert_headers(made.name, media_type))


ENDPOINTS = (
    get_artifact_facts,
    get_upload_facts,
    get_artifact_strip,
    get_upload_strip,
    get_artifact_peaks,
    get_upload_peaks,
    get_playable_artifact,
    get_playable_upload,
)
