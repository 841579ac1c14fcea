"""Subgraphs are put in the place of their instances, and problems inside them are found where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from server.graph import Graph, Limits, NodeId, Validation, from_json, to_json, validate
from server.graph.inputs import set_inputs
from server.kit.problems import WorkflowError
from tests.graph.toys import CATALOGUE, document, gallery, link


def nested() -> dict[str, Any]:
    """Return a document in which `outer` holds `inner`, which holds a node."""
    return document(
        {
            "red": {"type": "mix", "version": 1, "inputs": {}},
            "first": {"type": "subgraph/outer", "inputs": {"paint": link("red", "paint"), "width": 128}},
            "second": {
                "type": "subgraph/outer",
                "inputs": {"paint": link("red", "paint"), "base": link("first", "picture")},
            },
            "wall": {"type": "hang", "version": 1, "inputs": {"picture": link("second", "picture")}},
        },
        outputs={"picture": {"node": "second", "output": "picture"}},
        subgraphs={
            "outer": {
                "inputs": {
                    "paint": {"node": "in", "input": "paint"},
                    "base": {"node": "in", "input": "base"},
                    "width": {"node": "in", "input": "width"},
                },
                "outputs": {"picture": {"node": "soft", "output": "picture"}},
                "nodes": {
                    "in": {"type": "subgraph/inner"},
                    "soft": {"type": "blur", "version": 3, "inputs": {"picture": link("in", "picture"), "radius": 1}},
                },
            },
            "inner": {
                "inputs": {
                    "paint": {"node": "d", "input": "paint"},
                    "base": {"node": "d", "input": "base"},
                    "width": {"node": "d", "input": "width"},
                },
                "outputs": {"picture": {"node": "d", "output": "picture"}},
                "nodes": {"d": {"type": "draw", "version": 1, "inputs": {"width": 32, "caption": "inside"}}},
            },
        },
    )


def check(data: dict[str, Any]) -> Validation:
    return validate(from_json(data), CATALOGUE)


def graph_of(data: dict[str, Any]) -> Graph:
    result = check(data)
    assert result.problems == ()
    assert result.graph
    return result.graph


def test_nested_instances_become_plain_nodes_with_joined_ids() -> None:
    graph = graph_of(nested())
    assert list(graph.nodes) == ["red", "first/in/d", "first/soft", "second/in/d", "second/soft", "wall"]
    assert graph.outputs == {"picture": ("second/soft", "picture")}
    assert graph.nodes[NodeId("wall")].links == {"picture": ("second/soft", "picture")}
    assert graph.nodes[NodeId("second/in/d")].links == {"paint": ("red", "paint"), "base": ("first/soft", "picture")}
    assert graph.nodes[NodeId("first/in/d")].path == "/subgraphs/inner/nodes/d"


def test_an_instances_input_replaces_the_saved_one_and_others_keep_it() -> None:
    graph = graph_of(nested())
    first, second = graph.nodes[NodeId("first/in/d")], graph.nodes[NodeId("second/in/d")]
    assert (first.constants["width"], second.constants["width"]) == (128, 32)
    assert first.constants["caption"] == "inside"
    assert first.input_path("width") == "/nodes/first/inputs/width"
    assert second.input_path("width") == "/subgraphs/inner/nodes/d/inputs/width"


def test_a_wrong_value_is_a_problem_where_it_stands() -> None:
    data = nested()
    data["nodes"]["first"]["inputs"]["width"] = 17
    data["subgraphs"]["inner"]["nodes"]["d"]["inputs"]["caption"] = 5
    paths = [problem.path for problem in check(data).problems]
    assert len(paths) == 2  # although the inner one is met in two instances
    assert set(paths) == {"/nodes/first/inputs/width", "/subgraphs/inner/nodes/d/inputs/caption"}


def test_a_missing_input_is_a_problem_of_the_outermost_instance_that_exposes_it() -> None:
    data = nested()
    del data["nodes"]["first"]["inputs"]["paint"]
    (problem,) = check(data).problems
    assert (problem.path, problem.code) == ("/nodes/first/inputs/paint", "missing_input")


@pytest.mark.parametrize(
    ("node", "path", "code", "hint"),
    [
        ({"type": "subgraph/outr"}, "/nodes/first/type", "no_such_subgraph", "try 'subgraph/outer'"),
        ({"type": "subgraph/outer", "inputs": {"pain": 1, "paint": link("red", "paint")}},
         "/nodes/first/inputs/pain", "unknown_input", "try 'paint'"),
    ],
)  # fmt: skip
def test_a_wrong_instance_is_a_problem(node: dict[str, Any], path: str, code: str, hint: str) -> None:
    data = nested()
    data["nodes"]["first"] = node
    problem = check(data).problems[0]
    assert (problem.path, problem.code, problem.hint) == (path, code, hint)


def test_a_link_to_an_output_that_is_not_exposed_is_a_problem() -> None:
    data = nested()
    data["nodes"]["wall"]["inputs"]["picture"] = link("second", "pictur")
    (problem,) = check(data).problems
    assert (problem.path, problem.code, problem.hint) == (
        "/nodes/wall/inputs/picture",
        "no_such_output",
        "try 'picture'",
    )


def test_a_link_cannot_reach_out_of_a_subgraph() -> None:
    data = nested()
    data["subgraphs"]["inner"]["nodes"]["d"]["inputs"]["base"] = link("soft", "picture")
    problem = check(data).problems[0]
    assert (problem.path, problem.code) == ("/subgraphs/inner/nodes/d/inputs/base", "no_such_node")


@pytest.mark.parametrize("used", ["outer", "inner"])
def test_a_subgraph_that_contains_itself_is_a_problem(used: str) -> None:
    data = nested()
    data["subgraphs"]["inner"]["nodes"]["again"] = {"type": f"subgraph/{used}"}
    problems = [problem for problem in check(data).problems if problem.code == "endless_subgraph"]
    assert "/subgraphs/inner/nodes/again/type" in [problem.path for problem in problems]
    assert all("remove" in problem.hint for problem in problems)


def test_subgraphs_that_double_and_double_are_stopped() -> None:
    data = gallery()
    twice = {"a": {"type": "subgraph/s1"}, "b": {"type": "subgraph/s1"}}
    data["nodes"]["many"] = {"type": "subgraph/s0"}
    data["subgraphs"] = {f"s{i}": {"nodes": {k: {"type": f"subgraph/s{i + 1}"} for k in twice}} for i in range(60)}
    data["subgraphs"]["s60"] = {"nodes": {"m": {"type": "mix"}}}
    assert "too_many_nodes" in [problem.code for problem in check(data).problems]


def test_subgraphs_nested_without_end_in_sight_are_stopped() -> None:
    data = gallery()
    data["nodes"]["deep"] = {"type": "subgraph/s0"}
    data["subgraphs"] = {f"s{i}": {"nodes": {"n": {"type": f"subgraph/s{i + 1}"}}} for i in range(5000)}
    data["subgraphs"]["s5000"] = {"nodes": {"m": {"type": "mix"}}}
    assert "too_deep" in [problem.code for problem in check(data).problems]


def test_nodes_are_counted_after_subgraphs_are_put_in_place() -> None:
    result = validate(from_json(nested()), CATALOGUE, limits=Limits(nodes=9))
    assert [problem.code for problem in result.problems if problem.code == "too_many_nodes"]


def test_a_circle_through_a_subgraph_is_found() -> None:
    data = nested()
    data["nodes"]["first"]["inputs"]["base"] = link("second", "picture")
    (problem,) = check(data).problems
    assert problem.code == "cycle"
    assert problem.path in ("/nodes/first/inputs/base", "/nodes/second/inputs/base") or "/subgraphs/" in problem.path


def test_a_muted_instance_takes_all_its_nodes_along() -> None:
    data = nested()
    data["nodes"]["second"]["mode"] = "mute"
    data["nodes"]["hall"] = {"type": "hang", "inputs": {"picture": link("first", "picture")}}
    assert list(graph_of(data).nodes) == ["red", "first/in/d", "first/soft", "hall"]


def test_a_bypassed_instance_lets_its_input_of_the_same_type_through() -> None:
    data = nested()
    data["nodes"]["second"]["mode"] = "bypass"
    graph = graph_of(data)
    assert graph.nodes[NodeId("wall")].links == {"picture": ("first/soft", "picture")}
    assert "second/soft" not in graph.nodes


def test_a_bypassed_node_inside_a_subgraph_passes_on_what_the_instance_was_given() -> None:
    data = nested()
    data["subgraphs"]["outer"]["nodes"]["soft"]["mode"] = "bypass"
    data["subgraphs"]["inner"]["nodes"]["d"]["mode"] = "bypass"
    data["nodes"]["sketch"] = {"type": "draw", "inputs": {"paint": link("red", "paint")}}
    data["nodes"]["first"]["inputs"]["base"] = link("sketch", "picture")
    graph = graph_of(data)
    assert list(graph.nodes) == ["red", "sketch", "wall"]
    assert graph.nodes[NodeId("wall")].links == {"picture": ("sketch", "picture")}


def test_a_target_inside_or_of_an_instance_can_be_run() -> None:
    inside = validate(from_json(nested()), CATALOGUE, [NodeId("first/in/d")]).graph
    whole = validate(from_json(nested()), CATALOGUE, [NodeId("first")]).graph
    assert inside
    assert whole
    assert list(inside.nodes) == ["red", "first/in/d"]
    assert set(whole.sinks) == {"first/in/d", "first/soft"}


def test_an_exposed_input_of_a_subgraph_names_an_input_that_exists() -> None:
    data = nested()
    data["subgraphs"]["outer"]["inputs"]["width"]["input"] = "widht"
    paths = {problem.path: problem.hint for problem in check(data).problems}
    assert paths["/subgraphs/outer/inputs/width/input"] == "try 'width'"


def shared_width() -> dict[str, Any]:
    """Return a document whose subgraph gives one input to two of its nodes."""
    return document(
        {
            "red": {"type": "mix", "version": 1, "inputs": {}},
            "both": {"type": "subgraph/pair", "inputs": {"paint": link("red", "paint"), "width": 128}},
            "wall": {"type": "hang", "version": 1, "inputs": {"picture": link("both", "picture")}},
        },
        inputs={"size": {"node": "both", "input": "width"}},
        subgraphs={
            "pair": {
                "inputs": {
                    "paint": {"node": "one", "input": "paint", "also": [["two", "paint"]]},
                    "width": {"node": "one", "input": "width", "also": [["two", "width"]]},
                },
                "outputs": {"picture": {"node": "two", "output": "picture"}},
                "nodes": {
                    "one": {"type": "draw", "version": 1, "inputs": {}},
                    "two": {"type": "draw", "version": 1, "inputs": {"base": link("one", "picture")}},
                },
            }
        },
    )


def test_one_input_of_a_subgraph_feeds_several_inside() -> None:
    graph = graph_of(shared_width())
    one, two = graph.nodes[NodeId("both/one")], graph.nodes[NodeId("both/two")]
    assert (one.constants["width"], two.constants["width"]) == (128, 128)
    assert one.links["paint"] == two.links["paint"] == ("red", "paint")
    again = to_json(set_inputs(from_json(shared_width()), {"size": 64}, CATALOGUE))
    graph = graph_of(again)
    assert [graph.nodes[NodeId(f"both/{name}")].constants["width"] for name in ("one", "two")] == [64, 64]


def test_an_input_that_feeds_several_is_kept_checked_and_set_as_a_whole() -> None:
    data = document(
        {"one": {"type": "draw", "version": 1}, "two": {"type": "draw", "version": 1}},
        inputs={"width": {"node": "one", "input": "width", "also": [["two", "width"]]}},
    )
    assert to_json(from_json(data))["inputs"] == data["inputs"]
    nodes = set_inputs(from_json(data), {"width": 96}, CATALOGUE).nodes
    assert [node.inputs["width"] for node in nodes.values()] == [96, 96]
    data["inputs"]["width"]["also"] = [["two", "breadth"], ["three", "width"]]
    found = {(problem.path, problem.code) for problem in check(data).problems}
    assert ("/inputs/width/also/0", "unknown_input") in found
    assert ("/inputs/width/also/1", "no_such_node") in found
    data["inputs"]["width"]["also"] = [["two"]]
    with pytest.raises(WorkflowError) as caught:
        from_json(data)
    assert caught.value.problems[0].path == "/inputs/width/also"
