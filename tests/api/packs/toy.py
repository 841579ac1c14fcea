"""Toy nodes for the tests of the wire: quick, small, and of every outcome."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Annotated, Literal

from server.kit import (
    Artifact,
    Context,
    DocumentReader,
    FileFacts,
    FileViewer,
    NodeInputError,
    Output,
    Slider,
    UnreadableFileError,
    node,
)

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TYPES = {".txt": "text/plain", ".png": "image/png", ".svg": "image/svg+xml", ".mp4": "video/mp4", ".html": "text/html"}


@node(category="toy")
def number(*, value: Annotated[int, Slider(0, 100)] = 1) -> Annotated[int, Output("value")]:
    """Return a number."""
    return value


@node(category="toy", sink=True)
def write(
    *,
    text: str = "hello",
    repeat: int = 1,
    name: str = "note",
    suffix: Literal[".txt", ".png", ".svg", ".mp4", ".html"] = ".txt",
    ctx: Context,
) -> Artifact:
    """Write a text, so many times over, into a file."""
    content = PIXEL if suffix == ".png" else (text * repeat).encode()
    return ctx.save(name, suffix, TYPES[suffix], lambda path: path.write_bytes(content))


@node(category="toy", sink=True)
def write_folder(*, text: str = "hello", files: int = 2, ctx: Context) -> Artifact:
    """Write a folder of texts."""

    def write(path: Path) -> None:
        path.mkdir()
        for number in range(files):
            (path / f"{number}.txt").write_text(text * number, encoding="utf-8")

    return ctx.save("notes", "", "inode/directory", write)


@node(category="toy", sink=True, cached=False)
def count(*, to: int = 3, pause_s: float = 0.0, ctx: Context) -> Annotated[int, Output("value")]:
    """Count with a pause after each number, previewing and logging on the way."""
    for done in ctx.progress(range(to)):
        ctx.log(f"at {done}")
        ctx.preview(PIXEL, "image/png")
        time.sleep(pause_s)
    return to


@node(category="toy", sink=True)
def fail(*, message: str = "it broke") -> Annotated[int, Output("value")]:
    """Fail, and say why."""
    raise NodeInputError("message", message, "leave this node out")


@node(category="toy", sink=True, version=2)
def renamed(*, fresh: str = "") -> None:
    """Have had another input once."""


@renamed.migration(from_version=1)
def _stale_became_fresh(inputs: dict[str, object]) -> dict[str, object]:
    inputs["fresh"] = inputs.pop("stale")
    return inputs


def read_text_workflow(path: Path) -> str | None:
    """Return what stands behind `workflow:` in a text file."""
    text = path.read_text(encoding="utf-8")
    if text.startswith("broken"):
        raise UnreadableFileError(f"{path.name} is broken", "send it again")
    return text.removeprefix("workflow:") if text.startswith("workflow:") else None


DOCUMENT_READERS = (DocumentReader(frozenset({".txt"}), read_text_workflow),)


def look_at_text(path: Path) -> FileFacts:
    """Return that a text is a film of one frame a letter."""
    text = path.read_text(encoding="utf-8")
    if text.startswith("broken"):
        raise UnreadableFileError("the file is broken", "send it again")
    return FileFacts("video", 4, 2, "24000/1001", len(text), len(text) * 1001 / 24000, "letters", has_sound=True)


FILE_VIEWERS = (
    FileViewer(
        frozenset({".txt"}),
        look_at_text,
        strip=lambda path, target, count: target.write_bytes(path.read_bytes()[:count]) and None,
        peaks=lambda path, count: [0.5] * count,
        playable=lambda path, target: target.write_bytes(b"playable " + path.read_bytes()) and None,
    ),
    FileViewer(frozenset({".svg"}), look_at_text),
)
