"""The validated graph: flat, typed, ordered. The engine reads it and nothing else of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.graph.model import NodeId
from server.kit.definition import Constant, NodeDefinition, Uses
from server.kit.problems import pointer

__all__ = ["Graph", "GraphNode", "NodeId"]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node that is ready to run.

    Attributes:
        id: Its id in the document, `outer/inner` inside an instance of a subgraph.
        definition: The catalogue's own; never a copy.
        constants: By input, of the knob's own type; defaults are filled in. Linked inputs are not here.
        links: By input, the node and output that the value comes from.
        path: JSON pointer to the node in the document.
        given_at: By input, the pointer of a constant that stands elsewhere: on the instance of a subgraph.
    """

    id: NodeId
    definition: NodeDefinition
    constants: Mapping[str, Constant]
    links: Mapping[str, tuple[NodeId, str]]
    path: str
    given_at: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def uses(self) -> Uses:
        """The resource that a run of the node occupies, as its knobs are set; a link may bring anything."""
        condition = self.definition.uses_if
        if condition and self.constants.get(condition.input, condition.values[0]) not in condition.values:
            return "cpu"
        return self.definition.uses

    def input_path(self, name: str) -> str:
        """Return the JSON pointer to one of the node's inputs."""
        return self.given_at.get(name) or self.path + pointer("inputs", name)


@dataclass(frozen=True, slots=True)
class Graph:
    """What a run needs, and no more: nodes that no sink depends on are not here.

    Attributes:
        nodes: In topological order: every node after those that it is linked to.
        sinks: Nodes to run for: sinks, nodes of exposed outputs, or the targets that were asked for.
        outputs: By exposed name, the node and its output.
    """

    nodes: Mapping[NodeId, GraphNode]
    sinks: tuple[NodeId, ...]
    outputs: Mapping[str, tuple[NodeId, str]]
