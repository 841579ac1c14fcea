"""Where each pixel of a frame went in the next one, and how well a clip keeps its look along the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PilImage

from .colors import convert_dtype
from .grade import luma_weights
from .measure import find_cuts
from .motion import bilinear, small_luma
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

_LEVELS = 4
_STEPS = 4
_RADIUS = 4  # of the window that moves together: 9 pixels on each side
_DAMPING = 1e-4


@dataclass(frozen=True, slots=True)
class Consistency:
    """Hold how a clip changes along its own motion, frame by frame; 0 for the first frame of each scene.

    Attributes:
        error: Mean squared difference between each frame and the one before, moved to where it went, in [0, 1]. What
            was hidden in either is left out.
        speed: Mean length of the motion in pixels of the clip.
        scenes: Numbers of the frames that begin a scene, the first one too.
    """

    error: list[float]
    speed: list[float]
    scenes: list[int]

    def mean(self, values: list[float]) -> float:
        """Return the mean of what was measured within scenes."""
        return sum(values) / max(1, len(values) - len(self.scenes))


def measure_consistency(clip: Clip, *, progress: Callable[[int, int | None], None] | None = None) -> Consistency:
    """Measure the warping error of Lai et al. 2018 (Learning Blind Video Temporal Consistency, equation 7).

    Flow is the clip's own, by ``optical_flow`` at 240 pixels; what forward and backward flow disagree on counts as
    hidden (Sundaram, Brox and Keutzer 2010, equation 5). Flicker, boiling textures and warped shapes raise the error,
    motion as such does not.

    Args:
        clip: Any clip.
        progress: Called after each frame with the frames done and the frame count or None; raising in it cancels.
    """
    weights = luma_weights(clip)
    result = Consistency([], [], [0])
    change: list[float] = []
    before: Array | None = None
    with closing(clip.frames()) as frames:
        for pixels in frames:
            luma = small_luma(convert_dtype(pixels, "float32") @ weights)
            error, speed = (0.0, 0.0) if before is None else _warped(before, luma)
            result.error.append(error)
            result.speed.append(speed * clip.width / luma.shape[1])
            change.append(0.0 if before is None else float(np.abs(luma - before).mean()))
            before = luma
            if progress is not None:
                progress(len(result.error), clip.frame_count)
    for cut in find_cuts(change):
        result.scenes.append(cut)
        result.error[cut] = result.speed[cut] = 0.0
    return result


def _warped(before: Array, after: Array) -> tuple[float, float]:
    # Backwards: for each pixel of the newer frame, where it was in the older one.
    back, forth = optical_flow(after, before), optical_flow(before, after)
    y, x = np.mgrid[0 : after.shape[0], 0 : after.shape[1]].astype(np.float32)
    moved, inside = bilinear(before, x + back[0], y + back[1])
    there = [bilinear(forth[axis], x + back[0], y + back[1])[0] for axis in (0, 1)]
    apart = (back[0] + there[0]) ** 2 + (back[1] + there[1]) ** 2
    lengths = back[0] ** 2 + back[1] ** 2 + there[0] ** 2 + there[1] ** 2
    seen = inside & (apart < 0.01 * lengths + 0.5)
    if not seen.any():
        return float(np.mean((after - before) ** 2)), 0.0
    return float(np.mean((after - moved)[seen] ** 2)), float(np.hypot(back[0], back[1])[seen].mean())


def optical_flow(before: Array, after: Array) -> Array:
    """Return the motion (2, H, W) in pixels, right and down: what is at p in ``before`` is at p + flow in ``after``.

    Pyramidal Lucas-Kanade, dense: at each of 4 sizes, 4 steps with windows of 9x9 pixels (Bouguet 2000).
    """
    pyramid = [(before, after)]
    while len(pyramid) < _LEVELS and min(pyramid[-1][0].shape) >= 32:
        pyramid.append((_halved(pyramid[-1][0]), _halved(pyramid[-1][1])))
    flow: Array = np.zeros((2, *pyramid[-1][0].shape), np.float32)
    for first, second in reversed(pyramid):
        if flow.shape[1:] != first.shape:
            scale = first.shape[1] / flow.shape[-1]
            flow = np.stack([_resized(flow[axis], first.shape) for axis in (0, 1)]) * np.float32(scale)
        for _ in range(_STEPS):
            flow = _improved(first, second, flow)
    return flow


def _improved(first: Array, second: Array, flow: Array) -> Array:
    y, x = np.mgrid[0 : first.shape[0], 0 : first.shape[1]].astype(np.float32)
    moved, _inside = bilinear(second, x + flow[0], y + flow[1])
    slopes: Any = np.gradient((moved + first) / 2)
    down, right = slopes
    error = first - moved
    xx, yy, xy, ex, ey = (_windowed(part) for part in (right**2, down**2, right * down, right * error, down * error))
    xx, yy = xx + _DAMPING, yy + _DAMPING
    determinant = xx * yy - xy**2
    step = np.stack([(yy * ex - xy * ey) / determinant, (xx * ey - xy * ex) / determinant])
    # A window without detail knows nothing, and may not jump.
    updated = flow + np.clip(step, -1, 1)
    return np.stack([_windowed(updated[axis], 1) for axis in (0, 1)]).astype(np.float32)


def _windowed(plane: Array, radius: int = _RADIUS) -> Array:
    """Return the mean over a square window around each pixel, the edges repeated."""
    side = 2 * radius + 1
    for axis in (0, 1):
        widths = [(0, 0), (0, 0)]
        widths[axis] = (radius + 1, radius)
        sums: Array = np.cumsum(np.pad(plane, widths, mode="edge"), axis=axis, dtype=np.float64)
        plane = sums[side:] - sums[:-side] if axis == 0 else sums[:, side:] - sums[:, :-side]
    return plane / side**2


def _halved(plane: Array) -> Array:
    return _resized(plane, (max(1, plane.shape[0] // 2), max(1, plane.shape[1] // 2)))


def _resized(plane: Array, shape: tuple[int, ...]) -> Array:
    picture = PilImage.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), PilImage.Resampling.BILINEAR))
