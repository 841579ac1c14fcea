"""Orders a graph so that sources come first, and finds circles. Plain ids in, plain ids out; no recursion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from server.graph.model import NodeId

MOST_CYCLES = 20
"""Cycles that are followed in full; a hostile graph could have millions."""


def sources_first(
    roots: Iterable[NodeId], sources: Mapping[NodeId, Collection[NodeId]]
) -> tuple[list[NodeId], list[list[NodeId]]]:
    """Return all nodes that roots depend on, each after its sources, and the cycles met on the way.

    Args:
        roots: Where to begin; they and their sources are returned in this order where nothing else decides.
        sources: By node, those that it is linked to. Every source is a key too.

    Returns:
        The order (with cycles cut where they were found), and each cycle as the nodes along it: every node's
        source is the next one, and the last one's is the first.
    """
    order: list[NodeId] = []
    cycles: list[list[NodeId]] = []
    done: set[NodeId] = set()
    for root in roots:
        if root in done:
            continue
        trail: dict[NodeId, Iterator[NodeId]] = {root: iter(sources[root])}
        current = root
        while trail:
            for source in trail[current]:
                if source in done:
                    continue
                if source in trail:
                    if len(cycles) < MOST_CYCLES:
                        path = list(trail)
                        cycles.append(path[path.index(source) :])
                    continue
                trail[source] = iter(sources[source])
                current = source
                break
            else:
                trail.popitem()
                done.add(current)
                order.append(current)
                current = next(reversed(trail), root)
    return order, cycles


def needed_by(roots: Iterable[NodeId], sources: Mapping[NodeId, Collection[NodeId]]) -> set[NodeId]:
    """Return the roots and all that they depend on."""
    needed = set(roots)
    stack = list(needed)
    while stack:
        for source in sources[stack.pop()]:
            if source not in needed:
                needed.add(source)
                stack.append(source)
    return needed
