"""Artifacts: files that jobs produced, addressed by their digest, never by a path."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path, PurePosixPath

from aiohttp import web

from server.api.endpoint import PREFIX, endpoint, json_answer
from server.api.errors import ApiError
from server.api.files import inert_headers, is_plain_file, pieces_of, send_file
from server.api.folders import FOLDER, archive_pieces, send_archive
from server.api.incoming import receive, safe_name
from server.api.keys import SERVICE, SETTINGS
from server.api.schema import ArtifactEntry, ArtifactList, ArtifactsQuery, RangeHeaders, UploadAnswer
from server.api.uploads import upload_entry
from server.engine.artifacts import content_digest, content_size
from server.jobs.records import JobArtifact, JobId
from server.kit.context import Folders


@endpoint("GET", "/artifacts", refuses=(404,))
async def list_artifacts(request: web.Request, query: ArtifactsQuery) -> ArtifactList:
    """List the files that jobs produced, newest first; `job` asks for those of one job."""
    service = request.app[SERVICE]
    job = (await service.get(JobId(query.job))).id if query.job else None
    before = int(query.cursor) if query.cursor else None
    page = await service.list_artifacts(job=job, limit=query.limit + 1, before=before)
    shown = page[: query.limit]
    cursor = str(shown[-1][0]) if len(page) > query.limit else None
    return ArtifactList(artifacts=[artifact_entry(artifact) for _, artifact in shown], cursor=cursor)


@endpoint("GET", "/artifacts/{digest}", produces=("application/octet-stream",), refuses=(404, 410, 416))
async def get_artifact(request: web.Request, digest: str, headers: RangeHeaders) -> web.StreamResponse:
    """Return a file, or a part of it.

    The ETag is the digest of its content. A picture, video or sound that browsers know is shown in place; all else is
    downloaded. A folder, such as an image sequence, comes as a ZIP archive, which has no ETag and no parts.
    """
    del headers  # checked for their form here, read where the file is sent
    artifact, path = await find_artifact(request, digest)
    if path.is_dir():
        return await send_archive(request, path)
    name = PurePosixPath(artifact.path).name
    return await send_file(request, path, f'"{artifact.digest}"', inert_headers(name, artifact.media_type))


@endpoint("POST", "/artifacts/{digest}/upload", status=201, answer=UploadAnswer, refuses=(404, 410, 413, 507))
async def keep_as_upload(request: web.Request, digest: str) -> web.Response:
    """Copy a file into the uploads folder, as it is, so that a workflow can load it; a folder as a ZIP archive.

    `name` in the answer is what a file input takes. Doing it again gives the same name.
    """
    artifact, path = await find_artifact(request, digest)
    settings = request.app[SETTINGS]
    folder = path.is_dir()
    name = safe_name(PurePosixPath(artifact.path).name + (".zip" if folder else ""))
    pieces = archive_pieces(path) if folder else pieces_of(path)
    received = await receive(pieces, settings.folders.uploads, name, settings.max_upload_bytes)
    answer = UploadAnswer.model_validate({**upload_entry(received.path), "digest": received.digest})
    return json_answer(answer, 201, {"Location": answer.url})


async def find_artifact(request: web.Request, digest: str) -> tuple[JobArtifact, Path]:
    """Return the newest artifact of this digest, and its file's real path.

    Raises:
        ApiError: 404: there is none. 410: it is not what the job made any more.
    """
    artifact = await request.app[SERVICE].find_artifact(digest)
    if artifact is None:
        raise ApiError(404, "unknown_artifact", f"there is no artifact {digest[:60]!r}", "GET /api/v1/artifacts")
    return artifact, await asyncio.to_thread(_locate, request.app[SETTINGS].folders, artifact)


def artifact_entry(artifact: JobArtifact) -> ArtifactEntry:
    """Return an artifact as it crosses the wire."""
    return ArtifactEntry.model_validate({**artifact.to_json(), "url": f"{PREFIX}/artifacts/{artifact.digest}"})


def _locate(folders: Folders, artifact: JobArtifact) -> Path:
    """Return the file's real path.

    Raises:
        ApiError: 410: it is not what the job made any more.
    """
    hint = "it was changed, moved or deleted since; run the job again to make it anew"
    try:
        path = folders.resolve("outputs", artifact.path)
    except ValueError as error:
        raise ApiError(410, "artifact_gone", f"{artifact.path!r} leads outside the outputs folder", hint) from error
    whole = path.is_dir() if artifact.media_type == FOLDER else is_plain_file(path)
    if not whole or content_size(path) != artifact.size_bytes or _content_digest(path) != artifact.digest:
        raise ApiError(410, "artifact_gone", f"the file {artifact.path!r} is not what the job made", hint)
    return path


def _content_digest(path: Path) -> str:
    if path.is_dir():
        return content_digest(path)
    facts = path.stat()
    return _digest_as_of(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=4096)
def _digest_as_of(path: Path, changed_ns: int, size: int) -> str:
    """Return a file's digest; it is read anew only when its time of change or its size is another."""
    del changed_ns, size
    return content_digest(path)


ENDPOINTS = (list_artifacts, get_artifact, keep_as_upload)
