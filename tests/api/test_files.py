"""Artifacts: by digest, whole or in part, inert, and never anything that no job made."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.api.errors import ApiError
from server.api.files import Span, matches, read_range
from tests.api.live import LiveServer, ended, error_of, submit, writes

TEXT = "0123456789" * 60_000
SIZE = len(TEXT)


async def made(http: aiohttp.ClientSession, text: str = TEXT, **inputs: Any) -> dict[str, Any]:
    document = writes(text[:10], repeat=len(text) // 10, **inputs)
    (artifact,) = (await ended(http, await submit(http, document)))["artifacts"]
    return artifact


async def test_a_file_comes_whole_with_its_digest_as_etag(http: aiohttp.ClientSession) -> None:
    artifact = await made(http)
    async with http.get(f"artifacts/{artifact['digest']}") as response:
        assert response.status == 200
        assert response.headers["ETag"] == f'"{artifact["digest"]}"'
        assert response.headers["Accept-Ranges"] == "bytes"
        assert int(response.headers["Content-Length"]) == SIZE == artifact["size_bytes"]
        assert await response.text() == TEXT
    async with http.head(f"artifacts/{artifact['digest']}") as response:
        assert (response.status, int(response.headers["Content-Length"])) == (200, SIZE)
        assert await response.read() == b""


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        ("bytes=5-14", 5, 15),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=-3", SIZE - 3, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        (f"bytes=10-{SIZE * 2}", 10, SIZE),
        ("bytes=300000-400000", 300_000, 400_001),
    ],
)
async def test_a_part_of_a_file_comes_as_asked(http: aiohttp.ClientSession, asked: str, start: int, end: int) -> None:
    artifact = await made(http)
    async with http.get(f"artifacts/{artifact['digest']}", headers={"Range": asked}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
        assert await response.text() == TEXT[start:end]


@pytest.mark.parametrize(
    "asked",
    ["bytes=", "bytes=-", "bytes=-0", f"bytes={SIZE}-", "bytes=5-4", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "0-1",
     "bytes=--1", "bytes=1", "bytes=0x1-2", "bytes=" + "9" * 100 + "-"],
)  # fmt: skip
async def test_a_bad_range_is_416_with_the_size(http: aiohttp.ClientSession, asked: str) -> None:
    artifact = await made(http)
    async with http.get(f"artifacts/{artifact['digest']}", headers={"Range": asked}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == f"bytes */{SIZE}"
        assert (await error_of(response))["code"] == "bad_range"


async def test_what_the_client_has_is_not_sent_again(http: aiohttp.ClientSession) -> None:
    artifact = await made(http)
    address, etag = f"artifacts/{artifact['digest']}", f'"{artifact["digest"]}"'
    async with http.get(address, headers={"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with http.get(address, headers={"Range": "bytes=1-2", "If-Range": etag}) as response:
        assert (response.status, await response.text()) == (206, "12")
    async with http.get(address, headers={"Range": "bytes=1-2", "If-Range": '"old"'}) as response:
        assert (response.status, await response.text()) == (200, TEXT)


@pytest.mark.parametrize(
    ("suffix", "content_type", "disposition"),
    [
        (".png", "image/png", "inline"),
        (".mp4", "video/mp4", "inline"),
        (".svg", "application/octet-stream", "attachment"),
        (".html", "application/octet-stream", "attachment"),
        (".txt", "application/octet-stream", "attachment"),
    ],
)
async def test_only_media_that_carries_no_script_is_shown_in_place(
    http: aiohttp.ClientSession, suffix: str, content_type: str, disposition: str
) -> None:
    artifact = await made(http, "<script>!!" * 3, suffix=suffix, name="sc\xe9ne")
    async with http.get(f"artifacts/{artifact['digest']}") as response:
        assert response.headers["Content-Type"] == content_type
        assert response.headers["Content-Disposition"].startswith(f"{disposition}; filename*=UTF-8''sc%C3%A9ne")
        assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_files_are_listed_newest_first_page_by_page(http: aiohttp.ClientSession) -> None:
    digests = [(await made(http, f"listed {n}!!" * 2))["digest"] for n in range(3)]
    listed: list[str] = []
    query = {"limit": "2"}
    while True:
        async with http.get("artifacts", params=query) as response:
            page = await response.json()
        listed += [artifact["digest"] for artifact in page["artifacts"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert [digest for digest in dict.fromkeys(listed) if digest in digests] == digests[::-1]


async def test_a_file_that_is_not_what_the_job_made_is_gone(server: LiveServer, http: aiohttp.ClientSession) -> None:
    artifact = await made(http, "changed..." * 2)
    path = server.settings.folders.outputs / artifact["path"]
    path.write_text("something else, longer than before")
    async with http.get(f"artifacts/{artifact['digest']}") as response:
        assert response.status == 410
        assert "run the job again" in (await error_of(response))["hint"]
    path.write_bytes(b"x" * artifact["size_bytes"])
    async with http.get(f"artifacts/{artifact['digest']}") as response:
        assert response.status == 410  # of the same size
    path.unlink()
    async with http.get(f"artifacts/{artifact['digest']}") as response:
        assert response.status == 410


async def test_a_link_out_of_the_outputs_folder_is_not_followed(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    artifact = await made(http, "linked...." * 2)
    path = server.settings.folders.outputs / artifact["path"]
    secret = server.settings.home / "secret"
    secret.write_bytes(b"x" * artifact["size_bytes"])
    path.unlink()
    try:
        path.symlink_to(secret)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    async with http.get(f"artifacts/{artifact['digest']}") as response:
        assert response.status == 410
        assert "outside" in (await error_of(response))["message"]


@given(st.text("bytes=-0123456789, ", max_size=30), st.integers(0, 1000))
def test_a_range_is_inside_the_file_or_refused(header: str, size: int) -> None:
    try:
        span = read_range(header, size)
    except ApiError:
        return
    assert isinstance(span, Span)
    assert 0 <= span.start < span.end <= size


def test_a_list_of_etags_is_read() -> None:
    assert matches('"a", "b"', '"b"')
    assert matches('W/"b"', '"b"')
    assert matches("*", '"b"')
    assert not matches('"a"', '"b"')
    assert not matches(None, '"b"')


async def test_models_are_listed_for_choosing_and_a_bad_list_of_folders_is_refused(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    models = server.settings.folders.models
    (models / "vae").mkdir()
    (models / "vae" / "wan.safetensors").write_bytes(b"12345")
    (models / "vae" / "old.ckpt").write_bytes(b"1")
    async with http.get("models") as response:
        listed = (await response.json())["models"]
    assert {"name": "vae/wan.safetensors", "kind": "file", "size_bytes": 5} in listed
    assert "vae/old.ckpt" not in {entry["name"] for entry in listed}
    paths = models / "extra_model_paths.yaml"
    paths.write_text("[not, a, mapping]", encoding="utf-8")
    async with http.get("models") as response:
        assert response.status == 422
        assert (await response.json())["error"]["code"] == "bad_model_paths"
    paths.unlink()
