"""What server and worker say to each other: frozen records, one JSON object a line. Only JSON crosses, never a value.

The server asks with `Ask` and gets one `Answer` of the same number. `Run` is answered by `Happened`s and one `Done`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias

from server.jobs.errors import ProtocolError
from server.jobs.records import JsonObject
from server.kit.context import MAX_PIXELS

LINE_LIMIT = 64 * 1024 * 1024
"""Longest line in bytes: a catalogue of thousands of nodes, or a preview, fits many times."""

Topic: TypeAlias = Literal["catalogue", "check", "plan", "migrate", "embedded", "view"]
DoneStatus: TypeAlias = Literal["succeeded", "failed", "canceled", "interrupted"]


@dataclass(frozen=True, slots=True)
class _Message:
    kind: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Hello(_Message):
    """The first line to a worker: all that it needs to know. Paths are absolute.

    Attributes:
        folders: `uploads`, `outputs` and `models`.
        cache: Folder of cached results.
        custom_folders: Folders of custom packs.
        builtin: Name of the built-in pack; None leaves it out, for tests.
        device: `auto`, or as torch names it.
        memory_bytes: Budget of results in memory.
        disk_bytes: Budget of results on disk.
        max_pixels: The largest frame that a node may open.
    """

    kind: ClassVar[str] = "hello"
    folders: Mapping[str, str]
    cache: str
    custom_folders: tuple[str, ...]
    builtin: str | None
    device: str
    memory_bytes: int
    disk_bytes: int
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Ask(_Message):
    """A question that needs no run.

    The catalogue; to check or plan `workflow`, with `settings`, for `targets`; to migrate `workflow`; which workflow
    is embedded in the file at `path`; or to look at that file in the way that `settings` name.
    """

    kind: ClassVar[str] = "ask"
    number: int
    topic: Topic
    workflow: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    targets: tuple[str, ...] | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Run(_Message):
    """Run a workflow for a job, all of it or up to the targets; jobs run one after another."""

    kind: ClassVar[str] = "run"
    job: str
    workflow: str
    targets: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Cancel(_Message):
    """Stop a job at its next cancellation point."""

    kind: ClassVar[str] = "cancel"
    job: str


@dataclass(frozen=True, slots=True)
class Shutdown(_Message):
    """Stop the running job and exit."""

    kind: ClassVar[str] = "shutdown"


@dataclass(frozen=True, slots=True)
class Ready(_Message):
    """The packs are loaded; jobs can run. `digest` is of the packs' sources."""

    kind: ClassVar[str] = "ready"
    pid: int
    device: str
    digest: str


@dataclass(frozen=True, slots=True)
class Answer(_Message):
    """To an `Ask`: `result`, or `error` in the shape of every error."""

    kind: ClassVar[str] = "answer"
    number: int
    result: JsonObject | None = None
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Happened(_Message):
    """An event of the engine in a job; `event` is its JSON, with `kind`."""

    kind: ClassVar[str] = "event"
    job: str
    event: JsonObject


@dataclass(frozen=True, slots=True)
class Done(_Message):
    """A job has ended, and how."""

    kind: ClassVar[str] = "done"
    job: str
    status: DoneStatus
    error: JsonObject | None = None


ToWorker: TypeAlias = Hello | Ask | Run | Cancel | Shutdown
FromWorker: TypeAlias = Ready | Answer | Happened | Done

KINDS: dict[str, type[ToWorker | FromWorker]] = {
    message.kind: message for message in (Hello, Ask, Run, Cancel, Shutdown, Ready, Answer, Happened, Done)
}


LISTS = frozenset({"custom_folders", "targets"})
"""Fields that JSON makes lists of, and that are tuples."""


def encode(message: ToWorker | FromWorker) -> bytes:
    """Return a message as one line of ASCII; NaN and infinity, which no JSON reader but Python's takes, become null."""
    data = {"kind": message.kind, **{entry.name: getattr(message, entry.name) for entry in fields(message)}}
    try:
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    except ValueError:
        finite = json.loads(json.dumps(data), parse_constant=lambda _constant: None)
        text = json.dumps(finite, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def decode(line: bytes) -> ToWorker | FromWorker:
    """Return the message of a line.

    Raises:
        ProtocolError: It is none that we know.
    """
    try:
        data = json.loads(line)
        kind: Any = KINDS[data.pop("kind")]
        return kind(**{name: _value(name, value) for name, value in data.items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"not a message: {line[:200]!r}"
        raise ProtocolError(message) from error


def _value(name: str, value: Any) -> Any:
    return tuple(value) if name in LISTS and value is not None else value
