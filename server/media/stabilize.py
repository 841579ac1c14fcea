"""A shaken camera made steady: each frame is moved to where a smooth path would have had it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image as PilImage

from .colors import convert_dtype
from .errors import MediaError
from .frames import gather
from .grade import luma_weights
from .motion import STILL, measure_motion, small_luma
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

Border = Literal["crop", "edge", "black"]
MAX_RADIUS = 60
MAX_CROP = 0.3


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Say how steady a clip shall be.

    Attributes:
        radius: Frames before and after that the path is smoothed over, 1 to 60; so many are held, and one.
        border: What shows where a frame was moved away: ``crop`` enlarges all frames so that nothing does, ``edge``
            repeats the outermost pixels, ``black`` shows black.
        crop: With ``crop``, the share of each side that may fall away, 0 to 0.3. It bounds how far frames are moved.
        turns: Whether turns and zooms are taken out too, and not only shifts.
    """

    radius: int = 15
    border: Border = "crop"
    crop: float = 0.1
    turns: bool = True


def stabilize_clip(clip: Clip, steadiness: Steadiness | None = None) -> Clip:
    """Return the clip with its camera made steady; slow pans stay, as a smooth path.

    The path of the camera, in shift, turn and zoom, is smoothed with a Gaussian over ``radius`` frames on each side.
    One pass: ``radius`` + 1 frames are held.

    Raises:
        MediaError: A number is out of range.
    """
    wanted = steadiness or Steadiness()
    if not 1 <= wanted.radius <= MAX_RADIUS or not 0 <= wanted.crop <= MAX_CROP:
        raise MediaError(
            f"a radius of {wanted.radius} frames with {wanted.crop:g} cropped is out of range",
            f"use 1 to {MAX_RADIUS}, and 0 to {MAX_CROP}",
        )
    if wanted.border not in {"crop", "edge", "black"}:
        raise MediaError(f"the border {wanted.border} is unknown", "use crop, edge or black")
    return clip.derive(lambda: gather(_steadied(clip, wanted), clip))


def _steadied(clip: Clip, wanted: Steadiness) -> Generator[Array]:
    weights = luma_weights(clip)
    held: deque[Array] = deque()
    path: list[Array] = []
    before: Array | None = None
    done = 0
    with closing(clip.frames()) as frames:
        for pixels in frames:
            luma = small_luma(convert_dtype(pixels, "float32") @ weights)
            motion = STILL if before is None else measure_motion(before, luma)
            step = np.array([motion.x, motion.y, motion.angle, motion.zoom])
            path.append(path[-1] + step if path else step)
            before = luma
            # A view would keep its whole block in memory for as long as it is held.
            held.append(pixels.copy())
            if len(path) > done + wanted.radius:
                yield _moved(held.popleft(), _correction(path, done, wanted), wanted)
                done += 1
    while held:
        yield _moved(held.popleft(), _correction(path, done, wanted), wanted)
        done += 1


def _correction(path: list[Array], index: int, wanted: Steadiness) -> Array:
    """Return how frame ``index`` has to move from where it is to where the smooth path has it."""
    sigma = wanted.radius / 2.5
    total, weights = np.zeros(4), 0.0
    for offset in range(-wanted.radius, wanted.radius + 1):
        weight = math.exp(-0.5 * (offset / sigma) ** 2)
        total += weight * _extended(path, index + offset)
        weights += weight
    moved = total / weights - path[index]
    return moved if wanted.turns else moved * [1, 1, 0, 0]


def _extended(path: list[Array], index: int) -> Array:
    """Return the path at a frame; beyond its ends it runs on as it came, turned about the end, so that pans stay."""
    last = len(path) - 1
    if index < 0:
        return 2 * path[0] - path[min(-index, last)]
    if index > last:
        return 2 * path[last] - path[max(0, 2 * last - index)]
    return path[index]


def _moved(pixels: Array, correction: Array, wanted: Steadiness) -> Array:
    """Return a frame moved by a correction, in the dtype that it has."""
    height, width = pixels.shape[:2]
    x, y, angle, zoom = (float(value) for value in correction)
    scale = math.exp(zoom)
    if wanted.border == "crop":
        # Half of what is cropped lies on each side; beyond that, edges would come into sight.
        enlarged = 1 / (1 - wanted.crop)
        x = enlarged * float(np.clip(x, -wanted.crop / 2, wanted.crop / 2))
        y = enlarged * float(np.clip(y, -wanted.crop / 2 * height / width, wanted.crop / 2 * height / width))
        scale *= enlarged
    # Pillow asks for each pixel of the result where it comes from: back by the shift, then unturned and shrunk.
    cos, sin = math.cos(-angle) / scale, math.sin(-angle) / scale
    middle_x, middle_y = width / 2, height / 2
    from_x, from_y = middle_x + x * width, middle_y + y * width
    matrix = (cos, -sin, middle_x - cos * from_x + sin * from_y, sin, cos, middle_y - sin * from_x - cos * from_y)
    return _transformed(pixels, matrix, repeat_edges=wanted.border != "black")


def _transformed(pixels: Array, matrix: tuple[float, ...], *, repeat_edges: bool) -> Array:
    height, width = pixels.shape[:2]
    pad = math.ceil(max(height, width) * MAX_CROP / 2) if repeat_edges else 0
    if pad:
        pixels = np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
        a, b, c, d, e, f = matrix
        matrix = (a, b, c + pad, d, e, f + pad)

    def move(channel: Array) -> Array:
        picture = PilImage.fromarray(np.ascontiguousarray(channel))
        return np.asarray(
            picture.transform((width, height), PilImage.Transform.AFFINE, matrix, PilImage.Resampling.BICUBIC)
        )

    if pixels.dtype == np.uint8:
        return move(pixels)
    # Pillow moves deep pixels only as single float channels.
    top = np.float32(65535 if pixels.dtype == np.uint16 else 1)
    values = np.stack([move(pixels[:, :, channel].astype(np.float32)) for channel in range(3)], axis=2)
    values = np.clip(values, 0, top)
    return (np.rint(values) if pixels.dtype == np.uint16 else values).astype(pixels.dtype)
