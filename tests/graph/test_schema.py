"""The published schema is the code's own, and agrees with the parser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from server.graph import from_json
from server.graph.schema import schema_text, workflow_schema
from server.kit.problems import WorkflowError
from tests.graph.toys import document, documents

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([*(ROOT / "workflows").glob("*.json"), *(ROOT / "tests" / "workflows").glob("*.json")])
VALIDATOR = Draft202012Validator(workflow_schema())


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(workflow_schema())


def test_the_published_schema_is_up_to_date() -> None:
    published = (ROOT / "docs" / "workflow.schema.json").read_text(encoding="utf-8")
    assert published == schema_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_shipped_document_fits_the_schema(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))


@given(documents)
def test_what_the_parser_takes_fits_the_schema(data: dict[str, Any]) -> None:
    from_json(data)
    assert list(VALIDATOR.iter_errors(data)) == []


WRONG = st.sampled_from(
    [5, "x", [], {}, None, -1, [1, "a"], {"a": 1}, {"a": {"node": 1}}, {"a": {"type": "x", "at": 1}}]
)


@pytest.mark.parametrize("name", ["kinegraph", "title", "inputs", "outputs", "nodes", "groups", "notes", "subgraphs"])
@given(value=WRONG)
def test_parser_and_schema_refuse_the_same_documents(name: str, value: object) -> None:
    agree({**document({}), name: value})


@pytest.mark.parametrize("name", ["type", "version", "inputs", "title", "at", "mode"])
@given(
    value=WRONG | st.fixed_dictionaries({"a": st.fixed_dictionaries({"link": st.just(["n", "o"]) | st.just(["n"])})})
)
def test_parser_and_schema_refuse_the_same_nodes(name: str, value: object) -> None:
    agree(document({"n": {"type": "mix", name: value}}))


def agree(data: dict[str, Any]) -> None:
    try:
        from_json(data)
    except WorkflowError:
        assert not VALIDATOR.is_valid(data)
    else:
        assert VALIDATOR.is_valid(data)
