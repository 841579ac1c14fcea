"""What looks at neighboring frames: noise and flicker taken out. A small ring of frames is all that is held."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from .colors import convert_dtype
from .errors import MediaError
from .frames import gather, to_pixels, windows
from .grade import luma_weights
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

MAX_RADIUS = 8


def denoise_clip(clip: Clip, *, strength: float = 0.05, radius: int = 2) -> Clip:
    """Return the clip with each pixel averaged with the same pixel of the frames around it, where these are like it.

    A neighbor that differs by d counts with exp(-(d / strength) ** 2), so noise is evened out and motion is kept.

    Args:
        clip: Any clip.
        strength: The difference, of [0, 1], up to which pixels count as alike; above 0.
        radius: How many frames before and after are looked at, 1 to 8.

    Raises:
        MediaError: A number is out of range.
    """
    if not 0 < strength <= 1:
        raise MediaError(f"a strength of {strength:g} is outside 0 to 1", "try 0.05")
    _check_radius(radius)

    def denoised() -> Generator[Array]:
        with closing(windows(clip, radius)) as views:
            for frames, center in views:
                yield _averaged(frames, center, strength)

    return clip.derive(lambda: gather(denoised(), clip))


def _averaged(frames: list[Array], center: int, strength: float) -> Array:
    middle = convert_dtype(frames[center], "float32")
    total, weights = middle.copy(), np.ones(middle.shape[:2], np.float32)
    for index, pixels in enumerate(frames):
        if index == center:
            continue
        values = convert_dtype(pixels, "float32")
        difference = np.abs(values - middle).max(axis=2) / np.float32(strength)
        weight = np.exp(-difference * difference)
        total += values * weight[:, :, None]
        weights += weight
    return to_pixels(total / weights[:, :, None], frames[center].dtype.name)


def deflicker_clip(clip: Clip, *, radius: int = 3) -> Clip:
    """Return the clip with each frame as bright as the frames around it are on average.

    Args:
        clip: Any clip.
        radius: How many frames before and after are averaged, 1 to 8.

    Raises:
        MediaError: The radius is out of range.
    """
    _check_radius(radius)
    weights = luma_weights(clip)

    def steadied() -> Generator[Array]:
        levels: dict[int, float] = {}
        with closing(windows(clip, radius)) as views:
            for number, (frames, center) in enumerate(views):
                first = number - center
                # Windows overlap; each frame is measured once.
                for index, pixels in enumerate(frames, start=first):
                    if index not in levels:
                        levels[index] = float((convert_dtype(pixels, "float32") @ weights).mean())
                levels.pop(first - 1, None)
                yield _brightened(frames[center], levels[number], sum(levels.values()) / len(levels))

    return clip.derive(lambda: gather(steadied(), clip))


def _brightened(pixels: Array, level: float, wanted: float) -> Array:
    if level <= 0:
        return pixels  # black has no color that could be made brighter
    return to_pixels(convert_dtype(pixels, "float32") * np.float32(wanted / level), pixels.dtype.name)


def _check_radius(radius: int) -> None:
    if not 1 <= radius <= MAX_RADIUS:
        raise MediaError(f"a radius of {radius} frames is outside 1 to {MAX_RADIUS}", "try 2")
