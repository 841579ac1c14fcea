"""What the server's process loads, and what somebody sees who opens its address."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from server.api import editor
from server.api.app import create_app
from server.api.keys import EDITOR
from server.jobs.errors import StoreError
from server.jobs.service import JobService
from tests.api.live import TOKEN, LiveServer, error_of, run_server, settings_in

HEAVY = ["torch", "numpy", "av", "PIL", "diffusers", "transformers", "safetensors", "nodes", "server.media"]


def test_the_server_loads_nothing_heavy() -> None:
    code = "import sys, server.api.app; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "server.api.app" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_sdk_loads_nothing_of_ours_but_itself() -> None:
    code = "import sys, server.client; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name for name in result.stdout.split() if name.startswith("server.")}
    assert ours == {"server.client", "server.client_records", "server.client_workflows"}
    assert "pydantic" not in result.stdout.split()


async def test_without_a_built_editor_a_page_says_so(server: LiveServer) -> None:
    if EDITOR in server.app:
        pytest.skip("the editor is built in this checkout")
    async with aiohttp.ClientSession(server.url) as session:
        async with session.get("/") as response:
            assert response.content_type == "text/html"
            assert "has not been built" in await response.text()
        async with session.get("/index.js") as response:
            assert response.status == 404
            await error_of(response)


async def test_a_second_server_on_the_same_home_is_refused_and_harms_no_upload(server: LiveServer) -> None:
    arriving = server.settings.folders.uploads / ".incoming" / "half"
    arriving.parent.mkdir(exist_ok=True)
    arriving.write_bytes(b"half of a file")
    second = web.AppRunner(create_app(server.settings, JobService(server.settings, builtin=None), token=TOKEN))
    with pytest.raises(StoreError, match="another Kinegraph server"):
        await second.setup()
    assert arriving.read_bytes() == b"half of a file"
    arriving.unlink()


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>the editor</title>")
    (folder / "assets" / "app.js").write_text("export {}")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr("server.api.app.find_editor", lambda: folder)
    return folder


def test_a_built_editor_is_served_and_nothing_beside_it(tmp_path: Path, built: Path) -> None:
    async def look(server: LiveServer) -> None:
        async with aiohttp.ClientSession(server.url) as session:
            for path in ("/", "/index.html", "/jobs/1"):
                async with session.get(path, headers={"Accept": "text/html,*/*"}) as response:
                    assert response.status == 200
                    assert "the editor" in await response.text()
                    assert response.content_type == "text/html"
            async with session.get("/", headers={"Accept": "*/*"}) as response:
                assert "the editor" in await response.text()
            async with session.get("/assets/app.js") as response:
                assert response.content_type in ("text/javascript", "application/javascript")
                etag = response.headers["ETag"]
            async with session.get("/assets/app.js", headers={"If-None-Match": etag}) as response:
                assert response.status == 304
            for path in ("/assets/none.js", "/assets", "/%2e%2e/secret", "/..%2Fsecret", "/%00"):
                async with session.get(path) as response:
                    assert response.status == 404, path
            async with session.post("/") as response:
                assert response.status == 405

    for server in run_server(settings_in(tmp_path / "home", port=0)):
        asyncio.run(look(server))


def test_the_editor_is_found_where_a_build_puts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor, "__file__", str(tmp_path / "server" / "api" / "editor.py"))
    assert editor.find_editor() is None
    for folder in (tmp_path / "server" / "web", tmp_path / "web" / "dist"):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("x")
        assert editor.find_editor() == folder


async def test_the_application_is_made_without_starting_anything(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    create_app(settings, JobService(settings, builtin=None), token=TOKEN)
    assert not settings.database.exists()
