"""Frame rates and counts: decimals as people write them, to the exact numbers that clips carry. No nodes here."""

from __future__ import annotations

from fractions import Fraction

_NTSC = Fraction(1000, 1001)
_TOLERANCE = 0.005


def exact_rate(fps: float) -> Fraction:
    """Return a frame rate as a fraction; 23.976, 29.97 and 59.94 are the broadcast rates n * 1000 / 1001."""
    nominal = round(fps)
    broadcast = nominal * _NTSC
    if fps != nominal and abs(fps - broadcast) < _TOLERANCE:
        return broadcast
    return Fraction(fps).limit_denominator(1000)


def frames_within(seconds: float, fps: Fraction) -> int:
    """Return how many frames last closest to `seconds`: at least one."""
    return max(1, round(Fraction(seconds) * fps))
