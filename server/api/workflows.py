"""Saved workflows: keep, open, rename, copy, go back. What any of it means is the library's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from server.api.endpoint import PREFIX, endpoint, json_answer
from server.api.errors import ApiError
from server.api.files import matches
from server.api.keys import LIBRARY
from server.api.schema import (
    DocumentBody,
    DuplicateBody,
    ExpectedHeaders,
    OpenedWorkflow,
    RenameBody,
    SaveHeaders,
    UnchangedHeaders,
    VersionList,
    WorkflowEntry,
    WorkflowList,
)
from server.graph import Workflow, from_json, to_json
from server.library.workflows import Opened, Saved, WorkflowLibrary, read_document


@endpoint("GET", "/workflows")
async def list_workflows(request: web.Request) -> WorkflowList:
    """List the saved workflows, the one saved last first."""
    found = await asyncio.to_thread(request.app[LIBRARY].list)
    return WorkflowList(workflows=[_entry(saved) for saved in found])


@endpoint("POST", "/workflows", status=201, answer=WorkflowEntry, refuses=(507,))
async def create_workflow(request: web.Request, body: DocumentBody) -> web.Response:
    """Keep a workflow under a fresh id, made from its title.

    Any document that can be read is kept just as it is: unknown node types and what validation would refuse, too.
    """
    library = request.app[LIBRARY]
    saved = await asyncio.to_thread(lambda: library.create(from_json(body.workflow)))
    return _answer(saved, 201)


@endpoint("GET", "/workflows/{id}", answer=OpenedWorkflow, refuses=(304, 404, 422))
async def open_workflow(request: web.Request, id: str, headers: UnchangedHeaders) -> web.Response:  # noqa: A002
    """Return a saved workflow; its ETag is what a later save names in If-Match."""
    opened = await asyncio.to_thread(request.app[LIBRARY].open, id)
    return await _opened(opened, headers.if_none_match)


@endpoint("PUT", "/workflows/{id}", answer=WorkflowEntry, refuses=(201, 412, 428, 507))
async def save_workflow(request: web.Request, id: str, body: DocumentBody, headers: SaveHeaders) -> web.Response:  # noqa: A002
    """Keep a new version of a workflow; every version before stays.

    `If-Match` names the version that the caller started from: when another one was saved since, 412 says so and nothing
    is changed. `If-None-Match: *` creates a workflow under this id (201). Saving what is saved already makes no
    version and succeeds, so a request can be repeated after its answer was lost.
    """
    library = request.app[LIBRARY]
    created = _wants_new(headers)
    saved = await asyncio.to_thread(lambda: _save(library, id, from_json(body.workflow), headers))
    return _answer(saved, 201 if created else 200)


@endpoint("DELETE", "/workflows/{id}", status=204, refuses=(404, 412))
async def delete_workflow(request: web.Request, id: str, headers: ExpectedHeaders) -> web.Response:  # noqa: A002
    """Take a workflow off the list; its files move to the folder `.deleted`, so that nothing is lost."""
    await asyncio.to_thread(request.app[LIBRARY].delete, id, headers.if_match)
    return web.Response(status=204)


@endpoint("POST", "/workflows/{id}/undelete", answer=WorkflowEntry, refuses=(404,))
async def undelete_workflow(request: web.Request, id: str) -> web.Response:  # noqa: A002
    """Bring back the workflow of this id that was deleted last, with all its versions.

    When its id was taken meanwhile it gets a fresh one, which the answer tells.
    """
    return _answer(await asyncio.to_thread(request.app[LIBRARY].undelete, id))


@endpoint("POST", "/workflows/{id}/rename", answer=WorkflowEntry, refuses=(404, 412, 422, 507))
async def rename_workflow(request: web.Request, id: str, body: RenameBody, headers: ExpectedHeaders) -> web.Response:  # noqa: A002
    """Give a workflow another title, as a new version; its id stays."""
    return _answer(await asyncio.to_thread(request.app[LIBRARY].rename, id, body.title, headers.if_match))


@endpoint("POST", "/workflows/{id}/duplicate", status=201, answer=WorkflowEntry, refuses=(404, 422, 507))
async def duplicate_workflow(request: web.Request, id: str, body: DuplicateBody) -> web.Response:  # noqa: A002
    """Keep a copy under a fresh id; the versions stay with the original."""
    return _answer(await asyncio.to_thread(request.app[LIBRARY].duplicate, id, body.title), 201)


@endpoint("GET", "/workflows/{id}/versions", refuses=(404,))
async def list_versions(request: web.Request, id: str) -> VersionList:  # noqa: A002
    """List all versions of a workflow, newest first."""
    found = await asyncio.to_thread(request.app[LIBRARY].versions, id)
    return VersionList(versions=[_entry(saved, f"/versions/{saved.version}") for saved in found])


@endpoint("GET", "/workflows/{id}/versions/{version}", answer=OpenedWorkflow, refuses=(304, 404, 422))
async def open_version(
    request: web.Request,
    id: str,  # noqa: A002
    version: str,
    headers: UnchangedHeaders,
) -> web.Response:
    """Return a workflow as it was."""
    opened = await asyncio.to_thread(request.app[LIBRARY].open, id, _number(version))
    return await _opened(opened, headers.if_none_match, f"/versions/{opened.saved.version}")


@endpoint("POST", "/workflows/{id}/versions/{version}/restore", answer=WorkflowEntry, refuses=(404, 412, 422, 507))
async def restore_version(
    request: web.Request,
    id: str,  # noqa: A002
    version: str,
    headers: ExpectedHeaders,
) -> web.Response:
    """Make an earlier version the newest again, as a new version."""
    return _answer(await asyncio.to_thread(request.app[LIBRARY].restore, id, _number(version), headers.if_match))


def _wants_new(headers: SaveHeaders) -> bool:
    """Return whether a save is to create.

    Raises:
        ApiError: 428: it does not say what it started from.
    """
    if (headers.if_match is None) == (headers.if_none_match is None):
        message = "the request does not say which version it replaces"
        hint = "send If-Match with the ETag of the version that you started from, or If-None-Match: * for a new one"
        raise ApiError(428, "precondition_required", message, hint)
    return headers.if_none_match is not None


def _save(library: WorkflowLibrary, id_: str, workflow: Workflow, headers: SaveHeaders) -> Saved:
    if headers.if_match is None:
        return library.create_as(id_, workflow)
    return library.save(id_, workflow, headers.if_match)


def _number(version: str) -> int:
    """Return the number of a version; 0, which no version has, for what is none."""
    return int(version) if version.isascii() and version.isdigit() and len(version) <= 12 else 0


def _fields(saved: Saved, below: str = "") -> Mapping[str, object]:
    return {
        "id": saved.id,
        "title": saved.title,
        "etag": saved.etag,
        "version": saved.version,
        "modified_at": saved.modified_at,
        "size_bytes": saved.size_bytes,
        "url": f"{PREFIX}/workflows/{quote(saved.id, safe='')}{below}",
    }


def _entry(saved: Saved, below: str = "") -> WorkflowEntry:
    return WorkflowEntry.model_validate(_fields(saved, below))


def _answer(saved: Saved, status: int = 200) -> web.Response:
    entry = _entry(saved)
    location = {"Location": entry.url} if status == 201 else {}
    return json_answer(entry, status, {"ETag": saved.etag, **location})


async def _opened(opened: Opened, known: str | None, below: str = "") -> web.Response:
    headers = {"ETag": opened.saved.etag, "Cache-Control": "private, no-cache"}
    if matches(known, opened.saved.etag):
        return web.Response(status=304, headers=headers)
    document = await asyncio.to_thread(lambda: to_json(read_document(opened.document)))
    return json_answer(
        OpenedWorkflow.model_validate({**_fields(opened.saved, below), "workflow": document}), 200, headers
    )


ENDPOINTS = (
    list_workflows,
    create_workflow,
    open_workflow,
    save_workflow,
    delete_workflow,
    undelete_workflow,
    rename_workflow,
    duplicate_workflow,
    list_versions,
    open_version,
    restore_version,
)
