"""Engine overhead for each trivial node, beside a bare loop and `graphlib` over the same functions in the same run.

Chains of 10 to 10,000 nodes and a fan-out of 1,000: cold, unchanged, last node changed, first node changed. A figure
is wall time for plan and run together, in microseconds for each node of the graph.
`python -m benchmarks.engine --json FILE` writes all of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from benchmarks.table import Table, machine, spread
from server.engine.cache import Cache
from server.engine.execute import Executor
from server.engine.plan import make_plan
from server.graph.graph import Graph, GraphNode, NodeId
from server.kit import Folders, node

REPEATS = 5


@node(category="benchmark")
def step(*, value: int = 0, offset: int = 0) -> int:
    """Add two numbers."""
    return value + offset


@node(category="benchmark", sink=True)
def end(*, value: int = 0, offset: int = 0) -> int:
    """Add two numbers, as a sink."""
    return value + offset


def made(name: str, definition: Any, upstream: str | None, offset: int) -> GraphNode:
    links = {"value": (NodeId(upstream), "int")} if upstream else {}
    constants = {"offset": offset} if upstream else {"value": 0, "offset": offset}
    return GraphNode(NodeId(name), definition, constants, links, f"/nodes/{name}")


def chain(length: int, first: int, last: int) -> Graph:
    nodes: dict[NodeId, GraphNode] = {}
    for number in range(length):
        offset = first if number == 0 else last if number == length - 1 else 1
        definition = end.definition if number == length - 1 else step.definition
        nodes[NodeId(f"n{number}")] = made(f"n{number}", definition, f"n{number - 1}" if number else None, offset)
    return Graph(nodes, (NodeId(f"n{length - 1}"),), {})


def fan_out(width: int, first: int, last: int) -> Graph:
    nodes: dict[NodeId, GraphNode] = {NodeId("source"): made("source", step.definition, None, first)}
    for number in range(width):
        offset = last if number == width - 1 else 1000 + number
        nodes[NodeId(f"n{number}")] = made(f"n{number}", end.definition, "source", offset)
    return Graph(nodes, tuple(name for name in nodes if name != "source"), {})


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def engine_times(graph_of: Callable[[int, int], Graph]) -> dict[str, float]:
    """Return the seconds of each case, in one fresh cache."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        folders = Folders(place / "uploads", place / "outputs", place / "models")
        cache = Cache(place / "cache", 1 << 30, 1 << 30, {})
        executor = Executor(cache, folders)

        def once(graph: Graph) -> None:
            result = executor.run(make_plan(graph, cache, folders), emit=lambda event: None)
            assert result.status == "succeeded"

        cases = {"cold": (1, 2), "unchanged": (1, 2), "last changed": (1, 3), "first changed": (4, 2)}
        graphs = {name: graph_of(*offsets) for name, offsets in cases.items()}
        times = {name: seconds(lambda graph=graph: once(graph)) for name, graph in graphs.items()}
        cache.close()
    return times


def bare_loop(graph: Graph) -> None:
    values: dict[str, Any] = {}
    for name, item in graph.nodes.items():
        inputs: dict[str, Any] = dict(item.constants)
        inputs |= {key: values[upstream] for key, (upstream, _) in item.links.items()}
        values[name] = item.definition.call(**inputs)  # type: ignore[misc]


def sorted_loop(graph: Graph) -> None:
    sorter = TopologicalSorter({name: [up for up, _ in item.links.values()] for name, item in graph.nodes.items()})
    values: dict[str, Any] = {}
    for name in sorter.static_order():
        item = graph.nodes[name]
        inputs: dict[str, Any] = dict(item.constants)
        inputs |= {key: values[upstream] for key, (upstream, _) in item.links.items()}
        values[name] = item.definition.call(**inputs)  # type: ignore[misc]


def measure() -> dict[str, dict[str, list[float]]]:
    """Return microseconds a node: of each graph, of each case, of each repeat."""
    shapes: dict[str, tuple[int, Callable[[int, int], Graph]]] = {
        f"chain of {length:,}": (length, lambda first, last, length=length: chain(length, first, last))
        for length in (10, 100, 1_000, 10_000)
    }
    shapes["fan-out of 1,000"] = (1_001, lambda first, last: fan_out(1_000, first, last))
    found: dict[str, dict[str, list[float]]] = {}
    for name, (size, graph_of) in shapes.items():
        cases: dict[str, list[float]] = {}
        for _ in range(REPEATS):
            times = engine_times(graph_of)
            graph = graph_of(1, 2)
            times["bare loop"] = seconds(lambda graph=graph: bare_loop(graph))
            times["graphlib"] = seconds(lambda graph=graph: sorted_loop(graph))
            for case, taken in times.items():
                cases.setdefault(case, []).append(taken / size * 1e6)
        found[name] = cases
    return found


def run() -> Table:
    """Measure, and return the table."""
    return table(measure())


def table(found: dict[str, dict[str, list[float]]]) -> Table:
    cases = list(next(iter(found.values())))
    rows = [[name, *(spread(times[case], digits=1) for case in cases)] for name, times in found.items()]
    note = (
        f"Microseconds for each node of the graph, plan and run together: median of {REPEATS} (smallest to largest). "
        "The bare loop and `graphlib.TopologicalSorter` call the same functions in the same run, and do nothing else."
    )
    return Table("Engine overhead", note, ["graph", *cases], rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    figures = measure()
    print(machine(), table(figures).to_markdown(), sep="\n\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
