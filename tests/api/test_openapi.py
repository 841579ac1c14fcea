"""The published description, judged by an independent reader: every endpoint's real answer fits what it promises."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from server.api.app import ENDPOINTS
from server.api.openapi import describe
from tests.api.live import LiveServer, ended, submit, workflow, writes

DOCUMENT = describe(ENDPOINTS)
JSON = "application/json"
JSON_ENDPOINTS = [entry for entry in ENDPOINTS if entry.answer and entry.status != 101]


def schema(reference: dict[str, Any]) -> Draft202012Validator:
    """Return a validator of a schema in the document."""
    return Draft202012Validator({**reference, "components": DOCUMENT["components"]})


def promised(method: str, path: str, status: int) -> dict[str, Any]:
    return DOCUMENT["paths"]["/api/v1" + path][method.lower()]["responses"][str(status)]


async def prepare(http: aiohttp.ClientSession) -> dict[str, Any]:
    """Make one of everything, and return how each endpoint with a JSON answer is asked for it."""
    failed = await submit(http, workflow(bad=("fail", {}), save=("write", {"text": "described"})))
    record = await ended(http, failed)
    assert record["state"] == "failed"
    assert record["artifacts"]
    done = await submit(http, writes("described"))
    await ended(http, done)
    carrying = await ended(http, await submit(http, writes('workflow:{"kinegraph": 1}')))
    digest = carrying["artifacts"][0]["digest"]
    waiting = [await submit(http, workflow(count=("count", {"to": 2000, "pause_s": 0.01}))) for _ in range(3)]
    async with http.post("workflows", json={"workflow": writes("described")}) as response:
        kept = (await response.json())["id"]
    async with http.post("workflows", json={"workflow": {"kinegraph": 1, "title": "Deleted"}}) as response:
        gone, its_version = (await response.json())["id"], response.headers["ETag"]
    async with http.delete(f"workflows/{gone}", headers={"If-Match": its_version}) as response:
        assert response.status == 204
    raw = {"Content-Type": "application/octet-stream"}
    async with http.post("uploads?name=carries.txt", data=b'workflow:{"kinegraph": 1}', headers=raw) as response:
        assert response.status == 201
    renamed = {"kinegraph": 1, "nodes": {"a": {"type": "toy/renamed", "version": 1, "inputs": {"stale": "x"}}}}
    body = {"workflow": writes("described"), "inputs": {"words": "x"}}
    return {
        "submit_job": ("/jobs", {"json": body}),
        "list_jobs": ("/jobs", {}),
        "get_job": (f"/jobs/{failed}", {}),
        "move_job": (f"/jobs/{waiting[2]}/move", {"json": {"to": "front"}}),
        "cancel_job": (f"/jobs/{waiting[1]}/cancel", {}),
        "retry_job": (f"/jobs/{failed}/retry", {}),
        "validate_workflow": ("/validate", {"json": {"workflow": {}}}),
        "plan_workflow": ("/plan", {"json": body}),
        "get_catalogue": ("/catalogue", {}),
        "list_artifacts": ("/artifacts", {}),
        "migrate_document": ("/documents/migrate", {"json": {"workflow": renamed}}),
        "extract_workflow": ("/documents/extract?name=a.txt", {"data": b'workflow:{"kinegraph": 1}', "headers": raw}),
        "get_artifact_workflow": (f"/artifacts/{digest}/workflow", {}),
        "get_upload_workflow": ("/uploads/carries.txt/workflow", {}),
        "get_artifact_facts": (f"/artifacts/{digest}/facts", {}),
        "get_upload_facts": ("/uploads/carries.txt/facts", {}),
        "get_artifact_peaks": (f"/artifacts/{digest}/peaks?count=4", {}),
        "get_upload_peaks": ("/uploads/carries.txt/peaks", {}),
        "keep_as_upload": (f"/artifacts/{digest}/upload", {"json": {}}),
        "list_workflows": ("/workflows", {}),
        "create_workflow": ("/workflows", {"json": {"workflow": writes("described")}}),
        "open_workflow": (f"/workflows/{kept}", {}),
        "save_workflow": (f"/workflows/{kept}", {"json": {"workflow": {"kinegraph": 1}}, "headers": {"If-Match": "*"}}),
        "rename_workflow": (f"/workflows/{kept}/rename", {"json": {"title": "Another"}}),
        "duplicate_workflow": (f"/workflows/{kept}/duplicate", {"json": {}}),
        "undelete_workflow": (f"/workflows/{gone}/undelete", {}),
        "list_versions": (f"/workflows/{kept}/versions", {}),
        "open_version": (f"/workflows/{kept}/versions/1", {}),
        "restore_version": (f"/workflows/{kept}/versions/1/restore", {"json": {}}),
        "list_templates": ("/templates", {}),
        "list_models": ("/models", {}),
        "open_template": ("/templates/text_to_video", {}),
        "upload_file": ("/uploads?name=described.bin", {"data": b"x", "headers": {"Content-Type": "video/mp4"}}),
        "list_uploads": ("/uploads", {}),
        "create_launch": ("/launches", {}),
        "get_health": ("/health", {}),
        "waiting": waiting,
    }


async def test_every_real_answer_fits_its_schema(http: aiohttp.ClientSession) -> None:
    asked = await prepare(http)
    for entry in JSON_ENDPOINTS:
        path, given = asked[entry.call.__name__]
        async with http.request(entry.method, path.lstrip("/"), **given) as response:
            assert response.status == entry.status, (path, await response.text())
            answer = await response.json()
        described = promised(entry.method, entry.path, entry.status)["content"][JSON]["schema"]
        errors = [error.message for error in schema(described).iter_errors(answer)]
        assert errors == [], path
    for job in asked["waiting"]:
        async with http.post(f"jobs/{job}/cancel"):
            pass
        await ended(http, job)


async def test_every_refusal_fits_its_schema_and_was_promised(http: aiohttp.ClientSession) -> None:
    refusal = schema({"$ref": "#/components/schemas/ErrorAnswer"})
    for entry in ENDPOINTS:
        path = re.sub(r"\{\w+\}", "nothing", entry.path)
        given: dict[str, Any] = {"json": {"surprise": 1}} if entry.method == "POST" else {"params": {"limit": "x"}}
        async with http.request(entry.method, path.lstrip("/"), **given) as response:
            if response.status < 400 or response.content_type != JSON:
                continue
            assert list(refusal.iter_errors(await response.json())) == []
            assert promised(entry.method, entry.path, response.status)["description"], path


async def test_every_event_fits_its_schema(http: aiohttp.ClientSession) -> None:
    event = schema({"$ref": "#/components/schemas/EventEntry"})
    job = await submit(http, workflow(count=("count", {"to": 3, "pause_s": 0.05}), bad=("fail", {})))
    seen: set[str] = set()
    async with http.get(f"jobs/{job}/events") as response:
        async for line in response.content:
            if line.startswith(b"data:"):
                data = json.loads(line[5:])
                assert [error.message for error in event.iter_errors(data)] == []
                seen.add(data["kind"])
    assert {"job_state", "node_started", "node_failed"} <= seen


async def test_the_served_document_is_the_generated_one(http: aiohttp.ClientSession) -> None:
    async with http.get("openapi.json") as response:
        assert await response.json() == json.loads(json.dumps(DOCUMENT))


def test_every_route_of_the_application_is_described(server: LiveServer) -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in server.app.router.routes()
        if route.resource and route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert routes == described


def test_every_operation_has_words_an_id_of_its_own_and_valid_schemas() -> None:
    operations = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert all(operation["summary"].endswith(".") for operation in operations)
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for definition in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(definition)
        assert definition.get("description"), definition["title"]


def test_the_words_below_a_field_are_in_the_description() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["ProblemEntry"]["properties"]["path"]["description"] == "JSON pointer to the place."
    submit_headers = DOCUMENT["paths"]["/api/v1/jobs"]["post"]["parameters"]
    assert submit_headers[0]["name"] == "Idempotency-Key"
    assert submit_headers[0]["description"].startswith("The same key with the same body")


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    names = {part.split('"', 1)[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize("entry", ENDPOINTS, ids=lambda entry: entry.call.__name__)
def test_handlers_stay_short(entry: Any) -> None:
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(entry.call))).body
    assert isinstance(function, ast.AsyncFunctionDef)
    statements = function.body[1:]
    assert (statements[-1].end_lineno or 0) - statements[0].lineno < 14
