"""Uploads arrive whole or not at all, under safe names, within limits; and come back inert."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.api.errors import ApiError
from server.api.incoming import MAX_NAME_BYTES, discard_incoming, receive, safe_name
from tests.api.live import TOKEN, LiveServer, error_of

BYTES = {"Content-Type": "application/octet-stream"}


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=20).hexdigest()


async def put(http: aiohttp.ClientSession, name: str, data: bytes) -> dict[str, object]:
    async with http.post("uploads", params={"name": name}, data=data, headers=BYTES) as response:
        assert response.status == 201, await response.text()
        return await response.json()


def left_behind(server: LiveServer) -> list[Path]:
    return list((server.settings.folders.uploads / ".incoming").glob("*"))


async def test_raw_bytes_and_a_form_arrive_alike(server: LiveServer, http: aiohttp.ClientSession) -> None:
    data = os.urandom(700_000)
    plain = await put(http, "raw.mp4", data)
    form = aiohttp.FormData()
    form.add_field("comment", "not a file")
    form.add_field("file", data, filename="form.mp4", content_type="video/mp4")
    async with http.post("uploads", data=form) as response:
        assert response.status == 201, await response.text()
        assert response.headers["Location"] == "/api/v1/uploads/form.mp4"
        formed = await response.json()
    for answer in (plain, formed):
        assert answer["digest"] == digest(data)
        assert answer["size_bytes"] == len(data)
        assert answer["media_type"] == "video/mp4"
        assert (server.settings.folders.uploads / str(answer["name"])).read_bytes() == data
        async with http.get(f"uploads/{answer['name']}") as response:
            assert await response.read() == data
    async with http.get("uploads") as response:
        assert {"raw.mp4", "form.mp4"} <= {entry["name"] for entry in (await response.json())["uploads"]}
    assert left_behind(server) == []


async def test_the_same_file_twice_is_one_and_another_of_its_name_gets_a_counter(http: aiohttp.ClientSession) -> None:
    assert (await put(http, "twice.png", b"one"))["name"] == "twice.png"
    assert (await put(http, "twice.png", b"one"))["name"] == "twice.png"
    assert (await put(http, "twice.png", b"two"))["name"] == "twice-2.png"


async def test_uploads_of_one_name_at_once_all_arrive(http: aiohttp.ClientSession) -> None:
    answers = await asyncio.gather(*(put(http, "race.bin", bytes([number]) * 1000) for number in range(8)))
    assert len({answer["name"] for answer in answers}) == 8
    for number, answer in enumerate(answers):
        async with http.get(f"uploads/{answer['name']}") as response:
            assert await response.read() == bytes([number]) * 1000


async def test_an_upload_is_served_inert(http: aiohttp.ClientSession) -> None:
    for name, content_type, shown in (
        ("evil.svg", "application/octet-stream", "attachment"),
        ("evil.html", "application/octet-stream", "attachment"),
        ("noname", "application/octet-stream", "attachment"),
        ("fine.png", "image/png", "inline"),
        ("fine.webm", "video/webm", "inline"),
    ):
        await put(http, name, b"<script>alert(1)</script>")
        async with http.get(f"uploads/{name}") as response:
            assert response.headers["Content-Type"] == content_type
            assert response.headers["Content-Disposition"].startswith(shown)
            assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\clip.mp4", "clip.mp4"),
        ("/absolute.png", "absolute.png"),
        (".hidden", "hidden"),
        ("con.txt", "_con.txt"),
        ("LPT1", "_LPT1"),
        ("a<b>:c|d?.mp4", "a_b__c_d_.mp4"),
        ("new\nline\x00\x1b[31m.png", "newline[31m.png"),
        ("trailing. .", "trailing"),
        ("e\u0301.png", "\xe9.png"),
        ("\u202eexe.gpj", "exe.gpj"),
    ],
)
def test_a_name_is_made_safe(given_name: str, kept: str) -> None:
    assert safe_name(given_name) == kept


@pytest.mark.parametrize("name", ["..", ".", "...", "///", "\\", "\x00", " ", "\ud800"])
def test_a_name_of_which_nothing_is_left_is_refused(name: str) -> None:
    with pytest.raises(ApiError, match="no file name"):
        safe_name(name)


@given(st.text(max_size=300))
def test_no_name_leaves_the_folder_or_breaks_a_file_system(name: str) -> None:
    try:
        safe = safe_name(name)
    except ApiError:
        return
    assert safe == Path(safe).name
    assert not set(safe) & set('/\\<>:"|?*\0')
    assert safe.isprintable()
    assert not safe.startswith(".")
    assert not safe.endswith((".", " "))
    assert len(safe.encode()) <= MAX_NAME_BYTES


async def test_a_file_beyond_the_limit_is_refused_however_it_comes(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    limit = server.settings.max_upload_bytes

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(limit // 65536 + 2):
            yield b"x" * 65536

    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(b"x" * (limit + 1)), filename="big.bin")
    for data, headers in ((io.BytesIO(b"x" * (limit + 1)), BYTES), (unannounced(), BYTES), (form, {})):
        try:
            async with http.post("uploads", params={"name": "big.bin"}, data=data, headers=headers) as response:
                assert response.status == 413
                assert "MAX_UPLOAD_BYTES" in (await error_of(response))["hint"]
        except aiohttp.ClientOSError:
            pass  # the server closed before all was sent; that no file appeared is seen below
    assert not list(server.settings.folders.uploads.glob("big*"))
    assert left_behind(server) == []


@pytest.mark.parametrize("form", [False, True])
async def test_an_upload_that_is_cut_leaves_nothing(
    server: LiveServer, http: aiohttp.ClientSession, form: bool
) -> None:
    kind = "multipart/form-data; boundary=B" if form else "video/mp4"
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"POST /api/v1/uploads?name=cut.mp4 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    writer.write(f"{head}Content-Type: {kind}\r\nContent-Length: 1000000\r\n\r\n".encode())
    if form:
        writer.write(b'--B\r\nContent-Disposition: form-data; name="file"; filename="cut.mp4"\r\n\r\n')
    writer.write(b"x" * 300_000)
    await writer.drain()
    while not left_behind(server):
        await asyncio.sleep(0.01)
    writer.transport.abort()
    while left_behind(server):
        await asyncio.sleep(0.01)
    async with http.get("uploads/cut.mp4") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing like a form",
        b"--B--\r\n",
        b"--B\r\n\r\nno name\r\n--B--\r\n",
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\nno end',
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="\xff\xfe"\r\n\r\nx\r\n--B--\r\n',
        b"--B\r\nContent-Disposition: " + b"x" * 20_000 + b"\r\n\r\nx\r\n--B--\r\n",
        b'--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--C\r\n\r\nx\r\n--C--\r\n--B--\r\n',
    ],
)  # fmt: skip
async def test_a_broken_form_is_refused(server: LiveServer, http: aiohttp.ClientSession, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    async with http.post("uploads", data=body, headers=headers) as response:
        assert response.status in (400, 422), await response.text()
        await error_of(response)
    assert left_behind(server) == []


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed"])
async def test_a_form_without_a_boundary_is_refused(http: aiohttp.ClientSession, kind: str) -> None:
    async with http.post("uploads", data=b"--B--", headers={"Content-Type": kind}) as response:
        assert response.status in (400, 415)
        await error_of(response)


async def test_a_form_with_two_files_is_refused_rather_than_one_of_them_lost(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    form = aiohttp.FormData()
    for name in ("one.png", "two.png"):
        form.add_field("file", b"x" * 1000, filename=name, content_type="image/png")
    async with http.post("uploads", data=form) as response:
        assert response.status == 400
        assert "more than one file" in (await error_of(response))["message"]
    assert left_behind(server) == []


async def test_an_upload_without_a_name_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("uploads", data=b"x", headers=BYTES) as response:
        assert response.status == 400
        assert "?name=" in (await error_of(response))["hint"]
    async with http.post("uploads?name=..", data=b"x", headers=BYTES) as response:
        assert response.status == 422


async def test_a_link_in_the_uploads_folder_leads_nowhere(server: LiveServer, http: aiohttp.ClientSession) -> None:
    link = server.settings.folders.uploads / "link.txt"
    try:
        link.symlink_to(server.settings.database)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    async with http.get("uploads/link.txt") as response:
        assert response.status == 404
    async with http.get("uploads") as response:
        assert "link.txt" not in await response.text()
    link.unlink()


async def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    def no_space(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ApiError) as caught:
        await receive(chunks(), tmp_path, "x.bin", 10)
    assert (caught.value.status, caught.value.code) == (507, "disk_full")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_an_upload_that_stops_arriving_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    monkeypatch.setattr("server.api.incoming.PATIENCE_S", 0.01)
    with pytest.raises(ApiError) as caught:
        await receive(chunks(), tmp_path, "x.bin", 10)
    assert caught.value.status == 408
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_server_left_behind_is_discarded(tmp_path: Path) -> None:
    (tmp_path / ".incoming").mkdir()
    (tmp_path / ".incoming" / "half").write_bytes(b"x")
    (tmp_path / "whole").write_bytes(b"x")
    discard_incoming(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["whole"]
