"""What a run tells: a closed union of frozen records, one a transition, each small however large the graph is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias, cast

from server.engine.errors import NodeError
from server.engine.keys import Key
from server.graph.graph import NodeId
from server.kit.values import Artifact

RunStatus: TypeAlias = Literal["succeeded", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class _Event:
    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the event as it crosses the wire."""
        data: dict[str, Any] = {"kind": self.kind}
        for entry in fields(self):
            value = getattr(self, entry.name)
            data[entry.name] = value.to_json() if isinstance(value, NodeError | Artifact) else value
        return data


@dataclass(frozen=True, slots=True)
class RunStarted(_Event):
    """A run begins; `nodes` of the graph, of which `to_run` are planned to run."""

    kind: ClassVar[str] = "run_started"
    summary: str
    nodes: int
    to_run: int
    estimate_s: float | None = None


@dataclass(frozen=True, slots=True)
class NodeStarted(_Event):
    """A node begins to run."""

    kind: ClassVar[str] = "node_started"
    node: NodeId


@dataclass(frozen=True, slots=True)
class NodeProgress(_Event):
    """`done` of `total` units are done; about ten a second at most from each node."""

    kind: ClassVar[str] = "node_progress"
    node: NodeId
    done: int
    total: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class NodePreview(_Event):
    """A small picture of the work so far, in base64; not stored. `key` names the result, as in a plan's steps."""

    kind: ClassVar[str] = "node_preview"
    node: NodeId
    media_type: str
    data: str
    key: Key


@dataclass(frozen=True, slots=True)
class NodeLog(_Event):
    """A line for the job's log."""

    kind: ClassVar[str] = "node_log"
    node: NodeId
    message: str


@dataclass(frozen=True, slots=True)
class NodeWarning(_Event):
    """Something to be seen on the node, though the work goes on; `path` is a JSON pointer."""

    kind: ClassVar[str] = "node_warning"
    node: NodeId
    path: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class NodeCached(_Event):
    """A node's result was there already; `outputs` as in `NodeFinished`, empty when nobody needed to read it."""

    kind: ClassVar[str] = "node_cached"
    node: NodeId
    key: Key
    outputs: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class NodeFinished(_Event):
    """A node is done; `seconds` are its own, without its inputs'. Streams are done when they have passed.

    `key` names the result, as in a plan's steps; so it does in all events that tell of one, or of its failure.
    `outputs` holds numbers, choices and artifacts as they are, the beginning of a text, and the type of all else.
    `memory_bytes` is the most that the whole process held meanwhile, `device_bytes` the most that was allocated on the
    device; None where that cannot be told.
    """

    kind: ClassVar[str] = "node_finished"
    node: NodeId
    key: Key
    seconds: float
    outputs: Mapping[str, object]
    memory_bytes: int | None = None
    device_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class NodeFailed(_Event):
    """A node failed; whatever hangs on it does not run, the rest does."""

    kind: ClassVar[str] = "node_failed"
    node: NodeId
    key: Key
    error: NodeError


@dataclass(frozen=True, slots=True)
class NodeBlocked(_Event):
    """A node that had begun, or a sink, cannot go on, because a node above it failed."""

    kind: ClassVar[str] = "node_blocked"
    node: NodeId
    by: NodeId


@dataclass(frozen=True, slots=True)
class ArtifactMade(_Event):
    """A file is there for the person to see: new, or still there from an earlier run."""

    kind: ClassVar[str] = "artifact"
    node: NodeId
    key: Key
    output: str
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class RunFinished(_Event):
    """The run is over; counts are of nodes."""

    kind: ClassVar[str] = "run_finished"
    status: RunStatus
    seconds: float
    ran: int
    cached: int
    failed: int


Event: TypeAlias = (
    RunStarted
    | NodeStarted
    | NodeProgress
    | NodePreview
    | NodeLog
    | NodeWarning
    | NodeCached
    | NodeFinished
    | NodeFailed
    | NodeBlocked
    | ArtifactMade
    | RunFinished
)

KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        RunStarted,
        NodeStarted,
        NodeProgress,
        NodePreview,
        NodeLog,
        NodeWarning,
        NodeCached,
        NodeFinished,
        NodeFailed,
        NodeBlocked,
        ArtifactMade,
        RunFinished,
    )
}


def event_from_json(data: Mapping[str, Any]) -> Event:
    """Read an event back; the inverse of its `to_json`.

    Raises:
        KeyError: The kind is unknown.
    """
    values = {name: value for name, value in data.items() if name != "kind"}
    if "error" in values:
        values["error"] = NodeError.from_json(cast("dict[str, Any]", values["error"]))
    if "artifact" in values:
        values["artifact"] = Artifact(**values["artifact"])
    return KINDS[data["kind"]](**values)
