"""Asks the nodes themselves whether their inputs are sound, as far as these are known before a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from server.engine.errors import describe
from server.engine.foresight import UNKNOWN, Foresight, Raised
from server.graph.graph import Graph, GraphNode
from server.kit.context import Folders
from server.kit.problems import InputProblem, NodeInputError, Problem


def check_graph(graph: Graph, folders: Folders) -> tuple[Problem, ...]:
    """Return everything that the nodes' `check` companions object to, in the graph's order.

    Instant nodes are run, so that a check can look at what they describe, and others are asked what they foretell. A
    companion is skipped while an input that it names is only known at run time. One that raises is reported as a
    problem itself.
    """
    foresight = Foresight(graph, folders)
    problems: list[Problem] = []
    for node in graph.nodes.values():
        found = _consult(foresight, node)
        if not found and node.id in foresight.failures:  # what a check says tells more than what then failed
            found = (_raised(node, foresight.failures[node.id]),)
        problems += found
    return tuple(problems)


def _consult(foresight: Foresight, node: GraphNode) -> tuple[Problem, ...]:
    if node.definition.check is None:
        return ()
    answer = foresight.consult(node.definition.check, node)
    if answer is UNKNOWN or answer is None:
        return ()
    if isinstance(answer, Raised):
        return (_raised(node, answer.error),)
    return tuple(
        Problem(node.input_path(found.input), found.code, found.message, found.hint)
        for found in cast("Iterable[InputProblem]", answer)
    )


def _raised(node: GraphNode, error: Exception) -> Problem:
    described = describe(error, node)
    code = described.code if isinstance(error, NodeInputError) else "check_failed"
    return Problem(described.path, code, described.message, described.hint)
