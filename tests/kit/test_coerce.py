"""Constants are taken strictly: nothing is repaired in silence."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kit.coerce import Refused, coerce, fits
from server.kit.definition import InputSocket, OutputSocket
from server.kit.widgets import Choice, Color, FilePicker, Number, Seed, Slider, Text, Widget


def knob(kind: str, widget: Widget | None = None, *, nullable: bool = False) -> InputSocket:
    return InputSocket("value", kind, wire=False, widget=widget, nullable=nullable)


@pytest.mark.parametrize(
    ("kind", "given_value", "result"),
    [("int", 3, 3), ("int", 3.0, 3), ("float", 3, 3.0), ("float", 0.5, 0.5), ("bool", True, True), ("str", "a", "a")],
)
def test_a_value_of_the_right_type_is_taken(kind: str, given_value: object, result: object) -> None:
    value = coerce(knob(kind), given_value)
    assert value == result
    assert type(value) is type(result)


@pytest.mark.parametrize(
    ("kind", "given_value"),
    [
        ("int", "42"), ("int", 1.9), ("int", True), ("int", None), ("int", {}), ("int", []), ("int", math.inf),
        ("float", "1.0"), ("float", math.nan), ("float", math.inf), ("float", 10**400), ("float", False),
        ("bool", 1), ("bool", "true"), ("str", 1), ("str", None), ("str", "\ud800"), ("path", 3),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_with_a_hint(kind: str, given_value: object) -> None:
    with pytest.raises(Refused) as raised:
        coerce(knob(kind), given_value)
    assert raised.value.refusal.message
    assert raised.value.refusal.hint


@pytest.mark.parametrize(
    ("socket", "value", "hint"),
    [
        (knob("int", Slider(1, 100)), 0, "try 1"),
        (knob("int", Slider(1, 100)), 101, "try 100"),
        (knob("int", Number(multiple_of=16)), 850, "try 848"),
        (knob("int", Number(multiple_of=16)), 3, "try 16"),
        (knob("int", Seed()), -1, "try 0"),
        (knob("str", Choice(("euler", "unipc"))), "eule", "try 'euler'"),
        (knob("str", Choice(("euler", "unipc"))), "zzz", "choose one of euler, unipc"),
        (knob("str", Text(max_length=3)), "abcd", "shorten it"),
        (knob("str", Color()), "red", "#rrggbb"),
        (knob("path", FilePicker("uploads", (".mp4",))), "a.exe", "another file"),
    ],
)
def test_limits_are_enforced_and_the_hint_says_what_would_do(socket: InputSocket, value: object, hint: str) -> None:
    with pytest.raises(Refused) as raised:
        coerce(socket, value)
    assert hint in raised.value.refusal.hint


def test_none_is_taken_only_where_the_annotation_allows_it() -> None:
    assert coerce(knob("int", nullable=True), None) is None
    with pytest.raises(Refused, match="nothing"):
        coerce(knob("int"), None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(kind=st.sampled_from(["int", "float", "bool", "str", "path", "any", "Latent"]), value=json_values)
def test_any_json_value_is_either_taken_or_refused(kind: str, value: object) -> None:
    try:
        taken = coerce(knob(kind), value)
    except Refused:
        return
    assert coerce(knob(kind), taken) == taken
    assert isinstance(taken, bool | int | float | str)


@pytest.mark.parametrize(
    ("output", "socket", "expected"),
    [
        ("int", "int", True), ("int", "float", True), ("float", "int", False), ("any", "Clip", True),
        ("Clip", "any", True), ("Clip", "Image", False), ("str", "path", True),
    ],
)  # fmt: skip
def test_links_fit_equal_types_any_and_the_widening_pairs(output: str, socket: str, expected: bool) -> None:
    assert fits(OutputSocket("out", output), knob(socket)) is expected
