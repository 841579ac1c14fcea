"""The real server, and the editor in a real Chromium. Where either is missing the tests are skipped, and say so."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.machine import skip_unless

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "token-of-the-browser-tests"
KEPT_DRAFT = """async () => {
    const ask = request => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    const database = await ask(indexedDB.open('kinegraph'));
    const table = database.transaction('kept').objectStore('kept');
    const { active } = await ask(table.get('window.' + sessionStorage.getItem('kinegraph.window')));
    const draft = await ask(table.get('draft.' + active));
    database.close();
    return draft;
}"""


class Server:
    """A server of its own home, which can be killed and started again at the same address."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it, and learn its address from what it prints."""
        environment = {**os.environ, "KINEGRAPH_HOME": str(self._home), "KINEGRAPH_TOKEN": TOKEN, "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "server", "serve", "--no-browser", "--port", self._port]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if match := re.match(r"Kinegraph serves (\S+)", line):
                self.url = match.group(1)
                break
        self._port = self.url.rpartition(":")[2]

    def launch_link(self) -> str:
        """Return a fresh link that signs one browser in, once."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/launches", method="POST", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["url"]

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def stop(self) -> None:
        """End it as its user would."""
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=30)


@dataclass
class EditorPage:
    """The editor as a person uses it: pointer, keys, and what can be seen."""

    page: Any
    server: Server

    def open(self) -> None:
        """Sign in and wait for the catalogue."""
        self.page.goto(self.server.launch_link())
        self.page.wait_for_selector(".graph")
        self.page.get_by_text("Start with something").wait_for()
        self.page.locator(".app[aria-busy=false]").wait_for()

    def node(self, name: str) -> Any:
        """Return the node of that id."""
        return self.page.locator(f'article[data-node="{name}"]')

    def node_ids(self) -> list[str]:
        """Return the ids of the mounted nodes."""
        return self.page.eval_on_selector_all("article[data-node]", "nodes => nodes.map(node => node.dataset.node)")

    def port(self, node: str, side: str, name: str) -> tuple[float, float]:
        """Return the middle of a port on the screen."""
        box = self.box(self.page.locator(f'[data-port="{side}"][data-node="{node}"][data-name="{name}"]'))
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def box(self, found: Any) -> dict[str, float]:
        """Return an element's box on the screen once it rests there: what was just opened may still jump into view."""
        found.hover(trial=True)
        return found.bounding_box()

    def add(self, words: str, x: float, y: float) -> None:
        """Add a node at a place: point there, press Space, type, press Enter."""
        self.page.mouse.move(x, y)
        self.page.keyboard.press("Space")
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")
        self.page.locator(".search").wait_for(state="hidden")

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one point to another."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
        self.page.mouse.move(*end, steps=4)
        self.page.mouse.up()

    def link(self, source: str, output: str, node: str, name: str) -> None:
        """Drag a link from an output to an input."""
        self.drag(self.port(source, "output", output), self.port(node, "input", name))

    def link_to_new(self, source: str, output: str, words: str, x: float, y: float) -> None:
        """Drag a link to empty canvas and pick the node that it shall lead to."""
        self.drag(self.port(source, "output", output), (x, y))
        self.page.locator(".search").wait_for()
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")
        self.page.locator(".search").wait_for(state="hidden")

    def set_knob(self, node: str, name: str, value: str) -> None:
        """Type into a knob."""
        knob = self.page.locator(f'[id="{node}.{name}"]')
        knob.focus()
        knob.fill(value)
        knob.evaluate("field => field.blur()")

    def wait_until(self, expression: str) -> None:
        """Wait until an expression is true on the page, whose policy forbids Playwright's own way of waiting."""
        deadline = time.monotonic() + 60
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"it did not come true: {expression}"
            time.sleep(0.1)

    def document(self) -> dict[str, Any]:
        """Return the document in view as the editor keeps it as a draft, once all edits are in it."""
        time.sleep(0.5)
        return self.page.evaluate(KEPT_DRAFT)["workflow"]

    def drop(self, name: str, content: bytes, kind: str) -> None:
        """Drop a file onto the canvas."""
        data = self.page.evaluate_handle(
            """([name, bytes, type]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
                return transfer;
            }""",
            [name, list(content), kind],
        )
        self.page.dispatch_event(".graph", "drop", {"dataTransfer": data})


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser without network of its own."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    skip_unless(executable is not None, "the editor's tests need Chromium")
    skip_unless((ROOT / "web" / "dist" / "index.html").is_file(), "the editor is not built: run `make setup`")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with an empty home."""
    running = Server(tmp_path_factory.mktemp("home"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def editor(chromium: Any, server: Server) -> Iterator[EditorPage]:
    """The editor, opened by its launch link in a fresh browser profile; fails the test on any error of its scripts."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page = context.new_page()
    page.set_default_timeout(60_000)  # a shared machine, not a slow editor
    errors: list[str] = []
    hosts: set[str] = set()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2] if "://" in request.url else "inline"))
    opened = EditorPage(page, server)
    opened.open()
    yield opened
    context.close()
    assert errors == []
    own = server.url.partition("//")[2]
    assert hosts <= {own, "inline", ""}, f"the editor asked other hosts: {hosts - {own}}"
