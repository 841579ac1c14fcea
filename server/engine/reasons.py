"""Why a node runs, in words: the parts of its key compared with those of its last run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from server.engine.cache import Remembered
from server.engine.keys import Keys
from server.graph.graph import GraphNode, NodeId

Parts: TypeAlias = "dict[str, str]"
"""What a key was made of: `=name` a constant, `@name` a link, `version`, `source`, `fingerprint`."""

SHORT = 40
"""Characters up to which a constant is remembered as it is; longer ones as a digest."""

OUTCOMES = {
    "unfinished": "it did not finish last time",
    "memory": "its result was kept in memory only",
    "nowhere": "its result was too large to keep",
    "stream": "its result is a stream that is not kept",
    "disk": "its result was evicted",
}
"""Why a node runs of which nothing changed, by how its last run went."""


class Memory(Protocol):
    """Where the last run of a node is remembered; the cache."""

    def recall(self, node_type: str, node: str) -> Remembered | None:
        """Return what is remembered, or None."""
        ...


def key_parts(node: GraphNode, keys: Keys) -> Parts:
    """Return what the node's key was made of, small enough to be remembered."""
    parts = {"version": str(node.definition.version), "source": node.definition.source.digest}
    for name, value in node.constants.items():
        text = repr(value)
        parts["=" + name] = text if len(text) <= SHORT else hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
    for name, (upstream, output) in node.links.items():
        parts["@" + name] = f"{upstream}.{output} {keys.of[upstream]}"
    if node.id in keys.fingerprints:
        parts["fingerprint"] = keys.fingerprints[node.id]
    return parts


class Reasoner:
    """Explains the nodes of one plan; asked in topological order, because a cause is handed down."""

    def __init__(self, keys: Keys, memory: Memory) -> None:
        self._keys = keys
        self._memory = memory
        self._causes: dict[NodeId, NodeId] = {}

    def explain(self, node: GraphNode, parts: Parts, *, file_lost: bool = False) -> str:
        """Return why the node runs."""
        if node.id in self._keys.volatile:
            self._causes[node.id] = node.id
            return self._keys.volatile[node.id]
        remembered = self._memory.recall(node.definition.id, node.id)
        if remembered is None:
            self._causes[node.id] = node.id
            return "new node"
        before: Parts = json.loads(remembered.parts)
        own = self._own_change(node, parts, before)
        if own:
            self._causes[node.id] = node.id
            return own
        followed = self._followed(node, parts, before)
        if followed is not None:
            self._causes[node.id] = followed
            return f"follows {followed}"
        if file_lost:
            return "its file was deleted or changed"
        if node.definition.instant:
            return "it only describes, which takes no time"
        return OUTCOMES[remembered.outcome]

    def _own_change(self, node: GraphNode, parts: Parts, before: Parts) -> str:
        if parts["version"] != before.get("version"):
            return f"{node.definition.id} has a new version"
        if parts["source"] != before.get("source"):
            return f"the code of {node.definition.id} changed"
        changed = [name for name in _inputs(parts, before) if _differs(name, parts, before)]
        if changed:
            return f"{_list(changed)} changed"
        if parts.get("fingerprint") != before.get("fingerprint"):
            return "a file that it reads changed"
        return ""

    def _followed(self, node: GraphNode, parts: Parts, before: Parts) -> NodeId | None:
        """Return the node that the change came from, when only results upstream changed."""
        for name, (upstream, _) in node.links.items():
            if parts["@" + name] != before.get("@" + name):
                return self._causes.get(upstream, upstream)
        return None


def _inputs(parts: Parts, before: Parts) -> list[str]:
    names = [part[1:] for part in (*parts, *before) if part[0] in "=@"]
    return list(dict.fromkeys(names))


def _differs(name: str, parts: Parts, before: Parts) -> bool:
    """Return whether an input was written or wired otherwise; another result through the same link does not count."""
    if parts.get("=" + name) != before.get("=" + name):
        return True
    return _source(parts, name) != _source(before, name)


def _source(parts: Mapping[str, str], name: str) -> str:
    return parts.get("@" + name, "").rpartition(" ")[0]


def _list(names: list[str]) -> str:
    if len(names) > 3:
        return f"{names[0]}, {names[1]} and {len(names) - 2} more inputs"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
