"""Whatever is sent, the answer is a clear refusal in the one shape: never 500, never silence."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import string
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from tests.api.live import BEARER, TOKEN, LiveServer, error_of, workflow, writes

JSON = {"Content-Type": "application/json"}
BODIES = ["jobs", "validate", "plan", "jobs/x/move"]


async def raw(server: LiveServer, data: bytes, *, then_close: bool = True) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    if then_close:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


def is_refused(answer: bytes) -> bool:
    """Return whether the answer is a 4xx, or the connection was just closed, as is right after a broken-off request."""
    return answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"{}}", 400, "malformed_json"),
        (b"\xff\xfe{}", 400, "malformed_json"),
        (b'{"workflow": {"a": NaN}}', 400, "malformed_json"),
        (b'{"workflow": {"a": -Infinity}}', 400, "malformed_json"),
        (b'{"workflow": {"a": 1e999}}', 400, "malformed_json"),
        (b'{"workflow": {"a": ' + b"9" * 5000 + b"}}", 400, "malformed_json"),
        (b'{"workflow": {"a": 1, "a": 2}}', 400, "malformed_json"),
        (b'{"workflow": {"a": "\\ud800"}}', 400, "malformed_json"),
        (b'{"workflow": ' + b"[" * 200 + b"]" * 200 + b"}", 400, "malformed_json"),
        (b'{"workflow": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", 400, "malformed_json"),
        (b"[]", 422, "bad_body"),
        (b"null", 422, "bad_body"),
        (b'"text"', 422, "bad_body"),
        (b"12", 422, "bad_body"),
        (b'{"workflow": []}', 422, "bad_body"),
        (b'{"workflow": null}', 422, "bad_body"),
        (b'{"wrokflow": {}}', 422, "bad_body"),
        (b'{"workflow": {}, "inputs": []}', 422, "bad_body"),
        (b'{"workflow": {}, "priority": "high"}', 422, "bad_body"),
        (b'{"workflow": {}, "priority": true}', 422, "bad_body"),
    ],
)
async def test_a_bad_body_is_refused_with_its_problems(
    http: aiohttp.ClientSession, path: str, body: bytes, status: int, code: str
) -> None:
    async with http.post(path, data=body, headers=JSON) as response:
        assert response.status == status
        error = await error_of(response)
        assert error["code"] == code
        assert error["problems"]
        assert error["hint"]


async def test_a_problem_in_the_text_of_a_workflow_points_into_the_workflow(http: aiohttp.ClientSession) -> None:
    body = b'{"workflow": {"nodes": {"a": {"inputs": {"x": NaN}}}}}'
    async with http.post("jobs", data=body, headers=JSON) as response:
        problems = (await error_of(response))["problems"]
        assert [problem["path"] for problem in problems] == ["/nodes/a/inputs/x"]


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        ({}, "", None),
        (workflow(a=("nothing", {})), "/nodes/a/type", None),
        (workflow(a=("write", {"txt": "x"})), "/nodes/a/inputs/txt", None),
        (workflow(a=("write", {"repeat": "many"})), "/nodes/a/inputs/repeat", "wrong_type"),
        (workflow(a=("number", {"value": 1000})), "/nodes/a/inputs/value", "out_of_range"),
        (workflow(a=("count", {"to": {"link": ["b", "value"]}})), "/nodes/a/inputs/to", None),
        (
            workflow(
                a=("count", {"to": {"link": ["b", "value"]}}),
                b=("count", {"to": {"link": ["a", "value"]}}),
            ),
            "/nodes/",
            "cycle",
        ),
    ],
)
async def test_a_bad_workflow_is_refused_and_queues_nothing(
    http: aiohttp.ClientSession, document: dict[str, Any], path: str, code: str | None
) -> None:
    async with http.get("jobs") as response:
        before = await response.json()
    for route in ("jobs", "plan"):
        async with http.post(route, json={"workflow": document}) as response:
            assert response.status == 422
            error = await error_of(response)
            assert error["code"] == "bad_workflow"
            found = [problem for problem in error["problems"] if problem["path"].startswith(path)]
            assert found, error
            assert all(problem["hint"] for problem in found)
            assert code is None or code in {problem["code"] for problem in found}
    async with http.post("validate", json={"workflow": document}) as response:
        assert response.status == 200
        answer = await response.json()
        assert not answer["valid"]
        assert any(problem["path"].startswith(path) for problem in answer["problems"])
    async with http.get("jobs") as response:
        assert await response.json() == before


@pytest.mark.parametrize("inputs", [{"nothing": 1}, {"words": 1}, {"words": None}, {"words": {"link": ["a", "b"]}}])
async def test_a_bad_named_input_is_refused(http: aiohttp.ClientSession, inputs: dict[str, Any]) -> None:
    async with http.post("jobs", json={"workflow": writes(), "inputs": inputs}) as response:
        assert response.status == 422
        assert (await error_of(response))["problems"]


@pytest.mark.parametrize("path", ["jobs", "validate", "plan"])
async def test_a_body_beyond_the_limit_is_refused(server: LiveServer, http: aiohttp.ClientSession, path: str) -> None:
    body = io.BytesIO(b'{"workflow": {"title": "' + b"x" * server.settings.max_body_bytes + b'"}}')
    async with http.post(path, data=body, headers=JSON) as response:
        assert response.status == 413
        assert (await error_of(response))["code"] == "too_large"


async def test_a_compressed_bomb_is_refused(http: aiohttp.ClientSession) -> None:
    bomb = gzip.compress(b'{"workflow": "' + b" " * 50_000_000)
    async with http.post("jobs", data=bomb, headers={**JSON, "Content-Encoding": "gzip"}) as response:
        assert response.status in (400, 413)
        await error_of(response)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_a_body_that_is_not_compressed_as_it_says_is_refused(http: aiohttp.ClientSession, encoding: str) -> None:
    async with http.post("jobs", data=b'{"workflow": {}}', headers={**JSON, "Content-Encoding": encoding}) as response:
        assert 400 <= response.status < 500


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "jobs/nothing"),
        ("DELETE", "jobs/nothing"),
        ("POST", "jobs/nothing/cancel"),
        ("POST", "jobs/nothing/retry"),
        ("GET", "jobs/nothing/events"),
        ("GET", "jobs/%00"),
        ("GET", "jobs/%F0%9F%98%80"),
        ("GET", "jobs/..%2F..%2Fetc"),
        ("GET", "artifacts/" + "0" * 40),
        ("GET", "artifacts/..%2F..%2Fjobs.sqlite"),
        ("GET", "uploads/nothing.png"),
        ("GET", "uploads/..%2Fjobs.sqlite"),
        ("GET", "uploads/.incoming"),
        ("GET", "uploads/%00"),
        ("GET", "artifacts?job=nothing"),
        ("GET", "nothing"),
        ("POST", "nothing"),
    ],
)
async def test_what_does_not_exist_is_404(http: aiohttp.ClientSession, method: str, path: str) -> None:
    address = URL(f"{http._base_url}{path}", encoded=True)
    async with http.request(method, address) as response:
        assert response.status == 404, await response.text()
        assert (await error_of(response))["hint"]


@pytest.mark.parametrize(
    "path", ["jobs", "jobs/x", "catalogue", "validate", "uploads", "events", "openapi.json", "socket"]
)
async def test_a_wrong_method_is_405_and_names_the_right_ones(http: aiohttp.ClientSession, path: str) -> None:
    for method in ("PATCH", "PUT", "TRACE"):
        async with http.request(method, path) as response:
            assert response.status == 405
            assert response.headers["Allow"]
            assert (await error_of(response))["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=many", "limit=1e9", "limit=501", "limit=", "state=done", "state=", "cursor=", "surprise=1",
     "limit=1&limit=2", "limit=NaN", "limit=-1", "limit=1.5", "state=queued%00"],
)  # fmt: skip
async def test_a_bad_query_is_refused(http: aiohttp.ClientSession, query: str) -> None:
    async with http.get(f"jobs?{query}") as response:
        assert response.status == 400
        assert (await error_of(response))["code"] == "bad_query"


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "9" * 40, "1, 2", "\xb2"])
async def test_a_bad_last_event_id_is_refused(http: aiohttp.ClientSession, value: str) -> None:
    for path in ("jobs/nothing/events", "events"):
        async with http.get(path, headers={"Last-Event-ID": value}) as response:
            assert response.status == 400
            assert (await error_of(response))["code"] == "bad_header"


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "with space", "é"])
async def test_a_bad_idempotency_key_is_refused(http: aiohttp.ClientSession, key: str) -> None:
    async with http.post("jobs", json={"workflow": writes()}, headers={"Idempotency-Key": key}) as response:
        assert response.status == 400
        assert (await error_of(response))["code"] == "bad_header"


@pytest.mark.parametrize(
    "head",
    [
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET /api/v1/jobs HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
        b"GET /api/v1/jobs HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"GET http://[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
async def test_a_broken_request_is_refused_and_the_server_goes_on(
    server: LiveServer, http: aiohttp.ClientSession, head: bytes
) -> None:
    answer = await raw(server, head)
    assert is_refused(answer), answer[:200]
    async with http.get("health") as response:
        assert response.status == 200


@pytest.mark.parametrize("sent", [b"", b'{"workflow', b'{"workflow": {}}'])
async def test_a_body_that_breaks_off_is_dropped(server: LiveServer, http: aiohttp.ClientSession, sent: bytes) -> None:
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    answer = await raw(server, head.encode() + sent)
    assert is_refused(answer)
    async with http.get("health") as response:
        assert response.status == 200


@pytest.mark.parametrize("chunks", [b"zz\r\nabc\r\n", b"3\r\nab", b"3\r\nabcdef\r\n", b"-1\r\n"])
async def test_broken_chunks_are_refused(server: LiveServer, http: aiohttp.ClientSession, chunks: bytes) -> None:
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await raw(server, head.encode() + chunks)
    assert is_refused(answer), answer[:200]
    async with http.get("health") as response:
        assert response.status == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
words = st.text(string.printable, max_size=12)
documents = st.fixed_dictionaries(
    {},
    optional={
        "kinegraph": st.just(1) | json_values,
        "title": st.text(max_size=10) | json_values,
        "nodes": json_values
        | st.dictionaries(
            words,
            json_values
            | st.fixed_dictionaries(
                {"type": st.sampled_from(["toy/write", "toy/number", "toy/count", "nothing"])},
                optional={
                    "inputs": json_values
                    | st.dictionaries(
                        st.sampled_from(["text", "to", "value"]),
                        json_values | st.fixed_dictionaries({"link": json_values}),
                        max_size=3,
                    ),
                    "version": json_values,
                    "at": json_values,
                },
            ),
            max_size=4,
        ),
        "inputs": json_values,
        "outputs": json_values,
        "subgraphs": json_values,
        "groups": json_values,
    },
)
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(json.dumps).map(str.encode),
    st.fixed_dictionaries({"workflow": documents}, optional={"inputs": json_values, "priority": json_values})
    .map(json.dumps)
    .map(str.encode),
)
tokens = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=20)
values = st.text(string.ascii_letters + string.digits + " -_.,;:=\"'()/*?&%<>", max_size=60)
header_names = tokens | st.sampled_from(
    ["Range", "If-Range", "If-None-Match", "Last-Event-ID", "Idempotency-Key", "Content-Type", "Cookie", "Origin",
     "Accept-Encoding", "Expect", "Sec-Fetch-Site"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(BODIES), body=bodies)
def test_no_body_makes_the_server_fail(server: LiveServer, path: str, body: bytes) -> None:
    async def send() -> None:
        async with (
            aiohttp.ClientSession(headers={**BEARER, **JSON}) as http,
            http.post(f"{server.api}/{path}", data=body) as response,
        ):
            if response.status >= 400:
                await error_of(response)
            assert response.status in (200, 201, 400, 404, 422), await response.text()

    asyncio.run(send())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS"]),
    path=st.sampled_from(["jobs", "jobs/x", "artifacts", "catalogue", "uploads", "uploads/x", "health", "plan"])
    | values,
    query=values,
    headers=st.dictionaries(header_names, values, max_size=4),
)
def test_no_request_makes_the_server_fail(
    server: LiveServer, method: str, path: str, query: str, headers: dict[str, str]
) -> None:
    lines = [f"{method} /api/v1/{quote(path)}?{quote(query)} HTTP/1.1", f"Host: 127.0.0.1:{server.port}"]
    lines += [f"{name}: {value}" for name, value in {**BEARER, **headers, "Connection": "close"}.items()]
    answer = asyncio.run(raw(server, ("\r\n".join(lines) + "\r\n\r\n").encode(), then_close=False))
    assert answer.startswith(b"HTTP/1.1 ")
    assert answer[9:10] in (b"2", b"3", b"4"), answer
