"""Follows links to where values are made: through instances of subgraphs and past bypassed nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from server.graph.flatten import FlatInstance, FlatNode, FlatWorkflow
from server.graph.model import Link, NodeId
from server.graph.problem_list import NameHints
from server.graph.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Broken:
    """A link that leads nowhere, and why. `path` is set when the place to mend is not the link itself."""

    code: str
    message: str
    hint: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Muted:
    """A link that leads to a node which is left out."""


MUTED = Muted()

Source: TypeAlias = "tuple[NodeId, str]"
Followed: TypeAlias = "Source | Muted | Broken"


class Wires:
    """Follows links in a flat workflow; each place is followed once, however many links lead through it."""

    def __init__(self, flat: FlatWorkflow, shapes: Shapes, hints: NameHints) -> None:
        self._flat = flat
        self._shapes = shapes
        self._hints = hints
        self._known: dict[tuple[str, str], Followed] = {}

    def follow(self, prefix: str, link: Link) -> Followed:
        """Return the running node and output that a link leads to.

        Args:
            prefix: What the link's node is relative to.
            link: The link as it stands in the document.
        """
        place = (prefix + link.node, link.output)
        node = self._flat.nodes.get(place[0])
        if node and node.mode == "run":
            return node.id, link.output
        return self._follow(place)

    def _follow(self, place: tuple[str, str]) -> Followed:
        trail: dict[tuple[str, str], None] = {}
        result: Followed | None = None
        while result is None:
            if place in self._known:
                result = self._known[place]
                break
            if place in trail:
                result = Broken("cycle", "bypassed nodes lead in a circle", "remove one of their links")
                break
            trail[place] = None
            step = self._step(*place)
            if isinstance(step, tuple) and not self._runs(step[0]):
                place = step
            else:
                result = step
        for passed in trail:
            self._known[passed] = result
        return result

    def _runs(self, node_id: str) -> bool:
        node = self._flat.nodes.get(node_id)
        return node is not None and node.mode == "run"

    def _step(self, node_id: str, output: str) -> Followed:
        """Return where one node's output comes from, one step on; the node itself when it runs."""
        node = self._flat.nodes.get(node_id) or self._flat.instances.get(node_id)
        if node is None:
            return self._no_such_node(node_id)
        if node.mode == "mute":
            return MUTED
        if node.mode == "bypass":
            return self._past(node, output)
        if not isinstance(node, FlatInstance):
            return node.id, output
        exposed = node.subgraph.outputs.get(output)
        if exposed:
            return NodeId(f"{node_id}/{exposed.node}"), exposed.output
        hint = self._hints.hint(output, node.subgraph.outputs, "the subgraph exposes no outputs; link another node")
        return Broken("no_such_output", f"{node_id!r} has no output {output!r}", hint)

    def _no_such_node(self, node_id: str) -> Broken:
        prefix, _, name = node_id.rpartition("/")
        prefix += "/" if prefix else ""
        siblings: list[str] = []
        if not self._hints.is_spent:
            names = (*self._flat.nodes, *self._flat.instances)
            inside = (other.removeprefix(prefix) for other in names if other.startswith(prefix))
            siblings = [other for other in inside if "/" not in other]
        hint = self._hints.hint(name, siblings, "add the node, or remove the link")
        return Broken("no_such_node", f"there is no node {name!r}", hint)

    def _past(self, node: FlatNode, output: str) -> Followed:
        """Return what a bypassed node's output is replaced by."""
        wanted = self.output_type(node.id, output)
        if not isinstance(node, FlatInstance) and self._shapes.get(node.instance.type) is None:
            message = f"{node.id!r} cannot be bypassed: its type {node.instance.type!r} is unknown"
            return Broken(
                "cannot_bypass", message, "install the pack that it comes from, or mute it", node.path + "/mode"
            )
        if wanted is None:
            return Broken("no_such_output", f"{node.id!r} has no output {output!r}", "link to another output")
        for name, prefix, link in self._links(node):
            if self.input_type(node.id, name) == wanted:
                return NodeId(prefix + link.node), link.output
        message = f"{node.id!r} cannot be bypassed: none of its links carries a {wanted} for its output {output!r}"
        return Broken("cannot_bypass", message, "mute it, or link one", node.path + "/mode")

    def _links(self, node: FlatNode) -> Iterator[tuple[str, str, Link]]:
        """Yield a node's linked inputs in order of declaration, with what each link is relative to."""
        shape = None if isinstance(node, FlatInstance) else self._shapes.get(node.instance.type)
        names = node.subgraph.inputs if isinstance(node, FlatInstance) else shape.inputs if shape else ()
        for name in names:
            given = node.given.get(name)
            value, prefix = (given.value, given.prefix) if given else (node.instance.inputs.get(name), node.prefix)
            if isinstance(value, Link):
                yield name, prefix, value

    def output_type(self, node_id: str, output: str) -> str | None:
        """Return the socket type of a node's or an instance's output, or None when there is none."""
        while (instance := self._flat.instances.get(node_id)) is not None:
            exposed = instance.subgraph.outputs.get(output)
            if exposed is None:
                return None
            node_id, output = f"{node_id}/{exposed.node}", exposed.output
        node = self._flat.nodes.get(node_id)
        shape = self._shapes.get(node.instance.type) if node else None
        socket = shape.outputs.get(output) if shape else None
        return socket.type if socket else None

    def input_type(self, node_id: str, name: str) -> str | None:
        """Return the socket type of a node's or an instance's input, or None when there is none."""
        while (instance := self._flat.instances.get(node_id)) is not None:
            exposed = instance.subgraph.inputs.get(name)
            if exposed is None:
                return None
            node_id, name = f"{node_id}/{exposed.node}", exposed.input
        node = self._flat.nodes.get(node_id)
        shape = self._shapes.get(node.instance.type) if node else None
        socket = shape.inputs.get(name) if shape else None
        return socket.type if socket else None
