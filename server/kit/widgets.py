"""Widgets: how a knob is drawn, and which values it takes. The limits here are the server's, not only the browser's."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal, cast

JSON_SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader, a browser's among them, keeps exactly."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a widget does not take a value, and what would do."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Widget:
    """The base of all widgets; takes every value of the knob's type."""

    kind: ClassVar[str] = "plain"

    def refuse(self, value: object) -> Refusal | None:
        """Return why `value` (already of the knob's type) is not taken, or None."""
        del value
        return None

    def to_json(self) -> dict[str, object]:
        """Return the widget as the catalogue carries it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"kind": self.kind, **{name: value for name, value in values.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Number(Widget):
    """A number box. Limits include their ends; `multiple_of` counts from zero."""

    kind: ClassVar[str] = "number"
    min: float | None = None
    max: float | None = None
    step: float | None = None
    multiple_of: int | None = None
    unit: str | None = None

    def refuse(self, value: object) -> Refusal | None:
        """Refuse what is outside the limits or off the grid."""
        number = cast("float", value)
        if self.min is not None and number < self.min:
            return Refusal("out_of_range", f"{number} is below the smallest value, {self.min}", f"try {self.min}")
        if self.max is not None and number > self.max:
            return Refusal("out_of_range", f"{number} is above the largest value, {self.max}", f"try {self.max}")
        if self.multiple_of and number % self.multiple_of:
            nearest = max(round(number / self.multiple_of), 1) * self.multiple_of
            return Refusal("off_grid", f"{number} is not a multiple of {self.multiple_of}", f"try {nearest}")
        return None


@dataclass(frozen=True, slots=True)
class Slider(Number):
    """A number with two ends, drawn as a slider: `Slider(1, 100)`."""

    kind: ClassVar[str] = "slider"


@dataclass(frozen=True, slots=True)
class Seed(Number):
    """A random seed: fixed, incremented or drawn anew by the editor; the server only sees the number."""

    kind: ClassVar[str] = "seed"
    min: float | None = 0
    max: float | None = JSON_SAFE_INTEGER


@dataclass(frozen=True, slots=True)
class Trim(Number):
    """Where a part of a file starts, in seconds, drawn with a strip of the file's frames and a handle at either end.

    Attributes:
        file: Name of the knob that holds the file.
        length: Name of the knob that holds how long the part lasts, in seconds; 0 there means to the end.
    """

    kind: ClassVar[str] = "trim"
    min: float | None = 0
    step: float | None = 0.1
    unit: str | None = "s"
    file: str = "file"
    length: str = "duration_s"


@dataclass(frozen=True, slots=True)
class Text(Widget):
    """A line of text, or an area when `multiline`."""

    kind: ClassVar[str] = "text"
    multiline: bool = False
    placeholder: str | None = None
    max_length: int = 100_000

    def refuse(self, value: object) -> Refusal | None:
        """Refuse a text that is too long."""
        length = len(cast("str", value))
        if length > self.max_length:
            return Refusal("too_long", f"the text has {length} characters, more than {self.max_length}", "shorten it")
        return None


@dataclass(frozen=True, slots=True)
class Choice(Widget):
    """One of a few values; made from `Literal` and `Enum` annotations."""

    kind: ClassVar[str] = "choice"
    options: tuple[str | int, ...] = ()

    def refuse(self, value: object) -> Refusal | None:
        """Refuse what is not among the options, and name the nearest one."""
        if value in self.options:
            return None
        near = difflib.get_close_matches(str(value), [str(option) for option in self.options], n=1)
        hint = f"try {near[0]!r}" if near else "choose one of " + ", ".join(map(str, self.options))
        return Refusal("not_an_option", f"{value!r} is not one of the options", hint)


@dataclass(frozen=True, slots=True)
class Toggle(Widget):
    """On or off."""

    kind: ClassVar[str] = "toggle"


@dataclass(frozen=True, slots=True)
class Color(Text):
    """A colour as `#rrggbb`."""

    kind: ClassVar[str] = "color"

    def refuse(self, value: object) -> Refusal | None:
        """Refuse what is not `#` and six hexadecimal digits."""
        text = cast("str", value)
        digits = text[1:]
        if len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            return None
        return Refusal("not_a_color", f"{text!r} is not a color", "write it as #rrggbb, such as #ff8800")


@dataclass(frozen=True, slots=True)
class FilePicker(Widget):
    """A file inside one of the project's folders, named relative to it."""

    kind: ClassVar[str] = "file"
    root: Literal["uploads", "outputs", "models"] = "uploads"
    extensions: tuple[str, ...] = ()

    def refuse(self, value: object) -> Refusal | None:
        """Refuse a kind of file that the node cannot read."""
        name = str(value)
        if self.extensions and not name.lower().endswith(self.extensions):
            allowed = ", ".join(self.extensions)
            return Refusal("wrong_file_type", f"{name!r} is not one of the file types {allowed}", "choose another file")
        return None


@dataclass(frozen=True, slots=True)
class PackWidget(Widget):
    """A widget that the node's own pack draws, by its `web/widget.js`; plain where that is not allowed or fails.

    Attributes:
        name: Which of the script's widgets.
        height: Of its place on the node, in pixels; nodes are laid out without being measured.
        options: What the script is told beside the value; JSON.
    """

    kind: ClassVar[str] = "pack"
    name: str = ""
    height: int = 120
    options: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Advanced:
    """Marks a knob that the editor folds away until asked."""


@dataclass(frozen=True, slots=True)
class When:
    """That a knob has one of these values."""

    input: str
    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class ShownIf(When):
    """Marks a knob that matters only while another knob has one of these values."""


_ALL = (Widget, Number, Slider, Seed, Trim, Text, Choice, Toggle, Color, FilePicker, PackWidget)
KINDS: dict[str, type[Widget]] = {widget.kind: widget for widget in _ALL}


def widget_from_json(data: dict[str, object]) -> Widget:
    """Read a widget back from the catalogue; the inverse of `Widget.to_json`."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return KINDS[cast("str", values.pop("kind"))](**values)
