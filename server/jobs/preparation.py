"""From a submitted document to one that can be queued: parsed, migrated, settings in place, validated. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.graph import Graph, NodeId, NodeInstance, Workflow, dump, parse, validate
from server.graph.inputs import set_inputs
from server.graph.migrate import Change, migrate
from server.jobs.records import JsonObject
from server.kit.catalogue import Catalogue
from server.kit.problems import Problem, WorkflowError


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of a document.

    Attributes:
        workflow: As JSON text, migrated, with the settings in place.
        title: The workflow's.
        graph: None exactly when there are problems.
        problems: All that is wrong with its structure.
        outdated: A node is older than what is installed, and its migrations are not in this process.
    """

    workflow: str
    title: str
    graph: Graph | None
    problems: tuple[Problem, ...]
    outdated: bool


def prepare(
    text: str | bytes, settings: Mapping[str, object], catalogue: Catalogue, targets: Sequence[str] | None = None
) -> Prepared:
    """Return a document ready to be queued, or all that is wrong with it.

    Args:
        text: The document.
        settings: Values for its named inputs.
        catalogue: The node types that there are.
        targets: Nodes to run for; None for all sinks.

    Raises:
        WorkflowError: It cannot be read, or a setting does not fit: nothing further could be said.
    """
    workflow, _changes = migrate(parse(text), catalogue)
    if settings:
        workflow = set_inputs(workflow, settings, catalogue)
    wanted = None if targets is None else [NodeId(target) for target in targets]
    validation = validate(workflow, catalogue, wanted)
    outdated = any(_is_outdated(node, catalogue) for node in _all_nodes(workflow))
    return Prepared(dump(workflow), workflow.title or "", validation.graph, validation.problems, outdated)


@dataclass(frozen=True, slots=True)
class Migrated:
    """A document with its nodes at the installed versions.

    Attributes:
        workflow: As JSON text.
        changes: Which nodes were changed.
        outdated: A node is still older than what is installed: its migrations are not in this process.
    """

    workflow: str
    changes: tuple[Change, ...]
    outdated: bool

    def to_json(self) -> JsonObject:
        """Return what crosses to the server."""
        changes = [
            {
                "path": change.path,
                "type": change.node_type,
                "from_version": change.from_version,
                "to_version": change.to_version,
            }
            for change in self.changes
        ]
        return {"workflow": self.workflow, "changes": changes}


def bring_up_to_date(text: str | bytes, catalogue: Catalogue) -> Migrated:
    """Return a document with its nodes at the versions of the catalogue; what it does not know stays as it is.

    Raises:
        WorkflowError: It cannot be read, or a migration failed.
    """
    workflow, changes = migrate(parse(text), catalogue)
    return Migrated(dump(workflow), changes, any(_is_outdated(node, catalogue) for node in _all_nodes(workflow)))


def problems_error(problems: tuple[Problem, ...]) -> JsonObject:
    """Return problems in the shape of every error: the first in the usual fields, all of them in `problems`."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return {
        "code": "invalid_workflow",
        "message": first.message + more,
        "hint": first.hint,
        "path": first.path,
        "node": None,
        "problems": [problem.to_json() for problem in problems],
    }


def problems_of(error: JsonObject) -> WorkflowError:
    """Return the exception that an error of `problems_error` stands for."""
    return WorkflowError(tuple(Problem(**problem) for problem in error["problems"]))


def _all_nodes(workflow: Workflow) -> Iterable[NodeInstance]:
    yield from workflow.nodes.values()
    for subgraph in workflow.subgraphs.values():
        yield from subgraph.nodes.values()


def _is_outdated(node: NodeInstance, catalogue: Catalogue) -> bool:
    definition = catalogue.get(node.type)
    return definition is not None and node.version is not None and node.version < definition.version
