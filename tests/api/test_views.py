"""Looks at files over HTTP: what the packs' viewers say and make, for produced and for uploaded files alike."""

from __future__ import annotations

import os

import aiohttp
import pytest

from tests.api.live import LiveServer, ended, error_of, submit, writes

RAW = {"Content-Type": "application/octet-stream"}
TEXT = "nineteen letters..."


async def places(http: aiohttp.ClientSession, text: str = TEXT, name: str = "film.txt") -> tuple[str, str]:
    """Return the addresses of a produced and of an uploaded file with this text."""
    record = await ended(http, await submit(http, writes(text)))
    async with http.post("uploads", params={"name": name}, data=text.encode(), headers=RAW) as response:
        uploaded = (await response.json())["name"]
    return f"artifacts/{record['artifacts'][0]['digest']}", f"uploads/{uploaded}"


async def test_facts_and_peaks_are_the_viewers(http: aiohttp.ClientSession) -> None:
    for place in await places(http):
        async with http.get(f"{place}/facts") as response:
            facts = await response.json()
        assert facts["fps"] == "24000/1001"
        assert facts["frame_count"] == len(TEXT)
        async with http.get(f"{place}/peaks?count=3") as response:
            assert await response.json() == {"peaks": [0.5, 0.5, 0.5]}


async def test_pictures_and_copies_are_made_once_and_sent_in_parts(http: aiohttp.ClientSession) -> None:
    for place in await places(http):
        async with http.get(f"{place}/strip?frames=5") as response:
            assert response.headers["Content-Type"] == "image/webp"
            assert await response.read() == TEXT[:5].encode()
            etag = response.headers["ETag"]
        async with http.get(f"{place}/strip?frames=5", headers={"If-None-Match": etag}) as response:
            assert response.status == 304
        async with http.get(f"{place}/playable", headers={"Range": "bytes=0-7"}) as response:
            assert (response.status, await response.read()) == (206, b"playable")
            assert response.headers["Content-Type"] == "video/mp4"
            assert "sandbox" in response.headers["Content-Security-Policy"]


async def test_a_file_that_changed_is_looked_at_anew(server: LiveServer, http: aiohttp.ClientSession) -> None:
    _, place = await places(http, name="changing.txt")
    async with http.get(f"{place}/strip") as response:
        assert await response.read() == TEXT[:16].encode()
    path = server.settings.folders.uploads / place.removeprefix("uploads/")
    path.write_text("another", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    async with http.get(f"{place}/strip") as response:
        assert await response.read() == b"another"


@pytest.mark.parametrize("view", ["facts", "strip", "peaks", "playable"])
async def test_a_file_that_no_pack_looks_at_is_refused_with_a_hint(http: aiohttp.ClientSession, view: str) -> None:
    async with http.post("uploads?name=a.unknown", data=b"x", headers=RAW) as response:
        name = (await response.json())["name"]
    async with http.get(f"uploads/{name}/{view}") as response:
        assert response.status == 422
        error = await error_of(response)
    (problem,) = error["problems"]
    assert problem["hint"]
    # There is no workflow whose problems could be counted: the refusal is the problem itself.
    assert error == {**{name: problem[name] for name in ("code", "message", "hint")}, "problems": [problem]}
    assert error["code"] == "unreadable_file"


async def test_a_broken_file_and_a_viewer_without_pictures_are_refused(http: aiohttp.ClientSession) -> None:
    _, broken = await places(http, "broken", "broken.txt")
    _, drawing = await places(http, "<svg/>", "drawing.svg")
    for address in (f"{broken}/facts", f"{drawing}/strip", f"{drawing}/peaks", f"{drawing}/playable"):
        async with http.get(address) as response:
            assert response.status == 422, address


@pytest.mark.parametrize("query", ["frames=0", "frames=65", "frames=x", "wrong=1"])
async def test_wrong_numbers_are_refused(http: aiohttp.ClientSession, query: str) -> None:
    _, place = await places(http)
    async with http.get(f"{place}/strip?{query}") as response:
        assert response.status == 400


@pytest.mark.parametrize("place", [f"artifacts/{'0' * 40}", "uploads/nothing.txt", "uploads/..%2Fjobs.sqlite"])
@pytest.mark.parametrize("view", ["facts", "strip", "peaks", "playable"])
async def test_what_is_not_there_is_404(http: aiohttp.ClientSession, place: str, view: str) -> None:
    async with http.get(f"{place}/{view}") as response:
        assert response.status == 404


async def test_a_produced_file_becomes_an_upload_once(server: LiveServer, http: aiohttp.ClientSession) -> None:
    produced, _ = await places(http, "to be used again")
    answers: list[dict[str, object]] = []
    for _ in range(2):
        async with http.post(f"{produced}/upload", json={}) as response:
            assert response.status == 201
            answers.append(await response.json())
    assert answers[0] == answers[1]
    path = server.settings.folders.uploads / str(answers[0]["name"])
    assert path.read_text(encoding="utf-8") == "to be used again"
    assert produced.endswith(str(answers[0]["digest"]))
