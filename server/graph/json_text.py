"""JSON text to plain values, within limits. Knows nothing of workflows: nodes and links are `parse.py`'s."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from server.graph.problem_list import ProblemList
from server.kit.problems import pointer

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document may be.

    Attributes:
        size: Bytes (characters, when it is text already).
        nodes: Nodes, counted after subgraphs are put in place.
        depth: Nesting of objects and lists.
        text: Characters of one string.
        integer_bits: Size of a whole number; 1024 is the range of a float.
    """

    size: int = 8 * MIB
    nodes: int = 20_000
    depth: int = 100
    text: int = MIB
    integer_bits: int = 1024


DEFAULT_LIMITS = Limits()

Place: TypeAlias = "tuple[Place, str | int] | None"
"""Where a value is, as a chain towards the root: it becomes a pointer only when there is a problem."""


class _Duplicates:
    """Objects in which a key stands twice; they are kept alive so that their `id` stays theirs."""

    def __init__(self) -> None:
        self.keys: dict[int, str] = {}
        self._objects: list[object] = []

    def make_object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            self.keys[id(result)] = next(key for key, _ in pairs if key in seen or seen.add(key))
            self._objects.append(result)
        return result


def load_json(text: str | bytes, problems: ProblemList, limits: Limits = DEFAULT_LIMITS) -> object:
    """Return the value that a JSON text holds; what is wrong with it goes to `problems`.

    Unlike `json.loads` it refuses NaN, infinity, numbers beyond a float's range, keys that stand twice and half
    surrogate pairs, and gives a problem where that raises `RecursionError`.
    """
    if len(text) > limits.size:
        message = f"the document has {len(text)} bytes, more than {limits.size}"
        problems.add("", "too_large", message, "leave large data out of it; link to files instead")
        return None
    decoded = _decode(text, problems)
    if decoded is None:
        return None
    duplicates = _Duplicates()
    try:
        value = json.loads(decoded, object_pairs_hook=duplicates.make_object)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        problems.add("", "not_json", f"this is not JSON: {error.msg} at {place}", f"mend the text at {place}")
    except RecursionError:
        problems.add("", "too_deep", f"values are nested deeper than {limits.depth}", "flatten the document")
    except ValueError as error:
        problems.add("", "not_json", f"this is not JSON: {error}", "write shorter numbers")
    else:
        check_values(value, problems, limits, duplicates.keys)
        return value
    return None


def _decode(text: str | bytes, problems: ProblemList) -> str | None:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the text is not UTF-8: byte {error.start} cannot be read"
        problems.add("", "not_utf8", message, "save the file as UTF-8")
        return None


def check_values(
    root: object, problems: ProblemList, limits: Limits = DEFAULT_LIMITS, duplicates: Mapping[int, str] | None = None
) -> None:
    """Report everything in a Python value that JSON cannot say, or that is beyond the limits.

    Args:
        root: The value; also one that never was JSON text.
        problems: Where to report.
        limits: What is too much.
        duplicates: By `id` of an object, a key that stood twice in its text.
    """
    stack: list[tuple[object, Place, int]] = [(root, None, 1)]
    while stack:
        value, place, depth = stack.pop()
        if not isinstance(value, dict | list):
            _check_scalar(value, place, problems, limits)
            continue
        if depth > limits.depth:
            message = f"values are nested deeper than {limits.depth}"
            problems.add(path_of(place), "too_deep", message, "flatten the document")
            continue
        if duplicates and id(value) in duplicates:
            key = duplicates[id(value)]
            path = path_of((place, key))
            problems.add(path, "duplicate_key", f"the key {key!r} stands twice in one object", "remove one of them")
        for key, item in _members(value, place, problems, limits):
            kind = type(item)
            if kind is dict or kind is list:
                stack.append((item, (place, key), depth + 1))
            elif (
                kind is not bool
                and item is not None
                and not (isinstance(item, str) and len(item) < 200 and item.isascii())
            ):
                _check_scalar(item, (place, key), problems, limits)


def _members(
    value: dict[object, object] | list[object], place: Place, problems: ProblemList, limits: Limits
) -> Iterable[tuple[str | int, object]]:
    """Return the members of a list or object; keys that are no text are reported and left out."""
    if isinstance(value, list):
        return enumerate(value)
    unusable = 0
    for key in value:
        if not isinstance(key, str):
            unusable += 1
            problems.add(path_of(place), "wrong_type", f"the key {key!r} is no text", "write keys as text")
        elif len(key) > 200 or not key.isascii():
            _check_text(key, place, problems, limits)
    members = [(key, item) for key, item in value.items() if isinstance(key, str)] if unusable else value.items()
    return cast("Iterable[tuple[str, object]]", members)


def path_of(place: Place) -> str:
    """Return the JSON pointer of a place."""
    parts: list[str | int] = []
    while place is not None:
        place, part = place
        parts.append(part)
    return pointer(*reversed(parts))


def _check_text(text: str, place: Place, problems: ProblemList, limits: Limits) -> None:
    if len(text) > limits.text:
        message = f"a text has {len(text)} characters, more than {limits.text}"
        problems.add(path_of(place), "text_too_long", message, "shorten it, or put it into a file")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        problems.add(path_of(place), "bad_text", "a text holds half a character (a lone surrogate)", "write it anew")


def _check_scalar(value: object, place: Place, problems: ProblemList, limits: Limits) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(value, place, problems, limits)
    elif isinstance(value, float):
        if not math.isfinite(value):
            problems.add(path_of(place), "not_finite", f"{value} is not a finite number", "give an ordinary number")
    elif isinstance(value, int):
        if value.bit_length() > limits.integer_bits:
            problems.add(path_of(place), "not_finite", "a number has too many digits", "give a smaller number")
    else:
        problems.add(path_of(place), "wrong_type", f"{type(value).__name__} is no JSON value", "use plain JSON values")
