"""Inputs are set from outside by name, typed by the knob behind them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.graph import Workflow, from_json
from server.graph.inputs import parse_setting, set_inputs
from server.kit.problems import Problem, WorkflowError
from tests.graph.toys import CATALOGUE, document, gallery, link


def workflow() -> Workflow:
    data = gallery()
    data["inputs"] |= {"caption": {"node": "sketch", "input": "caption"}, "lost": {"node": "gone", "input": "x"}}
    data["nodes"] |= {
        "odd": {"type": "some_pack/odd", "inputs": {}},
        "a.b": {"type": "mix", "inputs": {}},
        "group": {"type": "subgraph/s", "inputs": {"strength": 1}},
    }
    data["subgraphs"] = {
        "s": {
            "nodes": {"inner": {"type": "subgraph/t", "inputs": {}}},
            "inputs": {"strength": {"node": "inner", "input": "much"}},
        },
        "t": {"nodes": {"m": {"type": "mix", "inputs": {}}}, "inputs": {"much": {"node": "m", "input": "amount"}}},
    }
    return from_json(data)


def refused(values: dict[str, object]) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowError) as raised:
        set_inputs(workflow(), values, CATALOGUE)
    assert all(problem.hint for problem in raised.value.problems)
    return raised.value.problems


def test_an_input_is_set_by_its_exposed_name_and_by_its_node() -> None:
    result = set_inputs(workflow(), {"amount": 5.0, "sketch.style": "water", "a.b.name": "blue"}, CATALOGUE)
    assert result.nodes["red"].inputs == {"amount": 5}
    assert type(result.nodes["red"].inputs["amount"]) is int
    assert result.nodes["sketch"].inputs["style"] == "water"
    assert result.nodes["a.b"].inputs == {"name": "blue"}
    assert result.nodes["wall"] is not None


def test_an_input_of_a_subgraph_is_typed_by_the_knob_deep_inside() -> None:
    assert set_inputs(workflow(), {"group.strength": 7}, CATALOGUE).nodes["group"].inputs == {"strength": 7}
    (problem,) = refused({"group.strength": 700})
    assert (problem.path, problem.code, problem.hint) == ("/nodes/group/inputs/strength", "out_of_range", "try 100")


def test_the_given_workflow_stays_as_it_is() -> None:
    before = workflow()
    set_inputs(before, {"amount": 5}, CATALOGUE)
    assert before == workflow()


@pytest.mark.parametrize(
    ("name", "value", "path", "code", "words"),
    [
        ("amoun", 1, "/inputs", "unknown_input", "try 'amount'"),
        ("zzz", 1, "/inputs", "unknown_input", "amount"),
        ("gone.x", 1, "/inputs", "unknown_input", "choose one of"),
        ("red/inner.x", 1, "/inputs", "unknown_input", "as red.NAME"),
        ("lost", 1, "/inputs/lost/node", "no_such_node", "choose one of"),
        ("red.amont", 1, "/nodes/red/inputs/amont", "unknown_input", "try 'amount'"),
        ("amount", "5", "/nodes/red/inputs/amount", "wrong_type", "whole number"),
        ("amount", 0, "/nodes/red/inputs/amount", "out_of_range", "try 1"),
        ("sketch.width", 850, "/nodes/sketch/inputs/width", "off_grid", "try 848"),
        ("sketch.paint", "red", "/nodes/sketch/inputs/paint", "needs_link", "Paint"),
        ("odd.x", {"a": 1}, "/nodes/odd/inputs/x", "wrong_type", "number"),
        ("odd.x", float("nan"), "/nodes/odd/inputs/x", "not_finite", "ordinary"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_hint(name: str, value: object, path: str, code: str, words: str) -> None:
    (problem,) = refused({name: value})
    assert (problem.path, problem.code) == (path, code)
    assert words in problem.hint


def test_all_refusals_are_given() -> None:
    assert len(refused({"amount": 0, "nothing": 1, "sketch.width": 1, "caption": "fine"})) == 3


def test_the_message_lists_the_names_that_there_are() -> None:
    assert "amount, caption" in refused({"zzz": 1})[0].message


def test_an_optional_wire_can_be_emptied() -> None:
    assert set_inputs(workflow(), {"sketch.base": None}, CATALOGUE).nodes["sketch"].inputs["base"] is None


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("amount=12", ("amount", 12)),
        ("amount=12.0", ("amount", 12)),
        ("caption=a boat = a ship ", ("caption", "a boat = a ship ")),
        ("caption=12", ("caption", "12")),
        ("caption=null", ("caption", "null")),
        ("caption=", ("caption", "")),
        ("soft.radius=2", ("soft.radius", 2.0)),
        ("soft.radius=1e-3", ("soft.radius", 0.001)),
        ("sketch.is_loud=yes", ("sketch.is_loud", True)),
        ("sketch.is_loud=False", ("sketch.is_loud", False)),
        ("sketch.base=none", ("sketch.base", None)),
        ("odd.x=true", ("odd.x", True)),
        ("odd.x=[1]", ("odd.x", "[1]")),
        ("odd.x=Red", ("odd.x", "Red")),
    ],
)
def test_a_setting_is_read_as_its_knob_takes_it(setting: str, expected: tuple[str, object]) -> None:
    name, value = parse_setting(setting, workflow(), CATALOGUE)
    assert (name, value) == expected
    assert type(value) is type(expected[1])


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("amount", "bad_setting"),
        ("=3", "bad_setting"),
        ("amount=", "wrong_type"),
        ("amount=many", "wrong_type"),
        ("amount=1.5", "wrong_type"),
        ("amount=true", "wrong_type"),
        ("soft.radius=1e999", "not_finite"),
        ("odd.x=1e999", "not_finite"),
        ("amount=" + "[" * 100_000, "wrong_type"),
        ("sketch.is_loud=1", "wrong_type"),
        ("sketch.style=oyl", "not_an_option"),
        ("sketch.paint=red", "needs_link"),
        ("nothing=1", "unknown_input"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting: str, code: str) -> None:
    with pytest.raises(WorkflowError) as raised:
        parse_setting(setting, workflow(), CATALOGUE)
    assert [problem.code for problem in raised.value.problems] == [code]


@given(st.text(max_size=20), st.sampled_from(["amount", "caption", "sketch.is_loud", "soft.radius", "odd.x", "", "x."]))
def test_any_setting_is_taken_or_refused(text: str, name: str) -> None:
    try:
        key, value = parse_setting(f"{name}={text}", workflow(), CATALOGUE)
    except WorkflowError:
        return
    set_inputs(workflow(), {key: value}, CATALOGUE)


def test_a_constant_takes_the_place_of_a_link() -> None:
    data: dict[str, Any] = document(
        {"m": {"type": "mix", "inputs": {"amount": link("x", "y")}}}, inputs={"n": {"node": "m", "input": "amount"}}
    )
    assert set_inputs(from_json(data), {"n": 3}, CATALOGUE).nodes["m"].inputs["amount"] == 3
