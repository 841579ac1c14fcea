"""Saved nodes are brought to the installed versions, once; what cannot be brought there is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from server.graph import Link, from_json, parse, to_json, validate
from server.graph.migrate import Change, migrate
from server.kit import node
from server.kit.catalogue import Catalogue
from server.kit.problems import WorkflowError
from tests.graph.toys import CATALOGUE, Picture, document, documents, gallery, link


def old_gallery() -> dict[str, Any]:
    data = gallery()
    data["nodes"]["soft"] |= {"version": 1, "inputs": {"size": 4, "picture": link("sketch", "picture")}}
    data["inputs"]["softness"] = {"node": "soft", "input": "size"}
    return data


def test_migrations_run_one_after_the_other_and_are_reported() -> None:
    workflow, changes = migrate(from_json(old_gallery()), CATALOGUE)
    assert workflow.nodes["soft"].inputs == {"picture": Link("sketch", "picture"), "radius": 4}
    assert workflow.nodes["soft"].version == 3
    assert changes == (Change("/nodes/soft", "blur", 1, 3),)
    assert str(changes[0]) == "/nodes/soft: blur from version 1 to 3"
    assert validate(workflow, CATALOGUE).problems == ()


def test_an_exposed_input_follows_the_renamed_input() -> None:
    workflow, _ = migrate(from_json(old_gallery()), CATALOGUE)
    assert workflow.inputs["softness"].input == "radius"
    assert workflow.inputs["amount"].input == "amount"


def test_a_subgraphs_nodes_are_migrated_and_its_inputs_follow() -> None:
    inner = {
        "nodes": {"b": {"type": "blur", "version": 2, "inputs": {}}},
        "inputs": {"s": {"node": "b", "input": "sigma"}},
    }
    workflow, changes = migrate(from_json(document({}, subgraphs={"soften": inner})), CATALOGUE)
    assert workflow.subgraphs["soften"].inputs["s"].input == "radius"
    assert changes[0].path == "/subgraphs/soften/nodes/b"


def test_all_inputs_that_a_name_stands_for_follow() -> None:
    inner = {
        "nodes": {
            "now": {"type": "blur", "version": 3, "inputs": {}},
            "old": {"type": "blur", "version": 2, "inputs": {}},
        },
        "inputs": {"s": {"node": "now", "input": "radius", "also": [["old", "sigma"]]}},
    }
    workflow, _ = migrate(from_json(document({}, subgraphs={"soften": inner})), CATALOGUE)
    assert workflow.subgraphs["soften"].inputs["s"].targets == (("now", "radius"), ("old", "radius"))


def test_the_given_workflow_stays_as_it_is() -> None:
    before = from_json(old_gallery())
    migrate(before, CATALOGUE)
    assert to_json(before) == old_gallery()


def test_a_node_without_a_version_is_marked_with_the_installed_one() -> None:
    workflow, changes = migrate(
        parse('{"kinegraph": 1, "nodes": {"b": {"type": "blur", "inputs": {"size": 1}}}}'), CATALOGUE
    )
    assert workflow.nodes["b"].version == 3
    assert workflow.nodes["b"].inputs == {"size": 1}
    assert changes == ()


@given(documents)
def test_a_second_migration_changes_nothing(data: dict[str, Any]) -> None:
    once, _ = migrate(from_json(data), CATALOGUE)
    assert migrate(once, CATALOGUE) == (once, ())


def test_newer_and_unknown_nodes_are_left_alone_and_validation_says_so() -> None:
    data = gallery()
    data["nodes"]["soft"]["version"] = 4
    data["nodes"]["odd"] = {"type": "some_pack/odd", "version": 9, "inputs": {"a": [1]}}
    workflow, changes = migrate(from_json(data), CATALOGUE)
    assert (to_json(workflow), changes) == (data, ())
    problems = {problem.path: problem for problem in validate(workflow, CATALOGUE).problems}
    assert problems["/nodes/soft/version"].code == "newer_node"
    assert "update" in problems["/nodes/soft/version"].hint
    assert problems["/nodes/odd/type"].code == "unknown_type"


def test_a_catalogue_from_json_has_no_migrations_so_validation_asks_for_one() -> None:
    bare = Catalogue.from_json(CATALOGUE.to_json())
    workflow, changes = migrate(from_json(old_gallery()), bare)
    assert (to_json(workflow), changes) == (old_gallery(), ())
    assert "needs_migration" in [problem.code for problem in validate(workflow, bare).problems]


@pytest.mark.parametrize(
    "result", [KeyError("cfg"), TypeError("no"), None, {"a": float("nan")}, {"a": {"link": 3}}, {1: 2}]
)
def test_a_migration_that_fails_is_a_problem_of_its_node(result: object) -> None:
    @node(category="test", version=2)
    def brittle(picture: Picture) -> Picture:
        """Break."""
        return picture

    @brittle.migration(from_version=1)
    def _fail(inputs: dict[str, object]) -> dict[str, object]:
        if isinstance(result, Exception):
            raise result
        return result  # pyright: ignore[reportReturnType]

    catalogue = Catalogue({"brittle": brittle.definition})
    with pytest.raises(WorkflowError) as raised:
        migrate(from_json(document({"n": {"type": "brittle", "version": 1}})), catalogue)
    (problem,) = raised.value.problems
    assert problem.path.startswith("/nodes/n")
    assert problem.hint
