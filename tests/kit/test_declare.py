"""A signature and a docstring become a definition, and what cannot be read is refused with its place."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import pytest

from server.kit import (
    Advanced,
    Context,
    Folders,
    InputProblem,
    Lazy,
    Output,
    PackWidget,
    Ready,
    Seed,
    ShownIf,
    Slider,
    Trim,
    When,
    node,
)
from server.kit.catalogue_json import definition_from_json, definition_to_json
from server.kit.declare import missing_migrations
from server.kit.definition import MISSING
from server.kit.problems import NodeDeclarationError
from server.kit.widgets import Choice, Number, Toggle, widget_from_json

T = TypeVar("T")


class Latent:
    """A socket class of these tests."""


class Mode(Enum):
    FAST = "fast"
    FINE = "fine"


class Pair(NamedTuple):
    """Two results.

    Attributes:
        left: The left half.
        right: The right half.
    """

    left: Latent
    right: int


@node(category="test", version=2, aliases=("refine",))
def denoise(
    latent: Latent,
    mask: Lazy[Latent] | None = None,
    *,
    seed: Annotated[int, Seed()] = 0,
    steps: Annotated[int, Slider(1, 100), Advanced()] = 30,
    solver: Literal["euler", "unipc"] = "euler",
    mode: Mode = Mode.FAST,
    order: Annotated[int, Number(min=1), ShownIf("solver", ("unipc",))] = 2,
    file: Path | None = None,
    exact: bool = False,
    ctx: Context,
) -> Latent:
    """Remove noise.

    Guided by nothing.

    Args:
        latent: Noise, shaped
            (B, C, T, H, W).
        mask: Where.
        steps: Solver evaluations.

    Returns:
        The clean latent.
    """
    del mask, seed, steps, solver, mode, order, file, exact, ctx
    return latent


@denoise.check
def _steps_fit(steps: int, order: int) -> list[InputProblem]:
    return [InputProblem("order", "too high")] if order > steps else []


@denoise.migration(from_version=1)
def _cfg_was_renamed(inputs: dict[str, object]) -> dict[str, object]:
    return {**inputs, "steps": inputs.get("n", 1)}


def test_parameters_before_the_star_are_wires_and_those_after_it_are_knobs() -> None:
    sockets = {socket.name: socket for socket in denoise.definition.inputs}
    assert [name for name, socket in sockets.items() if socket.wire] == ["latent", "mask"]
    assert [socket.type for socket in sockets.values()] == [
        "Latent", "Latent", "int", "int", "str", "str", "int", "path", "bool",
    ]  # fmt: skip


def test_the_context_is_no_socket() -> None:
    assert denoise.definition.context_parameter == "ctx"
    assert denoise.definition.input("ctx") is None


def test_folders_are_no_socket_either() -> None:
    @node(category="test", instant=True)
    def describe(*, file: Path, folders: Folders) -> str:
        """Describe a file."""
        return str(folders.models / file)

    assert [socket.name for socket in describe.definition.inputs] == ["file"]
    assert describe.definition.folders_parameter == "folders"


def test_defaults_and_none_make_an_input_optional() -> None:
    sockets = {socket.name: socket for socket in denoise.definition.inputs}
    assert sockets["latent"].default is MISSING
    assert sockets["latent"].required
    assert sockets["mask"].default is None
    assert sockets["mask"].nullable
    assert sockets["mode"].default == "fast"
    assert not sockets["steps"].required


def test_a_trim_speaks_of_knobs_that_are_there() -> None:
    @node(category="test")
    def good(*, file: str = "", start_s: Annotated[float, Trim(max=60)] = 0.0, duration_s: float = 0.0) -> int:
        """Load a part."""
        return 1

    widget = good.definition.inputs[1].widget
    assert widget == Trim(max=60)
    assert widget_from_json(json.loads(json.dumps(widget.to_json()))) == widget
    with pytest.raises(NodeDeclarationError, match="'start_s': its Trim speaks of 'film' and 'duration_s'"):

        @node(category="test")
        def bad(*, start_s: Annotated[float, Trim(file="film")] = 0.0, duration_s: float = 0.0) -> int:
            """Load a part."""
            return 1


def test_a_packs_own_widget_carries_its_options_through_json() -> None:
    widget = PackWidget("xy_pad", height=90, options={"x": "across", "marks": [1, 2]})
    data = json.loads(json.dumps(widget.to_json()))
    assert data == {"kind": "pack", "name": "xy_pad", "height": 90, "options": {"x": "across", "marks": [1, 2]}}
    assert widget_from_json(data) == widget


def test_annotations_choose_the_widgets() -> None:
    sockets = {socket.name: socket for socket in denoise.definition.inputs}
    assert sockets["steps"].widget == Slider(1, 100)
    assert sockets["steps"].advanced
    assert sockets["solver"].widget == Choice(("euler", "unipc"))
    assert sockets["mode"].widget == Choice(("fast", "fine"))
    assert sockets["order"].shown_if == ShownIf("solver", ("unipc",))
    assert sockets["exact"].widget == Toggle()
    assert sockets["mask"].lazy


def test_the_docstring_is_the_help() -> None:
    assert denoise.definition.help == "Remove noise.\n\nGuided by nothing."
    socket = denoise.definition.input("latent")
    assert socket
    assert socket.help == "Noise, shaped (B, C, T, H, W)."
    assert denoise.definition.outputs[0].help == "The clean latent."
    assert denoise.definition.outputs[0].name == "latent"


def test_a_decorated_function_is_still_a_function() -> None:
    latent = Latent()
    assert denoise(latent, ctx=None) is latent  # type: ignore[arg-type]
    assert denoise.__name__ == "denoise"


def test_a_named_tuple_gives_several_named_outputs() -> None:
    @node(category="test")
    def split(*, at: int = 1) -> Pair:
        """Split."""
        return Pair(Latent(), at)

    assert [(socket.name, socket.type, socket.help) for socket in split.definition.outputs] == [
        ("left", "Latent", "The left half."),
        ("right", "int", "The right half."),
    ]
    assert split.definition.several


def test_an_output_can_be_named_and_a_type_variable_ties_sockets_together() -> None:
    @node(category="test")
    def switch(first: Lazy[T], second: Lazy[T], *, on: bool = True) -> Annotated[T, Output("chosen")]:
        """Choose."""
        return (first if on else second).get()

    output = switch.definition.outputs[0]
    assert (output.name, output.type, output.variable) == ("chosen", "any", "T")
    assert {socket.variable for socket in switch.definition.inputs if socket.wire} == {"T"}
    assert switch(Ready(1), Ready(2), on=False) == 2


def test_companions_and_migrations_are_part_of_the_definition() -> None:
    assert denoise.definition.check is _steps_fit
    assert denoise.definition.migrations == {1: _cfg_was_renamed}
    assert missing_migrations(denoise.definition) == ()


def test_a_device_is_used_in_the_setting_that_is_named() -> None:
    @node(category="test", uses="gpu", uses_if=When("method", ("model",)))
    def smooth(*, method: Literal["model", "blend"] = "model") -> int:
        """Make smooth."""
        return len(method)

    assert (smooth.definition.uses, smooth.definition.uses_if) == ("gpu", When("method", ("model",)))
    assert definition_from_json(json.loads(json.dumps(definition_to_json(smooth.definition)))).uses_if == When(
        "method", ("model",)
    )
    with pytest.raises(NodeDeclarationError, match="uses_if names 'methods', which is no knob"):
        node(category="test", uses="gpu", uses_if=When("methods", ("model",)))(smooth)


def test_a_version_without_a_migration_is_found() -> None:
    @node(category="test", version=3)
    def newer(*, value: int = 1) -> int:
        """Return it."""
        return value

    @newer.migration(from_version=2)
    def _nothing_changed(inputs: dict[str, object]) -> dict[str, object]:
        return inputs

    assert missing_migrations(newer.definition) == (1,)
    with pytest.raises(NodeDeclarationError, match="one migration"):
        newer.migration(from_version=3)(_nothing_changed)


def returns_nothing(value: Latent) -> None: ...
def returns_a_tuple(value: Latent) -> tuple[int, int]: ...
def is_not_annotated(value) -> int: ...  # type: ignore[no-untyped-def]
def has_no_return_type(value: Latent): ...  # type: ignore[no-untyped-def]
def takes_a_union(value: Latent | Pair) -> int: ...
def takes_anything(*values: Latent) -> int: ...
def has_a_knob_before_the_star(value: int) -> int: ...
def has_a_strange_default(*, value: list = []) -> int: ...  # type: ignore[type-arg]  # noqa: B006
def has_a_default_of_another_type(*, value: int = "a") -> int: ...  # type: ignore[assignment]
def has_a_default_out_of_range(*, value: Annotated[int, Slider(1, 4)] = 99) -> int: ...
def has_a_default_that_is_no_choice(*, value: Literal["p", "q"] = "r") -> int: ...  # type: ignore[assignment]
def mixes_options(*, value: Literal["a", 1] = "a") -> int: ...
def has_a_strange_extra(*, value: Annotated[int, "words"] = 1) -> int: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (returns_nothing, "returns nothing"),
        (returns_a_tuple, "NamedTuple"),
        (is_not_annotated, "'value' is not annotated"),
        (has_a_default_of_another_type, "the default of 'value'"),
        (has_a_default_out_of_range, "the default of 'value'.*99"),
        (has_a_default_that_is_no_choice, "the default of 'value'"),
        (has_no_return_type, "return type is not annotated"),
        (takes_a_union, "one type"),
        (takes_anything, "name each input"),
        (has_a_knob_before_the_star, "knobs stand after the star"),
        (has_a_strange_default, "no constant"),
        (mixes_options, "all text or all whole numbers"),
        (has_a_strange_extra, "no widget"),
    ],
)
def test_what_cannot_be_a_node_is_refused_with_its_file_and_line(function: Any, words: str) -> None:
    with pytest.raises(NodeDeclarationError, match=words) as raised:
        node(category="test")(function)
    assert f"{__file__}:{function.__code__.co_firstlineno}" in str(raised.value)


def test_a_companion_that_names_an_unknown_input_is_refused() -> None:
    with pytest.raises(NodeDeclarationError, match="'stepz'"):
        denoise.check(lambda stepz: [])


def test_a_sink_may_return_nothing() -> None:
    @node(category="test", sink=True)
    def show(value: Latent) -> None:
        """Show it."""

    assert show.definition.sink
    assert show.definition.outputs == ()
