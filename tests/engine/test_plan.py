"""A plan says what will run, and why, in words; also after a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from server.graph.graph import NodeId
from tests.engine import toys
from tests.engine.toys import Bench, build, link


def pipeline(**changed: dict[str, Any]) -> Any:
    return build(
        {
            "n": (toys.slow, {"value": 3} | changed.get("n", {})),
            "h": (toys.halve, {"value": link("n", "int")}),
            "sum": (toys.add, {"a": link("h", "half"), "b": 7} | changed.get("sum", {})),
            "s": (toys.show, {"value": link("sum", "int")} | changed.get("s", {})),
        }
    )


def test_everything_is_new_at_first(bench: Bench) -> None:
    assert set(bench.reasons(pipeline()).values()) == {"new node"}
    assert bench.plan(pipeline()).summary() == "4 of 4 nodes will run"


def test_nothing_runs_the_second_time(bench: Bench) -> None:
    bench.run(pipeline())
    assert bench.states(pipeline()) == {"n": "not_needed", "h": "not_needed", "sum": "not_needed", "s": "cached"}
    assert bench.plan(pipeline()).summary() == "nothing will run: all 4 are up to date"
    plan = bench.plan(pipeline())
    assert plan.to_json()["steps"][3] == {
        "node": "s",
        "key": plan.keys.of[NodeId("s")],
        "state": "cached",
        "reason": "its result is in memory",
    }


def test_a_changed_input_is_named_and_what_hangs_on_it_follows(bench: Bench) -> None:
    bench.run(pipeline())
    reasons = bench.reasons(pipeline(n={"value": 4}))
    assert reasons == {"n": "value changed", "h": "follows n", "sum": "follows n", "s": "follows n"}
    assert bench.plan(pipeline(sum={"b": 8})).summary() == "2 of 4 nodes will run"
    assert bench.reasons(pipeline(sum={"b": 8}))["h"] == "its result is in memory"


def test_reasons_survive_a_restart(bench: Bench) -> None:
    bench.run(pipeline())
    bench.reopen()
    assert bench.reasons(pipeline(sum={"b": 8})) == {
        "n": "its result is on disk",
        "h": "its result was kept in memory only",
        "sum": "b changed",
        "s": "follows sum",
    }


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"a": 1}, "a changed"),
        ({"a": 1, "b": 2}, "a and b changed"),
        ({"a": 1, "b": 2, "c": 3}, "a, b and c changed"),
        ({"a": 1, "b": 2, "c": 3, "d": "x" * 1_000}, "a, b and 2 more inputs changed"),
    ],
)
def test_several_changed_inputs_are_listed(bench: Bench, inputs: dict[str, object], reason: str) -> None:
    definition = replace(toys.number.definition, call=lambda **_: 1)
    start = {"a": 0, "b": 0, "c": 0, "d": "y" * 1_000}
    bench.run(build({"n": (definition, start)}, sinks=("n",)))
    assert bench.reasons(build({"n": (definition, start | inputs)}, sinks=("n",)))["n"] == reason


def test_new_links_versions_and_code_are_named(bench: Bench) -> None:
    bench.run(pipeline())
    assert bench.reasons(pipeline(s={"value": link("h", "rest")}))["s"] == "value changed"
    for change, reason in (
        ({"version": 2}, "show has a new version"),
        ({"source": replace(toys.show.definition.source, digest="other")}, "the code of show changed"),
    ):
        edited = build({"n": (toys.number, {}), "s": (replace(toys.show.definition, **change), {"value": 1})})
        bench.run(build({"n": (toys.number, {}), "s": (toys.show, {"value": 1})}))
        assert bench.reasons(edited)["s"] == reason


def test_a_changed_file_and_one_that_is_known_only_later_are_named(bench: Bench) -> None:
    (bench.folders.uploads / "a.txt").write_text("one", encoding="utf-8")
    graph = build({"r": (toys.read_file, {}), "s": (toys.show_text, {"text": link("r", "str")})})
    bench.run(graph)
    (bench.folders.uploads / "a.txt").write_text("two", encoding="utf-8")
    assert bench.reasons(graph) == {"r": "a file that it reads changed", "s": "follows r"}
    late = build({"f": (toys.read_file, {"name": "none.txt"}), "s": (toys.show_text, {"text": link("f", "str")})})
    assert bench.reasons(late)["f"] == "what it reads is known only while it runs"


def test_what_is_never_kept_says_so_every_time(bench: Bench) -> None:
    graph = build({"f": (toys.fresh, {}), "s": (toys.show, {"value": link("f", "int")})})
    bench.run(graph)
    assert bench.reasons(graph) == {"f": "never kept", "s": "follows f"}


def test_an_evicted_result_says_so(bench: Bench) -> None:
    graph = build({"b": (toys.blob, {"size": 100})}, sinks=("b",))
    bench.run(graph)
    bench.cache.drop(bench.plan(graph).steps[0].key)
    assert bench.reasons(graph)["b"] == "its result was evicted"


def test_a_result_too_large_for_any_budget_says_so(tmp_path: Any) -> None:
    bench = Bench(tmp_path, memory_bytes=10, disk_bytes=10)
    graph = build({"n": (toys.number, {})}, sinks=("n",))
    bench.run(graph)
    assert bench.reasons(graph)["n"] == "its result was too large to keep"
    bench.cache.close()


def test_a_node_that_failed_says_so(bench: Bench) -> None:
    graph = build({"f": (toys.fail, {}), "s": (toys.show, {"value": link("f", "int")})})
    bench.run(graph)
    assert bench.reasons(graph) == {"f": "it did not finish last time", "s": "it did not finish last time"}


def test_branches_that_may_be_asked_for_are_not_counted(bench: Bench) -> None:
    graph = build(
        {
            "a": (toys.slow, {"value": 1}),
            "b": (toys.number, {"value": 2}),
            "p": (toys.pick, {"a": link("a", "int"), "b": link("b", "int")}),
            "s": (toys.show, {"value": link("p", "int")}),
        }
    )
    plan = bench.plan(graph)
    assert plan.summary() == "2 of 4 nodes will run"
    assert plan.steps[0].reason == "runs only if it is asked for"
    bench.run(graph)
    bench.cache.drop(bench.plan(graph).keys.of["s"])  # type: ignore[index]
    bench.cache.drop(bench.plan(graph).keys.of["p"])  # type: ignore[index]
    assert bench.states(graph) == {"a": "cached", "b": "not_needed", "p": "run", "s": "run"}


def test_equal_nodes_are_planned_once(bench: Bench) -> None:
    graph = build(
        {
            "a": (toys.number, {"value": 1}),
            "b": (toys.number, {"value": 1}),
            "sum": (toys.add, {"a": link("a", "int"), "b": link("b", "int")}),
            "s": (toys.show, {"value": link("sum", "int")}),
        }
    )
    assert bench.states(graph) == {"a": "run", "b": "cached", "sum": "run", "s": "run"}
    assert bench.reasons(graph)["b"] == "equal to a"


def test_the_time_is_estimated_from_earlier_runs(bench: Bench) -> None:
    assert bench.plan(pipeline()).estimate_s is None
    bench.run(pipeline())
    assert bench.plan(pipeline()).estimate_s == 0
    bench.reopen()
    estimate = bench.plan(pipeline(n={"value": 9})).estimate_s
    assert estimate is not None
    assert 0.06 <= estimate < 10
