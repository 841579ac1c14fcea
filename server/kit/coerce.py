"""Constants become a knob's type, strictly: nothing is silently repaired, so a key always means what was written."""

from __future__ import annotations

import math

from server.kit.definition import Constant, InputSocket, OutputSocket
from server.kit.values import ANY
from server.kit.widgets import Choice, Refusal

WIDENING = {("int", "float"), ("str", "path")}
"""Pairs (from, to) of socket types that fit although they differ."""

WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


class Refused(Exception):  # noqa: N818  (its payload is the noun)
    """A constant does not fit its knob; `refusal` says why and what would."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def fits(output: OutputSocket, socket: InputSocket) -> bool:
    """Return whether a link may run from `output` to `socket`."""
    pair = (output.type, socket.type)
    return pair[0] == pair[1] or ANY in pair or pair in WIDENING


def coerce(socket: InputSocket, value: object) -> Constant:
    """Return `value` as the knob's own type.

    An integral JSON number such as `12.0` is an integer, and an integer is a float; nothing else is converted.

    Raises:
        Refused: Wrong type, not finite, or outside the widget's limits.
    """
    if value is None and socket.nullable:
        return None
    typed = _typed(socket, value)
    refusal = socket.widget.refuse(typed) if socket.widget else None
    if refusal:
        raise Refused(refusal)
    return typed


def _typed(socket: InputSocket, value: object) -> Constant:
    match socket.type, value:
        case "bool", bool():
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "int", float() if value.is_integer():
            return int(value)
        case "float", int() | float() if not isinstance(value, bool):
            return _finite(value)
        case (("str" | "path"), str()) if not _holds_surrogate(value):
            return value
        case "any", bool() | int() | float() | str():
            return _finite(value) if isinstance(value, float) else value
        case _:
            raise Refused(_wrong_type(socket, value))


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused(Refusal("not_finite", f"{value} is not a finite number", "give an ordinary number"))
    return number


def _holds_surrogate(text: str) -> bool:
    """Return whether the text holds half a surrogate pair, which no UTF-8 file or hash can take."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _wrong_type(socket: InputSocket, value: object) -> Refusal:
    wanted = {"bool": bool, "int": int, "float": float}.get(socket.type, str)
    got = "nothing (null)" if value is None else WORDS.get(type(value), type(value).__name__)
    shown = repr(value) if len(repr(value)) < 60 else repr(value)[:57] + "..."
    if isinstance(socket.widget, Choice):
        return Refusal("wrong_type", f"{shown} is {got}", "choose one of " + ", ".join(map(str, socket.widget.options)))
    takes = WORDS[wanted]
    return Refusal("wrong_type", f"{shown} is {got}, but {socket.name!r} takes {takes}", f"give {takes}")
