"""Color: grading by a few numbers, one picture's colors given to a clip. Frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from .colors import convert_dtype
from .errors import MediaError
from .frames import gather, map_frames, to_pixels
from .types import Clip, Image

if TYPE_CHECKING:
    from .types import Array

_LUMA = {"bt2020": (0.2627, 0.6780, 0.0593)}
_BT709_LUMA = (0.2126, 0.7152, 0.0722)
# Beyond this the two halves of a covariance are noise.
_SMALLEST_VARIANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Grade:
    """Say how colors are changed. What is not named stays as it is.

    For a channel x in [0, 1]: x is multiplied for exposure and white balance, then
    ``(gain * (x + lift * (1 - x))) ** (1 / gamma)``, then contrast about middle gray; saturation comes last.

    Attributes:
        exposure: In stops; 1 doubles every value.
        temperature: -1 is blue, 1 is orange: red and blue move apart by half a stop each.
        tint: -1 is green, 1 is magenta.
        lift: Raises (or lowers) the shadows and leaves white alone.
        gamma: Above 1 brightens the middle tones and leaves black and white alone.
        gain: Multiplies; moves the highlights most.
        contrast: 1 keeps it, above 1 steepens about 0.5.
        saturation: 0 is gray, 1 keeps it.
    """

    exposure: float = 0.0
    temperature: float = 0.0
    tint: float = 0.0
    lift: float = 0.0
    gamma: float = 1.0
    gain: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0


def grade_clip(clip: Clip, grade: Grade) -> Clip:
    """Return the clip graded, in the same dtype.

    Raises:
        MediaError: A gamma is not above 0, or a gain, contrast or saturation below it.
    """
    if grade.gamma <= 0 or min(grade.gain, grade.contrast, grade.saturation) < 0:
        raise MediaError("gamma must be above 0, and gain, contrast and saturation 0 or more", "set them to 1")
    weights = luma_weights(clip)
    if clip.dtype in {"uint8", "uint16"}:
        # What happens to each channel alone is a table of all its values, and a look-up for each pixel.
        levels = np.arange(np.iinfo(clip.dtype).max + 1).astype(clip.dtype)
        curved = _curved(convert_dtype(np.repeat(levels[:, None], 3, axis=1), "float32"), grade)
        if grade.saturation == 1:
            tables = [np.ascontiguousarray(table) for table in convert_dtype(curved, clip.dtype).T]
            if clip.dtype == "uint8" and all(np.array_equal(table, tables[0]) for table in tables):
                pairs = _table_of_pairs(tables[0])
                return map_frames(clip, lambda pixels: _looked_up_in_pairs(pixels, pairs))
            return map_frames(clip, lambda pixels: _looked_up(pixels, tables))
        tables = [np.ascontiguousarray(table) for table in curved.T]
        return map_frames(
            clip,
            lambda pixels: to_pixels(_saturated(_looked_up(pixels, tables), grade.saturation, weights), clip.dtype),
        )
    return map_frames(clip, lambda pixels: _graded(pixels, grade, weights))


def _graded(pixels: Array, grade: Grade, weights: Array) -> Array:
    values = _saturated(_curved(convert_dtype(pixels, "float32"), grade), grade.saturation, weights)
    return to_pixels(values, pixels.dtype.name)


def _looked_up(pixels: Array, tables: list[Array]) -> Array:
    result = np.empty(pixels.shape, tables[0].dtype)
    for channel, table in enumerate(tables):
        # An index cannot lie outside, and clipping is how to say that checks are not needed.
        result[:, :, channel] = np.take(table, pixels[:, :, channel], mode="clip")
    return result


def _table_of_pairs(table: Array) -> Array:
    """Return the table, shaped (65536,) uint16, that does for two neighboring bytes what ``table`` does for one."""
    both = np.arange(2**16, dtype=np.uint16).view(np.uint8)
    return table[both].view(np.uint16)


def _looked_up_in_pairs(pixels: Array, pairs: Array) -> Array:
    """Look uint8 values up two at a time, in half the time."""
    values = np.ascontiguousarray(pixels).reshape(-1)
    even = values[: values.size // 2 * 2].view(np.uint16)
    result = np.empty(values.size, np.uint8)
    np.take(pairs, even, out=result[: even.size * 2].view(np.uint16), mode="clip")
    result[even.size * 2 :] = pairs.view(np.uint8)[values[even.size * 2 :].astype(np.intp) * 2]
    return result.reshape(pixels.shape)


def _curved(values: Array, grade: Grade) -> Array:
    """Return float32 values (..., 3) through everything but saturation, clipped to [0, 1]."""
    stops = np.array([grade.temperature / 2, -grade.tint / 2, -grade.temperature / 2]) + grade.exposure
    values = values * np.exp2(stops).astype(np.float32)
    values = grade.gain * (values + grade.lift * (1 - values))
    values = np.clip(values, 0, 1) ** (1 / grade.gamma)
    return np.clip((values - 0.5) * grade.contrast + 0.5, 0, 1).astype(np.float32)


def _saturated(values: Array, saturation: float, weights: Array) -> Array:
    if saturation == 1:
        return values
    luma = values @ weights
    return luma[:, :, None] + (values - luma[:, :, None]) * np.float32(saturation)


def luma_weights(clip: Clip) -> Array:
    """Return the weights, shaped (3,), with which red, green and blue make up a clip's luma."""
    return np.array(_LUMA.get(clip.color.primaries, _BT709_LUMA), np.float32)


def match_color(clip: Clip, reference: Image, *, strength: float = 1.0) -> Clip:
    """Return the clip with the colors of a reference: its first frame gets the reference's mean and covariance.

    The change is found once, from the first frame, and applied to all: later frames keep what differs between them.
    It is the linear Monge-Kantorovitch transfer (Pitie and Kokaram 2007), which moves colors as little as can be.

    Args:
        clip: Any clip.
        reference: The picture with the wanted colors, of any size.
        strength: 0 changes nothing, 1 matches.

    Raises:
        MediaError: The strength is outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise MediaError(f"a strength of {strength:g} is outside 0 to 1", "try 1")
    target = _statistics(reference.pixels)

    def produce() -> Iterator[Array]:
        with closing(clip.frames()) as frames:
            first = next(frames, None)
            if first is None:
                return
            matrix, offset = _transfer(_statistics(first), target)
            matrix, offset = np.eye(3) + strength * (matrix - np.eye(3)), strength * offset
            yield from gather((_moved(pixels, matrix, offset) for pixels in chain([first], frames)), clip)

    return clip.derive(produce)


def _moved(pixels: Array, matrix: Array, offset: Array) -> Array:
    values = convert_dtype(pixels, "float32") @ matrix.T.astype(np.float32) + offset.astype(np.float32)
    return to_pixels(values, pixels.dtype.name)


def _statistics(pixels: Array) -> tuple[Array, Array]:
    """Return mean (3,) and covariance (3, 3) of the colors of a picture, in float64."""
    values = convert_dtype(pixels, "float32").reshape(-1, 3).astype(np.float64)
    return values.mean(axis=0), np.cov(values, rowvar=False, bias=True) + np.eye(3) * _SMALLEST_VARIANCE


def _transfer(source: tuple[Array, Array], target: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the matrix and offset that give colors with one mean and covariance another."""
    root = _power(source[1], 0.5)
    inverse = _power(source[1], -0.5)
    matrix: Any = inverse @ _power(root @ target[1] @ root, 0.5) @ inverse
    return matrix, target[0] - matrix @ source[0]


def _power(matrix: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0) ** exponent) @ vectors.T
