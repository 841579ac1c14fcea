"""The named inputs and outputs of a workflow and of its subgraphs: that each stands for something that exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.graph.model import ExposedInput, ExposedOutput, NodeInstance, Subgraph, Workflow
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
            node = _node(path + pointer("inputs", name), item, scope.nodes, problems, hints)
            known = input_names(workflow, shapes, node) if node else None
            if known is not None and item.input not in known:
                message = f"the node {item.node!r} has no input {item.input!r}"
                hint = hints.hint(item.input, known, "expose an input of another node")
                problems.add(path + pointer("inputs", name, "input"), "unknown_input", message, hint)
        for name, item in scope.outputs.items():
            node = _node(path + pointer("outputs", name), item, scope.nodes, problems, hints)
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
    item: ExposedInput | ExposedOutput,
    nodes: Mapping[str, NodeInstance],
    problems: ProblemList,
    hints: NameHints,
) -> NodeInstance | None:
    node = nodes.get(item.node)
    if node is None:
        hint = hints.hint(item.node, nodes, "add the node, or remove this")
        problems.add(path + "/node", "no_such_node", f"there is no node {item.node!r}", hint)
    return node
