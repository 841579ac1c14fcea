"""Lazy inputs: what is asked for runs, once; what is not does not; how failures come up, and how deep they nest."""

from __future__ import annotations

import sys
from typing import Any

from server.engine.errors import UpstreamFailedError
from server.kit import Lazy, node
from tests.engine import toys
from tests.engine.toys import Bench, build, calls, link


def test_a_lazy_branch_that_is_not_asked_for_does_not_run(bench: Bench) -> None:
    nodes = {"a": (toys.number, {"value": 1}), "b": (toys.fail, {})}
    pick = {"a": link("a", "int"), "b": link("b", "int")}
    graph = build({**nodes, "p": (toys.pick, pick)}, sinks=("p",), outputs={"picked": ("p", "int")})
    assert bench.run(graph).outputs == {"picked": 1}
    assert calls == ["pick", "number"]


def test_a_lazy_input_may_be_a_constant_or_nothing(bench: Bench) -> None:
    graph = build(
        {"c": (toys.pick, {"a": 5}), "n": (toys.pick, {"first": False})},
        sinks=("c", "n"),
        outputs={"c": ("c", "int"), "n": ("n", "int")},
    )
    assert bench.run(graph).outputs == {"c": 5, "n": -1}


@node(category="toy")
def twice(*, value: Lazy[int]) -> int:
    """Ask two times."""
    return value.get() + value.get()


def test_a_lazy_input_that_is_asked_twice_runs_once(bench: Bench) -> None:
    nodes = {"n": (toys.fresh, {"value": 4}), "t": (twice, {"value": link("n", "int")})}
    assert bench.run(build(nodes, sinks=("t",), outputs={"t": ("t", "int")})).outputs == {"t": 8}
    assert calls == ["fresh"]


def test_a_failed_lazy_branch_blocks_the_node_that_asked(bench: Bench) -> None:
    graph = build({"b": (toys.fail, {}), "p": (toys.pick, {"a": link("b", "int")})}, sinks=("p",))
    result = bench.run(graph)
    assert [failure.node for failure in result.failed] == ["b"]
    assert bench.kinds("p") == ["node_started", "node_blocked"]


@node(category="toy")
def rescue(*, value: Lazy[int], otherwise: int = 0) -> int:
    """Take another value when the first cannot be had."""
    try:
        return value.get()
    except UpstreamFailedError:
        return otherwise


def test_a_node_may_go_on_without_a_lazy_input_that_failed(bench: Bench) -> None:
    graph = build(
        {"b": (toys.fail, {}), "r": (rescue, {"value": link("b", "int"), "otherwise": 9})},
        sinks=("r",),
        outputs={"r": ("r", "int")},
    )
    result = bench.run(graph)
    assert result.outputs == {"r": 9}
    assert result.status == "failed"


def test_lazy_inputs_nest_three_thousand_deep(bench: Bench) -> None:
    nodes: dict[str, Any] = {"n0": (toys.number, {"value": 5})}
    for number in range(1, 3_000):
        nodes[f"n{number}"] = (toys.pick, {"a": link(f"n{number - 1}", "int")})
    graph = build(nodes, sinks=("n2999",), outputs={"end": ("n2999", "int")})
    assert bench.run(graph).outputs == {"end": 5}
    failing = build({**nodes, "n0": (toys.fail, {"value": 1})}, sinks=("n2999",))
    assert [failure.node for failure in bench.run(failing).failed] == ["n0"]
    assert sys.getrecursionlimit() <= 1_000
