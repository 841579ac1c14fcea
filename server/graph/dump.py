"""The model to JSON, laid out so that files diff well: one input, one exposed name, one link a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar, cast

from server.graph.model import ExposedInput, ExposedOutput, Link, NodeInstance, Subgraph, Workflow

LINE_LENGTH = 100
UNFOLDED = frozenset({"nodes", "inputs", "outputs", "groups", "notes", "subgraphs"})
"""Containers that get a line for each member however short they are, so that adding one is a diff of one line."""

UNFOLDED_MEMBERS = frozenset({"nodes", "subgraphs"})

T = TypeVar("T")


def to_json(workflow: Workflow) -> dict[str, object]:
    """Return the document as plain JSON values, its keys in the order in which they were read."""
    known: dict[str, object] = {"kinegraph": workflow.format}
    if workflow.title is not None:
        known["title"] = workflow.title
    known["inputs"] = _members(workflow.inputs, _exposed)
    known["outputs"] = _members(workflow.outputs, _exposed)
    known["nodes"] = _members(workflow.nodes, node_to_json)
    known["groups"] = list(workflow.groups)
    known["notes"] = list(workflow.notes)
    known["subgraphs"] = _members(workflow.subgraphs, _subgraph)
    return _lay_out(known, workflow, optional=UNFOLDED)


def node_to_json(node: NodeInstance) -> dict[str, object]:
    """Return one node as the document holds it."""
    known: dict[str, object] = {"type": node.type}
    if node.version is not None:
        known["version"] = node.version
    if node.title is not None:
        known["title"] = node.title
    if node.at is not None:
        known["at"] = list(node.at)
    if node.mode != "run" or "mode" in node.order:
        known["mode"] = node.mode
    known["inputs"] = inputs_to_json(node.inputs)
    return _lay_out(known, node, optional=("inputs",))


def inputs_to_json(inputs: Mapping[str, object]) -> dict[str, object]:
    """Return a node's inputs as the document holds them, links as objects."""
    return {name: _link(value) if isinstance(value, Link) else value for name, value in inputs.items()}


def dump(workflow: Workflow) -> str:
    """Return the document as text that ends with a line feed; `parse` gives the same workflow back."""
    lines: list[str] = []
    _write(to_json(workflow), "", "", lines)
    return "".join(lines) + "\n"


def _link(link: Link) -> dict[str, object]:
    return _lay_out({"link": [link.node, link.output]}, link)


def _subgraph(subgraph: Subgraph) -> dict[str, object]:
    known: dict[str, object] = {} if subgraph.title is None else {"title": subgraph.title}
    known["inputs"] = _members(subgraph.inputs, _exposed)
    known["outputs"] = _members(subgraph.outputs, _exposed)
    known["nodes"] = _members(subgraph.nodes, node_to_json)
    known["groups"] = list(subgraph.groups)
    known["notes"] = list(subgraph.notes)
    return _lay_out(known, subgraph, optional=UNFOLDED)


def _exposed(item: ExposedInput | ExposedOutput) -> dict[str, object]:
    known: dict[str, object] = {"node": item.node}
    if isinstance(item, ExposedInput):
        known["input"] = item.input
    else:
        known["output"] = item.output
    if item.title is not None:
        known["title"] = item.title
    if isinstance(item, ExposedInput) and (item.also or "also" in item.order):
        known["also"] = [list(pair) for pair in item.also]
    return _lay_out(known, item)


def _members(items: Mapping[str, T], write: Callable[[T], dict[str, object]]) -> dict[str, object]:
    return {name: write(item) for name, item in items.items()}


def _lay_out(
    known: dict[str, object],
    record: Workflow | NodeInstance | Subgraph | ExposedInput | ExposedOutput | Link,
    optional: Collection[str] = (),
) -> dict[str, object]:
    """Return known and unknown fields in the order of the record.

    Args:
        known: Fields that this version knows, in the canonical order.
        record: Where unknown fields and the order are.
        optional: Known fields that are left out when they are empty, unless the record was read with them.
    """
    fields = {**known, **record.extra}
    result = {name: fields[name] for name in record.order if name in fields}
    for name, value in fields.items():
        if name not in result and (value or name not in optional):
            result[name] = value
    return result


def _write(value: object, name: str, indent: str, lines: list[str], parent: str = "") -> None:
    """Append the text of a value. It recurses: documents are at most `Limits.depth` deep."""
    unfold = name in UNFOLDED or parent in UNFOLDED_MEMBERS or not indent
    if not value or not isinstance(value, dict | list):
        lines.append(_line(value))
        return
    if not unfold:
        line = _line(value)
        if len(line) + len(indent) <= LINE_LENGTH:
            lines.append(line)
            return
    inner = indent + "  "
    is_object = isinstance(value, dict)
    members = cast("Mapping[str, object]", value).items() if is_object else _unnamed(cast("Sequence[object]", value))
    opening = "{\n" if is_object else "[\n"
    for key, item in members:
        lines.append(opening + inner + (_line(key) + ": " if is_object else ""))
        _write(item, key, inner, lines, name)
        opening = ",\n"
    lines.append("\n" + indent + ("}" if is_object else "]"))


def _unnamed(items: Sequence[object]) -> Iterable[tuple[str, object]]:
    return (("", item) for item in items)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
