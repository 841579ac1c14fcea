"""From `kinegraph serve` to its first 200, and to a worker that is ready; beside Python importing aiohttp alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.table import Table, spread

RUNS = 5
TOKEN = "a-token-for-benchmarks-only"


def run() -> Table:
    """Start the server several times, warm (the catalogue is on disk after the first)."""
    first, ready, bare = [], [], []
    with tempfile.TemporaryDirectory() as home:
        _start(Path(home))
        for _ in range(RUNS):
            answered, worker = _start(Path(home))
            first.append(answered)
            ready.append(worker)
            bare.append(_bare())
    rows = [
        ["`python -c 'import aiohttp.web'`", spread(bare, " s")],
        ["`kinegraph serve` to the first 200", spread(first, " s")],
        ["`kinegraph serve` to a ready worker", spread(ready, " s")],
    ]
    return Table(
        "Start", f"Median of {RUNS} starts (smallest to largest), files in the page cache.", ["what", "time"], rows
    )


def _bare() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import aiohttp.web"], check=True)
    return time.perf_counter() - began


def _start(home: Path) -> tuple[float, float]:
    environment = {**os.environ, "KINEGRAPH_HOME": str(home), "KINEGRAPH_TOKEN": TOKEN}
    command = [sys.executable, "-m", "server", "serve", "--port", "0", "--no-browser"]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]  # "Kinegraph serves URL"
        answered = ready = None
        while ready is None:
            health = _health(url)
            now = time.perf_counter() - began
            answered = now if answered is None and health is not None else answered
            ready = now if health and health["worker"] == "ready" else None
            time.sleep(0.005)
        process.terminate()
        process.stdout.read()
    assert answered is not None
    return answered, ready


def _health(url: str) -> dict[str, str] | None:
    request = urllib.request.Request(f"{url}/api/v1/health", headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
    except (urllib.error.URLError, ConnectionError):
        return None
