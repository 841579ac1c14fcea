"""A validated workflow: typed, flat, in topological order. What the engine takes; it knows no JSON and no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from server.kit.definition import Constant, NodeDefinition

NodeId = NewType("NodeId", str)
"""A node's id in its workflow; nodes inside subgraphs are `outer/inner`."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One node, ready to run.

    Attributes:
        id: Unique in the graph.
        definition: Its type.
        constants: Coerced values of inputs that are not linked, defaults filled in.
        links: Inputs that come from another node: input name -> (node, output name).
        path: JSON pointer to the node in the workflow.
    """

    id: NodeId
    definition: NodeDefinition
    constants: Mapping[str, Constant]
    links: Mapping[str, tuple[NodeId, str]]
    path: str


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow that can be planned and run.

    Attributes:
        nodes: In topological order: every node stands after all those that it is linked from.
        sinks: Nodes to run the graph for.
        outputs: Exposed outputs by name: (node, output name).
    """

    nodes: Mapping[NodeId, GraphNode]
    sinks: tuple[NodeId, ...]
    outputs: Mapping[str, tuple[NodeId, str]]
