"""What a run will do, and why: a walk back from the sinks that stops at what is cached. Nothing runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from server.engine.cache import Cache
from server.engine.keys import Key, Keys, make_keys
from server.engine.reasons import Memory, Parts, Reasoner, key_parts
from server.graph.graph import Graph, NodeId
from server.kit.context import Folders

State: TypeAlias = Literal["cached", "run", "not_needed"]


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What becomes of one node.

    Attributes:
        node: Its id.
        key: Its cache key.
        state: `cached`: its result is there, or an equal node's is; `run`; or `not_needed`.
        reason: Why, for people.
    """

    node: NodeId
    key: Key
    state: State
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return the step as the API and the CLI show it."""
        return {"node": self.node, "key": self.key, "state": self.state, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph that can be run.

    Attributes:
        steps: One for each node, in topological order.
        graph: What to run.
        keys: All that is known of its keys.
        parts: For each node that runs: what its key was made of, to be remembered.
        estimate_s: Seconds that the run will take, going by earlier ones; None when nothing is known.
    """

    steps: tuple[PlanStep, ...]
    graph: Graph
    keys: Keys
    parts: Mapping[NodeId, Parts]
    estimate_s: float | None

    def count(self, state: State) -> int:
        """Return how many nodes are in a state."""
        return sum(step.state == state for step in self.steps)

    def summary(self) -> str:
        """Return the plan in one sentence."""
        running, total = self.count("run"), len(self.steps)
        if not running:
            return f"nothing will run: all {total} are up to date" if total != 1 else "nothing will run"
        return f"{running} of {total} node{'s' if total != 1 else ''} will run"

    def to_json(self) -> dict[str, Any]:
        """Return the plan as the API and the CLI show it."""
        return {
            "summary": self.summary(),
            "estimate_s": self.estimate_s,
            "steps": [step.to_json() for step in self.steps],
        }


def make_plan(graph: Graph, cache: Cache, folders: Folders, remembered: Memory | None = None) -> Plan:
    """Plan a run of the graph.

    Args:
        graph: Validated.
        cache: Asked which results are there.
        folders: For fingerprints, and for the files of artifacts.
        remembered: Where earlier runs are looked up for the reasons; the cache, unless given.
    """
    keys = make_keys(graph, folders)
    needed = _walk_back(graph, keys, cache, folders)
    reasoner = Reasoner(keys, remembered or cache)
    steps: list[PlanStep] = []
    parts: dict[NodeId, Parts] = {}
    for node_id, node in graph.nodes.items():
        finding = needed.get(node_id, _IDLE)
        reason = finding.reason
        if finding.may_run:
            parts[node_id] = key_parts(node, keys)
        if finding.state == "run":
            reason = reasoner.explain(node, parts[node_id], file_lost=finding.file_lost)
        steps.append(PlanStep(node_id, keys.of[node_id], finding.state, reason))
    return Plan(tuple(steps), graph, keys, parts, _estimate(graph, steps, cache.durations))


@dataclass(frozen=True, slots=True)
class _Finding:
    state: State
    reason: str = ""
    may_run: bool = False
    file_lost: bool = False


_IDLE = _Finding("not_needed", "what it leads to is there already")
_FOUND = {"memory": _Finding("cached", "its result is in memory"), "disk": _Finding("cached", "its result is on disk")}
_LAZY = _Finding("not_needed", "runs only if it is asked for", may_run=True)


def _walk_back(graph: Graph, keys: Keys, cache: Cache, folders: Folders) -> dict[NodeId, _Finding]:
    """Return what becomes of every node that a sink needs, or may need; each is looked at once."""
    first = first_of_equals(keys)
    certain = {first[keys.of[sink]] for sink in graph.sinks}
    possible: set[NodeId] = set()
    twins = {sink for sink in graph.sinks if first[keys.of[sink]] != sink}
    found: dict[NodeId, _Finding] = {}
    for node_id in reversed(tuple(graph.nodes)):
        if node_id not in certain and node_id not in possible:
            continue
        node, key = graph.nodes[node_id], keys.of[node_id]
        place = None if node_id in keys.transient else cache.where(key, folders.outputs)
        if place in _FOUND:
            found[node_id] = _FOUND[place]
            continue
        runs = node_id in certain
        found[node_id] = _Finding("run", may_run=True, file_lost=place == "file_lost") if runs else _LAZY
        lazy = {socket.name for socket in node.definition.inputs if socket.lazy}
        for name, (upstream, _) in node.links.items():
            source = first[keys.of[upstream]]
            (certain if runs and name not in lazy else possible).add(source)
            if source != upstream:
                twins.add(upstream)
    for twin in twins:
        original = first[keys.of[twin]]
        found[twin] = _Finding("cached", f"equal to {original}") if found[original].may_run else found[original]
    return found


def first_of_equals(keys: Keys) -> dict[Key, NodeId]:
    """Return for each key the node that stands for all of that key: equal nodes run once."""
    first: dict[Key, NodeId] = {}
    for node_id, key in keys.of.items():
        first.setdefault(key, node_id)
    return first


def _estimate(graph: Graph, steps: list[PlanStep], durations: Mapping[str, float]) -> float | None:
    running = [graph.nodes[step.node].definition.id for step in steps if step.state == "run"]
    known = [durations[node_type] for node_type in running if node_type in durations]
    return sum(known) if known or not running else None
