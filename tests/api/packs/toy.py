"""Toy nodes for the tests of the wire: quick, small, and of every outcome."""

from __future__ import annotations

import base64
import time
from typing import Annotated, Literal

from server.kit import Artifact, Context, NodeInputError, Output, Slider, node

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
