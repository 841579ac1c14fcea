"""Brings the nodes of a workflow to the versions that are installed. Changes of the file format would be made here too.

A node's own migrations know nothing of the document; what refers to its inputs by name follows here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from server.graph.dump import inputs_to_json
from server.graph.model import ExposedInput, NodeInstance, Subgraph, Workflow
from server.graph.parse import read_inputs
from server.kit.catalogue import Catalogue
from server.kit.definition import Migration, NodeDefinition
from server.kit.problems import Problem, WorkflowError, pointer

FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a migration raises when saved inputs are not what its author expected."""


@dataclass(frozen=True, slots=True)
class Change:
    """One node that was brought to a newer version.

    Attributes:
        path: JSON pointer to the node.
        node_type: Id of its definition.
        from_version: Before.
        to_version: After.
    """

    path: str
    node_type: str
    from_version: int
    to_version: int

    def __str__(self) -> str:
        return f"{self.path}: {self.node_type} from version {self.from_version} to {self.to_version}"


def migrate(workflow: Workflow, catalogue: Catalogue) -> tuple[Workflow, tuple[Change, ...]]:
    """Return the workflow with every node at its installed version, and what was changed.

    A node without a version is marked with the installed one. Nodes of unknown types, nodes that are newer than what
    is installed, and nodes whose migrations are not here (a catalogue that came from JSON has none) stay as they are;
    `validate` says what is to be done. Exposed inputs follow a renamed input.

    Raises:
        WorkflowError: A migration failed, or returned what is no node's inputs.
    """
    run = _Migration(catalogue)
    nodes, inputs = run.scope(workflow.nodes, workflow.inputs, ())
    subgraphs = {name: run.subgraph(name, subgraph) for name, subgraph in workflow.subgraphs.items()}
    if run.problems:
        raise WorkflowError(tuple(run.problems))
    return replace(workflow, nodes=nodes, inputs=inputs, subgraphs=subgraphs), tuple(run.changes)


class _Migration:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.changes: list[Change] = []
        self.problems: list[Problem] = []

    def subgraph(self, name: str, subgraph: Subgraph) -> Subgraph:
        nodes, inputs = self.scope(subgraph.nodes, subgraph.inputs, ("subgraphs", name))
        return replace(subgraph, nodes=nodes, inputs=inputs)

    def scope(
        self, nodes: Mapping[str, NodeInstance], exposed: Mapping[str, ExposedInput], path: tuple[str, ...]
    ) -> tuple[dict[str, NodeInstance], dict[str, ExposedInput]]:
        """Migrate the nodes of a workflow or subgraph, and the names of it that stand for their inputs."""
        by_node: dict[str, list[str]] = {}
        for name, item in exposed.items():
            for node_id in dict(item.targets):
                by_node.setdefault(node_id, []).append(name)
        new_nodes: dict[str, NodeInstance] = {}
        new_exposed = dict(exposed)
        for node_id, node in nodes.items():
            definition = self._catalogue.get(node.type)
            chain = _chain(node, definition) if definition else ()
            if definition is None or not (chain or node.version is None):
                new_nodes[node_id] = node
                continue
            place = (*path, "nodes", node_id)
            new_nodes[node_id] = self._migrated(node, definition.version, chain, place)
            for name in by_node.get(node_id, ()) if chain else ():
                new_exposed[name] = _followed(new_exposed[name], node_id, node, definition, chain)
        return new_nodes, new_exposed

    def _migrated(
        self, node: NodeInstance, version: int, chain: tuple[Migration, ...], place: tuple[str, ...]
    ) -> NodeInstance:
        inputs = node.inputs
        if chain and node.version is not None:
            path = pointer(*place)
            try:
                inputs = read_inputs(_apply(chain, inputs_to_json(inputs)), place)
            except (WorkflowError, *FAILURES) as error:
                reason = error.problems[0].message if isinstance(error, WorkflowError) else repr(error)
                message = f"{node.type!r} cannot be brought from version {node.version} to {version}: {reason}"
                hint = "replace the node by a new one, and report this to the author of the node"
                self.problems.append(Problem(path, "migration_failed", message, hint))
            self.changes.append(Change(path, node.type, node.version, version))
        return replace(node, version=version, inputs=inputs)


def _chain(node: NodeInstance, definition: NodeDefinition) -> tuple[Migration, ...]:
    """Return the migrations from a node's version to the installed one; none when one of them is missing."""
    steps = range(node.version or definition.version, definition.version)
    chain = tuple(definition.migrations[step] for step in steps if step in definition.migrations)
    return chain if len(chain) == len(steps) else ()


def _apply(chain: tuple[Migration, ...], inputs: dict[str, object]) -> dict[str, object]:
    inputs = copy.deepcopy(inputs)  # migrations may change what they are given, nested values too
    for step in chain:
        inputs = step(inputs)
    return inputs


def _followed(
    exposed: ExposedInput, node_id: str, node: NodeInstance, definition: NodeDefinition, chain: tuple[Migration, ...]
) -> ExposedInput:
    """Return the exposed input with the new names of the inputs of one node that it stands for."""
    targets = tuple(
        (name, _follow(socket, node, definition, chain) if name == node_id else socket)
        for name, socket in exposed.targets
    )
    return replace(exposed, input=targets[0][1], also=targets[1:])


def _follow(name: str, node: NodeInstance, definition: NodeDefinition, chain: tuple[Migration, ...]) -> str:
    """Return the new name of a node's input.

    The migrations are run once more with a marked link in its place; where the mark comes out is the new name.
    """
    if definition.input(name):
        return name
    mark: dict[str, object] = {"link": ["", "mark"]}
    try:
        after = cast("object", _apply(chain, {**inputs_to_json(node.inputs), name: mark}))
    except FAILURES:
        return name
    names = cast("dict[str, object]", after) if isinstance(after, dict) else {}
    return next((key for key, value in names.items() if value == mark), name)
