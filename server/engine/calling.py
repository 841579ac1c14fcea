"""How a node's function is called: knobs in its signature's types, results by output name and of the right class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from server.engine.errors import BadOutputError
from server.kit.definition import InputSocket, NodeDefinition
from server.kit.problems import NodeInputError
from server.kit.values import ANY, KNOBS, SocketType, StreamCodec

CONVERTERS: dict[str, Callable[[Any], object]] = {
    "path": lambda value: Path(value) if isinstance(value, str) else value,
    "float": lambda value: float(value) if isinstance(value, int) else value,
}
"""What a knob's value becomes on its way into a node, by socket type; the keys are made of what is written."""


PLAIN = (bool, int, float, str)
"""Classes of outputs that are always there; one that is an object may be None, as a clip's sound."""


class CallShape:
    """What a definition says about calling it, worked out once for all nodes of the type.

    Attributes:
        definition: The type.
        inputs: Sockets by name.
        lazy: Names of lazy inputs.
        converters: By input name; only of those inputs that need one.
        types: Socket types by output name.
        may_stream: Outputs whose values may be consumed piece by piece.
    """

    __slots__ = ("classes", "converters", "definition", "inputs", "lazy", "may_stream", "types")

    def __init__(self, definition: NodeDefinition, sockets: Mapping[str, SocketType]) -> None:
        self.definition = definition
        self.inputs: dict[str, InputSocket] = {socket.name: socket for socket in definition.inputs}
        self.lazy = frozenset(socket.name for socket in definition.inputs if socket.lazy)
        self.converters = {
            socket.name: CONVERTERS[socket.type] for socket in definition.inputs if socket.type in CONVERTERS
        }
        self.types = {socket.name: socket.type for socket in definition.outputs}
        self.may_stream = tuple(name for name, kind in self.types.items() if _may_stream(kind, sockets))
        self.classes = {socket.name: value_class(socket.type, sockets) for socket in definition.outputs}

    def named(self, result: object) -> dict[str, object]:
        """Return what the function returned, by output name.

        Raises:
            BadOutputError: It is not what the definition declares.
        """
        outputs = self.by_output(result)
        for name, value in outputs.items():
            wanted = self.classes[name]
            if not isinstance(value, wanted) and (value is not None or wanted in PLAIN):
                message = (
                    f"{self.definition.id} returned {type(value).__name__} as {name!r}, which is {wanted.__name__}"
                )
                raise BadOutputError(message)
        return outputs

    def by_output(self, result: object) -> dict[str, object]:
        """Return what the function or a companion returned, by output name, whatever its class.

        Raises:
            BadOutputError: It does not have as many parts as the definition has outputs.
        """
        definition = self.definition
        if not definition.several:
            outputs = {definition.outputs[0].name: result} if definition.outputs else {}
        elif isinstance(result, tuple) and len(result) == len(definition.outputs):
            outputs = {socket.name: value for socket, value in zip(definition.outputs, result, strict=True)}
        else:
            message = f"{definition.id} returned {type(result).__name__}, not its {len(definition.outputs)} outputs"
            raise BadOutputError(message)
        return outputs

    def check_arrival(self, name: str, value: object, sockets: Mapping[str, SocketType]) -> None:
        """Check a value that came through a socket which takes everything.

        Raises:
            NodeInputError: It does not fit the input.
        """
        socket = self.inputs[name]
        wanted = value_class(socket.type, sockets)
        if isinstance(value, wanted) and not (isinstance(value, bool) and socket.type in ("int", "float")):
            return
        if (value is None and socket.nullable) or (socket.type == "float" and type(value) is int):
            return
        if socket.type == "path" and isinstance(value, str):
            return
        message = f"a {type(value).__name__} arrived, but {name!r} takes {socket.type}"
        raise NodeInputError(name, message, "connect an output of the right type")


def value_class(socket_type: str, sockets: Mapping[str, SocketType]) -> type:
    """Return the Python class of a socket type's values; `object` for `any` and for types without a catalogue."""
    if socket_type == ANY:
        return object
    if socket_type in KNOBS:
        return KNOBS[socket_type]
    socket = sockets.get(socket_type)
    return socket.value_class if socket else object


def _may_stream(socket_type: str, sockets: Mapping[str, SocketType]) -> bool:
    if socket_type == ANY:
        return True
    socket = sockets.get(socket_type)
    return socket is not None and isinstance(socket.codec, StreamCodec)
