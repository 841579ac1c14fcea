"""Nodes are asked whether their inputs are sound, as far as these are known before a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from server.engine.check import check_graph
from server.kit import InputProblem, Lazy, NodeInputError, Problem, node
from tests.engine import toys
from tests.engine.toys import Bench, Halves, build, link


def problems(bench: Bench, nodes: Any) -> list[Problem]:
    return list(check_graph(build(nodes, sinks=()), bench.folders))


def checked(check: Any) -> Any:
    return replace(toys.number.definition, check=check)


def test_a_missing_file_is_found_before_the_run(bench: Bench) -> None:
    found = problems(bench, {"r": (toys.read_file, {"name": "b.txt"})})
    assert found == [Problem("/nodes/r/inputs/name", "bad_input", "there is no file 'b.txt'", "upload it")]
    (bench.folders.uploads / "b.txt").touch()
    assert problems(bench, {"r": (toys.read_file, {"name": "b.txt"})}) == []


def test_instant_nodes_are_run_so_that_checks_can_look_at_them(bench: Bench) -> None:
    nodes = {"d": (toys.describe_file, {"name": "c.txt"}), "r": (toys.read_file, {"name": link("d", "str")})}
    assert [problem.message for problem in problems(bench, nodes)] == ["there is no file 'c.txt'"]


def test_a_check_waits_while_an_input_is_only_known_at_run_time(bench: Bench) -> None:
    nodes = {"x": (toys.read_file, {"name": "."}), "r": (toys.read_file, {"name": link("x", "str")})}
    assert [problem.path for problem in problems(bench, nodes)] == []
    assert toys.calls == []


def test_all_problems_of_all_nodes_are_reported(bench: Bench) -> None:
    def check(value: int) -> Iterator[InputProblem]:
        yield InputProblem("value", f"{value} is odd", "try 8", code="odd")
        yield InputProblem("value", "and ugly")

    found = problems(bench, {"a": (checked(check), {"value": 7}), "b": (checked(check), {"value": 9})})
    assert [(problem.path, problem.code, problem.message) for problem in found] == [
        ("/nodes/a/inputs/value", "odd", "7 is odd"),
        ("/nodes/a/inputs/value", "bad_input", "and ugly"),
        ("/nodes/b/inputs/value", "odd", "9 is odd"),
        ("/nodes/b/inputs/value", "bad_input", "and ugly"),
    ]


@pytest.mark.parametrize("answer", [None, [], ()])
def test_a_check_may_return_instead_of_yielding(bench: Bench, answer: object) -> None:
    assert problems(bench, {"a": (checked(lambda value: answer), {})}) == []


def test_a_check_that_raises_is_a_problem_itself(bench: Bench) -> None:
    def broken(value: int) -> Iterator[InputProblem]:
        yield InputProblem("value", f"{1 // value}")

    def refusing(value: int) -> None:
        raise NodeInputError("value", f"{value} will not do", "try 1")

    found = problems(bench, {"a": (checked(broken), {"value": 0}), "b": (checked(refusing), {"value": 0})})
    assert [(problem.path, problem.code, problem.hint) for problem in found] == [
        ("/nodes/a", "check_failed", ""),
        ("/nodes/b/inputs/value", "bad_input", "try 1"),
    ]
    assert "ZeroDivisionError" in found[0].message


@node(category="toy", instant=True)
def pick_now(*, a: Lazy[str], b: str | None = None) -> str:
    """Describe lazily."""
    if b is not None:
        raise NodeInputError("b", "leave it out")
    return a.get()


def test_instant_nodes_with_lazy_inputs_are_foreseen_and_their_failures_reported(bench: Bench) -> None:
    nodes = {"p": (pick_now, {"a": "d.txt"}), "r": (toys.read_file, {"name": link("p", "str")})}
    assert [problem.message for problem in problems(bench, nodes)] == ["there is no file 'd.txt'"]
    nodes = {"p": (pick_now, {"a": "d.txt", "b": "x"}), "r": (toys.read_file, {"name": link("p", "str")})}
    assert [problem.path for problem in problems(bench, nodes)] == ["/nodes/p/inputs/b"]


@node(category="toy")
def draw(*, width: int = 4, height: int = 2) -> Halves:
    """Draw something that takes hours."""
    raise AssertionError("a check never runs this")


@draw.foretell
def _sizes(width: int, height: int) -> tuple[str, str]:
    if height < 0:
        raise ValueError("upside down")
    return f"{width} wide", f"{height} high"


@node(category="toy")
def crop(*, size: int = 0, margin: int = 1) -> int:
    """Crop what was drawn."""
    raise AssertionError("a check never runs this")


@crop.check
def _fits(margin: int, *, size: str | None = "unlinked") -> Iterator[InputProblem]:
    yield InputProblem("margin", f"{margin} of {size}")


@crop.foretell
def _passed_on(*, size: str | None) -> str | None:
    return size and f"cropped {size}"


def test_checks_see_what_earlier_nodes_foretell_and_pass_it_on(bench: Bench) -> None:
    nodes = {
        "d": (draw, {"width": 9}),
        "a": (crop, {"size": link("d", "rest")}),
        "b": (crop, {"size": link("a", "int"), "margin": 3}),
    }
    assert [problem.message for problem in problems(bench, nodes)] == ["1 of 2 high", "3 of cropped 2 high"]


def test_what_nobody_foretells_is_none_and_the_check_still_asked(bench: Bench) -> None:
    late = {"n": (toys.number, {}), "width": (toys.number, {})}
    nodes = {**late, "d": (draw, {"width": link("width", "int")}), "a": (crop, {"size": link("d", "half")})}
    assert [problem.message for problem in problems(bench, nodes)] == ["1 of None"]
    assert [
        problem.message for problem in problems(bench, {"n": late["n"], "a": (crop, {"size": link("n", "int")})})
    ] == ["1 of None"]
    assert [problem.message for problem in problems(bench, {"a": (crop, {})})] == ["1 of None"]


def test_a_node_that_cannot_foretell_is_a_problem_itself(bench: Bench) -> None:
    wrong = replace(draw.definition, foretell=lambda width: f"only {width}")
    found = problems(bench, {"d": (draw, {"height": -1}), "w": (wrong, {})})
    assert [(problem.path, problem.code) for problem in found] == [
        ("/nodes/d", "check_failed"),
        ("/nodes/w", "check_failed"),
    ]
    assert "upside down" in found[0].message
    assert "not its 2 outputs" in found[1].message


def test_a_companion_may_name_what_is_not_given(bench: Bench) -> None:
    definition = replace(toys.number.definition, check=lambda value, other="default": [InputProblem("value", other)])
    graph = build({"a": (definition, {"value": 1})}, sinks=())
    assert [problem.message for problem in check_graph(graph, bench.folders)] == ["default"]


def test_an_instant_node_that_cannot_be_run_yet_is_left_alone(bench: Bench) -> None:
    without_code = replace(toys.describe_file.definition, call=None)
    nodes = {"d": (without_code, {"name": "c.txt"}), "r": (toys.read_file, {"name": link("d", "str")})}
    assert problems(bench, nodes) == []
