"""What the tests of widgets and media share: a server with their packs, videos whose frames say their numbers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.media.encode import write_video
from server.media.types import Clip
from tests.web.conftest import ROOT, Server

PACKS = Path(__file__).parent / "packs"
BITS = 8
FILM = Fraction(24000, 1001)
PATIENCE_S = 60.0


# Clips of two rates, which cannot be joined: the run fails at "join".
FAILING: dict[str, Any] = {
    "pattern": ("test_pattern", {"seconds": 1, "fps": 24}),
    "other": ("test_pattern", {"seconds": 1, "fps": 12}),
    "join": ("concatenate_clips", {"first": {"link": ["pattern", "clip"]}, "second": {"link": ["other", "clip"]}}),
    "save": ("save_video", {"clip": {"link": ["join", "clip"]}}),
}


def start_server(home: Path, monkeypatch: pytest.MonkeyPatch, scripts: str) -> Iterator[Server]:
    """Run a server that has the example pack and the tests' own, whose scripts it allows by name."""
    packs = home / "packs"
    shutil.copytree(PACKS, packs)
    shutil.copytree(ROOT / "custom_nodes" / "example_pack", packs / "example_pack")
    monkeypatch.setenv("KINEGRAPH_CUSTOM_NODES", str(packs))
    monkeypatch.setenv("KINEGRAPH_PACK_SCRIPTS", scripts)
    running = Server(home)
    running.start()
    yield running
    running.stop()


def numbered_clip(count: int, fps: Fraction = FILM) -> Clip:
    """Return frames that show their number in bars, the lowest bit on the left; a bar is black or white."""
    frames = np.zeros((count, 72, 16 * BITS, 3), np.uint8)
    for number in range(count):
        for bit in range(BITS):
            frames[number, :, 16 * bit : 16 * (bit + 1)] = 235 if number >> bit & 1 else 20
    return Clip.from_array(frames, fps)


def write_numbered(path: Path, count: int = 60, codec: str = "h264", fps: Fraction = FILM) -> None:
    """Write such a video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, numbered_clip(count, fps), codec=codec)


READ_BARS = """([selector, parts]) => {
    const source = document.querySelector(selector);
    const [width, height] = [source.videoWidth ?? source.width, source.videoHeight ?? source.height];
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(source, 0, 0);
    return parts.map(([x0, x1]) => {
        let number = 0;
        for (let bit = 0; bit < 8; bit += 1) {
            const x = Math.floor(width * (x0 + (x1 - x0) * (bit + 0.5) / 8));
            if (context.getImageData(x, height >> 1, 1, 1).data[1] > 127) number |= 1 << bit;
        }
        return number;
    });
}"""


def numbers_in(page: Any, selector: str, *parts: tuple[float, float]) -> list[int]:
    """Return the numbers that a video or a canvas shows at one moment, each between two places across."""
    return page.evaluate(READ_BARS, [selector, parts])


def number_in(page: Any, selector: str) -> int:
    """Return the number that a video or a canvas shows, read from its pixels."""
    return numbers_in(page, selector, (0.0, 1.0))[0]


def until(page: Any, expression: str, argument: Any = None) -> None:
    """Wait until a function of the page returns something true; the page's policy forbids Playwright's own way."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"it did not become true: {expression}"
        page.wait_for_timeout(50)


def show(editor: Any, nodes: dict[str, Any]) -> None:
    """Open a workflow of these nodes, each given as (type, inputs), side by side; known types only."""
    placed = {
        name: {"type": kind, "at": [index * 300, 0], "inputs": inputs}
        for index, (name, (kind, inputs)) in enumerate(nodes.items())
    }
    document = {"kinegraph": 1, "title": "Desk", "inputs": {}, "outputs": {}, "nodes": placed}
    editor.drop("desk.json", json.dumps(document).encode(), "application/json")
    for name in nodes:
        editor.page.locator(f'article[data-node="{name}"][data-unknown="false"]').wait_for()


def run(editor: Any, *nodes: str) -> None:
    """Run all, and wait until these nodes have run."""
    editor.page.locator(".graph").focus()
    editor.page.keyboard.press("Control+Enter")
    for name in nodes:
        editor.page.locator(f'article[data-node="{name}"]:is([data-state="done"], [data-state="cached"])').wait_for()


def bring(editor: Any, selector: str, path: Path, kind: str, way: str) -> None:
    """Drop a file on an element, or paste it there."""
    data = editor.page.evaluate_handle(
        """([name, bytes, type]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
            return transfer;
        }""",
        [path.name, list(path.read_bytes()), kind],
    )
    editor.page.evaluate(
        """([selector, data, way]) => document.querySelector(selector).dispatchEvent(
            way === 'drop'
                ? new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data })
                : new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data }))""",
        [selector, data, way],
    )
