"""The editor's canvas in a real Chromium: load, frames and heap, beside litegraph and plain React Flow in the same run.

Graphs of nodes with three inputs, two outputs and four knobs, about one and a half links a node. Ours is the whole
editor, opened from its real server by dropping a workflow; the others are a page each (`editor_pages/`) that draws the
same graph as their documentation shows it. All are driven by the same pointer through the browser's input events.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.table import Table
from tests.web.conftest import FLAGS, Server
from tests.web.npm import run_npm

PAGES = Path(__file__).parent / "editor_pages"
SCRIPT = (PAGES / "measure.js").read_text(encoding="utf-8")
COUNTS = (100, 1000, 3000)
ROUNDS = 3
VIEW = {"width": 1600, "height": 900}
COLUMNS = 40
MIDDLE = (800, 450)

PACK = '''"""Nodes for the editor's benchmark."""

from typing import Annotated, Literal, NamedTuple

from nodes import Clip, Slider, Text, node


class Both(NamedTuple):
    out0: Clip
    out1: Clip


@node(category="benchmark")
def knobs(
    first: Clip,
    second: Clip | None = None,
    third: Clip | None = None,
    *,
    number: Annotated[int, Slider(0, 100000)] = 1,
    choice: Literal["fast", "good", "best"] = "fast",
    text: Annotated[str, Text(multiline=True)] = "",
    enabled: bool = True,
) -> Both:
    """Do nothing.

    Args:
        first: A clip.
        second: A clip.
        third: A clip.
        number: A number.
        choice: A choice.
        text: A text.
        enabled: A switch.

    Returns:
        out0: The clip.
        out1: The clip.
    """
    return Both(first, first)
'''


@dataclass(frozen=True)
class Figures:
    """What one page did with one graph: milliseconds, mebibytes, elements."""

    load: float
    motions: dict[str, tuple[float, float]]
    """Median and 95th percentile of the time between frames, by motion."""
    heap: float
    elements: int


MOTIONS = ("pan 1:1", "drag a node", "zoom", "pan whole graph")


def run() -> Table:
    """Measure every page with every graph, in turn, several rounds."""
    _build_pages()
    taken: dict[tuple[int, str], list[Figures]] = {}
    with _ours() as server, _static(PAGES / "dist") as address, sync_playwright() as driver:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=executable, args=[*FLAGS, "--enable-precise-memory-info"])
        for count in COUNTS:
            graph = _graph(count)
            for _ in range(ROUNDS if count < 3000 else 1):
                for name in ("Kinegraph", "litegraph", "flow"):
                    page = browser.new_page(viewport=VIEW)
                    page.add_init_script(SCRIPT)
                    page.set_default_timeout(120_000)
                    if name == "Kinegraph":
                        page.goto(server.launch_link())
                        page.get_by_text("Start with something").wait_for()
                        load = partial(page.evaluate, "document => window.bench.drop(document)", _document(graph))
                    else:
                        page.goto(f"{address}/{name}.html")
                        load = partial(page.evaluate, "graph => window.bench.load(graph)", graph)
                    taken.setdefault((count, name), []).append(_measure(page, load))
                    page.close()
        browser.close()
    return _table(taken)


def _build_pages() -> None:
    for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        done = run_npm("--prefix", str(PAGES), *arguments)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)


@contextmanager
def _ours() -> Iterator[Server]:
    """The real server, with a pack that declares the benchmark's node."""
    with tempfile.TemporaryDirectory() as name:
        pack = Path(name, "packs", "benchmark")
        pack.mkdir(parents=True)
        (pack / "__init__.py").write_text(PACK, encoding="utf-8")
        os.environ["KINEGRAPH_CUSTOM_NODES"] = str(pack.parent)
        server = Server(Path(name, "home"))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _static(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _graph(count: int) -> dict[str, Any]:
    """A grid; each node is linked to its left neighbour, every second one also to the one above."""
    nodes = [
        {"id": f"n{i}", "at": [i % COLUMNS * 300, i // COLUMNS * 340], "number": i, "text": f"node number {i}"}
        for i in range(count)
    ]
    links = [[f"n{i - 1}", f"n{i}", "first"] for i in range(1, count)]
    links += [[f"n{i - COLUMNS}", f"n{i}", "second"] for i in range(COLUMNS, count, 2)]
    return {"nodes": nodes, "links": links}


def _document(graph: dict[str, Any]) -> str:
    nodes: dict[str, Any] = {
        node["id"]: {
            "type": "benchmark/knobs",
            "version": 1,
            "at": node["at"],
            "inputs": {"number": node["number"], "text": node["text"]},
        }
        for node in graph["nodes"]
    }
    for source, target, name in graph["links"]:
        nodes[target]["inputs"][name] = {"link": [source, "out0"]}
    return json.dumps({"kinegraph": 1, "title": "Many", "nodes": nodes})


def _measure(page: Page, load: Any) -> Figures:
    milliseconds = load()
    page.wait_for_timeout(1500)  # whatever follows a load: the server's plan, a draft
    page.evaluate("window.bench.fit()")
    page.wait_for_timeout(500)
    motions = {"pan whole graph": _frames(page, partial(_pan, page, (8, 440)))}
    motions["zoom"] = _frames(page, partial(_zoom, page))
    page.evaluate("window.bench.one()")
    page.wait_for_timeout(700)
    elements = page.evaluate("document.querySelectorAll('*').length")
    motions["pan 1:1"] = _frames(page, partial(_pan, page, page.evaluate("window.bench.empty()")))
    motions["drag a node"] = _frames(page, partial(_pan, page, page.evaluate("window.bench.handle()")))
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    heap = client.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    return Figures(milliseconds, motions, heap, elements)


def _frames(page: Page, move: Any) -> tuple[float, float]:
    page.evaluate("window.bench.record()")
    move()
    gaps = page.evaluate("window.bench.recorded()")
    return statistics.median(gaps), statistics.quantiles(gaps, n=20)[-1]


def _pan(page: Page, start: tuple[float, float]) -> None:
    x, y = start
    page.mouse.move(x, y)
    page.mouse.down()
    for dx, dy in ((320, 120), (60, -60), (380, 100), (0, 0)):
        page.mouse.move(x + dx, y + dy, steps=24)
    page.mouse.up()


def _zoom(page: Page) -> None:
    page.mouse.move(*MIDDLE)
    for delta in (-60, 60):
        for _ in range(36):
            page.mouse.wheel(0, delta)
            page.evaluate("new Promise(requestAnimationFrame)")


def _table(taken: dict[tuple[int, str], list[Figures]]) -> Table:
    titles = {"Kinegraph": "Kinegraph, the whole editor", "litegraph": "litegraph 0.17.2", "flow": "React Flow, plain"}
    rows = []
    for (count, name), figures in taken.items():
        cells = [f"{count:,}", titles[name], f"{statistics.median(f.load for f in figures):.0f}"]
        for motion in MOTIONS:
            middle = statistics.median(f.motions[motion][0] for f in figures)
            late = statistics.median(f.motions[motion][1] for f in figures)
            cells.append(f"{middle:.0f} / {late:.0f}")
        cells.append(f"{statistics.median(f.heap for f in figures):.0f}")
        cells.append(f"{statistics.median(f.elements for f in figures):.0f}")
        rows.append(cells)
    head = ["nodes", "what", "load ms", *(f"{motion}, ms" for motion in MOTIONS), "heap MiB", "elements at 1:1"]
    note = (
        f"Chromium without a GPU (software rendering), {VIEW['width']}x{VIEW['height']}. Nodes of 3 inputs, 2 outputs "
        "and 4 knobs on a grid. Load: from the graph handed over to the last change of the page before it rests, whole "
        "graph in view. Motions: time between frames, median / 95th percentile. "
        f"Medians of {ROUNDS} rounds in turn (3,000 nodes: one)."
    )
    return Table("The editor's canvas", note, head, rows)
