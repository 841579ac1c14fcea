"""What went wrong in a node, as data that crosses the wire, and how an exception becomes it."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.graph.graph import GraphNode, NodeId
from server.kit.problems import NodeInputError

MESSAGE_LIMIT = 2_000
TRACEBACK_LIMIT = 20_000
"""Characters; an event stays small whatever a node raises."""

MEMORY_HINT = "make the video smaller or shorter, use tiling or offloading, or close other programs"


@dataclass(frozen=True, slots=True)
class NodeError:
    """Why a node failed.

    Attributes:
        node: The node to blame.
        path: JSON pointer into the workflow, to an input where one is at fault.
        code: Stable word for programs: `node_failed`, `bad_input`, `out_of_memory`, `disk_full`.
        message: What happened, for people.
        hint: What to do next.
        traceback: For developers.
    """

    node: NodeId
    path: str
    code: str
    message: str
    hint: str = ""
    traceback: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the error as events carry it."""
        return {
            "node": self.node,
            "path": self.path,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "traceback": self.traceback,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> NodeError:
        """Read the error back."""
        return NodeError(**data)


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """A node that failed, and why."""

    node: NodeId
    error: NodeError


class UpstreamFailedError(Exception):
    """A lazy input could not be had, because a node above it failed; nobody is to blame here."""


class BadOutputError(Exception):
    """A node returned something else than it declares."""

    hint = "this is a mistake in the node; report it to whoever wrote it"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and everything that led to it, each once."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [current.__context__, current.__cause__]


def describe(error: BaseException, node: GraphNode) -> NodeError:
    """Return what an exception out of a node means for the person who wired it."""
    path, code, hint = node.path, "node_failed", str(getattr(error, "hint", "") or "")
    for cause in causes(error):
        if isinstance(cause, NodeInputError):
            path, code, hint = node.input_path(cause.input_name), "bad_input", cause.hint
            break
        if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryError":
            code, hint = "out_of_memory", hint or MEMORY_HINT
            break
        if getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            code, hint = "disk_full", hint or _disk_hint(cause)
            break
    return NodeError(
        node=node.id,
        path=path,
        code=code,
        message=_message(error, code)[:MESSAGE_LIMIT],
        hint=hint[:MESSAGE_LIMIT],
        traceback="".join(traceback.format_exception(error))[-TRACEBACK_LIMIT:],
    )


def _message(error: BaseException, code: str) -> str:
    """Return the exception's text; with its class where that is all that makes it understandable."""
    message = getattr(error, "message", None)
    try:
        text = (message if isinstance(message, str) else str(error)).strip()
    except Exception:  # noqa: BLE001  (an exception's own code may be broken too)
        text = ""
    if code == "out_of_memory":
        return "the memory was not enough" + (f": {text}" if text else "")
    if text and (isinstance(error, NodeInputError) or hasattr(error, "hint")):
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _disk_hint(error: BaseException) -> str:
    file = getattr(error, "filename", None)
    return f"free space on the disk that holds {file}" if file else "free space on the disk"
