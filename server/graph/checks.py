"""Checks one node against its definition: every input given, of the right type, and linked to something that fits."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.graph.flatten import FlatNode, FlatWorkflow
from server.graph.model import Link, NodeId
from server.graph.problem_list import NameHints
from server.graph.shapes import Shape, Shapes
from server.graph.wires import Broken, Muted, Wires
from server.kit.coerce import Refused, coerce, fits
from server.kit.definition import Constant, InputSocket
from server.kit.problems import Problem, pointer


@dataclass(slots=True)
class Checked:
    """A node with what is known of it.

    Attributes:
        node: Where it is.
        shape: Its type; None when that is unknown, or of another version than the installed one.
        constants: Given ones and defaults, by input.
        links: Sources, by input; links that lead nowhere are not here.
        problems: What is wrong with it.
        lacks: Whether a required input comes from a muted node.
    """

    node: FlatNode
    shape: Shape | None
    constants: dict[str, Constant] = field(default_factory=dict[str, Constant])
    links: dict[str, tuple[NodeId, str]] = field(default_factory=dict[str, tuple[NodeId, str]])
    problems: list[Problem] = field(default_factory=list[Problem])
    lacks: bool = False


class Checker:
    """Checks nodes of one flat workflow."""

    def __init__(self, flat: FlatWorkflow, shapes: Shapes, hints: NameHints) -> None:
        self._flat = flat
        self._shapes = shapes
        self._hints = hints
        self.wires = Wires(flat, shapes, hints)

    def check(self, node: FlatNode) -> Checked:
        """Return the node with its inputs resolved and its problems."""
        shape = self._shapes.get(node.instance.type)
        problem = _version_problem(node, shape) if shape else self._unknown_type(node)
        checked = Checked(node, None if problem else shape, problems=[problem] if problem else [])
        if checked.shape:
            checked.constants = checked.shape.defaults.copy()
        inputs = node.instance.inputs
        if node.given:
            inputs = {**inputs, **{name: given.value for name, given in node.given.items()}}
        for name, value in inputs.items():
            self._check_input(checked, name, value)
        if checked.shape:
            for name in checked.shape.required:
                if name not in inputs:
                    checked.problems.append(self._missing(node, checked.shape.inputs[name]))
        return checked

    def _check_input(self, checked: Checked, name: str, value: object) -> None:
        socket = checked.shape.inputs.get(name) if checked.shape else None
        if checked.shape and socket is None:
            message = f"{checked.shape.definition.id!r} has no input {name!r}"
            hint = self._hints.hint(name, checked.shape.inputs, "remove it; the node has no inputs")
            self._refuse(checked, name, "unknown_input", message, hint)
        elif isinstance(value, Link):
            self._check_link(checked, name, socket, value)
        elif socket:
            self._check_constant(checked, socket, value)

    def _check_constant(self, checked: Checked, socket: InputSocket, value: object) -> None:
        if socket.wire:
            if value is None and socket.nullable:
                checked.constants[socket.name] = None
                return
            message = f"{socket.name!r} takes a link, not a constant"
            self._refuse(checked, socket.name, "needs_link", message, self._link_hint(socket))
            return
        try:
            checked.constants[socket.name] = coerce(socket, value)
        except Refused as error:
            refusal = error.refusal
            self._refuse(checked, socket.name, refusal.code, refusal.message, refusal.hint)

    def _check_link(self, checked: Checked, name: str, socket: InputSocket | None, link: Link) -> None:
        given = checked.node.given.get(name) if checked.node.given else None
        source = self.wires.follow(given.prefix if given else checked.node.prefix, link)
        if isinstance(source, Broken):
            path = source.path or input_path(checked.node, name)
            checked.problems.append(Problem(path, source.code, source.message, source.hint))
        elif isinstance(source, Muted):
            checked.lacks = checked.lacks or (socket is not None and socket.required)
        else:
            checked.links[name] = source
            if socket:
                checked.constants.pop(name, None)
                self._check_type(checked, socket, source)

    def _check_type(self, checked: Checked, socket: InputSocket, source: tuple[NodeId, str]) -> None:
        node_id, name = source
        shape = self._shapes.get(self._flat.nodes[node_id].instance.type)
        if shape is None:  # reported at that node
            return
        output = shape.outputs.get(name)
        if output is None:
            message = f"{node_id!r} ({shape.definition.id}) has no output {name!r}"
            hint = self._hints.hint(name, shape.outputs, "link to another node; this one has no outputs")
            self._refuse(checked, socket.name, "no_such_output", message, hint)
        elif output.type != socket.type and not fits(output, socket):
            message = f"{socket.name!r} takes {socket.type}, but {node_id}.{name} is {output.type}"
            same = [other.name for other in shape.outputs.values() if fits(other, socket)]
            between = self._shapes.bridge(output.type, socket.type)
            hint = f"put the node {between} between them" if between else self._link_hint(socket)
            hint = f"link to its output {same[0]!r}" if same else hint
            self._refuse(checked, socket.name, "type_mismatch", message, hint)

    def _missing(self, node: FlatNode, socket: InputSocket) -> Problem:
        path, name, prefix = node.path, socket.name, node.prefix
        node_id: str = node.id
        while prefix:  # the place to give it is the outermost instance that exposes it
            outer = self._flat.instances[prefix[:-1]]
            inner_id = node_id[len(prefix) :]
            exposed = (key for key, item in outer.subgraph.inputs.items() if (inner_id, name) in item.targets)
            outer_name = next(exposed, None)
            if outer_name is None:
                break
            path, name, prefix, node_id = outer.path, outer_name, outer.prefix, outer.id
        hint = self._link_hint(socket) if socket.wire else "give it a value or a link"
        return Problem(path + pointer("inputs", name), "missing_input", f"the input {name!r} is missing", hint)

    def _link_hint(self, socket: InputSocket) -> str:
        makers = self._shapes.makers(socket.type)
        example = f", such as {' or '.join(makers[:3])}" if makers else ""
        return f"link it to an output of type {socket.type}{example}"

    def _unknown_type(self, node: FlatNode) -> Problem:
        node_type = node.instance.type
        pack = node_type.rpartition("/")[0]
        broken = [failure for failure in self._shapes.catalogue.failures if failure.pack == pack]
        if broken:
            message = f"there is no {node_type!r}, since the pack {pack!r} could not be loaded: {broken[0].message}"
            return Problem(node.path + "/type", "broken_pack", message, "mend the pack; it is then taken at once")
        otherwise = f"install the pack {pack!r}" if pack else "install the pack that it comes from"
        hint = self._hints.hint(node_type, self._shapes.catalogue.nodes, otherwise)
        if pack and not hint.startswith("try"):
            hint = otherwise
        return Problem(node.path + "/type", "unknown_type", f"there is no node type {node_type!r}", hint)

    def _refuse(self, checked: Checked, name: str, code: str, message: str, hint: str) -> None:
        checked.problems.append(Problem(input_path(checked.node, name), code, message, hint))


def input_path(node: FlatNode, name: str) -> str:
    """Return the JSON pointer to where the value of a node's input stands."""
    given = node.given.get(name)
    return given.path if given else node.path + pointer("inputs", name)


def _version_problem(node: FlatNode, shape: Shape) -> Problem | None:
    saved, installed = node.instance.version, shape.definition.version
    if saved is None or saved == installed:
        return None
    path = node.path + "/version"
    if saved > installed:
        message = f"it was saved with version {saved} of {node.instance.type!r}; version {installed} is installed"
        return Problem(path, "newer_node", message, "update Kinegraph, or the pack that the node comes from")
    message = f"it has version {saved} of {node.instance.type!r}; version {installed} is installed"
    return Problem(path, "needs_migration", message, "migrate the workflow first: kinegraph migrate")
