"""The shape of frames: fitted into a box, cropped, padded, turned. Frame by frame, in any dtype, sound untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from .errors import MediaError
from .frames import RGB, map_frames, paint
from .resize import Method, resize_clip
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

Fit = Literal["fit", "pad", "fill", "stretch"]
FITS = ("fit", "pad", "fill", "stretch")
BLACK: RGB = (0.0, 0.0, 0.0)


def fit_clip(
    clip: Clip,
    width: int,
    height: int,
    *,
    fit: Fit = "fit",
    multiple_of: int = 1,
    method: Method = "lanczos",
    color: RGB = BLACK,
) -> Clip:
    """Return the clip resized into a box.

    Args:
        clip: Any clip.
        width: Width of the box in pixels; it is rounded to the multiple.
        height: Height of the box in pixels; it is rounded to the multiple.
        fit: ``fit`` is the largest size inside the box that keeps the proportions, ``pad`` adds bars to it, ``fill``
            covers the box and crops what stands over, ``stretch`` gives the proportions up.
        multiple_of: What both sides of the result are multiples of.
        method: How pixels are weighed.
        color: Color of the bars, RGB in [0, 1].

    Raises:
        MediaError: A size, the multiple or a word is impossible.
    """
    if fit not in FITS:
        raise MediaError(f"the fit {fit} is unknown", f"use one of {', '.join(FITS)}")
    if width < 1 or height < 1 or multiple_of < 1:
        raise MediaError(f"{width}x{height} in multiples of {multiple_of} is no size", "use at least 1 for each")
    box = (_rounded(width, multiple_of), _rounded(height, multiple_of))
    if fit == "stretch":
        return resize_clip(clip, *box, method=method)
    shares = (box[0] / clip.width, box[1] / clip.height)
    scale = max(shares) if fit == "fill" else min(shares)
    step = multiple_of if fit == "fit" else 1
    inner = (_rounded(clip.width * scale, step), _rounded(clip.height * scale, step))
    resized = resize_clip(clip, *inner, method=method)
    if fit == "fit":
        return resized
    left, top = (inner[0] - box[0]) // 2, (inner[1] - box[1]) // 2
    if fit == "fill":
        return crop_clip(resized, left=left, top=top, width=box[0], height=box[1])
    right, bottom = box[0] - inner[0] + left, box[1] - inner[1] + top
    return pad_clip(resized, left=-left, top=-top, right=right, bottom=bottom, color=color)


def crop_clip(clip: Clip, *, left: int, top: int, width: int, height: int) -> Clip:
    """Return a rectangle of every frame.

    Raises:
        MediaError: The rectangle does not lie inside the frame.
    """
    inside = left >= 0 and top >= 0 and left + width <= clip.width and top + height <= clip.height
    if width < 1 or height < 1 or not inside:
        raise MediaError(
            f"{width}x{height} pixels from ({left}, {top}) do not lie inside a frame of {clip.width}x{clip.height}",
            f"keep left + width within {clip.width} and top + height within {clip.height}",
        )
    rows, columns = slice(top, top + height), slice(left, left + width)
    return map_frames(clip, lambda pixels: pixels[rows, columns], width=width, height=height)


def pad_clip(clip: Clip, *, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0, color: RGB = BLACK) -> Clip:
    """Return the clip with bars of one color around every frame.

    Args:
        clip: Any clip.
        left: Width of the bar on the left, in pixels.
        top: Height of the bar above.
        right: Width of the bar on the right.
        bottom: Height of the bar below.
        color: RGB in [0, 1].

    Raises:
        MediaError: A bar is narrower than nothing.
    """
    if min(left, top, right, bottom) < 0:
        raise MediaError("a bar cannot be narrower than 0 pixels", "use the crop to take pixels away")
    width, height = clip.width + left + right, clip.height + top + bottom
    pixel = paint(color, clip.dtype)

    def pad(pixels: Array) -> Array:
        framed = np.empty((height, width, 3), pixels.dtype)
        framed[:] = pixel
        framed[top : top + clip.height, left : left + clip.width] = pixels
        return framed

    return map_frames(clip, pad, width=width, height=height)


def turn_clip(clip: Clip, *, quarter_turns: int = 0, mirror: bool = False, upside_down: bool = False) -> Clip:
    """Return the clip flipped, then turned clockwise.

    Args:
        clip: Any clip.
        quarter_turns: How often it is turned by 90 degrees clockwise.
        mirror: Whether left and right change places before the turn.
        upside_down: Whether above and below change places before the turn.
    """
    turns = quarter_turns % 4
    size = (clip.height, clip.width) if turns % 2 else (clip.width, clip.height)

    def turn(pixels: Array) -> Array:
        flipped = pixels[:: -1 if upside_down else 1, :: -1 if mirror else 1]
        return np.rot90(flipped, -turns)

    return map_frames(clip, turn, width=size[0], height=size[1])


def _rounded(pixels: float, multiple: int) -> int:
    return max(multiple, round(pixels / multiple) * multiple)
