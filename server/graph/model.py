"""The workflow as data: what the document says, frozen, with everything unknown kept. No catalogue and no JSON here.

Every record has two fields that make `dump(parse(text))` lossless: `extra` holds the fields that this version does not
know, and `order` the keys as they were written. Both are empty in a record that was made in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NewType, TypeAlias

NodeId = NewType("NodeId", str)
"""A node's name in the document; inside a subgraph's instance `outer/inner` once the graph is flat."""

Mode: TypeAlias = Literal["run", "mute", "bypass"]
"""`mute` leaves a node out with all that needs it; `bypass` lets its first input of the same type pass through."""

FORMAT: Final = 1
"""Version of the document's format that this code writes."""

SUBGRAPH_PREFIX: Final = "subgraph/"
"""A node of the type `subgraph/<id>` is an instance of that subgraph."""


def _nothing() -> dict[str, object]:
    return {}


@dataclass(frozen=True, slots=True)
class Link:
    """The value of an input that comes from another node's output."""

    node: str
    output: str
    extra: Mapping[str, object] = field(default_factory=_nothing, hash=False)
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeInstance:
    """One node of a workflow.

    Attributes:
        type: Id of its definition; `subgraph/<id>` for an instance of a subgraph.
        version: The definition's version that it was saved with; None means the one that is installed.
        inputs: By name: a `Link`, or a JSON value. A constant that fits no knob is kept too; validation reports it.
        title: The user's own name for it.
        at: Place on the canvas, (x, y).
        mode: Whether it runs.
    """

    type: str
    version: int | None = None
    inputs: Mapping[str, object] = field(default_factory=_nothing)
    title: str | None = None
    at: tuple[float, float] | None = None
    mode: Mode = "run"
    extra: Mapping[str, object] = field(default_factory=_nothing)
    order: tuple[str, ...] = ()

    @property
    def subgraph(self) -> str | None:
        """Id of the subgraph that this node is an instance of, or None."""
        return self.type[len(SUBGRAPH_PREFIX) :] if self.type.startswith(SUBGRAPH_PREFIX) else None


@dataclass(frozen=True, slots=True)
class ExposedInput:
    """An input of the whole workflow (or subgraph), which stands for an input of one of its nodes.

    Attributes:
        also: Further nodes and inputs that take the same value.
    """

    node: str
    input: str
    title: str | None = None
    also: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, object] = field(default_factory=_nothing)
    order: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[tuple[str, str], ...]:
        """Every node and input that it stands for, the first one being what it is described by."""
        return ((self.node, self.input), *self.also)


@dataclass(frozen=True, slots=True)
class ExposedOutput:
    """An output of the whole workflow (or subgraph), which stands for one output of one of its nodes."""

    node: str
    output: str
    title: str | None = None
    extra: Mapping[str, object] = field(default_factory=_nothing)
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A part of a workflow that is used as a node. `groups` and `notes` matter to the editor alone."""

    title: str | None = None
    inputs: Mapping[str, ExposedInput] = field(default_factory=dict[str, ExposedInput])
    outputs: Mapping[str, ExposedOutput] = field(default_factory=dict[str, ExposedOutput])
    nodes: Mapping[str, NodeInstance] = field(default_factory=dict[str, NodeInstance])
    groups: tuple[Mapping[str, object], ...] = ()
    notes: tuple[Mapping[str, object], ...] = ()
    extra: Mapping[str, object] = field(default_factory=_nothing)
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """The whole document. `groups` and `notes` matter to the editor alone and are kept as they are."""

    title: str | None = None
    inputs: Mapping[str, ExposedInput] = field(default_factory=dict[str, ExposedInput])
    outputs: Mapping[str, ExposedOutput] = field(default_factory=dict[str, ExposedOutput])
    nodes: Mapping[str, NodeInstance] = field(default_factory=dict[str, NodeInstance])
    groups: tuple[Mapping[str, object], ...] = ()
    notes: tuple[Mapping[str, object], ...] = ()
    subgraphs: Mapping[str, Subgraph] = field(default_factory=dict[str, Subgraph])
    extra: Mapping[str, object] = field(default_factory=_nothing)
    order: tuple[str, ...] = ()
    format: int = FORMAT
