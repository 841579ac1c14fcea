"""Definitions to JSON and back: what the browser draws, and what a process without the packs validates with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.kit.definition import MISSING, InputSocket, Missing, NodeDefinition, NodeType, OutputSocket, Source
from server.kit.values import SocketType
from server.kit.widgets import ShownIf, When, widget_from_json


def socket_to_json(socket: SocketType) -> dict[str, Any]:
    """Return a wire type as the catalogue carries it."""
    return {"color": socket.color, "help": socket.help, "name": socket.name}


def socket_from_json(data: Mapping[str, Any]) -> SocketType:
    """Read a wire type back, without its class and codec."""
    return SocketType(name=data["name"], value_class=object, color=data["color"], help=data["help"])


def definition_to_json(definition: NodeDefinition) -> dict[str, Any]:
    """Return a definition as the catalogue carries it; the source's folder stays private."""
    condition = definition.uses_if
    return {
        "id": definition.id,
        "version": definition.version,
        "title": definition.title,
        "category": definition.category,
        "help": definition.help,
        "inputs": [_input_to_json(socket) for socket in definition.inputs],
        "outputs": [_output_to_json(socket) for socket in definition.outputs],
        "sink": definition.sink,
        "cached": definition.cached,
        "instant": definition.instant,
        "uses": definition.uses,
        **({"uses_if": _condition_to_json(condition)} if condition else {}),
        "aliases": list(definition.aliases),
        "source": {
            "pack": definition.source.pack,
            "file": Path(definition.source.file).name,
            "line": definition.source.line,
            "digest": definition.source.digest,
        },
    }


def definition_from_json(data: Mapping[str, Any]) -> NodeDefinition:
    """Read a definition back, without its code."""
    condition = data.get("uses_if")
    return NodeDefinition(
        id=NodeType(data["id"]),
        version=data["version"],
        title=data["title"],
        category=data["category"],
        help=data["help"],
        inputs=tuple(_input_from_json(socket) for socket in data["inputs"]),
        outputs=tuple(OutputSocket(**socket) for socket in data["outputs"]),
        source=Source(**data["source"]),
        sink=data["sink"],
        cached=data["cached"],
        instant=data["instant"],
        uses=data["uses"],
        uses_if=When(condition["input"], tuple(condition["values"])) if condition else None,
        aliases=tuple(data["aliases"]),
    )


def _condition_to_json(condition: When) -> dict[str, Any]:
    return {"input": condition.input, "values": list(condition.values)}


def _input_to_json(socket: InputSocket) -> dict[str, Any]:
    data: dict[str, Any] = {"name": socket.name, "type": socket.type, "wire": socket.wire, "required": socket.required}
    if not isinstance(socket.default, Missing):
        data["default"] = socket.default
    if socket.widget:
        data["widget"] = socket.widget.to_json()
    if socket.shown_if:
        data["shown_if"] = _condition_to_json(socket.shown_if)
    flags = {"nullable": socket.nullable, "lazy": socket.lazy, "advanced": socket.advanced}
    data |= {name: True for name, value in flags.items() if value}
    if socket.variable:
        data["variable"] = socket.variable
    return {**data, "help": socket.help}


def _input_from_json(data: Mapping[str, Any]) -> InputSocket:
    shown_if = data.get("shown_if")
    return InputSocket(
        name=data["name"],
        type=data["type"],
        wire=data["wire"],
        default=data.get("default") if not data["required"] else MISSING,
        nullable=data.get("nullable", False),
        lazy=data.get("lazy", False),
        variable=data.get("variable"),
        widget=widget_from_json(data["widget"]) if "widget" in data else None,
        advanced=data.get("advanced", False),
        shown_if=ShownIf(shown_if["input"], tuple(shown_if["values"])) if shown_if else None,
        help=data["help"],
    )


def _output_to_json(socket: OutputSocket) -> dict[str, Any]:
    data: dict[str, Any] = {"name": socket.name, "type": socket.type, "help": socket.help}
    return {**data, "variable": socket.variable} if socket.variable else data
