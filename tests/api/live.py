"""The real application on a real port, with the real job service and a worker process that has the toy pack.

No test and no fixture is here; `conftest.py` has the one server that most tests share.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from server.api.app import create_app, launch_url
from server.jobs.service import JobService
from server.settings import Settings

TOKEN = "a-token-for-the-tests-0123456789"
PACKS = Path(__file__).parent / "packs"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def workflow(**nodes: Any) -> dict[str, Any]:
    """Return a document with the nodes, each given as (type, inputs)."""
    placed = {name: {"type": f"toy/{kind}", "inputs": inputs} for name, (kind, inputs) in nodes.items()}
    return {"kinegraph": 1, "title": "A test", "nodes": placed}


def writes(text: str = "hello", **inputs: Any) -> dict[str, Any]:
    return {
        **workflow(save=("write", {"text": text, **inputs})),
        "inputs": {"words": {"node": "save", "input": "text"}},
    }


@dataclass(frozen=True)
class LiveServer:
    """A server in a thread of its own."""

    app: web.Application
    settings: Settings
    port: int
    loop: asyncio.AbstractEventLoop
    token: str | None = TOKEN

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def launch_url(self) -> str:
        return launch_url(self.app, self.url)


def settings_in(home: Path, **given: Any) -> Settings:
    packs = home / "packs"
    shutil.copytree(PACKS, packs, dirs_exist_ok=True)
    return Settings(home=home, custom_nodes=packs, device="cpu", cancel_grace_s=5, **given).create_folders()


def run_server(settings: Settings, token: str | None = TOKEN) -> Iterator[LiveServer]:
    """Start the real application; yields it once, and ends it in good order."""
    started: list[LiveServer | BaseException] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        try:
            app = create_app(settings, JobService(settings, builtin=None), token=token)
            runner = web.AppRunner(app, shutdown_timeout=5)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", settings.port)
            await site.start()
            started.append(LiveServer(app, settings, runner.addresses[0][1], loop, token))
        except BaseException as error:
            started.append(error)
            raise
        finally:
            ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait(60)
    assert isinstance(started[0], LiveServer), started
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        assert not thread.is_alive(), "the server did not end"
        loop.close()


async def error_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return the refusal in an answer, after seeing that it has the one shape."""
    assert response.content_type == "application/json", await response.text()
    data = await response.json()
    assert set(data) == {"error"}
    assert set(data["error"]) == {"code", "message", "hint", "problems"}
    assert data["error"]["code"]
    assert data["error"]["message"]
    return data["error"]


async def ended(http: aiohttp.ClientSession, job: str) -> dict[str, Any]:
    """Follow a job to its end and return its record."""
    async with http.get(f"jobs/{job}/events") as response:
        assert response.status in (200, 204)
        await response.read()
    async with http.get(f"jobs/{job}") as response:
        return await response.json()


async def submit(http: aiohttp.ClientSession, document: dict[str, Any], **body: Any) -> str:
    async with http.post("jobs", json={"workflow": document, **body}) as response:
        assert response.status == 201, await response.text()
        return (await response.json())["id"]
