"""A procedural test clip: colour bars, a moving ball and the number of each frame. No model, no file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from .errors import MediaError
from .samples import BLOCK, collected
from .types import Audio, Clip, frames_per_chunk

if TYPE_CHECKING:
    from .types import Array

# The seven bars of SMPTE RP 219 at 75 %: gray, yellow, cyan, green, magenta, red, blue.
BARS = ((191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191))
_TONE_AMPLITUDE = 0.25
_TONE_RATE = 48000


def pattern_clip(
    width: int = 640,
    height: int = 360,
    *,
    fps: Fraction | int = 24,
    frame_count: int = 48,
    tone_hz: float | None = None,
) -> Clip:
    """Return a test clip whose every frame differs: bars above, a gray ramp below, a ball crossing, the frame's number.

    Args:
        width: Frame width in pixels, 16 or more.
        height: Frame height in pixels, 16 or more.
        fps: Frames a second.
        frame_count: Number of frames, 1 or more.
        tone_hz: Pitch of a tone that lasts as long as the clip; no sound when absent.

    Returns:
        A clip in uint8, drawn as it is consumed.

    Raises:
        MediaError: The size, the count or the pitch is out of range.
    """
    if width < 16 or height < 16:
        raise MediaError(f"{width}x{height} is too small for a test pattern", "use at least 16x16")
    if frame_count < 1:
        raise MediaError(f"a clip of {frame_count} frames shows nothing", "use at least 1")
    if tone_hz is not None and not 0 < tone_hz < _TONE_RATE / 2:
        raise MediaError(f"a tone of {tone_hz:g} Hz cannot be heard", "try 440")
    rate = Fraction(fps)
    step = frames_per_chunk(width, height, "uint8")

    def produce() -> Iterator[Array]:
        background = _background(width, height)
        for start in range(0, frame_count, step):
            indices = range(start, min(start + step, frame_count))
            yield np.stack([_draw(background, index, index / rate) for index in indices])

    audio = None if tone_hz is None else _tone(tone_hz, frame_count / rate)
    return Clip(produce, width, height, rate, frame_count, audio=audio)


def _background(width: int, height: int) -> PilImage.Image:
    """Draw what does not move: bars in the upper two thirds, a ramp from black to white below."""
    pixels = np.zeros((height, width, 3), np.uint8)
    columns = np.arange(width) * len(BARS) // width
    pixels[:] = np.array(BARS, np.uint8)[columns]
    ramp = np.rint(np.linspace(0, 255, width)).astype(np.uint8)
    pixels[height * 2 // 3 :] = ramp[:, None]
    return PilImage.fromarray(pixels)


def _draw(background: PilImage.Image, index: int, time_s: Fraction) -> Array:
    """Draw one frame: the ball takes two seconds to cross, and bounces twice a second."""
    picture = background.copy()
    pen = ImageDraw.Draw(picture)
    width, height = picture.size
    radius = max(2, min(width, height) // 12)
    travelled = float(time_s % 2) / 2
    x = travelled * (width + 2 * radius) - radius
    y = height / 3 - abs(math.sin(math.pi * 2 * float(time_s % 1))) * (height / 3 - radius)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 255, 255), outline=(0, 0, 0))
    font = ImageFont.load_default(size=max(8, height // 8))
    place = (width // 2, height * 5 // 6)
    left, top, right, bottom = pen.textbbox(place, str(index), font=font, anchor="mm")
    pen.rectangle((left - 3, top - 3, right + 3, bottom + 3), fill=(0, 0, 0))
    pen.text(place, str(index), font=font, anchor="mm", fill=(255, 255, 255))
    return np.asarray(picture)


def _tone(pitch_hz: float, duration_s: Fraction) -> Audio:
    count = round(duration_s * _TONE_RATE)

    def waves() -> Iterator[Array]:
        for start in range(0, count, BLOCK):
            times = np.arange(start, min(start + BLOCK, count)) / _TONE_RATE
            yield (_TONE_AMPLITUDE * np.sin(2 * np.pi * pitch_hz * times)).astype(np.float32)[None]

    return Audio(collected(waves(), 1), _TONE_RATE)
