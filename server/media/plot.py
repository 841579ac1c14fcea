"""Numbers over time as a picture: one panel above the other, with one axis of time below. No numbers are made here."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from .types import Image

# Small, because a node shows it a little over half as large.
_WIDTH, _PANEL, _LEFT, _RIGHT, _GAP = 460, 86, 58, 10, 27
_PAPER, _FRAME, _INK, _SOFT = (24, 24, 27), (34, 34, 39), (228, 228, 231), (140, 140, 150)
_COLORS = ((79, 195, 247), (77, 208, 165), (247, 143, 208), (242, 193, 78))
_SIZE = 14


@dataclass(frozen=True, slots=True)
class Curve:
    """One panel: a value at each step, and the steps that are marked in it.

    Attributes:
        name: What is above the panel.
        values: Evenly spaced in time; what is not finite is left out.
        digits: How many decimals its scale has.
        marks: Names of events, each with the numbers of its steps.
    """

    name: str
    values: Sequence[float]
    digits: int = 2
    marks: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])


def draw_plot(title: str, curves: Sequence[Curve], step_s: Fraction) -> Image:
    """Return a picture of curves over the same time.

    Args:
        title: What it is about, with the numbers that sum it up; long lines are broken.
        curves: From top to bottom.
        step_s: Seconds from one value to the next.
    """
    lines = [part for line in title.splitlines() for part in textwrap.wrap(line, 60)]
    top = 10 + len(lines) * (_SIZE + 5)
    height = top + len(curves) * (_PANEL + _GAP) + 22
    canvas = PilImage.new("RGB", (_WIDTH, height), _PAPER)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(_SIZE)
    for number, line in enumerate(lines):
        pen.text((10, 6 + number * (_SIZE + 5)), line, _INK, font)
    steps = max((len(curve.values) for curve in curves), default=0)
    for number, curve in enumerate(curves):
        _draw_panel(pen, curve, top + number * (_PANEL + _GAP) + _GAP - 8, steps, _COLORS[number % len(_COLORS)])
    _draw_times(pen, height - 22, float(max(0, steps - 1) * step_s))
    return Image(np.asarray(canvas).copy())


def _draw_panel(pen: ImageDraw.ImageDraw, curve: Curve, top: int, steps: int, color: tuple[int, int, int]) -> None:
    font, right, bottom = ImageFont.load_default(_SIZE), _WIDTH - _RIGHT, top + _PANEL
    pen.rectangle((_LEFT, top, right, bottom), _FRAME)
    pen.text((_LEFT, top - _SIZE - 5), curve.name, color, font)
    low, high = _range(curve)
    for value in (low, (low + high) / 2, high):
        y = _height_of(value, low, high, top)
        pen.line((_LEFT, y, right, y), (50, 50, 57))
        pen.text((_LEFT - 6, y), f"{value:.{curve.digits}f}", _SOFT, font, anchor="rm")
    offset = _LEFT + 8 + round(pen.textlength(curve.name, font))
    for number, (name, places) in enumerate(curve.marks.items()):
        shade = ((255, 138, 101), (149, 117, 205), (239, 83, 80))[number % 3]
        for place in places:
            x = _column(place, steps)
            pen.line((x, top + 1, x, bottom - 1), shade)
        label = f"| {name}: {len(places)}"
        pen.text((offset, top - _SIZE - 5), label, shade, font)
        offset += 10 + round(pen.textlength(label, font))
    _draw_curve(pen, curve, (low, high, top), steps, color)


def _draw_curve(
    pen: ImageDraw.ImageDraw, curve: Curve, scale: tuple[float, float, int], steps: int, color: tuple[int, int, int]
) -> None:
    """Draw a line, or where several values share a column of pixels, the span between their lowest and highest."""
    low, high, top = scale
    spans: dict[int, tuple[float, float]] = {}
    for place, value in enumerate(curve.values):
        if math.isfinite(value):
            x = _column(place, steps)
            least, most = spans.get(x, (value, value))
            spans[x] = (min(least, value), max(most, value))
    before: tuple[int, int] | None = None
    for x, (least, most) in sorted(spans.items()):
        upper, lower = _height_of(most, low, high, top), _height_of(least, low, high, top)
        if before is not None:
            pen.line((*before, x, upper), color, 2)
        pen.line((x, upper, x, lower), color, 1)
        before = (x, lower)


def _range(curve: Curve) -> tuple[float, float]:
    known = [value for value in curve.values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    least = 10.0**-curve.digits * 4
    if high - low < least:
        middle = (low + high) / 2
        return middle - least / 2, middle + least / 2
    return low, high


def _height_of(value: float, low: float, high: float, top: int) -> int:
    return round(top + _PANEL - 6 - (value - low) / (high - low) * (_PANEL - 12))


def _column(place: int, steps: int) -> int:
    return round(_LEFT + 4 + place / max(1, steps - 1) * (_WIDTH - _LEFT - _RIGHT - 8))


def _draw_times(pen: ImageDraw.ImageDraw, y: int, duration_s: float) -> None:
    font = ImageFont.load_default(_SIZE)
    for part, anchor in enumerate(("la", "ma", "ra")):
        x = _LEFT + 4 + part / 2 * (_WIDTH - _LEFT - _RIGHT - 8)
        pen.text((x, y), f"{duration_s * part / 2:.2f} s", _SOFT, font, anchor=anchor)
