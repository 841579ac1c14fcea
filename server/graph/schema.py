"""The document's JSON Schema, published as docs/workflow.schema.json. It says what `parse` takes, and nothing of nodes.

`python -m server.graph.schema > docs/workflow.schema.json` writes it anew; a test keeps the two equal.
"""

from __future__ import annotations

import json
import sys
from typing import TypeAlias

from server.graph.model import FORMAT
from server.graph.parse import ID_PATTERN, MODES, NAME_PATTERN

Schema: TypeAlias = "dict[str, object]"

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def workflow_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a workflow. Fields that it does not name are allowed, and kept."""
    return {
        "$schema": DIALECT,
        "title": "Kinegraph workflow",
        "description": "A graph of nodes, as the editor saves it, the command line runs it and the API takes it.",
        "type": "object",
        "required": ["kinegraph"],
        "properties": {
            "kinegraph": {"description": "Version of this format.", "const": FORMAT},
            **_scope("workflow"),
            "subgraphs": _named(ID_PATTERN, "subgraph", "By id; a node of the type `subgraph/<id>` is an instance."),
        },
        "$defs": {
            "node": _node(),
            "link": _link(),
            "exposed_input": _exposed("input"),
            "exposed_output": _exposed("output"),
            "subgraph": {
                "description": "A part of the workflow that is used as a node.",
                "type": "object",
                "properties": _scope("subgraph"),
            },
        },
    }


def schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(workflow_schema(), indent=2, ensure_ascii=False) + "\n"


def _scope(what: str) -> Schema:
    return {
        "title": _text("Words for people."),
        "inputs": _named(NAME_PATTERN, "exposed_input", f"Inputs of the {what}, by the name they are set by."),
        "outputs": _named(NAME_PATTERN, "exposed_output", f"Outputs of the {what}, by name."),
        "nodes": _named(ID_PATTERN, "node", "By id."),
        "groups": _list("Frames around nodes. For the editor; usually with title, at, size and color."),
        "notes": _list("Texts on the canvas, in Markdown. For the editor; usually with text, at and size."),
    }


def _node() -> Schema:
    position: Schema = {
        "description": "Place on the canvas: [x, y] in pixels.",
        "type": "array",
        "prefixItems": [{"type": "number"}, {"type": "number"}],
        "items": False,
        "minItems": 2,
    }
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": _text("Id of the node type: `denoise`, `pack/name`, or `subgraph/<id>`."),
            "version": {
                "description": "Version of the node type that the inputs were saved with; left out, the installed one.",
                "type": "integer",
                "minimum": 1,
            },
            "title": _text("The user's own name for the node."),
            "at": position,
            "mode": {
                "description": "mute: left out, with all that needs it. bypass: its first linked input of the "
                "same type takes the place of each output.",
                "enum": list(MODES),
            },
            "inputs": {
                "description": "By name: a link, or a constant. Inputs that are left out have their defaults.",
                "type": "object",
                "additionalProperties": {"if": _is_link(), "then": {"$ref": "#/$defs/link"}},
            },
        },
    }


def _is_link() -> Schema:
    return {"type": "object", "required": ["link"]}


def _link() -> Schema:
    return {
        "description": "The value comes from another node's output.",
        "type": "object",
        "required": ["link"],
        "properties": {
            "link": {
                "description": "[node, output]",
                "type": "array",
                "prefixItems": [{"type": "string"}, {"type": "string"}],
                "items": False,
                "minItems": 2,
            },
            "via": {
                "description": "Points that the link passes, from its source: [[x, y], ...]. For the editor.",
                "type": "array",
            },
        },
    }


def _exposed(side: str) -> Schema:
    pair: Schema = {"type": "array", "prefixItems": [{"type": "string"}] * 2, "items": False, "minItems": 2}
    also: Schema = {
        "description": "Further inputs of nodes that take the same value: [[node, input], ...]",
        "type": "array",
        "items": pair,
    }
    return {
        "description": f"Stands for one {side} of one node.",
        "type": "object",
        "required": ["node", side],
        "properties": {
            "node": _text("Id of the node."),
            side: _text(f"Name of the node's {side}."),
            "title": _text("Words for people."),
            **({"also": also} if side == "input" else {}),
        },
    }


def _text(description: str) -> Schema:
    return {"description": description, "type": "string"}


def _list(description: str) -> Schema:
    return {"description": description, "type": "array", "items": {"type": "object"}}


def _named(pattern: str, definition: str, description: str) -> Schema:
    return {
        "description": description,
        "type": "object",
        "propertyNames": {"pattern": pattern},
        "additionalProperties": {"$ref": f"#/$defs/{definition}"},
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(schema_text().encode())
