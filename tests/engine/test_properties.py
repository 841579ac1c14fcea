"""Whatever the graph: plans are ordered, results are right, equal nodes run once, budgets hold."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.graph.graph import Graph
from tests.engine import toys
from tests.engine.random_graphs import build_random, naive, random_graphs
from tests.engine.toys import Bench, build, link


@given(random_graphs())
@settings(max_examples=40, deadline=None)
def test_a_plan_is_a_topological_order_of_the_whole_graph(spec: Any) -> None:
    graph = build_random(spec)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        steps = bench.plan(graph).steps
        bench.cache.close()
    place = {step.node: position for position, step in enumerate(steps)}
    assert place.keys() == graph.nodes.keys()
    assert all(place[up] < place[name] for name, node in graph.nodes.items() for up, _ in node.links.values())
    assert all(step.reason for step in steps)


@given(st.lists(random_graphs(), min_size=1, max_size=3), st.sampled_from([0, 600, 1 << 20]), st.data())
@settings(max_examples=60, deadline=None)
def test_results_equal_a_naive_evaluation_cached_or_not(specs: Any, memory_bytes: int, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), memory_bytes=memory_bytes)
        for spec in [*specs, specs[0]]:
            graph = build_random(spec)
            result = bench.run(graph)
            assert result.status == "succeeded"
            assert result.outputs == {sink: naive(graph, sink) for sink in graph.sinks}
            assert bench.cache.memory_used <= memory_bytes
            node_id = data.draw(st.sampled_from(sorted(graph.nodes)))
            node = graph.nodes[node_id]
            changed = replace(node, constants={**node.constants, "offset": data.draw(st.integers(0, 5))})
            graph = Graph({**graph.nodes, node_id: changed}, graph.sinks, graph.outputs)
            assert bench.run(graph).outputs == {sink: naive(graph, sink) for sink in graph.sinks}
        bench.cache.close()


@given(random_graphs())
@settings(max_examples=40, deadline=None)
def test_equal_nodes_run_once_and_a_second_run_runs_none(spec: Any) -> None:
    graph = build_random(spec)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        plan = bench.plan(graph)
        result = bench.run(graph)
        assert len(toys.calls) == result.ran == plan.count("run") == len(set(plan.keys.of.values()))
        again = bench.run(graph)
        assert (toys.calls, again.ran, again.outputs) == ([], 0, result.outputs)
        bench.cache.close()


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([10, 300, 900])), max_size=12))
@settings(max_examples=15, deadline=None)
def test_the_disk_stays_within_its_budget(made: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), memory_bytes=0, disk_bytes=1_000)
        for fill, size in made:
            key = f"{fill:02d}{size:038d}"
            blob = toys.Blob(bytes([fill]) * size)
            bench.cache.put(key, {"blob": blob}, {"blob": "Blob"}, 1.0, bench.folders.outputs)  # type: ignore[arg-type]
            assert bench.cache.disk_used <= 1_000
            found = bench.cache.get(key, bench.folders.outputs)  # type: ignore[arg-type]
            assert found == {"blob": blob}
            files = (Path(folder) / "cache" / "entries").rglob("*.bin")
            assert sum(path.stat().st_size for path in files) <= 1_000
        bench.cache.close()


def test_what_a_running_plan_needs_is_not_evicted_while_it_makes_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path, memory_bytes=0, disk_bytes=1_500)
    first = {"old": (toys.blob, {"size": 1_000, "fill": 1})}
    bench.run(build(first, sinks=("old",)))
    graph = build(
        {
            **first,
            "new": (toys.blob, {"size": 1_000, "fill": 2}),
            "w_new": (toys.weigh, {"blob": link("new", "blob")}),
            "w_old": (toys.weigh, {"blob": link("old", "blob")}),
            "sum": (toys.add, {"a": link("w_new", "int"), "b": link("w_old", "int")}),
        },
        sinks=("sum",),
        outputs={"sum": ("sum", "int")},
    )
    assert bench.states(graph)["old"] == "cached"
    result = bench.run(graph)
    assert result.outputs == {"sum": 2_000}
    assert toys.calls.count("blob") == 1
    assert bench.cache.disk_used <= 1_500
    bench.cache.close()
