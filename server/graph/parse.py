"""JSON to the model. Only the document's own rules are here; what a node takes is `validate.py`'s.

Writing is `dump.py`'s; its two functions are offered here as well, so that both ways stand together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeVar, cast

from server.graph.dump import dump, to_json
from server.graph.json_text import DEFAULT_LIMITS, Limits, check_values, load_json
from server.graph.model import FORMAT, ExposedInput, ExposedOutput, Link, Mode, NodeInstance, Subgraph, Workflow
from server.graph.problem_list import ProblemList
from server.kit.problems import pointer

__all__ = ["FORMAT", "ID_PATTERN", "NAME_PATTERN", "dump", "from_json", "parse", "read_inputs", "to_json"]

ID_PATTERN = r"^[^/\x00-\x1f]{1,200}$"
"""Ids of nodes and subgraphs: no slash, which joins the ids of nested nodes."""

NAME_PATTERN = r"^[^=\x00-\x1f]{1,200}$"
"""Names of exposed inputs and outputs: no `=`, which ends the name in `--set name=value`."""

IS_ID = re.compile(ID_PATTERN.replace("$", r"\Z"))
IS_NAME = re.compile(NAME_PATTERN.replace("$", r"\Z"))

WORKFLOW_FIELDS = frozenset(
    {"kinegraph", "title", "inputs", "outputs", "nodes", "groups", "notes", "subgraphs"},
)
NODE_FIELDS = frozenset({"type", "version", "inputs", "title", "at", "mode"})
SUBGRAPH_FIELDS = frozenset({"title", "inputs", "outputs", "nodes", "groups", "notes"})
MODES = ("run", "mute", "bypass")

T = TypeVar("T")
Path = tuple[str | int, ...]
Object = dict[str, object]


def parse(text: str | bytes, limits: Limits = DEFAULT_LIMITS) -> Workflow:
    """Return the workflow that a JSON text holds.

    Raises:
        WorkflowError: The text is no JSON, too large, or no workflow; carries all problems.
    """
    problems = ProblemList()
    value = load_json(text, problems, limits)
    problems.stop_if_any()
    return _read(value, problems, limits)


def from_json(value: object, limits: Limits = DEFAULT_LIMITS) -> Workflow:
    """Return the workflow that plain JSON values (dict, list, text, number, bool, None) hold.

    Raises:
        WorkflowError: It is no workflow; carries all problems.
    """
    problems = ProblemList()
    check_values(value, problems, limits)
    problems.stop_if_any()
    return _read(value, problems, limits)


def read_inputs(value: object, path: Path) -> dict[str, object]:
    """Return the inputs of one node, links as `Link`s.

    Args:
        value: Plain JSON values, such as a migration returns.
        path: Parts of the pointer to the node.

    Raises:
        WorkflowError: They are no inputs.
    """
    problems = ProblemList()
    check_values(value, problems)
    problems.stop_if_any()
    inputs = _Reader(problems, DEFAULT_LIMITS).inputs({"inputs": value}, path)
    problems.stop_if_any()
    return inputs


def _read(value: object, problems: ProblemList, limits: Limits) -> Workflow:
    workflow = _Reader(problems, limits).workflow(value)
    problems.stop_if_any()
    return workflow


class _Reader:
    """Reads records; every method reports what is wrong and returns something usable in its place."""

    def __init__(self, problems: ProblemList, limits: Limits) -> None:
        self._problems = problems
        self._limits = limits
        self._nodes = 0

    def workflow(self, value: object) -> Workflow:
        data = self._object(value, ())
        if not self._is_known_format(data):
            return Workflow()
        return Workflow(
            title=self._text(data, "title", ()),
            inputs=self._named(data, "inputs", (), IS_NAME, self._exposed_input),
            outputs=self._named(data, "outputs", (), IS_NAME, self._exposed_output),
            nodes=self._named(data, "nodes", (), IS_ID, self._node),
            groups=self._objects(data, "groups", ()),
            notes=self._objects(data, "notes", ()),
            subgraphs=self._named(data, "subgraphs", (), IS_ID, self._subgraph),
            extra=_extra(data, WORKFLOW_FIELDS),
            order=tuple(data),
        )

    def _is_known_format(self, data: Object) -> bool:
        number = data.get("kinegraph")
        if isinstance(number, int) and not isinstance(number, bool) and number > FORMAT:
            message = f"this workflow has format {number}, made by a newer Kinegraph; this one knows format {FORMAT}"
            self._refuse(("kinegraph",), "newer_format", message, "update Kinegraph")
        elif "kinegraph" not in data and _is_of_comfyui(data):
            hint = "build it here: templates are a start, and searching finds nodes by their old names too"
            self._refuse((), "foreign_workflow", "this is a workflow of ComfyUI, which Kinegraph cannot run", hint)
        elif "kinegraph" not in data:
            message = 'this is no workflow: it has no field "kinegraph"'
            self._refuse((), "not_a_workflow", message, f'a workflow begins with "kinegraph": {FORMAT}')
        elif number != FORMAT or isinstance(number, bool | float):
            message = f"{_shown(number)} is no version of the format"
            self._refuse(("kinegraph",), "not_a_workflow", message, f'write "kinegraph": {FORMAT}')
        else:
            return True
        return False

    def _node(self, value: object, path: Path) -> NodeInstance:
        data = self._object(value, path)
        self._nodes += 1
        if self._nodes == self._limits.nodes + 1:
            message = f"the workflow has more than {self._limits.nodes} nodes"
            self._refuse(path[:-1], "too_many_nodes", message, "split it into several workflows")
        return NodeInstance(
            type=self._required(data, "type", path),
            version=self._version(data, path),
            inputs=self.inputs(data, path),
            title=self._text(data, "title", path),
            at=self._position(data, path),
            mode=self._mode(data, path),
            extra=_extra(data, NODE_FIELDS),
            order=tuple(data),
        )

    def inputs(self, data: Object, path: Path) -> Object:
        return {name: self._input(item, path, name) for name, item in self._member(data, "inputs", path).items()}

    def _subgraph(self, value: object, path: Path) -> Subgraph:
        data = self._object(value, path)
        return Subgraph(
            title=self._text(data, "title", path),
            inputs=self._named(data, "inputs", path, IS_NAME, self._exposed_input),
            outputs=self._named(data, "outputs", path, IS_NAME, self._exposed_output),
            nodes=self._named(data, "nodes", path, IS_ID, self._node),
            groups=self._objects(data, "groups", path),
            notes=self._objects(data, "notes", path),
            extra=_extra(data, SUBGRAPH_FIELDS),
            order=tuple(data),
        )

    def _exposed_input(self, value: object, path: Path) -> ExposedInput:
        fields = self._exposed(value, path, "input")
        extra = dict(cast("Object", fields["extra"]))
        also = self._pairs(extra.pop("also", []), (*path, "also"))
        return ExposedInput(**{**fields, "extra": extra}, also=also)  # pyright: ignore[reportArgumentType]

    def _pairs(self, value: object, path: Path) -> tuple[tuple[str, str], ...]:
        pairs: list[tuple[str, str]] = []
        for item in cast("list[object]", value) if isinstance(value, list) else [value]:
            match item:
                case [str(node), str(name)]:
                    pairs.append((node, name))
                case other:
                    message = f"a node and its input belong here, not {_shown(other)}"
                    self._refuse(path, "wrong_type", message, 'write "also": [["node", "input"], ...]')
        return tuple(pairs)

    def _exposed_output(self, value: object, path: Path) -> ExposedOutput:
        return ExposedOutput(**self._exposed(value, path, "output"))  # pyright: ignore[reportArgumentType]

    def _exposed(self, value: object, path: Path, side: Literal["input", "output"]) -> Object:
        data = self._object(value, path)
        return {
            "node": self._required(data, "node", path),
            side: self._required(data, side, path),
            "title": self._text(data, "title", path),
            "extra": _extra(data, frozenset({"node", side, "title"})),
            "order": tuple(data),
        }

    def _input(self, value: object, path: Path, name: str) -> object:
        """Return a link as a `Link`, and every other value as it is."""
        if not isinstance(value, dict) or "link" not in value:
            return value
        data = cast("Object", value)
        match data["link"]:
            case [str(node), str(output)]:
                if len(data) == 1:
                    return Link(node, output)
                return Link(node, output, _extra(data, frozenset({"link"})), tuple(data))
            case other:
                message = f"a link names a node and its output, not {_shown(other)}"
                hint = 'write {"link": ["node", "output"]}'
                self._refuse((*path, "inputs", name, "link"), "bad_link", message, hint)
                return None

    def _version(self, data: Object, path: Path) -> int | None:
        version = data.get("version")
        if "version" not in data or (type(version) is int and version >= 1):
            return cast("int | None", version)
        message = f"{_shown(version)} is no version"
        self._refuse(
            (*path, "version"), "wrong_type", message, "versions are 1, 2, 3, ...; leave it out for the newest"
        )
        return None

    def _position(self, data: Object, path: Path) -> tuple[float, float] | None:
        if "at" not in data:
            return None
        match data["at"]:
            case [int() | float() as x, int() | float() as y] if not (isinstance(x, bool) or isinstance(y, bool)):
                return x, y
            case other:
                self._refuse((*path, "at"), "wrong_type", f"{_shown(other)} is no position", "write [x, y] in pixels")
                return None

    def _mode(self, data: Object, path: Path) -> Mode:
        mode = data.get("mode", "run")
        if mode not in MODES:
            self._refuse((*path, "mode"), "bad_mode", f"{_shown(mode)} is no mode", 'write "run", "mute" or "bypass"')
        return cast("Mode", mode)

    def _named(
        self, data: Object, name: str, path: Path, pattern: re.Pattern[str], read: Callable[[object, Path], T]
    ) -> dict[str, T]:
        """Read an object whose keys are ids or names."""
        result: dict[str, T] = {}
        for key, item in self._member(data, name, path).items():
            place = (*path, name, key)
            if not pattern.match(key):
                sign = "/" if pattern is IS_ID else "="
                message = f"{_shown(key)} cannot be used as a name"
                hint = f"give it 1 to 200 characters, without {sign!r} and control characters"
                self._refuse(place, "bad_name", message, hint)
            result[key] = read(item, place)
        return result

    def _objects(self, data: Object, name: str, path: Path) -> tuple[Object, ...]:
        value = data.get(name, [])
        if not isinstance(value, list):
            self._refuse((*path, name), "wrong_type", f"{_shown(value)} is no list", "write a list: [ ... ]")
            return ()
        return tuple(self._object(item, (*path, name, index)) for index, item in enumerate(cast("list[object]", value)))

    def _member(self, data: Object, name: str, path: Path) -> Object:
        value = data.get(name, {})
        if isinstance(value, dict):
            return cast("Object", value)
        self._object(value, (*path, name))
        return {}

    def _object(self, value: object, path: Path) -> Object:
        if isinstance(value, dict):
            return cast("Object", value)
        what = "a workflow" if not path else "this"
        hint = "write an object: { ... }"
        self._refuse(path, "wrong_type", f"{what} must be an object, not {_shown(value)}", hint)
        # With the required fields, so that one mistake is one problem.
        return {"kinegraph": FORMAT, "type": "", "node": "", "input": "", "output": ""}

    def _text(self, data: Object, name: str, path: Path) -> str | None:
        value = data.get(name)
        if name in data and not isinstance(value, str):
            self._refuse((*path, name), "wrong_type", f"{_shown(value)} is no text", f'write "{name}": "..."')
            return None
        return cast("str | None", value)

    def _required(self, data: Object, name: str, path: Path) -> str:
        if name not in data:
            self._refuse(path, "missing_field", f"the field {name!r} is missing", f'add "{name}": "..."')
        return self._text(data, name, path) or ""

    def _refuse(self, path: Path, code: str, message: str, hint: str) -> None:
        self._problems.add(pointer(*path), code, message, hint)


def _is_of_comfyui(data: Object) -> bool:
    """Return whether this is a document of that editor, or a graph as its API takes it."""
    nodes = data.get("nodes")
    if isinstance(nodes, list) and isinstance(data.get("links"), list):
        return True
    return bool(data) and all(isinstance(entry, dict) and "class_type" in entry for entry in data.values())


def _extra(data: Object, known: frozenset[str]) -> Object:
    return {} if known.issuperset(data) else {name: value for name, value in data.items() if name not in known}


def _shown(value: object) -> str:
    """Return a value as a message quotes it; a document may hold megabytes where a number should be."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case None:
            return "nothing (null)"
        case bool():
            return "true" if value else "false"
        case _:
            text = repr(value)
            return text if len(text) <= 60 else text[:57] + "..."
