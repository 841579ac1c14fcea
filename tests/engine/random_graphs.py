"""Random acyclic graphs of toy nodes for the property tests, and what they mean, computed naively."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from server.graph.graph import Graph, NodeId
from server.kit import node
from tests.engine.toys import build, calls, link

Spec = list[tuple[int, int, int | None, int | None]]
"""For each node: kind, offset, and the positions of the nodes that its inputs come from."""


@node(category="toy")
def mix(*, a: int = 1, b: int = 2, offset: int = 0) -> int:
    """Mix two numbers so that order and offset matter."""
    calls.append("mix")
    return (3 * a + 5 * b + offset) % 1_000_003


@node(category="toy")
def blend(*, a: int = 1, b: int = 2, offset: int = 0) -> int:
    """Mix them otherwise."""
    calls.append("blend")
    return (7 * a - b + 2 * offset) % 1_000_003


@st.composite
def random_graphs(draw: st.DrawFn, max_nodes: int = 12) -> Spec:
    """Draw a graph; small offsets, so that equal nodes are common."""
    spec: Spec = []
    for position in range(draw(st.integers(1, max_nodes))):
        above = st.none() | st.integers(0, position - 1) if position else st.none()
        spec.append((draw(st.integers(0, 1)), draw(st.integers(0, 2)), draw(above), draw(above)))
    return spec


def build_random(spec: Spec, prefix: str = "n") -> Graph:
    """Return the graph; nodes that nothing uses are its targets."""
    nodes: dict[str, Any] = {}
    used: set[int] = set()
    for position, (kind, offset, a, b) in enumerate(spec):
        inputs: dict[str, Any] = {"offset": offset}
        for name, source in (("a", a), ("b", b)):
            if source is not None:
                inputs[name] = link(f"{prefix}{source}", "int")
                used.add(source)
        nodes[f"{prefix}{position}"] = (blend if kind else mix, inputs)
    sinks = tuple(f"{prefix}{position}" for position in range(len(spec)) if position not in used)
    return build(nodes, sinks=sinks, outputs={sink: (sink, "int") for sink in sinks})


def naive(graph: Graph, node_id: NodeId) -> int:
    """Evaluate one node recursively, with no cache at all."""
    item = graph.nodes[node_id]
    inputs: dict[str, Any] = dict(item.constants)
    inputs |= {name: naive(graph, upstream) for name, (upstream, _) in item.links.items()}
    a, b, offset = inputs["a"], inputs["b"], inputs["offset"]
    return (7 * a - b + 2 * offset if item.definition.id == "blend" else 3 * a + 5 * b + offset) % 1_000_003


def descendants(graph: Graph, node_id: NodeId) -> set[NodeId]:
    """Return the node and all that depends on it."""
    found = {node_id}
    for name, item in graph.nodes.items():
        if any(upstream in found for upstream, _ in item.links.values()):
            found.add(name)
    return found
