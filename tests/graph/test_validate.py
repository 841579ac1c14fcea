"""A workflow becomes a graph, or every problem in it is named, with a place and a hint."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.graph import Graph, Limits, NodeId, Validation, from_json, validate
from server.kit.packs import PackFailure
from server.kit.problems import Problem
from tests.graph.toys import CATALOGUE, document, documents, gallery, link


def check(data: dict[str, Any], targets: list[str] | None = None) -> Validation:
    result = validate(from_json(data), CATALOGUE, None if targets is None else [NodeId(target) for target in targets])
    assert (result.graph is None) is bool(result.problems)
    for problem in (*result.problems, *result.notices):
        assert problem.message
        assert problem.hint
    return result


def graph_of(data: dict[str, Any], targets: list[str] | None = None) -> Graph:
    result = check(data, targets)
    assert result.problems == ()
    assert result.graph
    return result.graph


def problem_of(data: dict[str, Any]) -> Problem:
    (problem,) = check(data).problems
    return problem


def changed(node_id: str, **fields: Any) -> dict[str, Any]:
    """Return the gallery with fields of one node replaced; `inputs` are merged."""
    data = gallery()
    data["nodes"][node_id]["inputs"] |= fields.pop("inputs", {})
    data["nodes"][node_id] |= fields
    return data


def test_a_valid_workflow_becomes_a_graph_in_topological_order() -> None:
    graph = graph_of(gallery())
    assert list(graph.nodes) == ["red", "sketch", "soft", "wall"]
    assert graph.sinks == ("soft", "wall")
    assert graph.outputs == {"picture": ("soft", "picture")}
    assert graph.nodes[NodeId("soft")].links == {"picture": ("sketch", "picture")}
    assert graph.nodes[NodeId("soft")].definition is CATALOGUE.nodes["blur"]
    assert graph.nodes[NodeId("soft")].path == "/nodes/soft"
    assert graph.nodes[NodeId("soft")].input_path("radius") == "/nodes/soft/inputs/radius"


def test_constants_have_their_knobs_own_type_and_defaults_are_filled_in() -> None:
    constants = graph_of(gallery()).nodes[NodeId("sketch")].constants
    assert constants == {
        "base": None, "width": 64, "opacity": 1.0, "style": "oil", "caption": None, "is_loud": False,
    }  # fmt: skip
    assert type(constants["opacity"]) is float
    assert type(graph_of(gallery()).nodes[NodeId("soft")].constants["radius"]) is float


def test_the_order_of_nodes_in_the_document_does_not_matter() -> None:
    data = gallery()
    data["nodes"] = dict(reversed(data["nodes"].items()))
    assert list(graph_of(data).nodes) == ["red", "sketch", "soft", "wall"]


@pytest.mark.parametrize(
    ("data", "path", "code", "hint"),
    [
        (changed("red", type="mux"), "/nodes/red/type", "unknown_type", "try 'mix'"),
        (changed("red", type="some_pack/thing"), "/nodes/red/type", "unknown_type", "install the pack 'some_pack'"),
        (changed("sketch", inputs={"widht": 1}), "/nodes/sketch/inputs/widht", "unknown_input", "try 'width'"),
        (changed("sketch", inputs={"width": "64"}), "/nodes/sketch/inputs/width", "wrong_type", "a whole number"),
        (changed("sketch", inputs={"width": 850}), "/nodes/sketch/inputs/width", "off_grid", "try 848"),
        (changed("sketch", inputs={"width": True}), "/nodes/sketch/inputs/width", "wrong_type", "a whole number"),
        (changed("sketch", inputs={"width": [1]}), "/nodes/sketch/inputs/width", "wrong_type", "a whole number"),
        (changed("sketch", inputs={"width": None}), "/nodes/sketch/inputs/width", "wrong_type", "a whole number"),
        (changed("sketch", inputs={"style": "oyl"}), "/nodes/sketch/inputs/style", "not_an_option", "try 'oil'"),
        (changed("sketch", inputs={"paint": 1}), "/nodes/sketch/inputs/paint", "needs_link", "mix.paint"),
        (changed("sketch", inputs={"paint": None}), "/nodes/sketch/inputs/paint", "needs_link", "mix.paint"),
        (
            changed("sketch", inputs={"paint": link("rad", "paint")}),
            "/nodes/sketch/inputs/paint", "no_such_node", "try 'red'",
        ),
        (
            changed("sketch", inputs={"paint": link("red", "paind")}),
            "/nodes/sketch/inputs/paint", "no_such_output", "try 'paint'",
        ),
        (
            changed("soft", inputs={"picture": link("red", "paint")}),
            "/nodes/soft/inputs/picture", "type_mismatch", "put the node draw between them",
        ),
        (
            changed("sketch", inputs={"base": link("sketch", "picture")}),
            "/nodes/sketch/inputs/base", "cycle", "remove one",
        ),
        (changed("soft", version=2), "/nodes/soft/version", "needs_migration", "migrate"),
        (changed("soft", version=4), "/nodes/soft/version", "newer_node", "update"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_at_its_place_with_a_hint(data: dict[str, Any], path: str, code: str, hint: str) -> None:
    problem = problem_of(data)
    assert (problem.path, problem.code) == (path, code)
    assert hint in problem.hint


def test_a_missing_input_is_named_with_what_could_be_linked() -> None:
    data = gallery()
    del data["nodes"]["sketch"]["inputs"]["paint"]
    del data["nodes"]["soft"]["inputs"]["radius"]
    wire, knob = check(data).problems
    assert (wire.path, wire.code) == ("/nodes/sketch/inputs/paint", "missing_input")
    assert "mix.paint or split.paint" in wire.hint
    assert (knob.path, knob.code) == ("/nodes/soft/inputs/radius", "missing_input")


def test_all_problems_are_given_at_once() -> None:
    data = changed("sketch", inputs={"width": 1, "nothing": 2, "opacity": "x"})
    data["nodes"]["red"]["type"] = "unknown"
    data["inputs"]["lost"] = {"node": "gone", "input": "x"}
    assert len(check(data).problems) == 5


def test_a_mismatch_that_another_output_would_mend_names_it() -> None:
    data = gallery()
    data["nodes"]["halves"] = {"type": "split", "inputs": {"picture": link("soft", "picture")}}
    data["nodes"]["wall"]["inputs"]["picture"] = link("halves", "paint")
    assert problem_of(data).hint == "link to its output 'left'"


def test_a_circle_is_named_in_the_direction_of_its_values() -> None:
    data = changed("sketch", inputs={"base": link("soft", "picture")})
    problem = problem_of(data)
    assert problem.code == "cycle"
    assert "sketch -> soft -> sketch" in problem.message or "soft -> sketch -> soft" in problem.message
    assert problem.path in ("/nodes/sketch/inputs/base", "/nodes/soft/inputs/picture")


def test_a_long_circle_is_shortened() -> None:
    nodes = {f"n{i}": {"type": "look", "inputs": {"value": link(f"n{(i - 1) % 500}", "value")}} for i in range(500)}
    nodes["wall"] = {"type": "hang", "inputs": {"picture": link("n7", "value")}}
    problem = problem_of(document(nodes))
    assert problem.code == "cycle"
    assert "..." in problem.message
    assert len(problem.message) < 200


def test_wires_of_type_any_take_and_give_everything() -> None:
    data = gallery()
    data["nodes"]["pass"] = {"type": "look", "inputs": {"value": link("soft", "picture")}}
    data["nodes"]["wall"]["inputs"]["picture"] = link("pass", "value")
    assert list(graph_of(data).nodes)[-1] == "wall"


def switched(first: dict[str, object], second: dict[str, object]) -> dict[str, Any]:
    """Return the gallery with two switches in a row before the wall."""
    data = gallery()
    data["nodes"]["either"] = {"type": "switch", "inputs": {"first": first, "second": second}}
    through = link("either", "value")
    data["nodes"]["again"] = {"type": "switch", "inputs": {"first": through, "second": through}}
    data["nodes"]["wall"]["inputs"]["picture"] = link("again", "value")
    return data


def test_the_wrong_type_through_a_switch_is_found_before_it_runs() -> None:
    paint, picture = link("red", "paint"), link("soft", "picture")
    problem = problem_of(switched(paint, paint))
    assert (problem.path, problem.code) == ("/nodes/wall/inputs/picture", "type_mismatch")
    assert "passes on a Paint" in problem.message
    graph_of(switched(picture, picture))
    graph_of(switched(paint, picture))  # which of the two arrives is known only when it runs


def test_a_workflow_without_a_sink_is_told_which_nodes_are_sinks() -> None:
    problem = problem_of(document({"red": {"type": "mix"}}))
    assert (problem.code, problem.path) == ("no_sink", "/nodes")
    assert "hang" in problem.hint
    assert problem_of(document({})).code == "no_sink"


def test_an_exposed_output_is_reason_enough_to_run() -> None:
    data = document({"red": {"type": "mix"}}, outputs={"paint": {"node": "red", "output": "paint"}})
    assert graph_of(data).sinks == ("red",)


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"inputs": {"a": {"node": "gone", "input": "x"}}}, "/inputs/a/node", "no_such_node"),
        ({"inputs": {"a": {"node": "red", "input": "amont"}}}, "/inputs/a/input", "unknown_input"),
        ({"outputs": {"a": {"node": "gone", "output": "x"}}}, "/outputs/a/node", "no_such_node"),
        ({"outputs": {"a": {"node": "red", "output": "x"}}}, "/outputs/a/output", "no_such_output"),
        (
            {"subgraphs": {"s": {"inputs": {"a": {"node": "b", "input": "c"}}}}},
            "/subgraphs/s/inputs/a/node",
            "no_such_node",
        ),
    ],
)
def test_an_exposed_name_that_stands_for_nothing_is_a_problem(fields: dict[str, Any], path: str, code: str) -> None:
    problem = problem_of({**gallery(), **fields})
    assert (problem.path, problem.code) == (path, code)


def test_a_broken_node_that_no_sink_needs_is_a_notice_and_the_rest_runs() -> None:
    data = gallery()
    data["nodes"]["stray"] = {"type": "blur", "inputs": {"radius": "wide"}}
    result = check(data)
    assert result.problems == ()
    assert [problem.path for problem in result.notices] == ["/nodes/stray/inputs/radius", "/nodes/stray/inputs/picture"]
    assert result.graph
    assert "stray" not in result.graph.nodes


def test_a_node_of_a_broken_pack_tells_why_the_pack_is_not_there() -> None:
    catalogue = replace(CATALOGUE, failures=(PackFailure("some_pack", "SyntaxError: invalid syntax (helper.py)"),))
    problems = validate(from_json(changed("red", type="some_pack/thing")), catalogue).problems
    (problem,) = [problem for problem in problems if problem.code == "broken_pack"]
    assert problem.path == "/nodes/red/type"
    assert "SyntaxError: invalid syntax (helper.py)" in problem.message


def test_a_node_of_unknown_type_stops_the_run_even_aside_for_it_could_be_a_sink() -> None:
    data = gallery()
    data["nodes"]["stray"] = {"type": "some_pack/save"}
    assert problem_of(data).code == "unknown_type"


def test_targets_run_without_the_rest() -> None:
    data = changed("wall", inputs={"title": 3})
    graph = graph_of(data, ["sketch"])
    assert list(graph.nodes) == ["red", "sketch"]
    assert graph.sinks == ("sketch",)
    assert graph.outputs == {}


def test_a_target_that_is_not_there_is_a_problem() -> None:
    (problem,) = check(gallery(), ["skech"]).problems
    assert (problem.code, problem.hint) == ("no_such_target", "try 'sketch'")
    (problem,) = check(changed("soft", mode="mute"), ["soft"]).problems
    assert "muted" in problem.message


def test_equal_links_from_one_node_are_one_dependency() -> None:
    data = changed("sketch", inputs={"base": link("other", "picture")})
    data["nodes"]["other"] = {"type": "draw", "inputs": {"paint": link("red", "paint")}}
    assert list(graph_of(data).nodes) == ["red", "other", "sketch", "soft", "wall"]


class TestMode:
    def test_a_muted_node_takes_what_needs_it_along(self) -> None:
        data = changed("soft", mode="mute")
        data["nodes"]["second"] = {"type": "hang", "inputs": {"picture": link("sketch", "picture")}}
        graph = graph_of(data)
        assert list(graph.nodes) == ["red", "sketch", "second"]
        assert graph.outputs == {}

    def test_a_chain_behind_a_muted_node_is_left_out_to_its_end(self) -> None:
        data = changed("red", mode="mute")
        data["nodes"]["blue"] = {"type": "mix"}
        data["nodes"]["second"] = {"type": "draw", "inputs": {"paint": link("blue", "paint")}}
        data["nodes"]["shown"] = {"type": "hang", "inputs": {"picture": link("second", "picture")}}
        assert list(graph_of(data).nodes) == ["blue", "second", "shown"]

    def test_an_optional_input_from_a_muted_node_takes_its_default(self) -> None:
        data = changed("sketch", inputs={"base": link("first", "picture")})
        data["nodes"]["zero"] = {"type": "mix", "mode": "mute"}
        data["nodes"]["first"] = {"type": "draw", "inputs": {"paint": link("zero", "paint")}}
        node = graph_of(data).nodes[NodeId("sketch")]
        assert node.constants["base"] is None
        assert node.links == {"paint": ("red", "paint")}

    def test_nothing_is_left_when_the_only_sink_needs_a_muted_node(self) -> None:
        problem = problem_of(changed("red", mode="mute"))
        assert problem.code == "no_sink"
        assert "muted" in problem.message

    def test_what_is_wrong_with_a_muted_node_does_not_matter(self) -> None:
        data = gallery()
        data["nodes"]["off"] = {"type": "unknown", "mode": "mute", "inputs": {"x": link("nowhere", "y")}}
        assert check(data).problems == ()

    def test_a_bypassed_node_lets_its_input_through(self) -> None:
        graph = graph_of(changed("soft", mode="bypass"))
        assert graph.nodes[NodeId("wall")].links == {"picture": ("sketch", "picture")}
        assert graph.outputs == {"picture": ("sketch", "picture")}
        assert "soft" not in graph.nodes

    def test_a_bypassed_node_without_an_input_of_the_type_is_a_problem(self) -> None:
        (problem, *_) = check(changed("sketch", mode="bypass")).problems
        assert (problem.code, problem.path) == ("cannot_bypass", "/nodes/sketch/mode")

    def test_a_bypassed_node_of_unknown_type_is_a_problem(self) -> None:
        (problem, *_) = check(changed("soft", mode="bypass", type="some_pack/soften")).problems
        assert problem.code == "cannot_bypass"
        assert "unknown" in problem.message

    def test_bypassed_nodes_in_a_circle_are_a_problem(self) -> None:
        data = changed("soft", mode="bypass", inputs={"picture": link("again", "picture")})
        data["nodes"]["again"] = {
            "type": "blur", "mode": "bypass", "inputs": {"picture": link("soft", "picture"), "radius": 1},
        }  # fmt: skip
        assert {problem.code for problem in check(data).problems} == {"cycle"}

    def test_a_long_row_of_bypassed_nodes_is_followed_to_its_end(self) -> None:
        data = gallery()
        last = "sketch"
        for number in range(5000):
            data["nodes"][f"b{number}"] = {
                "type": "blur", "mode": "bypass", "inputs": {"picture": link(last, "picture"), "radius": 1},
            }  # fmt: skip
            last = f"b{number}"
        data["nodes"]["wall"]["inputs"]["picture"] = link(last, "picture")
        assert graph_of(data).nodes[NodeId("wall")].links == {"picture": ("sketch", "picture")}


def test_a_chain_of_ten_thousand_nodes_is_nothing_special() -> None:
    nodes: dict[str, Any] = {"n0": {"type": "look", "inputs": {"value": link("red", "paint")}}, "red": {"type": "mix"}}
    for number in range(1, 10_000):
        nodes[f"n{number}"] = {"type": "look", "inputs": {"value": link(f"n{number - 1}", "value")}}
    nodes["wall"] = {"type": "hang", "inputs": {"picture": link("n9999", "value")}}
    graph = graph_of(document(nodes))
    assert list(graph.nodes) == ["red", *(f"n{number}" for number in range(10_000)), "wall"]


def test_problems_of_ten_thousand_nodes_are_bounded() -> None:
    nodes = {
        f"n{number}": {"type": f"mux{number}", "inputs": {"a": link(f"x{number}", "b")}} for number in range(10_000)
    }
    *_, last = check(document(nodes)).problems
    assert last.code == "more_problems"


def test_too_many_nodes_are_refused() -> None:
    result = validate(from_json(gallery()), CATALOGUE, limits=Limits(nodes=3))
    assert "too_many_nodes" in [problem.code for problem in result.problems]


@given(documents)
def test_any_document_becomes_a_graph_or_problems(data: dict[str, Any]) -> None:
    check(data)


@st.composite
def drawings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw documents of `draw` nodes with random links between them: wrong, missing, circular and right ones."""
    ids = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    some_link = st.sampled_from([*ids, "red"]).map(lambda node: link(node, "paint" if node == "red" else "picture"))
    inputs = st.fixed_dictionaries(
        {"paint": st.just(link("red", "paint"))},
        optional={"base": some_link, "caption": st.none() | st.text(max_size=3)},
    )
    nodes = {
        name: {"type": "draw", "inputs": draw(inputs), "mode": draw(st.sampled_from(["run"] * 5 + ["mute", "bypass"]))}
        for name in draw(st.permutations(ids))
    }
    sink = {"type": "hang", "inputs": {"picture": link(draw(st.sampled_from(ids)), "picture")}}
    return document({"wall": sink, "red": {"type": "mix"}, **nodes})


@given(drawings())
def test_every_graph_is_in_topological_order_and_holds_just_what_its_sinks_need(data: dict[str, Any]) -> None:
    graph = check(data).graph
    if graph is None:
        return
    seen: set[str] = set()
    for node in graph.nodes.values():
        assert {source for source, _ in node.links.values()} <= seen
        assert set(node.links).isdisjoint(node.constants)
        assert {*node.links, *node.constants} == {socket.name for socket in node.definition.inputs}
        seen.add(node.id)
    used = {source for node in graph.nodes.values() for source, _ in node.links.values()}
    assert set(graph.nodes) == used | set(graph.sinks)
    json.dumps([node.constants for node in graph.nodes.values()])  # still what can be written down
