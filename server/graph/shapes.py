"""What validation asks of a node type again and again, looked up once: sockets by name, defaults, who makes a type."""

from __future__ import annotations

from dataclasses import dataclass

from server.kit.catalogue import Catalogue
from server.kit.coerce import Refused, coerce
from server.kit.definition import Constant, InputSocket, Missing, NodeDefinition, OutputSocket


@dataclass(frozen=True, slots=True)
class Shape:
    """One node type as validation sees it.

    Attributes:
        definition: The catalogue's own.
        inputs: Sockets by name.
        outputs: Sockets by name.
        defaults: Of every input that has one, of the knob's own type.
        required: Names of the others.
        is_generic: Whether the type of an output follows from that of an input.
    """

    definition: NodeDefinition
    inputs: dict[str, InputSocket]
    outputs: dict[str, OutputSocket]
    defaults: dict[str, Constant]
    required: tuple[str, ...]
    is_generic: bool


class Shapes:
    """The shapes of a catalogue's node types, each made when it is first asked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._shapes: dict[str, Shape | None] = {}

    def get(self, node_type: str) -> Shape | None:
        """Return the shape of a node type, or None when there is no such type."""
        if node_type in self._shapes:
            return self._shapes[node_type]
        definition = self.catalogue.get(node_type)
        shape = _shape(definition) if definition else None
        self._shapes[node_type] = shape
        return shape

    def makers(self, socket_type: str) -> list[str]:
        """Return outputs that make values of a type, as `load_starter.model`."""
        return [
            f"{definition.id}.{output.name}"
            for definition in self.catalogue.nodes.values()
            for output in definition.outputs
            if output.type == socket_type
        ]

    def bridge(self, given: str, wanted: str) -> str | None:
        """Return the node that makes a value of one type of another; None without one.

        One in the category that is called as the type wanted is about it, and goes first: a picture becomes
        conditioning by what conditions on pictures, not by what encodes a text that may have one. Then the node with
        the fewest other wires to connect, for it is the most general.
        """
        fitting = [
            (wanted.lower() not in definition.category.split("/"), _others(definition, given), definition.id)
            for definition in self.catalogue.nodes.values()
            if any(socket.wire and socket.type == given for socket in definition.inputs)
            and any(output.type == wanted for output in definition.outputs)
        ]
        return min(fitting)[-1] if fitting else None


def _others(definition: NodeDefinition, given: str) -> int:
    """Return how many wires have to be connected beside one of a type."""
    required = [socket.type for socket in definition.inputs if socket.wire and socket.required]
    return len(required) - (given in required)


def _shape(definition: NodeDefinition) -> Shape:
    return Shape(
        definition=definition,
        inputs={socket.name: socket for socket in definition.inputs},
        outputs={socket.name: socket for socket in definition.outputs},
        defaults={
            socket.name: _default(socket, socket.default)
            for socket in definition.inputs
            if not isinstance(socket.default, Missing)
        },
        required=tuple(socket.name for socket in definition.inputs if socket.required),
        is_generic=any(output.variable for output in definition.outputs),
    )


def _default(socket: InputSocket, default: Constant) -> Constant:
    """Return a default as a given constant would be: `1` for a float is `1.0`, or the two would have two cache keys."""
    try:
        return default if default is None else coerce(socket, default)
    except Refused:  # outside its own widget's limits: the author's business, and harmless until somebody writes it
        return default
