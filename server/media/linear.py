"""Between the signal that screens take and linear light, which OpenEXR holds. Values are floats; 1 is white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import MediaError

if TYPE_CHECKING:
    from .types import Array

_GAMMAS = {"gamma22": 2.2, "gamma28": 2.8}
# One curve by four names: ITU-R BT.709-6 item 1.2, BT.601-7 table 3, BT.2020-2 table 4.
_BT709 = {"bt709", "smpte170m", "bt2020-10", "bt2020-12"}


def to_linear(values: Array, transfer: str) -> Array:
    """Return the light of a scene from its signal, by the inverse of the curve that ``ColorTags.transfer`` names.

    Raises:
        MediaError: The curve is one of HDR, whose white has no fixed place.
    """
    if transfer in _BT709:
        return np.where(values < 0.081, values / 4.5, ((np.maximum(values, 0) + 0.099) / 1.099) ** (1 / 0.45))
    if transfer == "iec61966-2-1":
        return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4)
    if transfer in _GAMMAS:
        return np.maximum(values, 0) ** _GAMMAS[transfer]
    return _unchanged(values, transfer)


def from_linear(values: Array, transfer: str) -> Array:
    """Return the signal of linear light: the inverse of ``to_linear``."""
    light = np.maximum(values, 0)
    if transfer in _BT709:
        return np.where(light < 0.018, light * 4.5, 1.099 * light**0.45 - 0.099)
    if transfer == "iec61966-2-1":
        return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    if transfer in _GAMMAS:
        return light ** (1 / _GAMMAS[transfer])
    return _unchanged(values, transfer)


def _unchanged(values: Array, transfer: str) -> Array:
    if transfer != "linear":
        raise MediaError(f"{transfer} color has no place in linear light here", "write PNG, which keeps it as it is")
    return values
