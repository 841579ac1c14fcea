"""The finish of a picture: sharper, grainier, darker at its edges. Frame by frame, in float32, in any dtype."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .colors import convert_dtype
from .errors import MediaError
from .frames import map_frames, map_numbered, to_pixels
from .grade import luma_weights
from .resize import resize_frame
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

MAX_RADIUS = 10.0


def sharpen_clip(clip: Clip, *, amount: float = 0.5, radius: float = 1.0) -> Clip:
    """Return the clip with an unsharp mask: each pixel moves away from its blurred surroundings.

    Args:
        clip: Any clip.
        amount: How far: 0 changes nothing; below 0 softens, and -1 is the blur itself.
        radius: Standard deviation of the blur in pixels, above 0, at most 10.

    Raises:
        MediaError: The radius or the amount is out of range.
    """
    if not 0 < radius <= MAX_RADIUS or not -1 <= amount <= 10:
        raise MediaError(f"radius {radius:g} and amount {amount:g} are out of range", "try 1 and 0.5")

    def change(pixels: Array) -> Array:
        values = convert_dtype(pixels, "float32")
        return to_pixels(values + np.float32(amount) * (values - blur(values, radius)), pixels.dtype.name)

    return map_frames(clip, change)


def blur(values: Array, radius: float) -> Array:
    """Return float32 values (H, W, C) through a Gaussian of that standard deviation, edges held."""
    reach = max(1, math.ceil(3 * radius))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        length = values.shape[axis]
        padding = [(reach, reach) if side == axis else (0, 0) for side in range(3)]
        padded = np.pad(values, padding, mode="edge")
        total = np.zeros_like(values)
        for offset, weight in enumerate(kernel):
            total += weight * (padded[offset : offset + length] if axis == 0 else padded[:, offset : offset + length])
        values = total
    return values


def add_grain(clip: Clip, *, amount: float = 0.05, size: float = 1.0, seed: int = 0) -> Clip:
    """Return the clip with film grain: gray noise, strongest in the middle tones, another one on each frame.

    Args:
        clip: Any clip.
        amount: Standard deviation of the noise at middle gray, in [0, 1].
        size: Size of a grain in pixels, 1 to 16.
        seed: The same seed gives the same grain, whichever part of the clip is rendered.

    Raises:
        MediaError: The amount or the size is out of range.
    """
    if not 0 <= amount <= 1 or not 1 <= size <= 16:
        raise MediaError(f"amount {amount:g} and size {size:g} are out of range", "try 0.05 and 1")
    weights = luma_weights(clip)

    def change(pixels: Array, index: int) -> Array:
        values = convert_dtype(pixels, "float32")
        luma = values @ weights
        noise = _noise(clip, size, seed, index)
        return to_pixels(values + (noise * 4 * luma * (1 - luma) * amount)[:, :, None], pixels.dtype.name)

    return map_numbered(clip, change)


def _noise(clip: Clip, size: float, seed: int, index: int) -> Array:
    """Return noise (H, W) with mean 0 and deviation 1 that depends on nothing but the seed and the frame's number."""
    generator = np.random.Generator(np.random.Philox(key=[seed % 2**64, index]))
    shape = (max(1, round(clip.height / size)), max(1, round(clip.width / size)))
    noise = generator.standard_normal(shape, np.float32)
    if shape == (clip.height, clip.width):
        return noise
    # Resizing works on [0, 1], which eight deviations fit into; it evens out, so the deviation is restored.
    packed = np.repeat((noise / 16 + 0.5)[:, :, None], 3, axis=2)
    grown = resize_frame(packed, clip.width, clip.height, method="bicubic")[:, :, 0] - np.float32(0.5)
    return grown / max(float(grown.std()), 1e-6)


def add_vignette(clip: Clip, *, amount: float = 0.5, start: float = 0.4) -> Clip:
    """Return the clip darkened towards its corners.

    Args:
        clip: Any clip.
        amount: How much of the light is gone in the corners: 0 none, 1 all.
        start: Where it begins, as a share of the way from the middle to a corner, below 1.

    Raises:
        MediaError: A number is out of range.
    """
    if not 0 <= amount <= 1 or not 0 <= start < 1:
        raise MediaError(f"amount {amount:g} and start {start:g} are out of range", "try 0.5 and 0.4")
    y = (np.arange(clip.height, dtype=np.float32) + 0.5) / clip.height * 2 - 1
    x = (np.arange(clip.width, dtype=np.float32) + 0.5) / clip.width * 2 - 1
    distance = np.hypot(y[:, None] * clip.height, x[None] * clip.width) / math.hypot(clip.height, clip.width)
    way = np.clip((distance - start) / (1 - start), 0, 1)
    light = (1 - amount * way * way * (3 - 2 * way)).astype(np.float32)[:, :, None]

    def change(pixels: Array) -> Array:
        return to_pixels(convert_dtype(pixels, "float32") * light, pixels.dtype.name)

    return map_frames(clip, change)
