"""Puts subgraphs in the place of their instances. Iterative; knows no definitions: links are followed in `wires.py`."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.graph.json_text import DEFAULT_LIMITS, Limits
from server.graph.model import SUBGRAPH_PREFIX, Mode, NodeId, NodeInstance, Subgraph, Workflow
from server.graph.problem_list import NameHints, ProblemList
from server.kit.problems import pointer


@dataclass(frozen=True, slots=True)
class Given:
    """The value of an input that stands on an instance of a subgraph.

    Attributes:
        value: A `Link` or a constant.
        prefix: What the link's node is relative to: `""` or `outer/`.
        path: JSON pointer to the value.
    """

    value: object
    prefix: str
    path: str


@dataclass(slots=True)
class FlatNode:
    """A node of the flat workflow; `given` replaces inputs of its `instance`."""

    id: NodeId
    instance: NodeInstance
    prefix: str
    path: str
    mode: Mode
    given: Mapping[str, Given] = field(default_factory=dict[str, Given])


@dataclass(slots=True)
class FlatInstance(FlatNode):
    """An instance of a subgraph, with the subgraph."""

    subgraph: Subgraph = field(default_factory=Subgraph)


@dataclass(slots=True)
class FlatWorkflow:
    """All nodes, by their ids in the flat workflow, and the instances that they came from."""

    nodes: dict[str, FlatNode] = field(default_factory=dict[str, FlatNode])
    instances: dict[str, FlatInstance] = field(default_factory=dict[str, FlatInstance])


@dataclass(slots=True)
class _Scope:
    nodes: Mapping[str, NodeInstance]
    prefix: str
    path: str
    is_off: bool
    given: Mapping[str, Mapping[str, Given]]


def flatten(
    workflow: Workflow, problems: ProblemList, hints: NameHints, limits: Limits = DEFAULT_LIMITS
) -> FlatWorkflow:
    """Return the workflow without subgraphs.

    Instances of subgraphs that do not exist, or that contain themselves, are reported and left out.
    """
    endless = _endless_subgraphs(workflow, problems)
    flat = FlatWorkflow()
    scopes = deque([_Scope(workflow.nodes, "", "/nodes", is_off=False, given={})])
    while scopes:
        scope = scopes.popleft()
        if len(flat.nodes) + len(flat.instances) + len(scope.nodes) > limits.nodes:
            message = f"with its subgraphs in place, the workflow has more than {limits.nodes} nodes"
            problems.add(scope.path, "too_many_nodes", message, "use fewer instances of subgraphs")
            break
        if scope.prefix.count("/") > limits.depth:
            message = f"subgraphs are nested deeper than {limits.depth}"
            problems.add(scope.path, "too_deep", message, "put fewer subgraphs inside one another")
            break
        for name, instance in scope.nodes.items():
            node_id = NodeId(scope.prefix + name)
            path = f"{scope.path}/{name.replace('~', '~0')}"
            mode: Mode = "mute" if scope.is_off else instance.mode
            given = scope.given.get(name, {}) if scope.given else {}
            subgraph_id = instance.subgraph
            if subgraph_id is None:
                flat.nodes[node_id] = FlatNode(node_id, instance, scope.prefix, path, mode, given)
                continue
            subgraph = workflow.subgraphs.get(subgraph_id)
            if subgraph is None:
                names = [SUBGRAPH_PREFIX + known for known in workflow.subgraphs]
                hint = hints.hint(instance.type, names, "add it to the document's subgraphs")
                message = f"there is no subgraph {subgraph_id!r} in this workflow"
                problems.add(path + "/type", "no_such_subgraph", message, hint)
            elif subgraph_id not in endless:
                outer = FlatInstance(node_id, instance, scope.prefix, path, mode, given, subgraph)
                flat.instances[node_id] = outer
                scopes.append(_inside(outer, subgraph_id, problems, hints))
    return flat


def _inside(outer: FlatInstance, subgraph_id: str, problems: ProblemList, hints: NameHints) -> _Scope:
    """Return the scope of an instance's nodes, with the inputs that the instance gives them."""
    given: dict[str, dict[str, Given]] = {}
    values = {
        name: Given(value, outer.prefix, outer.path + pointer("inputs", name))
        for name, value in outer.instance.inputs.items()
    }
    for name, value in {**values, **outer.given}.items():
        exposed = outer.subgraph.inputs.get(name)
        if exposed:
            for node, inner_name in exposed.targets:
                given.setdefault(node, {})[inner_name] = value
        elif outer.mode == "run":
            hint = hints.hint(name, outer.subgraph.inputs, "the subgraph exposes no inputs; remove it")
            problems.add(value.path, "unknown_input", f"the subgraph has no input {name!r}", hint)
    return _Scope(
        nodes=outer.subgraph.nodes,
        prefix=outer.id + "/",
        path=pointer("subgraphs", subgraph_id, "nodes"),
        is_off=outer.mode != "run",
        given=given,
    )


def _endless_subgraphs(workflow: Workflow, problems: ProblemList) -> set[str]:
    """Report the subgraphs that contain themselves, and return all that would never end when put in place."""
    uses = {
        name: [(node_id, used) for node_id, node in subgraph.nodes.items() if (used := node.subgraph) is not None]
        for name, subgraph in workflow.subgraphs.items()
    }
    users: dict[str, list[str]] = {name: [] for name in uses}
    waiting: dict[str, int] = {}
    for name, used in uses.items():
        inner = [other for _, other in used if other in uses]
        waiting[name] = len(inner)
        for other in inner:
            users[other].append(name)
    finished = [name for name, count in waiting.items() if count == 0]
    for name in finished:
        for user in users[name]:
            waiting[user] -= 1
            if waiting[user] == 0:
                finished.append(user)
    endless = uses.keys() - set(finished)
    for name in (name for name in uses if name in endless):
        node_id, other = next((node_id, other) for node_id, other in uses[name] if other in endless)
        what = "contains itself" if other == name else f"contains {other!r}, which never ends"
        path = pointer("subgraphs", name, "nodes", node_id, "type")
        problems.add(path, "endless_subgraph", f"the subgraph {name!r} {what}", "remove this node from it")
    return set(endless)
