"""Types through nodes that take anything: a switch between two clips gives a clip, so it fits no input for images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from server.graph.checks import Checked, input_path
from server.graph.model import NodeId
from server.kit.coerce import fits
from server.kit.definition import OutputSocket
from server.kit.problems import Problem
from server.kit.values import ANY


def check_generics(order: Iterable[NodeId], nodes: Mapping[NodeId, Checked]) -> None:
    """Add a problem to every node that gets the wrong type through an output with a type variable.

    Args:
        order: Sources first.
        nodes: By id.
    """
    made: dict[tuple[NodeId, str], str] = {}
    for node_id in order:
        checked = nodes[node_id]
        if checked.shape is None:
            continue
        if made:
            _check_links(checked, made)
        if checked.shape.is_generic:
            bound = _bound(checked, nodes, made)
            for output in checked.shape.outputs.values():
                if output.variable in bound:
                    made[node_id, output.name] = bound[output.variable]


def _check_links(checked: Checked, made: Mapping[tuple[NodeId, str], str]) -> None:
    for name, source in checked.links.items():
        actual = made.get(source)
        socket = checked.shape.inputs.get(name) if checked.shape else None
        if actual and socket and not fits(OutputSocket(source[1], actual), socket):
            message = f"{name!r} takes {socket.type}, but {'.'.join(source)} passes on a {actual}"
            hint = f"link a {socket.type} into {source[0]!r}, or link another node here"
            checked.problems.append(Problem(input_path(checked.node, name), "type_mismatch", message, hint))


def _bound(
    checked: Checked, nodes: Mapping[NodeId, Checked], made: Mapping[tuple[NodeId, str], str]
) -> dict[str | None, str]:
    """Return the type of each variable that all its links agree on; where they differ, it stays open until it runs."""
    types: dict[str | None, set[str]] = {}
    for name, source in checked.links.items():
        socket = checked.shape.inputs.get(name) if checked.shape else None
        shape = nodes[source[0]].shape
        output = shape.outputs.get(source[1]) if shape else None
        if socket and socket.variable and output:
            types.setdefault(socket.variable, set()).add(made.get(source, output.type))
    return {variable: found.pop() for variable, found in types.items() if len(found) == 1 and found != {ANY}}
