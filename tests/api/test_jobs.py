"""Jobs over real HTTP: submitted once however often it is asked, listed page by page, moved, canceled, retried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.api.live import ended, error_of, submit, workflow, writes


@asynccontextmanager
async def busy_worker(http: aiohttp.ClientSession) -> AsyncIterator[str]:
    """Keep the worker busy, so that what is submitted meanwhile waits; yields the running job."""
    job = await submit(http, workflow(count=("count", {"to": 10_000, "pause_s": 0.02})))
    async with http.get(f"jobs/{job}/events") as events:
        async for line in events.content:
            if b'"node_started"' in line:
                break
    try:
        yield job
    finally:
        async with http.post(f"jobs/{job}/cancel"):
            pass
        await ended(http, job)


async def test_a_submitted_workflow_runs_and_its_file_can_be_fetched(http: aiohttp.ClientSession) -> None:
    async with http.post("jobs", json={"workflow": writes(), "inputs": {"words": "good morning"}}) as response:
        assert response.status == 201
        accepted = await response.json()
        assert response.headers["Location"] == accepted["url"] == f"/api/v1/jobs/{accepted['id']}"
        assert accepted["title"] == "A test"
    record = await ended(http, accepted["id"])
    assert record["state"] == "succeeded"
    assert record["error"] is None
    assert record["settings"] == {"words": "good morning"}
    assert record["workflow"]["nodes"]["save"]["inputs"]["text"] == "good morning"
    (artifact,) = record["artifacts"]
    assert (artifact["node"], artifact["media_type"], artifact["size_bytes"]) == ("save", "text/plain", 12)
    async with http.get(f"artifacts/{artifact['digest']}") as response:
        assert await response.text() == "good morning"


async def test_a_failed_job_says_why_and_where(http: aiohttp.ClientSession) -> None:
    record = await ended(http, await submit(http, workflow(bad=("fail", {"message": "no luck"}))))
    assert record["state"] == "failed"
    assert record["error"]["message"] == "no luck"
    assert record["error"]["path"] == "/nodes/bad/inputs/message"
    assert record["error"]["hint"] == "leave this node out"


async def test_a_repeated_submission_gets_the_first_answer_and_queues_nothing(http: aiohttp.ClientSession) -> None:
    key = {"Idempotency-Key": "only-once"}
    answers: list[Any] = []
    for _ in range(2):
        async with http.post("jobs", json={"workflow": writes("once")}, headers=key) as response:
            assert response.status == 201
            answers.append(await response.read())
            first = (await response.json())["id"]
        await ended(http, first)
    assert answers[0] == answers[1]
    async with http.post("jobs", json={"workflow": writes("twice")}, headers=key) as response:
        assert response.status == 409
        assert (await error_of(response))["code"] == "idempotency_conflict"


async def test_submissions_of_one_key_at_once_make_one_job(http: aiohttp.ClientSession) -> None:
    async def send() -> str:
        headers = {"Idempotency-Key": "at-once"}
        async with http.post("jobs", json={"workflow": writes("at once")}, headers=headers) as response:
            assert response.status == 201
            return (await response.json())["id"]

    assert len(set(await asyncio.gather(*(send() for _ in range(8))))) == 1


async def test_the_list_goes_page_by_page_newest_first(http: aiohttp.ClientSession) -> None:
    made = [await submit(http, writes(f"page {number}")) for number in range(5)]
    await ended(http, made[-1])
    listed: list[str] = []
    query: dict[str, str] = {"limit": "2", "state": "succeeded"}
    while True:
        async with http.get("jobs", params=query) as response:
            page = await response.json()
        assert len(page["jobs"]) <= 2
        listed += [job["id"] for job in page["jobs"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert len(listed) == len(set(listed))
    assert [job for job in listed if job in made] == made[::-1]
    async with http.get("jobs", params={"state": "interrupted"}) as response:
        assert await response.json() == {"jobs": [], "cursor": None}


async def test_waiting_jobs_can_be_moved_and_canceled(http: aiohttp.ClientSession) -> None:
    async with busy_worker(http):
        first, second, third = [await submit(http, writes(f"wait {number}")) for number in range(3)]

        async def move(job: str, **where: str) -> list[str]:
            async with http.post(f"jobs/{job}/move", json=where) as response:
                assert response.status == 200, await response.text()
                return (await response.json())["waiting"]

        assert await move(third, to="front") == [third, first, second]
        assert await move(first, to="end") == [third, second, first]
        assert await move(first, before=second) == [third, first, second]
        async with http.get("jobs", params={"state": "queued"}) as response:
            positions = {job["id"]: job["position"] for job in (await response.json())["jobs"]}
        assert positions == {third: 1, first: 2, second: 3}
        for job in (first, second, third):
            async with http.post(f"jobs/{job}/cancel") as response:
                assert (await response.json())["state"] == "canceled"
        async with http.post(f"jobs/{first}/move", json={"to": "front"}) as response:
            assert response.status == 409
            assert (await error_of(response))["code"] == "wrong_state"


async def test_a_higher_priority_goes_first(http: aiohttp.ClientSession) -> None:
    async with busy_worker(http):
        low = await submit(http, writes("low"))
        high = await submit(http, writes("high"), priority=5)
        async with http.get(f"jobs/{high}") as response:
            assert (await response.json())["position"] == 1
        for job in (low, high):
            async with http.post(f"jobs/{job}/cancel") as response:
                assert response.status == 200


async def test_a_running_job_stops_when_it_is_canceled(http: aiohttp.ClientSession) -> None:
    async with busy_worker(http) as job:
        async with http.delete(f"jobs/{job}") as response:
            assert response.status == 409
        async with http.post(f"jobs/{job}/retry") as response:
            assert response.status == 409
    async with http.get(f"jobs/{job}") as response:
        assert (await response.json())["state"] == "canceled"
    async with http.post(f"jobs/{job}/cancel") as response:
        assert response.status == 409


async def test_an_ended_job_can_be_retried_and_deleted(http: aiohttp.ClientSession) -> None:
    job = await submit(http, writes("again"))
    await ended(http, job)
    async with http.post(f"jobs/{job}/retry") as response:
        assert response.status == 201
        again = (await response.json())["id"]
    record = await ended(http, again)
    assert (record["state"], record["retry_of"]) == ("succeeded", job)
    async with http.delete(f"jobs/{job}") as response:
        assert (response.status, await response.read()) == (204, b"")
    for path in (f"jobs/{job}", f"jobs/{job}/events"):
        async with http.get(path) as response:
            assert response.status == 404


@pytest.mark.parametrize("where", [{}, {"to": "front", "before": "x"}, {"to": "middle"}, {"before": ""}])
async def test_a_move_names_one_place(http: aiohttp.ClientSession, where: dict[str, str]) -> None:
    async with http.post("jobs/nothing/move", json=where) as response:
        assert response.status == 422
        assert (await error_of(response))["code"] == "bad_body"


async def test_validate_and_plan_say_what_would_happen_and_queue_nothing(http: aiohttp.ClientSession) -> None:
    document = writes("planned")
    async with http.post("validate", json={"workflow": document}) as response:
        assert await response.json() == {"valid": True, "problems": []}
    async with http.post("plan", json={"workflow": document}) as response:
        plan = await response.json()
        assert [(step["node"], step["state"]) for step in plan["steps"]] == [("save", "run")]
        assert plan["steps"][0]["reason"]
    await ended(http, await submit(http, document))
    async with http.post("plan", json={"workflow": document}) as response:
        assert [step["state"] for step in (await response.json())["steps"]] == ["cached"]
    async with http.post("plan", json={"workflow": document, "inputs": {"words": "other"}}) as response:
        assert [step["state"] for step in (await response.json())["steps"]] == ["run"]


async def test_the_catalogue_is_sent_once_and_known_by_its_etag(http: aiohttp.ClientSession) -> None:
    async with http.get("catalogue") as response:
        assert response.headers["Content-Encoding"] == "gzip"
        etag = response.headers["ETag"]
        catalogue = await response.json()
        assert catalogue["nodes"]["toy/number"]["inputs"][0]["widget"]["max"] == 100
        assert "Artifact" in catalogue["sockets"]
    async with http.get("catalogue", headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers
        assert await response.json() == catalogue
    for known in (etag, f'"other", W/{etag}', "*"):
        async with http.get("catalogue", headers={"If-None-Match": known}) as response:
            assert (response.status, await response.read()) == (304, b"")
    async with http.get("catalogue", headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200
