"""Text burned into frames, with the time code and the number of each frame where they are asked for."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from .errors import MediaError
from .frames import RGB, map_numbered, paint
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

Anchor = Literal["top_left", "top", "top_right", "center", "bottom_left", "bottom", "bottom_right"]
ANCHORS = ("top_left", "top", "top_right", "center", "bottom_left", "bottom", "bottom_right")
MAX_CHARACTERS = 2000
WHITE: RGB = (1.0, 1.0, 1.0)
_BOX_OPACITY = 0.6


def burn_in_text(
    clip: Clip,
    text: str,
    *,
    anchor: Anchor = "bottom",
    height: float = 0.06,
    color: RGB = WHITE,
    box: bool = True,
    start_timecode: str = "00:00:00:00",
) -> Clip:
    """Return the clip with text drawn over every frame.

    Args:
        clip: Any clip.
        text: What to show; ``{timecode}``, ``{frame}`` and ``{seconds}`` become those of each frame.
        anchor: Where in the frame it stands.
        height: Height of a line as a share of the frame's height.
        color: Color of the letters, RGB in [0, 1].
        box: Whether a dark box lies behind them.
        start_timecode: The first frame's time code.

    Raises:
        MediaError: The text is too long, the anchor unknown, or the time code is none.
    """
    if anchor not in ANCHORS or not 0 < height <= 1 or len(text) > MAX_CHARACTERS:
        raise MediaError(
            f"{len(text)} characters at {anchor}, {height:g} of the frame high, cannot be drawn",
            f"use up to {MAX_CHARACTERS} characters, a height up to 1, and one of {', '.join(ANCHORS)}",
        )
    first = frame_of_timecode(start_timecode, clip.fps)
    pen = lru_cache(maxsize=1)(lambda words: _draw(words, clip, anchor, height, box=box))
    ink = paint(color, clip.dtype).astype(np.float32)

    def burn(pixels: Array, index: int) -> Array:
        place, letters, shade = pen(_filled(text, index, first, clip.fps))
        mixed = pixels[place] * (1 - shade) * (1 - letters) + ink * letters
        result = pixels.copy()
        result[place] = np.rint(mixed) if pixels.dtype.kind == "u" else mixed
        return result

    return map_numbered(clip, burn)


def timecode(frame: int, fps: Fraction) -> str:
    """Return SMPTE time code of a frame number; 29.97 and 59.94 count by drop frame, written with a semicolon."""
    nominal = round(fps)
    dropped = _dropped(fps)
    if dropped:
        # Two numbers (four at 59.94) are left out each minute, but not in every tenth.
        tens, rest = divmod(frame, 600 * nominal - 9 * dropped)
        frame += 9 * dropped * tens
        if rest >= 60 * nominal:
            frame += dropped * ((rest - 60 * nominal) // (60 * nominal - dropped) + 1)
    seconds, number = divmod(frame, nominal)
    minutes, seconds = divmod(seconds, 60)
    mark = ";" if dropped else ":"
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds:02d}{mark}{number:02d}"


def frame_of_timecode(code: str, fps: Fraction) -> int:
    """Return the frame number that SMPTE time code stands for.

    Raises:
        MediaError: It is not hours, minutes, seconds and frames, or names a frame that the rate does not have.
    """
    nominal, dropped = round(fps), _dropped(fps)
    parts = code.replace(";", ":").split(":")
    hint = f"write it as hours:minutes:seconds:frames with frames below {nominal}, such as 01:00:00:00"
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise MediaError(f"{code!r} is no time code", hint)
    hours, minutes, seconds, number = map(int, parts)
    total_minutes = 60 * hours + minutes
    skipped = dropped and seconds == 0 and minutes % 10 != 0 and number < dropped
    if hours > 23 or minutes > 59 or seconds > 59 or number >= nominal or skipped:
        raise MediaError(f"there is no time code {code!r} at {float(fps):.3f} frames a second", hint)
    return (60 * total_minutes + seconds) * nominal + number - dropped * (total_minutes - total_minutes // 10)


def _dropped(fps: Fraction) -> int:
    return {Fraction(30000, 1001): 2, Fraction(60000, 1001): 4}.get(fps, 0)


def _filled(text: str, index: int, first: int, fps: Fraction) -> str:
    # Not str.format, which would let a text reach into Python's objects.
    filled = text.replace("{timecode}", timecode(first + index, fps)).replace("{frame}", str(index))
    return filled.replace("{seconds}", f"{float(index / fps):.3f}")


def _draw(words: str, clip: Clip, anchor: str, height: float, *, box: bool) -> tuple[tuple[slice, slice], Array, Array]:
    """Return the rectangle that is drawn on, and how much letters and box cover its pixels, both shaped (H, W, 1)."""
    picture = PilImage.new("L", (clip.width, clip.height))
    pen = ImageDraw.Draw(picture)
    size = max(6, round(clip.height * height))
    font = ImageFont.load_default(size=size)
    left, top, right, bottom = pen.multiline_textbbox((0, 0), words, font=font, align="center")
    margin, border = size // 2, size // 4
    x = _place(clip.width, right - left, margin, _edge(anchor, "left", "right"))
    y = _place(clip.height, bottom - top, margin, _edge(anchor, "top", "bottom"))
    pen.multiline_text((x - left, y - top), words, font=font, fill=255, align="center")
    rows = slice(max(0, round(y - border)), max(0, round(y + bottom - top + border)))
    columns = slice(max(0, round(x - border)), max(0, round(x + right - left + border)))
    letters = np.asarray(picture, np.float32)[rows, columns, None] / np.float32(255)
    shade = np.full_like(letters, _BOX_OPACITY if box and words.strip() else 0.0)
    return (rows, columns), letters, shade


def _place(side: int, length: float, margin: int, edge: str) -> float:
    """Return where something of a length starts so that it stands at an edge, or in the middle when there is none."""
    if edge == "start":
        return margin
    return side - margin - length if edge == "end" else (side - length) / 2


def _edge(anchor: str, start: str, end: str) -> str:
    return "start" if start in anchor else "end" if end in anchor else ""
