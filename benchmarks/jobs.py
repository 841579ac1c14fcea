"""Submissions a second through the job service, each durable before it is answered; beside bare SQLite.

Also the time from the service's start to a worker that is ready, with the built-in nodes.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.table import Table, spread
from server.jobs.service import JobService
from server.settings import Settings

JOBS = 1000
REPEATS = 3
CLIENTS = 16
IDLE = (sys.executable, "-c", "import time; time.sleep(600)")
"""A worker that is never ready: submissions are measured without runs, judged by the cached catalogue."""

PACK = '''"""One trivial node."""

from server.kit import node


@node(category="benchmark", sink=True)
def nothing(*, number: int = 0) -> None:
    """Do nothing."""
'''


def run() -> Table:
    """Measure all of it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return asyncio.run(_run(Path(folder)))


async def _run(folder: Path) -> Table:
    settings = _settings(folder)
    await _learn_catalogue(settings)
    bare = [_bare(folder / f"bare{n}.sqlite") for n in range(REPEATS)]
    rows = [["bare SQLite, a synced transaction for each row", spread(bare, " /s", 0)]]
    for label, command, clients in (
        (f"{CLIENTS} clients, structure judged by the server", IDLE, CLIENTS),
        (f"{CLIENTS} clients, nodes' checks by a worker that also runs the jobs", None, CLIENTS),
        ("1 client, structure judged by the server", IDLE, 1),
    ):
        rates = [await _rate(settings, command, clients) for _ in range(REPEATS)]
        rows.append([label, spread(rates, " /s", 0)])
    ready = [await _seconds_to_ready(_settings(folder, f"ready{n}")) for n in range(REPEATS)]
    rows.append(["start of the service to a ready worker, built-in nodes", spread(ready, " s")])
    note = f"{JOBS} jobs of one node, synchronous=FULL; {REPEATS} runs, median (smallest to largest)."
    return Table("Jobs", note, ["what", "figure"], rows)


def _settings(folder: Path, name: str = "home") -> Settings:
    home = Settings.load({"KINEGRAPH_HOME": str(folder / name)})
    settings = replace(home, custom_nodes=folder / "packs", max_queue=10**6, cancel_grace_s=0.1).create_folders()
    (folder / "packs" / "bench.py").write_text(PACK, encoding="utf-8")
    return settings


async def _learn_catalogue(settings: Settings) -> None:
    service = JobService(settings, builtin=None)
    await service.start()
    await service.catalogue()
    await service.stop()


async def _rate(settings: Settings, command: tuple[str, ...] | None, clients: int) -> float:
    for name in ("jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm"):
        (settings.home / name).unlink(missing_ok=True)
    service = JobService(settings, builtin=None, command=command)
    await service.start()
    if command is None:
        await _wait(lambda: service.worker_state == "ready")
    began = time.perf_counter()
    await asyncio.gather(*(_submit(service, range(first, JOBS, clients)) for first in range(clients)))
    seconds = time.perf_counter() - began
    await service.stop()
    return JOBS / seconds


async def _submit(service: JobService, numbers: range) -> None:
    for number in numbers:
        node = {"type": "bench/nothing", "version": 1, "inputs": {"number": number}}
        await service.submit(json.dumps({"kinegraph": 1, "nodes": {"n": node}}))


async def _seconds_to_ready(settings: Settings) -> float:
    service = JobService(settings)
    began = time.perf_counter()
    await service.start()
    await _wait(lambda: service.worker_state == "ready")
    seconds = time.perf_counter() - began
    await service.stop()
    return seconds


async def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def _bare(path: Path) -> float:
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE jobs (document TEXT)")
        began = time.perf_counter()
        for number in range(JOBS):
            connection.execute("INSERT INTO jobs VALUES (?)", (f"{number:200}",))
        seconds = time.perf_counter() - began
    connection.close()
    return JOBS / seconds


if __name__ == "__main__":
    print(run().to_markdown())
