"""Documents that are opened: found inside files, brought up to date by the server, never by the browser."""

from __future__ import annotations

import io
import json
from typing import Any

import aiohttp
import pytest

from tests.api.live import LiveServer, ended, error_of, submit, writes

DOCUMENT = {"kinegraph": 1, "title": "Inside", "nodes": {"a": {"type": "no/such", "inputs": {"x": [1.5, "é"]}}}}
CARRIES = ("workflow:" + json.dumps(DOCUMENT)).encode()
RAW = {"Content-Type": "application/octet-stream"}


def renamed(version: int | None, **inputs: object) -> dict[str, Any]:
    given = {} if version is None else {"version": version}
    return {"type": "toy/renamed", **given, "inputs": inputs}


async def test_an_opened_document_is_brought_to_the_installed_versions(http: aiohttp.ClientSession) -> None:
    document = {
        "kinegraph": 1,
        "later": {"kept": True},
        "inputs": {"words": {"node": "old", "input": "stale"}},
        "nodes": {
            "old": renamed(1, stale="x"),
            "new": renamed(3, coming="y"),
            "odd": {"type": "no/such", "version": 7},
        },
    }
    async with http.post("documents/migrate", json={"workflow": document}) as response:
        assert response.status == 200
        answer = await response.json()
    assert answer["changes"] == [{"path": "/nodes/old", "type": "toy/renamed", "from_version": 1, "to_version": 2}]
    migrated = answer["workflow"]
    assert migrated["nodes"]["old"] == renamed(2, fresh="x")
    assert migrated["inputs"]["words"]["input"] == "fresh"
    unchanged = {**document, "inputs": migrated["inputs"], "nodes": {**document["nodes"], "old": renamed(2, fresh="x")}}
    assert migrated == unchanged
    async with http.post("documents/migrate", json={"workflow": migrated}) as response:
        assert await response.json() == {"workflow": migrated, "changes": []}


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        ({"kinegraph": 1, "nodes": {"a": renamed(1)}}, "/nodes/a", "migration_failed"),
        ({"kinegraph": 2}, "/kinegraph", "newer_format"),
        ({}, "", "not_a_workflow"),
    ],
)
async def test_what_cannot_be_migrated_is_said_with_its_place(
    http: aiohttp.ClientSession, document: dict[str, Any], path: str, code: str
) -> None:
    async with http.post("documents/migrate", json={"workflow": document}) as response:
        assert response.status == 422
        (problem,) = (await error_of(response))["problems"]
    assert (problem["path"], problem["code"]) == (path, code)


async def test_a_file_that_is_sent_gives_its_workflow_and_is_not_kept(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    before = sorted(server.settings.folders.uploads.rglob("*"))
    async with http.post("documents/extract?name=Clip.TXT", data=CARRIES, headers=RAW) as response:
        assert await response.json() == {"workflow": DOCUMENT}
    form = aiohttp.FormData()
    form.add_field("file", CARRIES, filename="clip.txt", content_type="text/plain")
    async with http.post("documents/extract", data=form) as response:
        assert await response.json() == {"workflow": DOCUMENT}
    after = [path for path in server.settings.folders.uploads.rglob("*") if path.name != ".incoming"]
    assert sorted(after) == [path for path in before if path.name != ".incoming"]


async def test_a_file_of_a_job_and_an_uploaded_one_give_their_workflows(http: aiohttp.ClientSession) -> None:
    record = await ended(http, await submit(http, writes(CARRIES.decode())))
    async with http.get(f"artifacts/{record['artifacts'][0]['digest']}/workflow") as response:
        assert await response.json() == {"workflow": DOCUMENT}
    async with http.post("uploads?name=carrier.txt", data=CARRIES, headers=RAW) as response:
        name = (await response.json())["name"]
    async with http.get(f"uploads/{name}/workflow") as response:
        assert await response.json() == {"workflow": DOCUMENT}


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("a.txt", b"nothing in here", 404, "no_workflow"),
        ("a.gif", CARRIES, 404, "no_workflow"),
        ("a", CARRIES, 404, "no_workflow"),
        ("a.txt", b"broken", 422, "unreadable_file"),
        ("a.txt", b"workflow:{", 422, "bad_workflow"),
        ("a.txt", b"workflow:{}", 422, "bad_workflow"),
        ("a.txt", b"\xff", 500, "worker_failed"),
        ("a.txt", b"", 404, "no_workflow"),
        ("...", CARRIES, 422, "bad_name"),
    ],
)
async def test_a_file_without_a_workflow_is_said_to_have_none(
    http: aiohttp.ClientSession, name: str, content: bytes, status: int, code: str
) -> None:
    async with http.post("documents/extract", params={"name": name}, data=content, headers=RAW) as response:
        assert response.status == status
        error = await error_of(response)
    assert error["code"] == code
    assert error["hint"]


async def test_a_broken_file_is_named_as_it_was_sent(http: aiohttp.ClientSession) -> None:
    async with http.post("documents/extract?name=clip.txt", data=b"broken", headers=RAW) as response:
        assert (await error_of(response))["message"] == "clip.txt is broken"


async def test_a_file_beyond_the_limit_is_refused(server: LiveServer, http: aiohttp.ClientSession) -> None:
    large = io.BytesIO(b"x" * (server.settings.max_upload_bytes + 300_000))
    async with http.post("documents/extract?name=a.txt", data=large, headers=RAW) as response:
        assert response.status == 413


@pytest.mark.parametrize("path", [f"artifacts/{'0' * 40}/workflow", "uploads/nothing.txt/workflow"])
async def test_what_is_not_there_is_404(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as response:
        assert response.status == 404
        assert (await error_of(response))["code"] in ("unknown_artifact", "unknown_upload")
