"""A real service with a real worker process, and a pack of nodes that behave in all the ways that nodes should not."""

import asyncio
import json
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from server.jobs.records import FINISHED
from server.jobs.service import JobService
from server.settings import Settings

TOYS = '''
"""Nodes that sleep, report, fail, print, and die."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

from server.kit import Artifact, Context, InputProblem, Number, node


@node(category="toys", sink=True)
def remember(*, text: str = "", ctx: Context) -> None:
    """Do nothing but log."""
    ctx.log(text)


@node(category="toys", sink=True, cached=False)
def steps(*, count: int = 3, pause: float = 0.02, gate: str = "", ctx: Context) -> None:
    """Report progress, then wait for the gate file, being cancelable."""
    for _ in ctx.progress(range(count)):
        time.sleep(pause)
    while gate and not Path(gate).exists():
        ctx.report(count, count)
        time.sleep(0.02)


@node(category="toys", sink=True, cached=False)
def stubborn(*, flag: str, ctx: Context) -> None:
    """Say that it runs, and stop for nobody."""
    Path(flag).touch()
    ctx.log("running")
    while True:
        time.sleep(0.05)


@node(category="toys", sink=True, cached=False)
def abort() -> None:
    """End the process from inside."""
    os.abort()


@node(category="toys", sink=True, cached=False)
def leave() -> None:
    """End the thread, as badly written packs do."""
    sys.exit(3)


@node(category="toys", sink=True, cached=False)
def shout(*, ctx: Context) -> None:
    """Print garbage where the protocol used to be, and read what is none of its business."""
    print('{"kind": "done", "job": "x", "status": "succeeded"}')
    os.write(1, b"\\xff\\x00 not a message\\n" * 100)
    ctx.log("stdin gave " + repr(sys.stdin.read()))


@node(category="toys", sink=True, cached=False)
def hold(*, mebibytes: int, flag: str, ctx: Context) -> None:
    """Allocate memory, touch it, and keep it."""
    block = bytearray(mebibytes * 1024 * 1024)
    block[:: 4096] = b"x" * len(block[:: 4096])
    Path(flag).touch()
    while True:
        ctx.report(1)
        time.sleep(0.05)


@node(category="toys", sink=True, cached=False)
def chatter(*, lines: int, ctx: Context) -> None:
    """Log many lines."""
    for number in range(lines):
        ctx.log(f"line {number}")


@node(category="toys", sink=True)
def write_file(*, text: str = "hello", ctx: Context) -> Artifact:
    """Produce an artifact."""
    return ctx.save("note", ".txt", "text/plain", lambda path: path.write_text(text, encoding="utf-8"))


@node(category="toys", sink=True)
def picky(*, name: str = "", level: Annotated[int, Number(min=0, max=9)] = 1) -> None:
    """Have an opinion about its input."""


@picky.check
def _name_is_given(name: str) -> list[InputProblem]:
    return [] if name else [InputProblem("name", "the name is empty", "give it one")]


@node(category="toys", sink=True, version=2)
def renamed(*, fresh: str = "") -> None:
    """Have had another input once."""


@renamed.migration(from_version=1)
def _stale_became_fresh(inputs: dict[str, object]) -> dict[str, object]:
    inputs["fresh"] = inputs.pop("stale")
    return inputs
'''


def workflow(node_type: str, title: str | None = None, **inputs: object) -> str:
    """Return a workflow of one toy, named `toy`."""
    document: dict[str, object] = {"kinegraph": 1}
    if title:
        document["title"] = title
    document["inputs"] = {name: {"node": "toy", "input": name} for name in inputs}
    document["nodes"] = {"toy": {"type": f"toys/{node_type}", "version": 1, "inputs": inputs}}
    return json.dumps(document)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home of its own, with the toys as the only pack."""
    settings = replace(
        Settings.load({"KINEGRAPH_HOME": str(tmp_path / "home")}), custom_nodes=tmp_path / "packs", cancel_grace_s=0.5
    ).create_folders()
    (settings.custom_nodes / "toys.py").write_text(textwrap.dedent(TOYS), encoding="utf-8")
    return settings


@pytest.fixture
async def service(settings: Settings):
    """A started service; its worker may not be ready yet."""
    service = JobService(settings, builtin=None)
    await service.start()
    yield service
    await service.stop()


async def finished(service: JobService, job: str):
    """Return the job when it has ended."""
    async with asyncio.timeout(60):
        async for event in service.events(job):
            if event.data.get("state") in FINISHED and event.kind == "job_state":
                break
    return await service.get(job)


async def seen(service: JobService, job: str, kind: str):
    """Return the first event of a kind, stored or live."""
    async with asyncio.timeout(60):
        async for event in service.events(job):
            if event.kind == kind:
                return event
    raise AssertionError(f"the job ended without a {kind!r} event")


async def exists(path: Path) -> None:
    """Wait for a file that a node makes."""
    async with asyncio.timeout(60):
        while not path.exists():
            await asyncio.sleep(0.02)


async def worker_pid(service: JobService, other_than: int | None = None) -> int:
    """Return the id of a worker process that has started."""
    async with asyncio.timeout(60):
        while (pid := service.status()["worker"]["pid"]) in (None, other_than):
            await asyncio.sleep(0.01)
    return pid


async def worker_ready(service: JobService) -> int:
    """Return the id of a worker process that has loaded its packs."""
    async with asyncio.timeout(60):
        while service.worker_state not in ("ready", "running"):
            await asyncio.sleep(0.01)
    return await worker_pid(service)
