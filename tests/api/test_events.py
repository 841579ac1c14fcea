"""Events over SSE and websocket: in order, taken up after a break without gap or double, alive, ended in good order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.api.keys import Shutdown
from server.api.streams import with_heartbeats
from tests.api.live import BEARER, LiveServer, error_of, run_server, settings_in, submit, workflow, writes

COUNT = workflow(count=("count", {"to": 3}))


async def read(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str | None, str, dict[str, Any]]]:
    """Yield id, event and data of each message, read by the letter of the standard."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        name, _, value = line.partition(":")
        if line and name:
            fields[name] = value.removeprefix(" ")
        elif not line and "data" in fields:
            yield fields.get("id"), fields["event"], json.loads(fields["data"])
            fields = {}


async def all_of(http: aiohttp.ClientSession, job: str, **headers: str) -> list[tuple[str | None, str, Any]]:
    async with http.get(f"jobs/{job}/events", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        return [message async for message in read(response)]


async def test_a_job_is_told_from_its_first_event_to_its_last(http: aiohttp.ClientSession) -> None:
    job = await submit(http, COUNT)
    messages = await all_of(http, job)
    stored = [int(number) for number, _, _ in messages if number is not None]
    assert stored == list(range(1, len(stored) + 1))
    kinds = [kind for _, kind, _ in messages]
    assert kinds[0] == "job_state"
    assert {"run_started", "node_started", "node_finished", "run_finished", "node_log"} <= set(kinds)
    states = [data["data"]["state"] for _, kind, data in messages if kind == "job_state"]
    assert states == ["queued", "running", "succeeded"]
    assert kinds[-1] == "job_state"
    for number, kind, data in messages:
        assert (data["job"], data["kind"]) == (job, kind)
        assert data["seq"] == (None if number is None else int(number))


async def test_a_stream_is_taken_up_where_it_broke(http: aiohttp.ClientSession) -> None:
    job = await submit(http, COUNT)
    whole = [message for message in await all_of(http, job) if message[0] is not None]
    for seen in (1, len(whole) // 2, len(whole) - 1):
        assert await all_of(http, job, **{"Last-Event-ID": str(seen)}) == whole[seen:]
    async with http.get(f"jobs/{job}/events", params={"after": "2"}) as response:
        assert [message async for message in read(response)] == whole[2:]


async def test_a_stream_that_was_seen_to_its_end_is_204(http: aiohttp.ClientSession) -> None:
    job = await submit(http, COUNT)
    last = (await all_of(http, job))[-1][0]
    for seen in (last, "999999"):
        async with http.get(f"jobs/{job}/events", headers={"Last-Event-ID": str(seen)}) as response:
            assert (response.status, await response.read()) == (204, b"")


async def test_previews_come_while_they_are_fresh(http: aiohttp.ClientSession) -> None:
    job = await submit(http, workflow(count=("count", {"to": 200, "pause_s": 0.02})))
    async with http.get(f"jobs/{job}/events") as response:
        async for number, kind, data in read(response):
            if kind == "node_preview":
                assert number is None
                assert data["data"]["media_type"] == "image/png"
                break
        else:
            pytest.fail("no preview came")
    async with http.post(f"jobs/{job}/cancel") as response:
        assert response.status == 200


async def test_all_jobs_are_told_in_one_stream_that_can_be_taken_up(http: aiohttp.ClientSession) -> None:
    async with http.get("events") as response:
        assert response.status == 200
        assert (await response.content.readline()).startswith(b"retry:")
        jobs = [await submit(http, writes(f"all {number}")) for number in range(2)]
        seen: list[tuple[int, str]] = []
        ends: set[str] = set()
        async for number, _, data in read(response):
            if number is not None and data["job"] in jobs:
                assert data["number"] == int(number)
                seen.append((int(number), data["job"]))
                if data["data"].get("state") == "succeeded":
                    ends.add(data["job"])
            if ends == set(jobs):
                break
    assert seen == sorted(seen)
    first = seen[0][0]
    async with http.get("events", headers={"Last-Event-ID": str(first)}) as response:
        again: list[tuple[int, str]] = []
        async for number, _, data in read(response):
            if number is not None and data["job"] in jobs:
                again.append((int(number), data["job"]))
            if len(again) == len(seen) - 1:
                break
    assert again == seen[1:]


async def test_a_quiet_stream_gives_signs_of_life() -> None:
    closed = asyncio.Event()

    async def quiet() -> AsyncGenerator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    shutdown = Shutdown()
    seen: list[int | None] = []
    async for event in with_heartbeats(quiet(), shutdown, heartbeat_s=0.001):
        seen.append(event)
        if len(seen) == 4:
            shutdown.begun.set()
    assert seen[:4] == [1, None, None, None]
    assert closed.is_set()


async def test_a_failing_stream_fails_its_reader() -> None:
    async def failing() -> AsyncGenerator[int]:
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        async for _ in with_heartbeats(failing(), Shutdown()):
            pass


async def messages_of(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    async for message in socket:
        yield json.loads(message.data)


async def test_a_websocket_follows_the_jobs_that_it_is_told_to(http: aiohttp.ClientSession) -> None:
    job = await submit(http, COUNT)
    expected = [data for number, _, data in await all_of(http, job) if number is not None]
    async with http.ws_connect("socket") as socket:
        await socket.send_json({"follow": job})
        got: list[dict[str, Any]] = []
        async for message in messages_of(socket):
            if "ended" in message:
                assert message == {"ended": job}
                break
            got.append(message["event"])
        assert got == expected
        await socket.send_json({"follow": job, "after": len(expected) - 1})
        assert await socket.receive_json() == {"event": expected[-1]}


async def test_a_websocket_follows_all_jobs(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("socket") as socket:
        await socket.send_json({"follow": "*"})
        await socket.send_json({"follow": "nothing"})
        assert (await socket.receive_json())["error"]["code"] == "job_not_found"
        job = await submit(http, writes("socket"))
        async for message in messages_of(socket):
            event = message["event"]
            if event["job"] == job and event["data"].get("state") == "succeeded":
                break
        await socket.send_json({"unfollow": "*"})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"follow": 1}', '{"follow": "a", "unfollow": "b"}', '{"follow": "a", "after": -1}',
     '{"surprise": 1}', '{"follow": "a", "after": NaN}', "[" * 15_000, '{"follow": ""}'],
)  # fmt: skip
async def test_a_bad_message_is_refused_and_the_socket_stays(http: aiohttp.ClientSession, text: str) -> None:
    async with http.ws_connect("socket") as socket:
        await socket.send_str(text)
        answer = await socket.receive_json()
        assert set(answer) == {"error"}
        assert answer["error"]["message"]
        await socket.send_bytes(b"\x00")
        assert (await socket.receive_json())["error"]["code"] == "bad_message"


async def test_a_message_beyond_the_limit_closes_the_socket(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("socket") as socket:
        await socket.send_str(" " * 20_000)
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_one_socket_follows_a_bounded_number_of_jobs(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.api.socket.MAX_FOLLOWED", 1)
    async with http.ws_connect("socket") as socket:
        await socket.send_json({"follow": "*"})
        await socket.send_json({"follow": "one more"})
        assert (await socket.receive_json())["error"]["code"] == "too_many"
        await socket.send_json({"unfollow": "*"})
        await socket.send_json({"follow": "one more"})
        assert (await socket.receive_json())["error"]["code"] == "job_not_found"


async def test_a_plain_request_to_the_socket_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.get("socket") as response:
        assert response.status == 400
        assert (await error_of(response))["code"] == "not_a_websocket"


def test_open_streams_end_in_good_order_with_the_server(tmp_path: Path) -> None:
    server_run = run_server(settings_in(tmp_path, port=0))
    server = next(server_run)

    async def follow(server: LiveServer) -> tuple[bytes, int]:
        async with (
            aiohttp.ClientSession(server.api + "/", headers=BEARER) as http,
            http.get("events") as events,
            http.ws_connect("socket", autoclose=False) as socket,
        ):
            await events.content.readline()
            await socket.send_json({"follow": "*"})
            end = asyncio.get_running_loop().run_in_executor(None, lambda: next(server_run, None))
            rest = await events.content.read()
            message = await socket.receive()
            while message.type is aiohttp.WSMsgType.TEXT:
                message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.CLOSE
            await end
            return rest, message.data

    rest, close_code = asyncio.run(follow(server))
    assert rest == b"\n"
    assert close_code == 1001
