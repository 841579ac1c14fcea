"""Look-up tables in .cube files: read within limits, and applied to clips by trilinear interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PilImage
from PIL import ImageFilter

from .colors import convert_dtype
from .container import local_file
from .errors import MediaError
from .frames import map_frames, to_pixels
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

MAX_FILE_BYTES = 128 * 2**20
_MAX_SIZE = {"LUT_3D_SIZE": 129, "LUT_1D_SIZE": 65536}
_PILLOW_MAX = 65


@dataclass(frozen=True, slots=True, eq=False)
class Cube:
    """Hold a look-up table.

    Attributes:
        table: float32; (N, 3) when it has one dimension, else (N, N, N, 3) indexed by blue, green, red.
        low: The input that the first entry stands for, (3,).
        high: The input that the last entry stands for, (3,).
    """

    table: Array
    low: Array
    high: Array


def read_cube(path: str | Path) -> Cube:
    """Read a .cube file with one or three dimensions: Adobe Cube LUT 1.0, or with the input range of DaVinci Resolve.

    Raises:
        MediaError: The file is missing, too large, or not such a file.
    """
    local = local_file(path)
    if local.stat().st_size > MAX_FILE_BYTES:
        raise MediaError(f"{local.name} is too large for a LUT", "use one of 65 points a side or fewer")
    words: dict[str, list[str]] = {}
    rows: list[list[str]] = []
    try:
        with local.open(encoding="utf-8-sig", errors="replace") as stream:
            for line in stream:
                parts = line.split("#", 1)[0].split()
                if parts and (parts[0][0].isalpha() or parts[0][0] == '"'):
                    words[parts[0]] = parts[1:]
                elif parts:
                    rows.append(parts)
        return _build(words, rows)
    except (ValueError, IndexError, OSError) as error:
        raise MediaError(
            f"{local.name} is not a readable .cube file ({error})", "export it again as .cube with 33 points"
        ) from error


def _build(words: dict[str, list[str]], rows: list[list[str]]) -> Cube:
    """Return the table that the lines of a file spell; raises ValueError or IndexError when they do not."""
    kind = next((name for name in _MAX_SIZE if name in words), None)
    if kind is None:
        message = "it does not state its size"
        raise ValueError(message)
    size = int(words[kind][0])
    if not 2 <= size <= _MAX_SIZE[kind]:
        message = f"its size is {size}"
        raise ValueError(message)
    table = np.array(rows, np.float32)
    shape = (size, 3) if kind == "LUT_1D_SIZE" else (size, size, size, 3)
    if table.size != np.prod(shape) or not np.isfinite(table).all():
        message = f"it has {len(rows)} entries and a size of {size}"
        raise ValueError(message)
    low, high = _domain(words, kind)
    if low.shape != (3,) or high.shape != (3,) or not (high > low).all():
        message = "its domain is empty"
        raise ValueError(message)
    return Cube(table.reshape(shape), low, high)


def _domain(words: dict[str, list[str]], kind: str) -> tuple[Array, Array]:
    """Return the inputs of the first and the last entry: as Adobe says them, as DaVinci Resolve does, or 0 and 1."""
    both = words.get(kind.replace("SIZE", "INPUT_RANGE"))
    if both is not None and len(both) != 2:
        message = f"its input range is {' '.join(both)}"
        raise ValueError(message)
    low, high = both or ("0", "1")
    first, last = words.get("DOMAIN_MIN", [low] * 3), words.get("DOMAIN_MAX", [high] * 3)
    return np.array(first, np.float32), np.array(last, np.float32)


def apply_cube(clip: Clip, cube: Cube, *, strength: float = 1.0) -> Clip:
    """Return the clip with its colors looked up, in the same dtype.

    Args:
        clip: Any clip.
        cube: The table.
        strength: 0 changes nothing, 1 looks up wholly.

    Raises:
        MediaError: The strength is outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise MediaError(f"a strength of {strength:g} is outside 0 to 1", "try 1")
    plain = strength == 1 and not cube.low.any() and (cube.high == 1).all()
    if plain and clip.dtype == "uint8" and cube.table.ndim == 4 and cube.table.shape[0] <= _PILLOW_MAX:
        # Pillow does the same sums in C; its result is within one level.
        lut = ImageFilter.Color3DLUT(cube.table.shape[0], np.clip(cube.table, 0, 1).ravel())
        return map_frames(clip, lambda pixels: np.asarray(PilImage.fromarray(np.ascontiguousarray(pixels)).filter(lut)))

    def change(pixels: Array) -> Array:
        values = convert_dtype(pixels, "float32")
        found = look_up(values, cube)
        return to_pixels(values + (found - values) * np.float32(strength), pixels.dtype.name)

    return map_frames(clip, change)


def look_up(values: Array, cube: Cube) -> Array:
    """Return float32 values (H, W, 3) through the table, which holds its edge beyond its domain."""
    size = cube.table.shape[0]
    position = np.clip((values - cube.low) / (cube.high - cube.low), 0, 1) * np.float32(size - 1)
    base = np.minimum(position.astype(np.int32), size - 2)
    part = position - base.astype(np.float32)
    if cube.table.ndim == 2:
        channels = [
            cube.table[base[:, :, c], c] * (1 - part[:, :, c]) + cube.table[base[:, :, c] + 1, c] * part[:, :, c]
            for c in range(3)
        ]
        return np.stack(channels, axis=2)
    result = np.zeros_like(values)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod([part[:, :, c] if corner[c] else 1 - part[:, :, c] for c in range(3)], axis=0)
        red, green, blue = (base[:, :, c] + corner[c] for c in range(3))
        result += cube.table[blue, green, red] * weight[:, :, None]
    return result
