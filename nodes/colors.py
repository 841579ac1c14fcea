"""Colors as knobs hold them, to the numbers that frames are made of. No nodes here."""

from __future__ import annotations


def rgb(color: str) -> tuple[float, float, float]:
    """Return `#rrggbb` as red, green and blue from 0 to 1."""
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255
