"""What is known of a graph's values before it runs: constants, results of instant nodes, and what others foretell.

Companions (`check`, `fingerprint`, `foretell`) are called here, with those inputs that they name. Keys are made
elsewhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from server.engine.calling import CallShape
from server.engine.errors import BadOutputError
from server.graph.graph import Graph, GraphNode, NodeId
from server.kit.context import Folders
from server.kit.values import Ready


class Unknown(Enum):
    """The answer of a companion that cannot be asked before the run."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Raised:
    """A companion or an instant node raised."""

    error: Exception


@dataclass(frozen=True, slots=True)
class _Asked:
    """The inputs that a companion names: those whose values it needs, and those of which it takes what is foretold."""

    values: tuple[str, ...]
    foretold: tuple[str, ...]

    @classmethod
    def by(cls, companion: Callable[..., object]) -> _Asked:
        parameters = inspect.signature(companion).parameters.values()
        after_star = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
        names = [each.name for each in parameters]
        return cls(
            tuple(name for name in names if name not in after_star), tuple(name for name in names if name in after_star)
        )


class Foresight:
    """Values known before a run. Instant nodes are run, and others asked what they foretell, once, when this is made.

    Attributes:
        failures: Instant nodes that raised, and nodes whose `foretell` did.
    """

    def __init__(self, graph: Graph, folders: Folders) -> None:
        self.failures: dict[NodeId, Exception] = {}
        self._folders = folders
        self._results: dict[NodeId, Mapping[str, object]] = {}
        self._foretold: dict[tuple[NodeId, str], object] = {}
        self._asked: dict[int, _Asked] = {}
        self._shapes: dict[int, CallShape] = {}
        for node in graph.nodes.values():
            if node.definition.instant:
                self._run_instant(node)
            if node.definition.foretell is not None:
                self._foretell(node, node.definition.foretell)

    def consult(self, companion: Callable[..., object], node: GraphNode) -> object | Raised | Unknown:
        """Return what a companion of the node says; `UNKNOWN` when an input that it names is not known yet.

        Inputs that it names after a star are given as what is foretold of them, or None; it never waits for these.
        What a generator yields is returned as a tuple.
        """
        asked = self._asked.get(id(companion))
        if asked is None:
            asked = self._asked[id(companion)] = _Asked.by(companion)
        inputs = self._known_inputs(node, asked.values)
        if inputs is None:
            return UNKNOWN
        for name in asked.foretold:
            inputs[name] = self._foretold.get(node.links[name]) if name in node.links else None
        try:
            answer = companion(**inputs)
            return tuple(answer) if inspect.isgenerator(answer) else answer
        except Exception as error:  # noqa: BLE001  (a pack's code: its failure is a finding, not ours)
            return Raised(error)

    def _known_inputs(self, node: GraphNode, names: tuple[str, ...]) -> dict[str, object] | None:
        inputs: dict[str, object] = {}
        converters = self._shape(node).converters
        for name in names:
            if name == "folders":
                inputs[name] = self._folders
                continue
            if name in node.links:
                upstream, output = node.links[name]
                if upstream not in self._results:
                    return None
                value = self._results[upstream][output]
            elif name in node.constants:
                value = node.constants[name]
            else:
                continue
            inputs[name] = converters[name](value) if name in converters else value
        return inputs

    def _run_instant(self, node: GraphNode) -> None:
        definition = node.definition
        inputs = self._known_inputs(node, tuple(socket.name for socket in definition.inputs))
        if definition.call is None or definition.context_parameter or inputs is None:
            return
        if definition.folders_parameter:
            inputs[definition.folders_parameter] = self._folders
        shape = self._shape(node)
        for name in shape.lazy & inputs.keys():
            inputs[name] = Ready(inputs[name])
        try:
            self._results[node.id] = shape.named(definition.call(**inputs))
        except Exception as error:  # noqa: BLE001  (a pack's code: its failure is a finding, not ours)
            self.failures[node.id] = error

    def _foretell(self, node: GraphNode, companion: Callable[..., object]) -> None:
        answer = self.consult(companion, node)
        if answer is UNKNOWN:
            return
        if isinstance(answer, Raised):
            self.failures[node.id] = answer.error
            return
        try:
            by_output = self._shape(node).by_output(answer)
        except BadOutputError as error:
            self.failures[node.id] = error
        else:
            self._foretold |= {(node.id, output): told for output, told in by_output.items()}

    def _shape(self, node: GraphNode) -> CallShape:
        definition = node.definition
        shape = self._shapes.get(id(definition))
        if shape is None:
            shape = self._shapes[id(definition)] = CallShape(definition, {})
        return shape
