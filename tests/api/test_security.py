"""Each promise of safety: to whom the server listens, from where it is spoken to, and what a browser may do with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from server.api.app import ENDPOINTS, create_app
from server.api.exposure import ExposureError, check_exposure, is_loopback
from server.api.security import COOKIE, LAUNCH_CODES_KEPT, make_gate
from server.jobs.service import JobService
from tests.api.live import BEARER, TOKEN, LiveServer, error_of, run_server, settings_in, writes

MUTATIONS = ["jobs", "jobs/x/cancel", "jobs/x/retry", "jobs/x/move", "validate", "plan", "uploads", "launches"]


@pytest.fixture
async def anyone(server: LiveServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that has not signed in."""
    async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


async def raw(server: LiveServer, head: str) -> tuple[int, str]:
    """Send a request as it stands, and return status and all of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n")
    answer = (await asyncio.wait_for(reader.read(), 30)).decode("latin-1")
    writer.close()
    return int(answer.split(" ", 2)[1]), answer


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "LocalHost", "127.8.9.1"])
def test_without_auth_it_listens_on_loopback(host: str) -> None:
    check_exposure(host, auth=False)
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "example.org", "localhost.example.org", "127.1"])
def test_without_auth_it_refuses_every_other_address(host: str) -> None:
    with pytest.raises(ExposureError, match="without a token"):
        check_exposure(host, auth=False)
    check_exposure(host, auth=True)


def test_the_application_refuses_exposure_too(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, host="0.0.0.0")
    with pytest.raises(ExposureError):
        create_app(settings, JobService(settings, builtin=None), token=None)


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 16"):
        make_gate("secret", "127.0.0.1")


async def test_every_address_but_health_asks_for_the_token(anyone: aiohttp.ClientSession) -> None:
    for endpoint in ENDPOINTS:
        path = "/api/v1" + endpoint.path.replace("{id}", "x").replace("{digest}", "0" * 40).replace("{name}", "x")
        async with anyone.request(endpoint.method, path) as response:
            if endpoint.public:
                assert response.status == 200
                continue
            assert response.status == 401, path
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert (await error_of(response))["code"] == "not_signed_in"
    assert [endpoint.path for endpoint in ENDPOINTS if endpoint.public] == ["/health"]


async def test_an_unknown_address_tells_strangers_nothing(anyone: aiohttp.ClientSession) -> None:
    async with anyone.get("/api/v1/nothing") as response:
        assert response.status == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, "Bearer \xe9\xff"],
)
async def test_a_wrong_authorization_is_refused(anyone: aiohttp.ClientSession, header: str) -> None:
    async with anyone.get("/api/v1/jobs", headers={"Authorization": header}) as response:
        assert response.status == 401
        assert TOKEN not in await response.text()


async def test_a_launch_link_signs_one_browser_in_once(server: LiveServer, anyone: aiohttp.ClientSession) -> None:
    link = server.launch_url()
    assert TOKEN not in link
    async with anyone.get(link, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
        cookie = SimpleCookie(response.headers["Set-Cookie"])[COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/"
        assert TOKEN not in cookie.value
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
    session = {"Cookie": f"other=1; {COOKIE}={cookie.value}"}
    async with anyone.get("/api/v1/jobs", headers=session) as response:
        assert response.status == 200
    async with anyone.get(link, allow_redirects=False) as response:
        assert response.status == 401
        assert "Set-Cookie" not in response.headers


async def test_a_program_can_ask_for_a_launch_link(http: aiohttp.ClientSession, anyone: aiohttp.ClientSession) -> None:
    async with http.post("launches") as response:
        assert response.status == 201
        link = (await response.json())["url"]
    async with anyone.get(link, allow_redirects=False) as response:
        assert response.status == 303


@pytest.mark.parametrize("code", ["", "x", TOKEN, "é", "%00"])
async def test_a_guessed_launch_code_signs_nobody_in(anyone: aiohttp.ClientSession, code: str) -> None:
    async with anyone.get("/", params={"token": code}, allow_redirects=False) as response:
        assert response.status == 401
        assert "Set-Cookie" not in response.headers


def test_only_a_few_launch_codes_wait_at_a_time() -> None:
    gate = make_gate(TOKEN, "127.0.0.1")
    codes = [gate.new_launch_code() for _ in range(LAUNCH_CODES_KEPT + 1)]
    assert not gate.redeem(codes[0])
    assert gate.redeem(codes[1])
    assert gate.redeem(codes[-1])
    assert not gate.redeem(codes[-1])


def test_the_cookie_of_another_token_is_another() -> None:
    assert make_gate(TOKEN, "127.0.0.1").cookie != make_gate(TOKEN + "x", "127.0.0.1").cookie


@pytest.mark.parametrize("cookie", [f"{COOKIE}=", f"{COOKIE}=x", f"{COOKIE}={TOKEN}", "=;;=", "\xff"])
async def test_a_made_up_cookie_is_refused(server: LiveServer, cookie: str) -> None:
    status, _ = await raw(
        server, f"GET /api/v1/jobs HTTP/1.1\nHost: 127.0.0.1:{server.port}\nCookie: {cookie}\nConnection: close"
    )
    assert status == 401


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8188", "127.0.0.1.evil.example", "localhost.", "192.168.0.1", "a@127.0.0.1", "",
     "127.0.0.1/", "127.0.0.1:x", "[::1", "127.0.0.1, evil.example", "\xff"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/api/v1/health", "/api/v1/jobs", "/api/v1/socket"])
async def test_a_foreign_host_name_is_refused(server: LiveServer, host: str, path: str) -> None:
    head = f"GET {path} HTTP/1.1\nHost: {host}\nAuthorization: Bearer {TOKEN}\nConnection: close"
    status, answer = await raw(server, head)
    assert status in (400, 403), answer
    assert TOKEN not in answer


async def test_a_websocket_under_a_foreign_host_name_is_refused(server: LiveServer) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{server.api}/socket", headers={**BEARER, "Host": "evil.example"})
        assert caught.value.status == 403


async def test_a_websocket_from_a_foreign_page_is_refused(server: LiveServer) -> None:
    async with aiohttp.ClientSession() as session:
        for origin in ("https://evil.example", "null"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"{server.api}/socket", headers={**BEARER, "Origin": origin})
            assert caught.value.status == 403


async def test_a_websocket_without_the_token_is_refused(server: LiveServer) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{server.api}/socket")
        assert caught.value.status == 401


@pytest.mark.parametrize("host", ["localhost", "localhost:8188", "[::1]:8188", "127.0.0.1"])
async def test_every_name_of_loopback_is_taken(server: LiveServer, host: str) -> None:
    assert (await raw(server, f"GET /api/v1/health HTTP/1.1\nHost: {host}\nConnection: close"))[0] == 200


async def test_two_host_headers_are_refused(server: LiveServer) -> None:
    head = "GET /api/v1/health HTTP/1.1\nHost: 127.0.0.1\nHost: 127.0.0.1\nConnection: close"
    assert (await raw(server, head))[0] in (400, 403)


def test_a_listed_name_is_taken_and_an_address_only_on_a_wildcard() -> None:
    listed = make_gate(TOKEN, "127.0.0.1", names=["Studio.Example ", ""])
    assert listed.knows("studio.example")
    assert not listed.knows("")
    assert not listed.knows("10.0.0.7")
    everywhere = make_gate(TOKEN, "0.0.0.0")
    assert everywhere.knows("10.0.0.7")
    assert not everywhere.knows("evil.example")
    assert make_gate(TOKEN, "10.0.0.7").knows("10.0.0.7")


@pytest.mark.parametrize(
    "origin",
    ["null", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "file://", "", "http://", "//127.0.0.1",
     "http://localhost:{port}", "chrome-extension://{host}", "http://{host}/", "http://x@{host}"],
)  # fmt: skip
async def test_a_foreign_origin_is_refused_even_with_the_token(
    server: LiveServer, http: aiohttp.ClientSession, origin: str
) -> None:
    host = f"127.0.0.1:{server.port}"
    headers = {"Origin": origin.format(port=server.port, host=host)}
    for method, path in (("GET", "jobs"), ("POST", "jobs"), ("GET", "health"), ("OPTIONS", "jobs")):
        async with http.request(method, path, headers=headers) as response:
            assert response.status == 403, (method, path)
            assert (await error_of(response))["code"] == "foreign_origin"


async def test_our_own_origin_is_taken(server: LiveServer, http: aiohttp.ClientSession) -> None:
    async with http.post("validate", json={"workflow": writes()}, headers={"Origin": server.url}) as response:
        assert response.status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
async def test_a_request_that_another_site_caused_is_refused(http: aiohttp.ClientSession, site: str) -> None:
    for path in ("jobs", "health"):
        async with http.get(path, headers={"Sec-Fetch-Site": site}) as response:
            assert response.status == 403


async def test_following_a_link_to_the_editor_is_allowed_but_embedding_it_is_not(
    anyone: aiohttp.ClientSession,
) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with anyone.get("/", headers=visit) as response:
        assert response.status == 200
    async with anyone.get("/", headers={**visit, "Sec-Fetch-Dest": "iframe"}) as response:
        assert response.status == 403
    async with anyone.get("/api/v1/health", headers=visit) as response:
        assert response.status == 403


async def test_no_answer_allows_another_origin_to_read_it(server: LiveServer, http: aiohttp.ClientSession) -> None:
    asked = {"Origin": server.url, "Access-Control-Request-Method": "POST"}
    for method, path in (("OPTIONS", "jobs"), ("GET", "jobs"), ("GET", "health")):
        async with http.request(method, path, headers=asked) as response:
            assert not [name for name in response.headers if name.lower().startswith("access-control")]
            assert response.status == (405 if method == "OPTIONS" else 200)


@pytest.mark.parametrize("path", MUTATIONS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/json2"])
async def test_a_mutation_takes_no_body_that_a_foreign_form_could_send(
    http: aiohttp.ClientSession, path: str, kind: str
) -> None:
    async with http.post(path, data=b'{"workflow": {}}', headers={"Content-Type": kind}) as response:
        assert response.status == 415
        assert (await error_of(response))["code"] == "unsupported_media_type"


async def test_no_get_changes_anything(http: aiohttp.ClientSession) -> None:
    for path in ("jobs/x/cancel", "jobs/x/retry", "jobs/x/move", "validate", "plan", "launches"):
        async with http.get(path) as response:
            assert response.status == 405, path
            assert "POST" in response.headers["Allow"]
            await error_of(response)


async def test_every_answer_carries_the_headers_that_protect_it(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    for path in ("jobs", "health", "nothing", "catalogue", "jobs/nothing/events", "artifacts/x"):
        async with http.get(path) as response:
            check_headers(response)
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    async with http.get(server.url + "/") as response:
        check_headers(response)
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert "script-src" not in response.headers["Content-Security-Policy"]


def check_headers(response: aiohttp.ClientResponse) -> None:
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert "aiohttp" not in response.headers["Server"]


def test_the_cookie_and_the_token_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from server.api import security

    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(security.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    assert security._equal("given", "given")
    assert compared == [(b"given", b"given")]


def test_a_server_without_auth_takes_programs_but_no_foreign_page(tmp_path: Path) -> None:
    for server in run_server(settings_in(tmp_path, port=0), token=None):

        async def check(server: LiveServer = server) -> None:
            async with aiohttp.ClientSession(server.api + "/") as session:
                async with session.get("jobs") as response:
                    assert response.status == 200
                for headers in ({"Origin": "null"}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}):
                    async with session.get("jobs", headers=headers) as response:
                        assert response.status == 403
                async with session.post("jobs/x/cancel") as response:
                    assert response.status == 415  # a foreign form could have sent just this
                async with session.post("jobs/x/cancel", json={}) as response:
                    assert response.status == 404
                async with session.post("jobs", data=json.dumps({"workflow": {}})) as response:
                    assert response.status == 415

        asyncio.run(check())
        assert server.launch_url() == server.url
