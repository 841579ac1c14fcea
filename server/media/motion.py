"""How the whole picture moves from one frame to the next: shift, turn and zoom of a shaken camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PilImage

if TYPE_CHECKING:
    from .types import Array

SIDE = 240
"""Longest side at which motion is measured: finer is slower, and no steadier."""

_STEPS = 12
_SETTLED = 2e-3
_DIFFERENT = 0.12
"""Mean difference of brightness, once aligned, above which two frames are of different scenes."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Say how a frame's content lies against the frame before: turned and zoomed about the middle, then shifted.

    Attributes:
        x: Shift to the right, as a share of the width.
        y: Shift downwards, as a share of the width too, so that turns stay turns.
        angle: Turn in radians, clockwise as the picture is seen.
        zoom: Natural logarithm of the scale; 0 keeps the size.
    """

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    zoom: float = 0.0


STILL = Motion()


def small_luma(luma: Array) -> Array:
    """Return brightness (H, W) in float32, shrunk to ``SIDE`` for measuring."""
    height, width = luma.shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(PilImage.fromarray(np.ascontiguousarray(luma, np.float32)).resize(size, PilImage.Resampling.BOX))


def measure_motion(before: Array, after: Array) -> Motion:
    """Return how ``after`` lies against ``before``; ``STILL`` between different scenes and where nothing is to be seen.

    The shift comes from phase correlation (Kuglin and Hines 1975). From there Gauss-Newton steps fit shift, turn and
    zoom to the differences that are left (Lucas and Kanade 1981), and what moves by itself weighs little (Cauchy).

    Args:
        before: Brightness (H, W) in float32, from ``small_luma``.
        after: Brightness of the next frame, of the same size.
    """
    height, width = before.shape
    shift_y, shift_x = _phase_shift(before, after)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x -= np.float32((width - 1) / 2)
    y -= np.float32((height - 1) / 2)
    start = np.array([0.0, 0.0, shift_x, shift_y])
    still = np.zeros(4)
    # A pattern that repeats misleads the correlation; then no shift at all is the better start.
    params = min((start, still), key=lambda guess: _difference(before, after, guess, x, y))
    for _ in range(_STEPS):
        step = _step(before, after, params, x, y)
        if step is None:
            break
        params = params + step
        if np.abs(step[:2]).max() * width / 2 < _SETTLED and np.abs(step[2:]).max() < _SETTLED:
            break
    aligned = _difference(before, after, params, x, y)
    if aligned > _DIFFERENT or aligned > _difference(before, after, still, x, y):
        return STILL
    a, b = 1 + params[0], params[1]
    return Motion(params[2] / width, params[3] / width, math.atan2(b, a), math.log(math.hypot(a, b)))


def _phase_shift(before: Array, after: Array) -> tuple[float, float]:
    window = np.outer(np.hanning(before.shape[0]), np.hanning(before.shape[1]))
    first, second = (np.fft.rfft2((plane - plane.mean()) * window) for plane in (before, after))
    cross = np.conj(first) * second
    surface = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), before.shape)
    place = np.unravel_index(int(np.argmax(surface)), surface.shape)
    # The second half of each side stands for shifts the other way.
    found = [int(at) - size if at > size // 2 else int(at) for at, size in zip(place, surface.shape, strict=True)]
    return float(found[0]), float(found[1])


def _step(before: Array, after: Array, params: Array, x: Array, y: Array) -> Array | None:
    """Return one Gauss-Newton step of (scale - 1, turn, x, y), or None where it cannot be told."""
    moved, inside = _sampled(after, params, x, y)
    down, right = np.gradient(moved)
    error = (before - moved)[inside]
    if error.size < 64:
        return None
    right, down, x, y = right[inside], down[inside], x[inside], y[inside]
    slopes = np.stack([right * x + down * y, down * x - right * y, right, down])
    spread = 1.4826 * float(np.median(np.abs(error))) + 1e-4
    weights = 1 / (1 + (error / (2 * spread)) ** 2)
    weighted = slopes * weights
    matrix = weighted @ slopes.T
    if np.linalg.cond(matrix) > 1e12:
        return None
    return np.linalg.solve(matrix, weighted @ error)


def _difference(before: Array, after: Array, params: Array, x: Array, y: Array) -> float:
    moved, inside = _sampled(after, params, x, y)
    return float(np.abs(before - moved)[inside].mean()) if inside.any() else 1.0


def _sampled(plane: Array, params: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Return a plane sampled where its content would lie, and where that is inside the plane."""
    height, width = plane.shape
    a, b, shift_x, shift_y = (np.float32(value) for value in params)
    across = (1 + a) * x - b * y + shift_x + np.float32((width - 1) / 2)
    down = b * x + (1 + a) * y + shift_y + np.float32((height - 1) / 2)
    return bilinear(plane, across, down)


def bilinear(plane: Array, across: Array, down: Array) -> tuple[Array, Array]:
    """Return a plane (H, W) sampled between its pixels at places (h, w), and which of these lie inside it."""
    height, width = plane.shape
    inside = (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
    across, down = np.clip(across, 0, width - 1), np.clip(down, 0, height - 1)
    left, top = np.minimum(across.astype(np.int32), width - 2), np.minimum(down.astype(np.int32), height - 2)
    part_x, part_y = across - left, down - top
    index = top * width + left
    flat = plane.ravel()
    upper = flat[index] * (1 - part_x) + flat[index + 1] * part_x
    lower = flat[index + width] * (1 - part_x) + flat[index + width + 1] * part_x
    return upper * (1 - part_y) + lower * part_y, inside
