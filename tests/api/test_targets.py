"""Running up to a node over real HTTP: only what it needs runs, and a retry runs for the same nodes."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.api.live import ended, error_of, submit, workflow

GRAPH = workflow(
    first=("number", {"value": 3}),
    count=("count", {"to": {"link": ["first", "value"]}}),
    other=("write", {"text": "not wanted"}),
    last=("write", {"text": "last", "repeat": {"link": ["count", "value"]}}),
)


async def nodes_that_ran(http: aiohttp.ClientSession, job: str) -> set[str]:
    async with http.get(f"jobs/{job}/events") as response:
        text = await response.text()
    started = text.split("event: node_")
    return {part.split('"node": "')[1].split('"')[0] for part in started if part.startswith(("started", "cached"))}


async def test_a_job_runs_for_its_targets_and_so_does_its_retry(http: aiohttp.ClientSession) -> None:
    job = await submit(http, GRAPH, targets=["count"])
    record = await ended(http, job)
    assert (record["state"], record["targets"], record["artifacts"]) == ("succeeded", ["count"], [])
    assert await nodes_that_ran(http, job) == {"first", "count"}
    async with http.post(f"jobs/{job}/retry") as response:
        again = (await response.json())["id"]
    assert (await ended(http, again))["targets"] == ["count"]
    assert "other" not in await nodes_that_ran(http, again)
    everything = await ended(http, await submit(http, GRAPH))
    assert everything["targets"] is None
    assert {artifact["node"] for artifact in everything["artifacts"]} == {"other", "last"}


async def test_a_plan_for_targets_leaves_out_what_they_do_not_need(http: aiohttp.ClientSession) -> None:
    async with http.post("plan", json={"workflow": GRAPH, "targets": ["first"]}) as response:
        assert [step["node"] for step in (await response.json())["steps"]] == ["first"]
    async with http.post("plan", json={"workflow": GRAPH}) as response:
        assert len((await response.json())["steps"]) == 4


async def test_what_is_wrong_with_nodes_that_no_target_needs_keeps_nothing_from_running(
    http: aiohttp.ClientSession,
) -> None:
    broken = workflow(good=("number", {"value": 1}), bad=("write", {"repeat": "many"}))
    async with http.post("validate", json={"workflow": broken, "targets": ["good"]}) as response:
        assert await response.json() == {"valid": True, "problems": []}
    assert (await ended(http, await submit(http, broken, targets=["good"])))["state"] == "succeeded"
    async with http.post("jobs", json={"workflow": broken, "targets": ["bad"]}) as response:
        assert (await error_of(response))["problems"][0]["path"] == "/nodes/bad/inputs/repeat"


@pytest.mark.parametrize("route", ["jobs", "plan"])
async def test_a_target_that_is_not_there_is_refused(http: aiohttp.ClientSession, route: str) -> None:
    async with http.post(route, json={"workflow": GRAPH, "targets": ["cuont"]}) as response:
        assert response.status == 422
        (problem,) = (await error_of(response))["problems"]
    assert problem["code"] == "no_such_target"
    assert "count" in problem["hint"]


@pytest.mark.parametrize("targets", [[], [""], "count", [1], ["x"] * 1001])
async def test_targets_that_are_none_are_refused(http: aiohttp.ClientSession, targets: Any) -> None:
    async with http.post("jobs", json={"workflow": GRAPH, "targets": targets}) as response:
        assert response.status == 422
        assert (await error_of(response))["code"] == "bad_body"


async def test_other_targets_are_another_request(http: aiohttp.ClientSession) -> None:
    key = {"Idempotency-Key": "one-key-for-two-targets"}
    for targets, status in ((["first"], 201), (["first"], 201), (["count"], 409), (None, 409)):
        async with http.post("jobs", json={"workflow": GRAPH, "targets": targets}, headers=key) as response:
            assert response.status == status


async def test_the_list_has_what_a_history_shows(http: aiohttp.ClientSession) -> None:
    document = workflow(save=("write", {"text": "for the history"}), count=("count", {"to": 2}))
    first = await ended(http, await submit(http, document))
    second = await ended(http, await submit(http, document, targets=["count"]))
    assert second["estimate_s"] is not None, "the first run taught how long a count takes"
    async with http.get("jobs", params={"limit": "2"}) as response:
        newest, older = (await response.json())["jobs"]
    for listed, record in ((newest, second), (older, first)):
        assert listed == {name: value for name, value in record.items() if name not in ("workflow", "settings")}
    assert [artifact["node"] for artifact in older["artifacts"]] == ["save"]
    assert newest["artifacts"] == []
