"""`@node`: reads a typed function's signature and docstring into a `NodeDefinition`.

Wires stand before the star, knobs after it; see docs/guide/nodes.md for the whole table.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar, cast, get_origin, get_type_hints

from server.kit.annotations import Reading, read_annotation
from server.kit.coerce import Refused, coerce
from server.kit.context import Context, Folders
from server.kit.definition import (
    MISSING,
    Companion,
    InputSocket,
    Migration,
    Missing,
    NodeDefinition,
    NodeType,
    OutputSocket,
    Source,
    Uses,
)
from server.kit.docstring import Docstring, read_docstring
from server.kit.problems import NodeDeclarationError
from server.kit.widgets import Trim, When

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Companion)


class Node(Generic[P, R]):
    """A function that is a node: still callable as it was, with its definition and companions beside it."""

    def __init__(self, function: Callable[P, R], definition: NodeDefinition) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self.definition = definition

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself."""
        return self._function(*args, **kwargs)

    def check(self, companion: C) -> C:
        """Register a function that yields `InputProblem`s; its parameters name the inputs that it looks at.

        Inputs named after a star get what the nodes before this one foretell of them, or None where nothing is known.
        """
        self._companion(companion)
        self.definition = replace(self.definition, check=companion)
        return companion

    def foretell(self, companion: C) -> C:
        """Register a function that says what is known of the result before a run, for the checks of later nodes.

        It returns an object of the pack's own, and where there are several outputs a tuple of one for each. Its
        parameters name the inputs that it needs; those after a star get what is foretold of them, or None.
        """
        self._companion(companion)
        self.definition = replace(self.definition, foretell=companion)
        return companion

    def fingerprint(self, companion: C) -> C:
        """Register a function that returns text which the result depends on too, such as a file's digest."""
        self._companion(companion)
        self.definition = replace(self.definition, fingerprint=companion)
        return companion

    def migration(self, *, from_version: int) -> Callable[[Migration], Migration]:
        """Register the change of saved inputs from `from_version` to the next version.

        Raises:
            NodeDeclarationError: The version is not below the node's, or was registered before.
        """

        def register(migration: Migration) -> Migration:
            if not 1 <= from_version < self.definition.version or from_version in self.definition.migrations:
                message = f"there can be one migration from each version below {self.definition.version}"
                raise _error(self._function, message)
            self.definition = replace(
                self.definition, migrations={**self.definition.migrations, from_version: migration}
            )
            return migration

        return register

    def _companion(self, companion: Companion) -> None:
        known = {socket.name for socket in self.definition.inputs} | {"folders"}
        for name in inspect.signature(companion).parameters:
            if name not in known:
                raise _error(self._function, f"its companion names {name!r}, which is no input of the node")


def node(
    *,
    category: str,
    version: int = 1,
    id: str | None = None,  # noqa: A002  (the field's word)
    title: str | None = None,
    sink: bool = False,
    cached: bool = True,
    instant: bool = False,
    uses: Uses = "cpu",
    uses_if: When | None = None,
    aliases: tuple[str, ...] = (),
) -> Callable[[Callable[P, R]], Node[P, R]]:
    """Declare a function as a node.

    Args:
        category: Menu path, such as `video/edit`.
        version: Raise it when results or inputs change meaning; needs a migration from each version before it.
        id: Stable name in workflows; the function's name unless given.
        title: Words for people; made from the name unless given.
        sink: Worth running for its effect.
        cached: Whether results may be kept.
        instant: The result is a cheap description computed from constants: validation may run it.
        uses: `gpu` runs one at a time on a device; `network` may wait.
        uses_if: The setting of a knob in which it does; otherwise it runs on the CPU.
        aliases: Other words that search finds it by.

    Raises:
        NodeDeclarationError: The signature cannot be read; says which parameter, in which file and line.
    """

    def declare(function: Callable[P, R]) -> Node[P, R]:
        name = function.__name__
        doc = read_docstring(function)
        hints = _hints(function)
        returned = hints.pop("return", MISSING)
        if returned is MISSING:
            raise _error(function, "its return type is not annotated; write `-> None` for a node without outputs")
        given = {hints.pop(name): name for name in list(hints) if hints[name] in (Context, Folders)}
        inputs = _inputs(function, hints, doc, set(given.values()))
        outputs, several = _outputs(function, returned, doc)
        if not outputs and not sink:
            raise _error(function, "it returns nothing; add an output, or sink=True when it runs for its effect")
        if uses_if and all(socket.wire or socket.name != uses_if.input for socket in inputs):
            raise _error(function, f"its uses_if names {uses_if.input!r}, which is no knob of the node")
        definition = NodeDefinition(
            id=NodeType(id or name),
            version=version,
            title=title or name.replace("_", " ").capitalize(),
            category=category,
            help=doc.text,
            inputs=inputs,
            outputs=outputs,
            source=_source(function),
            call=function,
            sink=sink,
            cached=cached,
            instant=instant,
            uses=uses,
            uses_if=uses_if,
            context_parameter=given.get(Context),
            folders_parameter=given.get(Folders),
            several=several,
            aliases=aliases,
        )
        return Node(function, definition)

    return declare


def missing_migrations(definition: NodeDefinition) -> tuple[int, ...]:
    """Return the versions below the node's from which nothing leads on; the catalogue refuses such a node."""
    return tuple(number for number in range(1, definition.version) if number not in definition.migrations)


def _hints(function: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        message = f"{error}; sockets' types must be imported at run time, not under TYPE_CHECKING"
        raise _error(function, message) from error


def _inputs(
    function: Callable[..., object], hints: dict[str, Any], doc: Docstring, given: set[str]
) -> tuple[InputSocket, ...]:
    """Return the sockets; parameters in `given` are no sockets, the engine fills them."""
    sockets: list[InputSocket] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise _error(function, f"*{name} cannot be a socket; name each input")
        if name in given:
            continue
        if name not in hints:
            raise _error(function, f"parameter {name!r} is not annotated")
        wire = parameter.kind is not parameter.KEYWORD_ONLY
        reading = _reading(function, name, hints[name])
        if wire and reading.widget is not None:
            raise _error(function, f"{name!r} is a knob; knobs stand after the star")
        socket = InputSocket(
            name=name,
            type=reading.type,
            wire=wire,
            default=_default(function, parameter, reading),
            nullable=reading.nullable,
            lazy=reading.lazy,
            variable=reading.variable,
            widget=reading.widget,
            advanced=reading.advanced,
            shown_if=reading.shown_if,
            help=doc.args.get(name, ""),
        )
        sockets.append(_with_good_default(function, socket))
    names = {socket.name for socket in sockets}
    for socket in sockets:
        trim = socket.widget
        if isinstance(trim, Trim) and not {trim.file, trim.length} <= names:
            raise _error(function, f"{socket.name!r}: its Trim speaks of {trim.file!r} and {trim.length!r}; name knobs")
    return tuple(sockets)


def _default(
    function: Callable[..., object], parameter: inspect.Parameter, reading: Reading
) -> int | float | bool | str | Missing | None:
    if parameter.default is parameter.empty:
        return None if reading.nullable else MISSING
    value = reading.constant(parameter.default)
    if not isinstance(value, int | float | bool | str | None):
        raise _error(function, f"the default of {parameter.name!r} is no constant")
    return value


def _with_good_default(function: Callable[..., object], socket: InputSocket) -> InputSocket:
    """Return the socket, its default as the knob's own type."""
    if socket.default is MISSING or socket.default is None:
        return socket
    try:
        return replace(socket, default=coerce(socket, socket.default))
    except Refused as error:
        message = f"the default of {socket.name!r}: {error.refusal.message}; {error.refusal.hint}"
        raise _error(function, message) from error


def _outputs(function: Callable[..., object], returned: Any, doc: Docstring) -> tuple[tuple[OutputSocket, ...], bool]:
    if returned is type(None):
        return (), False
    if returned is tuple or get_origin(returned) is tuple:
        raise _error(function, "a bare tuple has no names for its outputs; return a NamedTuple")
    if isinstance(returned, type) and issubclass(returned, tuple):
        fields = get_type_hints(returned, include_extras=True)
        help_lines = read_docstring(returned).args
        names = cast("type[NamedTuple]", returned)._fields
        return tuple(
            _output(function, name, fields[name], help_lines.get(name) or doc.returns.get(name, "")) for name in names
        ), True
    return (_output(function, None, returned, doc.returns_text),), False


def _output(function: Callable[..., object], name: str | None, hint: Any, help_line: str) -> OutputSocket:
    reading = _reading(function, "return", hint)
    own_name = reading.output_name or name or _snake_case(reading.class_name)
    return OutputSocket(name=own_name, type=reading.type, variable=reading.variable, help=help_line)


def _reading(function: Callable[..., object], name: str, hint: Any) -> Reading:
    try:
        return read_annotation(hint)
    except TypeError as error:
        raise _error(function, f"{name!r}: {error}") from error


def _snake_case(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def _source(function: Callable[..., object]) -> Source:
    code = inspect.unwrap(function).__code__
    return Source(pack=function.__module__, file=code.co_filename, line=code.co_firstlineno, digest="")


def _error(function: Callable[..., object], message: str) -> NodeDeclarationError:
    code = inspect.unwrap(function).__code__
    return NodeDeclarationError(f"{code.co_filename}:{code.co_firstlineno}: node {function.__name__!r}: {message}")
