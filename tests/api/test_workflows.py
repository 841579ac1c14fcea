"""Saved workflows over real HTTP: kept as they are, never overwritten silently, and every version stays."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.api.live import LiveServer, error_of

ROOT = Path(__file__).parents[2]


def document(title: str = "A boat", **more: Any) -> dict[str, Any]:
    return {"kinegraph": 1, "title": title, "nodes": {}, **more}


async def create(http: aiohttp.ClientSession, **given: Any) -> dict[str, Any]:
    async with http.post("workflows", json={"workflow": document(**given)}) as response:
        assert response.status == 201, await response.text()
        saved = await response.json()
        assert response.headers["ETag"] == saved["etag"]
        assert response.headers["Location"] == saved["url"]
    return saved


async def put(
    http: aiohttp.ClientSession, id_: str, workflow: dict[str, Any], status: int = 200, **headers: str
) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.put(f"workflows/{id_}", json={"workflow": workflow}, headers=named) as response:
        assert response.status == status, await response.text()
        return {"etag": response.headers.get("ETag"), **await response.json()}


async def versions(http: aiohttp.ClientSession, id_: str) -> list[str]:
    async with http.get(f"workflows/{id_}/versions") as response:
        return [version["title"] for version in (await response.json())["versions"]]


async def test_a_workflow_that_nothing_could_run_comes_back_as_it_was(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    strange = document(
        "Strange",
        nodes={"b": {"type": "pack/not-installed", "inputs": {"x": {"link": ["nobody", "out"]}}, "mine": {"é": [1.5]}}},
        later={"unknown": True},
    )
    saved = await create(http, **strange)
    async with http.get(f"workflows/{saved['id']}") as response:
        opened = await response.json()
        assert response.headers["ETag"] == opened["etag"] == saved["etag"]
    assert opened["workflow"] == strange
    assert list(opened["workflow"]) == list(strange), "the keys keep their order"
    file = server.settings.workflows / saved["id"] / "000001.json"
    assert json.loads(file.read_text(encoding="utf-8")) == strange
    async with http.get(f"workflows/{saved['id']}", headers={"If-None-Match": saved["etag"]}) as response:
        assert response.status == 304


async def test_two_tabs_cannot_overwrite_each_other_silently(http: aiohttp.ClientSession) -> None:
    saved = await create(http, title="Tabs")
    theirs = await put(http, saved["id"], document("Theirs"), If_Match=saved["etag"])
    refused = await put(http, saved["id"], document("Mine"), 412, If_Match=saved["etag"])
    assert refused["error"]["code"] == "version_conflict"
    assert "version 2" in refused["error"]["message"]
    assert refused["etag"] == theirs["etag"], "the header says what is there now"
    again = await put(http, saved["id"], document("Theirs"), If_Match=saved["etag"])
    assert again == theirs, "a repeat after a lost answer succeeds"
    assert await versions(http, saved["id"]) == ["Theirs", "Tabs"]
    mine = await put(http, saved["id"], document("Mine"), If_Match=refused["etag"])
    assert mine["version"] == 3


async def test_of_saves_at_once_exactly_one_succeeds(http: aiohttp.ClientSession) -> None:
    saved = await create(http, title="Race")

    async def write(number: int) -> int:
        headers = {"If-Match": saved["etag"]}
        body = {"workflow": document(f"Writer {number}")}
        async with http.put(f"workflows/{saved['id']}", json=body, headers=headers) as response:
            return response.status

    statuses = await asyncio.gather(*map(write, range(8)))
    assert sorted(statuses) == [200, *[412] * 7]
    assert len(await versions(http, saved["id"])) == 2


async def test_a_save_says_what_it_replaces_or_is_refused(http: aiohttp.ClientSession) -> None:
    saved = await create(http, title="Blind")
    for headers in ({}, {"If_Match": saved["etag"], "If_None_Match": "*"}):
        refused = await put(http, saved["id"], document("Over"), 428, **headers)
        assert refused["error"]["code"] == "precondition_required"
        assert "If-Match" in refused["error"]["hint"]
    assert await versions(http, saved["id"]) == ["Blind"]


async def test_an_id_of_ones_own_is_taken_once(http: aiohttp.ClientSession) -> None:
    made = await put(http, "my-own", document("Own"), 201, If_None_Match="*")
    assert (made["id"], made["version"]) == ("my-own", 1)
    assert (await put(http, "my-own", document("Own"), 201, If_None_Match="*"))["version"] == 1
    refused = await put(http, "my-own", document("Other"), 412, If_None_Match="*")
    assert refused["etag"] == made["etag"]
    assert (await put(http, "nobody", document(), 412, If_Match='"1-0"'))["error"]["code"] == "version_conflict"
    for id_ in ("CON", "nul", "a b", "x" * 65):
        refused = await put(http, id_, document(), 422, If_None_Match="*")
        assert refused["error"]["code"] == "bad_id"


async def test_rename_duplicate_and_restore_leave_every_version(http: aiohttp.ClientSession) -> None:
    saved = await create(http, title="First")
    async with http.post(f"workflows/{saved['id']}/rename", json={"title": "Second"}) as response:
        renamed = await response.json()
        assert response.headers["ETag"] == renamed["etag"]
    assert (renamed["id"], renamed["version"], renamed["title"]) == (saved["id"], 2, "Second")
    stale = {"If-Match": saved["etag"]}
    for action, body in (("rename", {"title": "Third"}), ("versions/1/restore", {})):
        async with http.post(f"workflows/{saved['id']}/{action}", json=body, headers=stale) as response:
            assert response.status == 412
    async with http.post(f"workflows/{saved['id']}/duplicate", json={}) as response:
        assert response.status == 201
        copy = await response.json()
    assert (copy["title"], copy["version"]) == ("Second (copy)", 1)
    async with http.post(f"workflows/{saved['id']}/versions/1/restore", json={}) as response:
        assert (await response.json())["version"] == 3
    assert await versions(http, saved["id"]) == ["First", "Second", "First"]
    async with http.get(f"workflows/{saved['id']}/versions/2") as response:
        opened = await response.json()
        assert opened["workflow"]["title"] == "Second"
        assert opened["url"].endswith(f"/workflows/{saved['id']}/versions/2")


async def test_a_deleted_workflow_leaves_the_list(http: aiohttp.ClientSession) -> None:
    saved = await create(http, title="Gone soon")
    async with http.get("workflows") as response:
        assert (await response.json())["workflows"][0] == saved
    async with http.delete(f"workflows/{saved['id']}", headers={"If-Match": '"9-x"'}) as response:
        assert response.status == 412
    async with http.delete(f"workflows/{saved['id']}", headers={"If-Match": saved["etag"]}) as response:
        assert response.status == 204
    async with http.get("workflows") as response:
        assert saved["id"] not in {entry["id"] for entry in (await response.json())["workflows"]}
    async with http.get(f"workflows/{saved['id']}") as response:
        assert (await error_of(response))["code"] == "unknown_workflow"


@pytest.mark.parametrize(
    ("workflow", "path"),
    [
        ({}, ""),
        ({"kinegraph": 99}, "/kinegraph"),
        (document(nodes=[]), "/nodes"),
        (document(nodes={"a": {"type": 1}}), "/nodes/a/type"),
        (document(nodes={"a": {"type": "t", "inputs": {"x": {"link": 3}}}}), "/nodes/a/inputs/x/link"),
    ],
)
async def test_what_is_no_workflow_is_refused_with_its_place(
    http: aiohttp.ClientSession, workflow: dict[str, Any], path: str
) -> None:
    async with http.post("workflows", json={"workflow": workflow}) as response:
        assert response.status == 422
        error = await error_of(response)
    assert (error["code"], error["problems"][0]["path"]) == ("bad_workflow", path)


@pytest.mark.parametrize(
    "path",
    ["workflows/nothing", "workflows/.deleted", "workflows/..%2Fjobs.sqlite", "workflows/nothing/versions",
     "workflows/%00", "templates/nothing", "templates/..%2F..%2Fpyproject", "templates/%00"],
)  # fmt: skip
async def test_what_is_not_there_is_404(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as response:
        assert response.status == 404
        assert (await error_of(response))["hint"]


@pytest.mark.parametrize("version", ["0", "2", "x", "-1", "1.0", "9" * 30, "²"])
async def test_a_version_that_is_none_is_404(http: aiohttp.ClientSession, version: str) -> None:
    saved = await create(http, title="One version")
    async with http.get(f"workflows/{saved['id']}/versions/{version}") as response:
        assert response.status == 404
        assert (await error_of(response))["code"] == "unknown_version"


async def test_every_shipped_workflow_is_a_template(http: aiohttp.ClientSession) -> None:
    async with http.get("templates") as response:
        listed = {entry["name"]: entry for entry in (await response.json())["templates"]}
    shipped = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "workflows").glob("*.json")}
    assert set(listed) == set(shipped)
    for name, workflow in shipped.items():
        async with http.get(f"templates/{name}") as response:
            opened = await response.json()
        assert opened == {**listed[name], "workflow": workflow}
        assert opened["title"] == workflow["title"]
