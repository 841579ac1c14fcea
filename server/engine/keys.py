"""Cache keys: a Merkle digest of everything that a node's result depends on. Pure but for the fingerprints' reading.

Linear in the graph and without recursion: every key takes its inputs' keys, which stand before it in the graph's order.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from server.engine.foresight import UNKNOWN, Foresight, Raised
from server.graph.graph import Graph, GraphNode, NodeId
from server.kit.context import Folders

Key = NewType("Key", str)
"""BLAKE2b-160 in hexadecimal."""

NEVER_KEPT = "never kept"
UNFORESEEN = "what it reads is known only while it runs"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a graph.

    Attributes:
        of: Every node's key.
        fingerprints: What the fingerprint companions said, where there is one.
        volatile: Nodes whose key holds good for one run only, and why.
        transient: Those and all their descendants: storing their results would be in vain.
    """

    of: Mapping[NodeId, Key]
    fingerprints: Mapping[NodeId, str]
    volatile: Mapping[NodeId, str]
    transient: frozenset[NodeId]


def make_keys(graph: Graph, folders: Folders, foresight: Foresight | None = None) -> Keys:
    """Return the key of every node.

    A key covers the type's id, version and source digest, the coerced constants with their types, the fingerprint, and
    for each link the upstream node's key and output name. Ids and positions of nodes are not in it.
    """
    foresight = foresight or Foresight(graph, folders)
    keys: dict[NodeId, Key] = {}
    fingerprints: dict[NodeId, str] = {}
    volatile: dict[NodeId, str] = {}
    transient: set[NodeId] = set()
    for node_id, node in graph.nodes.items():
        definition = node.definition
        links = [(name, keys[upstream], output) for name, (upstream, output) in node.links.items()]
        fingerprint: str | None = None
        if definition.fingerprint is not None:
            fingerprint = _fingerprint(foresight, node)
            if fingerprint is None:
                volatile[node_id] = UNFORESEEN
            else:
                fingerprints[node_id] = fingerprint
        if not definition.cached:
            volatile[node_id] = NEVER_KEPT
        if node_id in volatile:
            fingerprint = secrets.token_hex(20)
            transient.add(node_id)
        elif transient and any(upstream in transient for upstream, _ in node.links.values()):
            transient.add(node_id)
        # repr of a tuple of plain values is one call in C, tells 1, 1.0, True and "1" apart, and cannot be forged.
        text = repr(
            (
                definition.id,
                definition.version,
                definition.source.digest,
                sorted(node.constants.items()),
                fingerprint,
                sorted(links),
            )
        )
        keys[node_id] = Key(hashlib.blake2b(text.encode(), digest_size=20).hexdigest())
    return Keys(keys, fingerprints, volatile, frozenset(transient))


def _fingerprint(foresight: Foresight, node: GraphNode) -> str | None:
    """Return the fingerprint, or None when it cannot be known before the node runs.

    One that raises is not known either: the node will run, meet the same trouble, and say so in its own words.
    """
    assert node.definition.fingerprint is not None  # noqa: S101  (for the type checker)
    answer = foresight.consult(node.definition.fingerprint, node)
    return None if answer is UNKNOWN or isinstance(answer, Raised) else str(answer)
