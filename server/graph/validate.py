"""A workflow and a catalogue to a graph, or to all that is wrong. Pure: no node's code runs here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.graph.checks import Checked, Checker, input_path
from server.graph.exposed import check_exposed
from server.graph.flatten import flatten
from server.graph.generics import check_generics
from server.graph.graph import Graph, GraphNode
from server.graph.json_text import DEFAULT_LIMITS, Limits
from server.graph.model import Link, NodeId, Workflow
from server.graph.order import needed_by, sources_first
from server.graph.problem_list import NameHints, ProblemList
from server.graph.shapes import Shapes
from server.graph.wires import Broken, Wires
from server.kit.catalogue import Catalogue
from server.kit.problems import Problem, pointer

MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Validation:
    """What validation found.

    Attributes:
        graph: Ready to be planned; None exactly when there are problems.
        problems: What must be mended before anything can run.
        notices: Problems of nodes that no sink needs; the workflow runs without them.
    """

    graph: Graph | None
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...] = ()


def validate(
    workflow: Workflow,
    catalogue: Catalogue,
    targets: Sequence[NodeId] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Validation:
    """Return the graph that a workflow means, or every problem in it.

    Muted nodes are left out, and so is every node with a required input from one that is left out; an optional
    input from such a node takes its default. A bypassed node's output is replaced by its first linked input of the
    same type, in order of declaration.

    Args:
        workflow: With its nodes at the versions that are installed: see `migrate`.
        catalogue: The node types that there are.
        targets: Run for these nodes only; by default for all sinks and all nodes of exposed outputs.
        limits: What is too much.
    """
    run = _Run(workflow, catalogue, limits)
    wanted = run.all_sinks() if targets is None else run.targets(targets)
    return run.result(wanted)


class _Run:
    """One validation: every node checked once, then ordered, then cut down to what the sinks need."""

    def __init__(self, workflow: Workflow, catalogue: Catalogue, limits: Limits) -> None:
        self._problems = ProblemList()
        self._hints = NameHints()
        self._shapes = Shapes(catalogue)
        check_exposed(workflow, self._shapes, self._problems, self._hints)
        self._flat = flatten(workflow, self._problems, self._hints, limits)
        checker = Checker(self._flat, self._shapes, self._hints)
        self._nodes = {node.id: checker.check(node) for node in self._flat.nodes.values() if node.mode == "run"}
        self._outputs = self._follow_outputs(workflow, checker.wires)
        self._sources: dict[NodeId, list[NodeId]] = {
            node_id: [source for source, _ in checked.links.values()] for node_id, checked in self._nodes.items()
        }

    def _follow_outputs(self, workflow: Workflow, wires: Wires) -> dict[str, tuple[NodeId, str]]:
        """Return where exposed outputs come from; those of muted nodes are left out, broken ones are reported."""
        outputs: dict[str, tuple[NodeId, str]] = {}
        for name, item in workflow.outputs.items():
            if item.node in workflow.nodes:
                source = wires.follow("", Link(item.node, item.output))
                if isinstance(source, tuple):
                    outputs[name] = source
                elif isinstance(source, Broken) and source.code in ("cannot_bypass", "cycle"):
                    path = source.path or pointer("outputs", name)
                    self._problems.add(path, source.code, source.message, source.hint)
        return outputs

    def all_sinks(self) -> list[NodeId]:
        """Return the sinks and the nodes of exposed outputs, in the document's order."""
        exposed = {node_id for node_id, _ in self._outputs.values()}
        return [
            node_id
            for node_id, checked in self._nodes.items()
            if node_id in exposed or (checked.shape and checked.shape.definition.sink)
        ]

    def targets(self, targets: Sequence[NodeId]) -> list[NodeId]:
        """Return the nodes to run for; an instance of a subgraph stands for all nodes inside it."""
        wanted: dict[NodeId, None] = {}
        for target in targets:
            inside = [other for other in self._nodes if other.startswith(target + "/")]
            if target in self._nodes or inside:
                wanted.update(dict.fromkeys([target] if target in self._nodes else inside))
            elif target in self._flat.nodes or target in self._flat.instances:
                message = f"the node {target!r} is {self._mode(target)}, so it cannot be run"
                self._problems.add(pointer("nodes", target), "no_such_target", message, "set its mode to run")
            else:
                hint = self._hints.hint(target, self._nodes, "the workflow has no nodes")
                self._problems.add("/nodes", "no_such_target", f"there is no node {target!r}", hint)
        return list(wanted)

    def _mode(self, node_id: str) -> str:
        node = self._flat.nodes.get(node_id) or self._flat.instances.get(node_id)
        return "bypassed" if node and node.mode == "bypass" else "muted"

    def result(self, wanted: Sequence[NodeId]) -> Validation:
        """Return the graph for the wanted nodes, or what stands in its way."""
        order, cycles = sources_first([*wanted, *self._nodes], self._sources)
        for cycle in cycles:
            self._report_cycle(cycle)
        check_generics(order, self._nodes)
        left_out = self._leave_out(order)
        sinks = [node_id for node_id in wanted if node_id not in left_out]
        unknown = [node_id for node_id, checked in self._nodes.items() if checked.shape is None]
        needed = needed_by([*sinks, *unknown], self._sources)
        if not (sinks or unknown or self._problems.items):
            self._report_no_sink()
        if not sinks:
            needed = set(self._nodes)
        notices = ProblemList()
        for node_id, checked in self._nodes.items():
            if checked.problems and node_id not in left_out:
                (self._problems if node_id in needed else notices).extend(checked.problems)
        problems = self._problems.result()
        graph = None if problems else self._graph([node_id for node_id in order if node_id in needed], sinks)
        return Validation(graph, problems, notices.result())

    def _leave_out(self, order: Sequence[NodeId]) -> set[NodeId]:
        """Return the nodes that need a muted one; optional inputs from those go back to their defaults."""
        left_out: set[NodeId] = set()
        for node_id in order:
            checked = self._nodes[node_id]
            if checked.lacks:
                left_out.add(node_id)
            elif left_out and not left_out.isdisjoint(self._sources[node_id]):
                self._unlink(checked, left_out)
                if checked.lacks:
                    left_out.add(node_id)
        return left_out

    def _unlink(self, checked: Checked, left_out: set[NodeId]) -> None:
        for name in [name for name, (source, _) in checked.links.items() if source in left_out]:
            socket = checked.shape.inputs.get(name) if checked.shape else None
            if checked.shape and socket and not socket.required:
                del checked.links[name]
                checked.constants[name] = checked.shape.defaults[name]
            else:
                checked.lacks = True
        self._sources[checked.node.id] = [source for source, _ in checked.links.values()]

    def _report_cycle(self, cycle: Sequence[NodeId]) -> None:
        """Put the problem at the link that closes the circle; the message goes the way that values would."""
        checked = self._nodes[cycle[-1]]
        name = next(name for name, (source, _) in checked.links.items() if source == cycle[0])
        along = [*reversed(cycle), cycle[-1]]
        shown = along if len(along) <= MOST_NAMES else [*along[: MOST_NAMES - 2], "...", along[-1]]
        message = f"the nodes wait for each other: {' -> '.join(shown)}"
        path = input_path(checked.node, name)
        checked.problems.append(Problem(path, "cycle", message, "remove one of the links in this circle"))

    def _report_no_sink(self) -> None:
        if any(node.mode != "run" for node in self._flat.nodes.values()):
            message = "nothing is left to run: every node that keeps a result is muted, or needs one that is"
            self._problems.add("/nodes", "no_sink", message, "set the mode of such a node to run")
            return
        sinks = [definition.id for definition in self._shapes.catalogue.nodes.values() if definition.sink]
        example = f", such as {' or '.join(sinks[:3])}" if sinks else ""
        message = "nothing to run: no node keeps or shows a result"
        self._problems.add("/nodes", "no_sink", message, f"add a node that does{example}, or expose an output")

    def _graph(self, order: Sequence[NodeId], sinks: Sequence[NodeId]) -> Graph:
        nodes = {node_id: _graph_node(self._nodes[node_id]) for node_id in order}
        outputs = {name: source for name, source in self._outputs.items() if source[0] in nodes}
        return Graph(nodes, tuple(sinks), outputs)


def _graph_node(checked: Checked) -> GraphNode:
    node = checked.node
    if checked.shape is None:
        message = f"{node.id!r} has no definition, and no problem that says so"
        raise AssertionError(message)
    if not node.given:
        return GraphNode(node.id, checked.shape.definition, checked.constants, checked.links, node.path)
    given_at = {name: given.path for name, given in node.given.items()}
    return GraphNode(node.id, checked.shape.definition, checked.constants, checked.links, node.path, given_at)
