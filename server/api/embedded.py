"""The workflow inside a file: of a job, uploaded, or just sent. Who finds it in there is the worker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from server.api.artifacts import find_artifact
from server.api.endpoint import endpoint
from server.api.errors import ApiError
from server.api.incoming import arriving, safe_name
from server.api.keys import SERVICE, SETTINGS
from server.api.schema import EmbeddedWorkflow, UploadQuery
from server.api.uploads import FORM, RAW, find_upload, incoming_file
from server.graph import parse, to_json
from server.kit.problems import WorkflowError


@endpoint("GET", "/artifacts/{digest}/workflow", refuses=(404, 410, 422, 503))
async def get_artifact_workflow(request: web.Request, digest: str) -> EmbeddedWorkflow:
    """Return the workflow inside a file that a job produced: the one that made it."""
    _artifact, path = await find_artifact(request, digest)
    return await _read(request, path, path.name)


@endpoint("GET", "/uploads/{name}/workflow", refuses=(404, 422, 503))
async def get_upload_workflow(request: web.Request, name: str) -> EmbeddedWorkflow:
    """Return the workflow inside an uploaded file."""
    path = await asyncio.to_thread(find_upload, request.app[SETTINGS].folders.uploads, name)
    return await _read(request, path, name)


@endpoint(
    "POST",
    "/documents/extract",
    consumes=(FORM, *RAW),
    answer=EmbeddedWorkflow,
    refuses=(404, 408, 413, 422, 503, 507),
)
async def extract_workflow(request: web.Request, query: UploadQuery) -> EmbeddedWorkflow:
    """Return the workflow inside the file that is sent, as an upload is; the file is not kept.

    What comes back is as it was saved: give it to `/documents/migrate` before it is shown.
    """
    limit = request.app[SETTINGS].max_upload_bytes
    name, chunks = await incoming_file(request, query.name)
    async with arriving(chunks, request.app[SETTINGS].folders.uploads, safe_name(name), limit) as file:
        return await _read(request, file.path, name)


async def _read(request: web.Request, path: Path, name: str) -> EmbeddedWorkflow:
    try:
        text = await request.app[SERVICE].embedded_workflow(path)
    except WorkflowError as error:
        # A file that is only sent lies under a name that its sender never saw.
        problems = [
            replace(problem, message=problem.message.replace(path.name, name[:100])) for problem in error.problems
        ]
        raise WorkflowError(tuple(problems)) from error
    if text is None:
        message = f"{name[:100]!r} carries no workflow"
        raise ApiError(404, "no_workflow", message, "it was not saved by Kinegraph, or something stripped it")
    return EmbeddedWorkflow(workflow=await asyncio.to_thread(lambda: to_json(parse(text))))


ENDPOINTS = (get_artifact_workflow, get_upload_workflow, extract_workflow)
