"""Reads one annotation of a node's signature: which socket, which widget, optional, lazy or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from server.kit.values import ANY, KNOBS, Lazy
from server.kit.widgets import Advanced, Choice, Number, ShownIf, Text, Toggle, Widget

DEFAULT_WIDGETS: dict[str, Widget] = {
    "int": Number(),
    "float": Number(),
    "bool": Toggle(),
    "str": Text(),
    "path": Text(),
}


@dataclass(frozen=True, slots=True)
class Output:
    """Names an output: `-> Annotated[Latent, Output("refined")]`."""

    name: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one annotation says."""

    type: str
    class_name: str
    widget: Widget | None = None
    nullable: bool = False
    lazy: bool = False
    variable: str | None = None
    advanced: bool = False
    shown_if: ShownIf | None = None
    output_name: str | None = None

    def constant(self, default: object) -> object:
        """Return a Python default as it is written in a workflow."""
        if isinstance(default, Enum):
            return default.value
        return default.as_posix() if isinstance(default, Path) else default


def read_annotation(hint: Any) -> Reading:
    """Return what an annotation means as a socket.

    Raises:
        TypeError: It cannot be one.
    """
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *extras = get_args(hint)
        return _with_extras(read_annotation(inner), extras)
    if origin in (Union, UnionType):
        return _optional(hint)
    if origin is Lazy:
        return replace(read_annotation(get_args(hint)[0]), lazy=True)
    if origin is Literal:
        return _choice(get_args(hint))
    if isinstance(hint, TypeVar):
        return Reading(type=ANY, class_name="value", variable=hint.__name__)
    if hint is Any or hint is object:
        return Reading(type=ANY, class_name="value")
    if not isinstance(hint, type):
        message = f"{hint} cannot be a socket"
        raise TypeError(message)
    if issubclass(hint, Enum):
        return _choice(tuple(member.value for member in hint))
    name = next((name for name, knob in KNOBS.items() if knob is hint), None)
    if name:
        return Reading(type=name, class_name=name, widget=DEFAULT_WIDGETS[name])
    return Reading(type=hint.__name__, class_name=hint.__name__)


def _optional(hint: Any) -> Reading:
    inner = [member for member in get_args(hint) if member is not NoneType]
    if len(inner) != 1 or len(inner) == len(get_args(hint)):
        message = f"{hint} is a union; a socket has one type, with `| None` when it may be empty"
        raise TypeError(message)
    return replace(read_annotation(inner[0]), nullable=True)


def _choice(options: tuple[Any, ...]) -> Reading:
    kinds = {type(option) for option in options}
    if kinds == {str}:
        return Reading(type="str", class_name="str", widget=Choice(options))
    if kinds == {int}:
        return Reading(type="int", class_name="int", widget=Choice(options))
    message = "the options of a choice are all text or all whole numbers"
    raise TypeError(message)


def _with_extras(reading: Reading, extras: list[Any]) -> Reading:
    for extra in extras:
        match extra:
            case Widget():
                reading = replace(reading, widget=extra)
            case ShownIf():
                reading = replace(reading, shown_if=extra)
            case Output():
                reading = replace(reading, output_name=extra.name)
            case Advanced():
                reading = replace(reading, advanced=True)
            case _:
                message = f"{extra!r} is no widget or marker"
                raise TypeError(message)
    return reading
