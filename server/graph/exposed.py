"""The named inputs and outputs of a workflow and of its subgraphs: that each stands for something that exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.graph.model import NodeInstance, Subgraph, Workflow
from server.graph.problem_list import NameHints, ProblemList
from server.graph.shapes import Shapes
from server.kit.definition import InputSocket
from server.kit.problems import pointer


def find_socket(workflow: Workflow, shapes: Shapes, node: NodeInstance, name: str) -> InputSocket | None:
    """Return the socket behind a node's input, through instances of subgraphs; None when there is none."""
    seen: set[str] = set()
    while (subgraph_id := node.subgraph) is not None:
        subgraph = workflow.subgraphs.get(subgraph_id)
        exposed = subgraph.inputs.get(name) if subgraph else None
        inner = subgraph.nodes.get(exposed.node) if subgraph and exposed else None
        if exposed is None or inner is None or subgraph_id in seen:
            return None
        seen.add(subgraph_id)
        node, name = inner, exposed.input
    shape = shapes.get(node.type)
    return shape.inputs.get(name) if shape else None


def input_names(workflow: Workflow, shapes: Shapes, node: NodeInstance) -> list[str] | None:
    """Return the names of a node's inputs; None when its type is unknown."""
    if node.subgraph is not None:
        subgraph = workflow.subgraphs.get(node.subgraph)
        return list(subgraph.inputs) if subgraph else None
    shape = shapes.get(node.type)
    return list(shape.inputs) if shape else None


def output_names(workflow: Workflow, shapes: Shapes, node: NodeInstance) -> list[str] | None:
    """Return the names of a node's outputs; None when its type is unknown."""
    if node.subgraph is not None:
        subgraph = workflow.subgraphs.get(node.subgraph)
        return list(subgraph.outputs) if subgraph else None
    shape = shapes.get(node.type)
    return list(shape.outputs) if shape else None


def check_exposed(workflow: Workflow, shapes: Shapes, problems: ProblemList, hints: NameHints) -> None:
    """Report every exposed name that stands for no node, input or output."""
    for path, scope in _scopes(workflow):
        for name, item in scope.inputs.items():
            for index, (node_id, input_name) in enumerate(item.targets):
                place = path + pointer("inputs", name)
                places = (place + "/node", place + "/input")
                if index > 0:
                    places = (place + f"/also/{index - 1}",) * 2
                node = _node(places[0], node_id, scope.nodes, problems, hints)
                known = input_names(workflow, shapes, node) if node else None
                if known is not None and input_name not in known:
                    message = f"the node {node_id!r} has no input {input_name!r}"
                    hint = hints.hint(input_name, known, "expose an input of another node")
                    problems.add(places[1], "unknown_input", message, hint)
        for name, item in scope.outputs.items():
            node = _node(path + pointer("outputs", name, "node"), item.node, scope.nodes, problems, hints)
            known = output_names(workflow, shapes, node) if node else None
            if known is not None and item.output not in known:
                message = f"the node {item.node!r} has no output {item.output!r}"
                hint = hints.hint(item.output, known, "expose an output of another node")
                problems.add(path + pointer("outputs", name, "output"), "no_such_output", message, hint)


def _scopes(workflow: Workflow) -> Iterator[tuple[str, Workflow | Subgraph]]:
    yield "", workflow
    for name, subgraph in workflow.subgraphs.items():
        yield pointer("subgraphs", name), subgraph


def _node(
    path: str,
    node_id: str,
    nodes: Mapping[str, NodeInstance],
    problems: ProblemList,
    hints: NameHints,
) -> NodeInstance | None:
    node = nodes.get(node_id)
    if node is None:
        hint = hints.hint(node_id, nodes, "add the node, or remove this")
        problems.add(path, "no_such_node", f"there is no node {node_id!r}", hint)
    return node
