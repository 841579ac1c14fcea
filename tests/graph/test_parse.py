"""Documents are read without loss, and every malformed one gives problems: never another exception."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.graph import (
    ExposedInput,
    ExposedOutput,
    Limits,
    Link,
    NodeInstance,
    Subgraph,
    Workflow,
    dump,
    from_json,
    parse,
    to_json,
)
from server.kit.problems import Problem, WorkflowError
from tests.graph.toys import document, documents, gallery, json_values, link

GOLDEN = sorted((Path(__file__).parent.parent / "workflows").glob("*.json"))


def problems_of(text: str | bytes, limits: Limits | None = None) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowError) as raised:
        parse(text, limits or Limits())
    assert raised.value.problems
    for problem in raised.value.problems:
        assert problem.code
        assert problem.message
        assert problem.hint
        assert problem.path == "" or problem.path.startswith("/")
    return raised.value.problems


@given(documents)
def test_what_is_parsed_is_dumped_again_with_every_field_in_its_place(data: dict[str, Any]) -> None:
    workflow = from_json(data)
    assert json.dumps(to_json(workflow)) == json.dumps(data)
    text = dump(workflow)
    assert json.dumps(json.loads(text)) == json.dumps(data)
    assert parse(text) == workflow
    assert dump(parse(text)) == text
    assert parse(text.encode()) == workflow


@given(json_values)
def test_any_json_is_a_workflow_or_gives_problems(value: object) -> None:
    parsed_or_refused(lambda: from_json(value))
    parsed_or_refused(lambda: from_json({"kinegraph": 1, "nodes": value}))
    parsed_or_refused(lambda: from_json({"kinegraph": 1, "subgraphs": {"s": value}, "inputs": value}))


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_text_is_a_workflow_or_gives_problems(text: str | bytes) -> None:
    parsed_or_refused(lambda: parse(text))


def parsed_or_refused(read: Callable[[], Workflow]) -> Workflow | None:
    """Return the workflow, or None when it was refused as it should be; any other exception is the test's failure."""
    try:
        return read()
    except WorkflowError as error:
        if not all(problem.code and problem.message and problem.hint for problem in error.problems):
            pytest.fail(f"a problem does not say enough: {error.problems}")
        return None


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in members for place in places(item, (*path, key)))]


@given(st.data(), json_values | st.floats() | st.just("\ud800"), st.booleans())
def test_a_document_with_one_thing_changed_parses_or_gives_problems(
    data: st.DataObject, value: object, removes: bool
) -> None:
    changed: Any = copy.deepcopy(gallery())
    *path, last = data.draw(st.sampled_from(places(changed)[1:]))
    parent: Any = changed
    for part in path:
        parent = parent[part]
    if removes:
        del parent[last]
    else:
        parent[last] = value
    workflow = parsed_or_refused(lambda: parse(json.dumps(changed)))
    assert workflow is None or to_json(workflow) == changed


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("", "", "not_json"),
        ("{", "", "not_json"),
        (b"\xff\xfe{}", "", "not_utf8"),
        ("[" * 100_000, "", "too_deep"),
        ('{"a":' * 100_000, "", "too_deep"),
        ('{"kinegraph": 1, "x": ' + "[" * 200 + "]" * 200 + "}", "/x" + "/0" * 99, "too_deep"),
        ("[]", "", "wrong_type"),
        ("{}", "", "not_a_workflow"),
        ('{"last_node_id": 2, "nodes": [], "links": []}', "", "foreign_workflow"),
        ('{"3": {"class_type": "KSampler", "inputs": {"seed": 1}}}', "", "foreign_workflow"),
        ('{"kinegraph": true}', "/kinegraph", "not_a_workflow"),
        ('{"kinegraph": "1"}', "/kinegraph", "not_a_workflow"),
        ('{"kinegraph": 1.0}', "/kinegraph", "not_a_workflow"),
        ('{"kinegraph": 0}', "/kinegraph", "not_a_workflow"),
        ('{"kinegraph": 2}', "/kinegraph", "newer_format"),
        ('{"kinegraph": 1, "x": NaN}', "/x", "not_finite"),
        ('{"kinegraph": 1, "x": [-Infinity]}', "/x/0", "not_finite"),
        ('{"kinegraph": 1, "x": 1e999}', "/x", "not_finite"),
        ('{"kinegraph": 1, "x": ' + "9" * 1000 + "}", "/x", "not_finite"),
        ('{"kinegraph": 1, "x": ' + "9" * 9000 + "}", "", "not_json"),
        ('{"kinegraph": 1, "x": "\\ud800"}', "/x", "bad_text"),
        ('{"kinegraph": 1, "\\udfff": 1}', "", "bad_text"),
        ('{"kinegraph": 1, "x": {"y": 1, "y": 2}}', "/x/y", "duplicate_key"),
        ('{"kinegraph": 1, "nodes": []}', "/nodes", "wrong_type"),
        ('{"kinegraph": 1, "nodes": null}', "/nodes", "wrong_type"),
        ('{"kinegraph": 1, "title": 5}', "/title", "wrong_type"),
        ('{"kinegraph": 1, "groups": {}}', "/groups", "wrong_type"),
        ('{"kinegraph": 1, "notes": [3]}', "/notes/0", "wrong_type"),
        ('{"kinegraph": 1, "inputs": {"a": {"node": "x"}}}', "/inputs/a", "missing_field"),
        ('{"kinegraph": 1, "inputs": {"a=b": {"node": "x", "input": "y"}}}', "/inputs/a=b", "bad_name"),
        ('{"kinegraph": 1, "outputs": {"a": {"node": "x", "output": 1}}}', "/outputs/a/output", "wrong_type"),
        ('{"kinegraph": 1, "subgraphs": {"s": {"nodes": {"n": {}}}}}', "/subgraphs/s/nodes/n", "missing_field"),
    ],
)
def test_a_malformed_document_gives_the_problem_at_its_place(text: str | bytes, path: str, code: str) -> None:
    assert [(problem.path, problem.code) for problem in problems_of(text)] == [(path, code)]


@pytest.mark.parametrize(
    ("node", "path", "code"),
    [
        (5, "", "wrong_type"),
        ({}, "", "missing_field"),
        ({"type": None}, "/type", "wrong_type"),
        ({"type": "mix", "version": 0}, "/version", "wrong_type"),
        ({"type": "mix", "version": 1.0}, "/version", "wrong_type"),
        ({"type": "mix", "version": True}, "/version", "wrong_type"),
        ({"type": "mix", "version": None}, "/version", "wrong_type"),
        ({"type": "mix", "at": [1]}, "/at", "wrong_type"),
        ({"type": "mix", "at": [1, True]}, "/at", "wrong_type"),
        ({"type": "mix", "at": None}, "/at", "wrong_type"),
        ({"type": "mix", "mode": "never"}, "/mode", "bad_mode"),
        ({"type": "mix", "mode": {}}, "/mode", "bad_mode"),
        ({"type": "mix", "inputs": []}, "/inputs", "wrong_type"),
        ({"type": "mix", "inputs": {"a": {"link": "b"}}}, "/inputs/a/link", "bad_link"),
        ({"type": "mix", "inputs": {"a": {"link": ["b", 0]}}}, "/inputs/a/link", "bad_link"),
        ({"type": "mix", "inputs": {"a": {"link": ["b", "c", "d"]}}}, "/inputs/a/link", "bad_link"),
    ],
)
def test_a_malformed_node_gives_one_problem_at_its_place(node: object, path: str, code: str) -> None:
    problems = problems_of(json.dumps(document({"n": node})))
    assert [(problem.path, problem.code) for problem in problems] == [("/nodes/n" + path, code)]


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "x" * 201])
def test_an_id_that_could_not_be_told_from_a_nested_one_is_refused(name: str) -> None:
    (problem,) = problems_of(json.dumps(document({name: {"type": "mix"}})))
    assert problem.code == "bad_name"


def test_all_problems_are_given_not_only_the_first() -> None:
    problems = problems_of(
        '{"kinegraph": 1, "title": 1, "nodes": {"a": {}, "b": {"type": "mix", "at": 1}}, "notes": 2}'
    )
    assert [problem.path for problem in problems] == ["/title", "/nodes/a", "/nodes/b/at", "/notes"]


def test_problems_beyond_a_thousand_are_counted() -> None:
    *_, last = problems_of(json.dumps(document({f"n{number}": 0 for number in range(1500)})))
    assert last.code == "more_problems"
    assert "500" in last.message


def test_too_large_a_document_is_refused_before_it_is_read() -> None:
    (problem,) = problems_of("[" * 101, Limits(size=100))
    assert problem.code == "too_large"


def test_too_many_nodes_and_too_long_texts_are_refused() -> None:
    text = json.dumps(document({name: {"type": "mix"} for name in "abc"}, title="x" * 300))
    problems = problems_of(text, Limits(nodes=2, text=400))
    assert [problem.code for problem in problems] == ["too_many_nodes"]
    assert [problem.code for problem in problems_of(text, Limits(text=299))] == ["text_too_long"]


@pytest.mark.parametrize("value", [{1: 2}, {"x": (1, 2)}, {"x": object()}, {"x": {None: 1}}, {"x": b"y"}])
def test_python_values_that_json_cannot_say_are_refused(value: dict[Any, Any]) -> None:
    with pytest.raises(WorkflowError):
        from_json({"kinegraph": 1, **value})


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(WorkflowError) as raised:
        from_json({"kinegraph": 1, "x": endless})
    assert raised.value.problems[0].code == "too_deep"


def test_a_byte_order_mark_is_taken() -> None:
    assert parse(b'\xef\xbb\xbf{"kinegraph": 1}') == parse('\ufeff{"kinegraph": 1}') == parse('{"kinegraph": 1}')


def test_a_constant_that_looks_like_an_object_is_kept() -> None:
    value = {"links": [1, 2]}
    assert from_json(document({"n": {"type": "x", "inputs": {"a": value}}})).nodes["n"].inputs["a"] == value


def test_the_text_has_a_line_for_each_input_and_each_exposed_name() -> None:
    assert dump(from_json(gallery())).splitlines()[:19] == [
        "{",
        '  "kinegraph": 1,',
        '  "title": "Gallery",',
        '  "inputs": {',
        '    "amount": {"node": "red", "input": "amount", "title": "How much"}',
        "  },",
        '  "outputs": {',
        '    "picture": {"node": "soft", "output": "picture"}',
        "  },",
        '  "nodes": {',
        '    "red": {',
        '      "type": "mix",',
        '      "version": 1,',
        '      "at": [0, 0],',
        '      "inputs": {',
        '        "amount": 20',
        "      }",
        "    },",
        '    "sketch": {',
    ]


def test_a_changed_constant_changes_one_line_of_the_text() -> None:
    before, data = dump(from_json(gallery())).splitlines(), gallery()
    data["nodes"]["soft"]["inputs"]["radius"] = 3
    after = dump(from_json(data)).splitlines()
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [
        ('        "radius": 2', '        "radius": 3')
    ]


def test_a_workflow_made_in_python_is_written_in_the_canonical_order() -> None:
    node = NodeInstance("mix", 1, {"a": Link("b", "c"), "d": 1}, title="Mix", at=(0, 1), mode="mute")
    workflow = Workflow(
        title="New",
        nodes={"n": node},
        inputs={"d": ExposedInput("n", "d")},
        extra={"zoom": 2},
        subgraphs={"s": Subgraph(outputs={"e": ExposedOutput("x", "y", title="E")})},
    )
    assert json.dumps(to_json(workflow)) == json.dumps(
        {
            "kinegraph": 1,
            "title": "New",
            "inputs": {"d": {"node": "n", "input": "d"}},
            "nodes": {
                "n": {
                    "type": "mix",
                    "version": 1,
                    "title": "Mix",
                    "at": [0, 1],
                    "mode": "mute",
                    "inputs": {"a": {"link": ["b", "c"]}, "d": 1},
                }
            },
            "subgraphs": {"s": {"outputs": {"e": {"node": "x", "output": "y", "title": "E"}}}},
            "zoom": 2,
        }
    )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_document_that_was_ever_shipped_opens_and_is_written_back_as_it_was(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert dump(parse(text)) == text


def test_there_is_a_golden_document_of_format_1() -> None:
    assert any(json.loads(path.read_text(encoding="utf-8"))["kinegraph"] == 1 for path in GOLDEN)


def test_a_link_keeps_its_unknown_fields() -> None:
    data = document({"n": {"type": "x", "inputs": {"a": {"via": [1, 2], **link("m", "out")}}}})
    assert json.dumps(to_json(from_json(data))) == json.dumps(data)


def test_groups_and_notes_of_a_subgraph_are_lists_and_come_back() -> None:
    document = {
        "kinegraph": 1,
        "inputs": {}, "outputs": {}, "nodes": {}, "groups": [], "notes": [],
        "subgraphs": {"part": {"nodes": {}, "groups": [{"title": "a", "at": [0, 0]}], "notes": [{"text": "b"}]}},
    }  # fmt: skip
    workflow = from_json(document)
    assert workflow.subgraphs["part"].groups == ({"title": "a", "at": [0, 0]},)
    assert to_json(workflow) == document
    with pytest.raises(WorkflowError) as refused:
        from_json({"kinegraph": 1, "subgraphs": {"part": {"groups": {}}}})
    assert [(problem.path, problem.code) for problem in refused.value.problems] == [
        ("/subgraphs/part/groups", "wrong_type")
    ]
