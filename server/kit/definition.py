"""The one internal shape of a node. Frozen data; the engine, the catalogue and the docs know nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, NewType, TypeAlias

from server.kit.widgets import ShownIf, When, Widget

NodeType = NewType("NodeType", str)
"""A node's stable id: `denoise` for ours, `pack/name` for a pack's."""

Constant: TypeAlias = "int | float | bool | str | None"
"""What can be written into a workflow in place of a link."""

Companion: TypeAlias = "Callable[..., object]"
Migration: TypeAlias = "Callable[[dict[str, object]], dict[str, object]]"
Uses: TypeAlias = Literal["cpu", "gpu", "network"]


class Missing(Enum):
    """The default of an input that has none."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class InputSocket:
    """One parameter of a node.

    Attributes:
        name: The parameter's name: what links and saved values refer to.
        type: Socket type's name, or a knob's: `int float bool str path`, or `any`.
        wire: Declared before the star: takes links only.
        default: Value when nothing is given; `MISSING` makes the input required.
        nullable: `| None` in the annotation.
        lazy: Upstream runs only when the node asks.
        variable: Name of the TypeVar that ties this `any` socket to others of the node.
        widget: How a knob is drawn and limited; None for wires.
        advanced: Folded away until asked.
        shown_if: Drawn only while another knob has some value.
        help: One line from the docstring.
    """

    name: str
    type: str
    wire: bool
    default: Constant | Missing = MISSING
    nullable: bool = False
    lazy: bool = False
    variable: str | None = None
    widget: Widget | None = None
    advanced: bool = False
    shown_if: ShownIf | None = None
    help: str = ""

    @property
    def required(self) -> bool:
        """Whether a workflow must give this input."""
        return self.default is MISSING


@dataclass(frozen=True, slots=True)
class OutputSocket:
    """One value that a node returns; `variable` ties an `any` output to inputs of the same TypeVar."""

    name: str
    type: str
    variable: str | None = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a node is written; `digest` is of its file and all of ours that this uses, and part of every cache key."""

    pack: str
    file: str
    line: int
    digest: str


@dataclass(frozen=True, slots=True)
class NodeDefinition:
    """A node type.

    Attributes:
        id: Stable name in workflows.
        version: Counts changes of meaning; part of the cache key.
        title: Words for people.
        category: Menu, such as `video/edit`.
        help: The docstring's text without its `Args`.
        inputs: Sockets in order of declaration.
        outputs: Returned values in order.
        call: The function; None in a process that only validates (the server's).
        sink: Worth running for its effect.
        cached: Whether results may be kept.
        instant: Result is a cheap description of constants: validation may run it.
        uses: The resource that a run occupies.
        uses_if: The setting in which it does; always where that is None.
        context_parameter: Name of the `Context` parameter, if it has one.
        folders_parameter: Name of the `Folders` parameter, if it has one: all that an instant node may ask for.
        several: Returns a NamedTuple, one field an output.
        migrations: From version n to n + 1, by n; unbroken from 1.
        check: Yields `InputProblem`s; called with those inputs that it names, when all are known.
        foretell: Returns what is known of the outputs before a run, for the checks downstream; called likewise.
        fingerprint: Returns text that the result depends on too, such as a file's digest; called likewise.
        source: Where it is written.
        aliases: Other words that search finds it by.
    """

    id: NodeType
    version: int
    title: str
    category: str
    help: str
    inputs: tuple[InputSocket, ...]
    outputs: tuple[OutputSocket, ...]
    source: Source
    call: Callable[..., object] | None = None
    sink: bool = False
    cached: bool = True
    instant: bool = False
    uses: Uses = "cpu"
    uses_if: When | None = None
    context_parameter: str | None = None
    folders_parameter: str | None = None
    several: bool = False
    migrations: Mapping[int, Migration] = field(default_factory=dict[int, Migration])
    check: Companion | None = None
    foretell: Companion | None = None
    fingerprint: Companion | None = None
    aliases: tuple[str, ...] = ()

    def input(self, name: str) -> InputSocket | None:
        """Return the input of that name, or None."""
        return next((socket for socket in self.inputs if socket.name == name), None)

    def output(self, name: str) -> OutputSocket | None:
        """Return the output of that name, or None."""
        return next((socket for socket in self.outputs if socket.name == name), None)
