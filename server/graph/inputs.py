"""Sets the inputs of a workflow from outside: by exposed name, or as `node.input`; also from the text of `--set`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from server.graph.exposed import find_socket, input_names
from server.graph.json_text import check_values
from server.graph.model import NodeInstance, Workflow
from server.graph.problem_list import NameHints, ProblemList
from server.graph.shapes import Shapes
from server.kit.catalogue import Catalogue
from server.kit.coerce import Refused, coerce
from server.kit.definition import Constant, InputSocket
from server.kit.problems import Problem, WorkflowError, pointer

WORDS_FOR_BOOL = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
WORDS_FOR_NONE = ("null", "none")


def set_inputs(workflow: Workflow, values: Mapping[str, object], catalogue: Catalogue) -> Workflow:
    """Return the workflow with constants in the place of some of its inputs; a link there is replaced.

    Args:
        workflow: Stays as it is.
        values: By exposed name, or by `node.input`.
        catalogue: Says what each input takes. Inputs of unknown node types take every constant.

    Raises:
        WorkflowError: Names that are not there, and values that do not fit: all of them.
    """
    shapes, problems, hints = Shapes(catalogue), ProblemList(), NameHints()
    changed: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        for node_id, input_name in _places(workflow, name, hints, problems):
            try:
                socket = _socket(workflow, shapes, hints, node_id, input_name)
                constant = _constant(socket, value, pointer("nodes", node_id, "inputs", input_name))
            except WorkflowError as error:
                problems.extend(error.problems)
            else:
                changed.setdefault(node_id, {})[input_name] = constant
    problems.stop_if_any()
    nodes = dict(workflow.nodes)
    for node_id, inputs in changed.items():
        nodes[node_id] = replace(nodes[node_id], inputs={**nodes[node_id].inputs, **inputs})
    return replace(workflow, nodes=nodes)


def parse_setting(setting: str, workflow: Workflow, catalogue: Catalogue) -> tuple[str, Constant]:
    """Return the name and the typed value of `name=value`, as the command line gives it.

    Text is taken as it is, without quotes; numbers as JSON writes them; `true yes on` and `false no off` for a
    switch; `null` or `none` where an input may be empty and is no text.

    Raises:
        WorkflowError: There is no such input, or it does not take the value.
    """
    name, equals, text = setting.partition("=")
    name = name.strip()
    if not equals or not name:
        message = f"{setting!r} sets nothing"
        raise WorkflowError((Problem("/inputs", "bad_setting", message, "write --set name=value"),))
    shapes, hints = Shapes(catalogue), NameHints()
    node_id, input_name = _place(workflow, name, hints)
    socket = _socket(workflow, shapes, hints, node_id, input_name)
    path = pointer("nodes", node_id, "inputs", input_name)
    return name, _constant(socket, _read(text, socket), path)


def _places(workflow: Workflow, name: str, hints: NameHints, problems: ProblemList) -> tuple[tuple[str, str], ...]:
    """Return every node and input that a name stands for; none, with a problem, when it stands for nothing."""
    try:
        first = _place(workflow, name, hints)
    except WorkflowError as error:
        problems.extend(error.problems)
        return ()
    exposed = workflow.inputs.get(name)
    also = exposed.also if exposed else ()
    return (first, *(target for target in also if target[0] in workflow.nodes))


def _place(workflow: Workflow, name: str, hints: NameHints) -> tuple[str, str]:
    """Return the node and input that a name stands for; the input may still be missing."""
    exposed = workflow.inputs.get(name)
    if exposed:
        if exposed.node in workflow.nodes:
            return exposed.node, exposed.input
        path = pointer("inputs", name, "node")
        hint = hints.hint(exposed.node, workflow.nodes, "add the node, or remove this")
        raise WorkflowError((Problem(path, "no_such_node", f"there is no node {exposed.node!r}", hint),))
    node_id, dot, input_name = name.rpartition(".")
    if dot and node_id in workflow.nodes:
        return node_id, input_name
    if dot:
        known, what = list(workflow.nodes), f"node {node_id!r}"
        hint = hints.hint(node_id, known, "the workflow has no nodes")
        outer, inside, _ = node_id.partition("/")
        if inside and outer in workflow.nodes:
            hint = f"set an input of the subgraph itself, as {outer}.NAME"
    else:
        known, what = list(workflow.inputs), f"input {name!r}"
        hint = hints.hint(name, known, "it exposes none; name one of a node, as node.input")
    listed = f"; it has {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}" if known else ""
    raise WorkflowError((Problem("/inputs", "unknown_input", f"the workflow has no {what}{listed}", hint),))


def _socket(workflow: Workflow, shapes: Shapes, hints: NameHints, node_id: str, input_name: str) -> InputSocket | None:
    """Return what an input takes; None when its node's type is unknown, which `validate` reports.

    Raises:
        WorkflowError: The node has no such input.
    """
    node: NodeInstance = workflow.nodes[node_id]
    names = input_names(workflow, shapes, node)
    if names is None:
        return None
    if input_name not in names:
        message = f"the node {node_id!r} has no input {input_name!r}"
        hint = hints.hint(input_name, names, "the node has no inputs")
        path = pointer("nodes", node_id, "inputs", input_name)
        raise WorkflowError((Problem(path, "unknown_input", message, hint),))
    return find_socket(workflow, shapes, node, input_name)


def _constant(socket: InputSocket | None, value: object, path: str) -> Constant:
    if socket is None:
        return _untyped(value, path)
    if socket.wire and not (value is None and socket.nullable):
        message = f"{socket.name!r} takes a link, not a constant"
        hint = f"link it in the workflow to an output of type {socket.type}"
        raise WorkflowError((Problem(path, "needs_link", message, hint),))
    try:
        return coerce(socket, value)
    except Refused as error:
        refusal = error.refusal
        raise WorkflowError((Problem(path, refusal.code, refusal.message, refusal.hint),)) from error


def _untyped(value: object, path: str) -> Constant:
    """Return a constant for an input of which nothing is known; only what JSON can say is taken."""
    if not (value is None or isinstance(value, bool | int | float | str)):
        problem = Problem(path, "wrong_type", f"{type(value).__name__} is no constant", "give text, a number or a bool")
        raise WorkflowError((problem,))
    problems = ProblemList()
    check_values(value, problems)
    if problems.items:
        raise WorkflowError(tuple(replace(problem, path=path) for problem in problems.items))
    return value


def _read(text: str, socket: InputSocket | None) -> object:
    """Return the value that a text most plainly means for an input; `coerce` has the last word."""
    kind = socket.type if socket else "any"
    word = text.strip().lower()
    if kind in ("str", "path"):
        return text
    if word in WORDS_FOR_NONE and (socket is None or socket.nullable):
        return None
    if kind == "bool":
        return WORDS_FOR_BOOL.get(word, text)
    try:
        value: object = json.loads(word)
    except (ValueError, RecursionError):
        return text
    is_scalar = isinstance(value, bool | int | float)
    return value if is_scalar else text
