"""Small pictures of large things: frames as JPEG or WebP for a wire, and a contact sheet of a clip."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image as PilImage

from .colors import convert_dtype
from .errors import MediaError
from .pictures import MAX_SIDES
from .resize import resize_frame
from .types import Clip, Image

if TYPE_CHECKING:
    from .types import Array

_GAP = 4
_PAPER = 24


def encode_preview(
    pixels: Array, *, max_side: int = 512, file_format: Literal["jpeg", "webp"] = "jpeg", quality: int = 80
) -> bytes:
    """Return one frame as a small file in memory, shrunk so that no side is longer than ``max_side``.

    Args:
        pixels: (H, W, 3) RGB in any of the four dtypes; it is never enlarged.
        max_side: Longest side in pixels.
        file_format: ``jpeg`` or ``webp``.
        quality: 1 to 100.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = resize_frame(pixels, *size, method="area")
    buffer = io.BytesIO()
    PilImage.fromarray(np.ascontiguousarray(convert_dtype(pixels, "uint8"))).save(buffer, file_format, quality=quality)
    return buffer.getvalue()


def encode_moving_preview(frames: Array, seconds: float, *, quality: int = 70) -> bytes:
    """Return frames as an animated WebP in memory that loops for ever; one frame is a still.

    Made for a few dozen small frames: 16 of 256x144 take about 30 ms.

    Args:
        frames: (N, H, W, 3) uint8 RGB, N at least 1.
        seconds: How long one pass takes.
        quality: 1 to 100.
    """
    first, *others = (PilImage.fromarray(np.ascontiguousarray(pixels)) for pixels in frames)
    buffer = io.BytesIO()
    moving: dict[str, object] = {}
    if others:
        # WebP counts in whole milliseconds; frames of none would be shown at the reader's pleasure.
        moving = {"save_all": True, "append_images": others, "duration": max(20, round(1000 * seconds / len(frames)))}
    first.save(buffer, "webp", quality=quality, method=1, loop=0, **moving)
    return buffer.getvalue()


def contact_sheet(clip: Clip, *, count: int = 12, columns: int = 4, width: int = 240) -> Image:
    """Return one picture with frames of a clip, evenly spaced from the first to the last, in reading order.

    The clip is pulled through once, and only the chosen frames are kept.

    Args:
        clip: Any clip with at least one frame.
        count: How many frames to show; fewer when the clip has fewer.
        columns: Frames in a row.
        width: Width of each frame in the sheet, in pixels; less where the sheet would be too large for a WebP.

    Raises:
        MediaError: The clip has no frames, or a number is below 1.
    """
    if min(count, columns, width) < 1:
        raise MediaError("a contact sheet needs at least one frame, one column and one pixel", "use numbers above 0")
    width, height = _tile_size(clip, width, columns, -(-count // columns))
    tiles = [
        convert_dtype(resize_frame(pixels, width, height, method="area"), "uint8") for pixels in _spread(clip, count)
    ]
    if not tiles:
        raise MediaError("the clip has no frames to show", "check the steps before this one")
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), _PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        y = _GAP + number // columns * (height + _GAP)
        x = _GAP + number % columns * (width + _GAP)
        sheet[y : y + height, x : x + width] = tile
    return Image(sheet)


def _tile_size(clip: Clip, width: int, columns: int, rows: int) -> tuple[int, int]:
    """Return width and height of the frames in a sheet of so many, none of whose sides is longer than a WebP's."""
    widest, highest = ((MAX_SIDES["WEBP"] - _GAP) // number - _GAP for number in (columns, rows))
    scale = min(width / clip.width, widest / clip.width, highest / clip.height)
    return max(1, round(clip.width * scale)), max(1, round(clip.height * scale))


def _spread(clip: Clip, count: int) -> list[Array]:
    if clip.frame_count is None:
        return _spread_unknown(clip, count)
    last = clip.frame_count - 1
    wanted = {round(number * last / max(1, count - 1)) for number in range(count)}
    with closing(clip.frames()) as frames:
        return [pixels.copy() for index, pixels in enumerate(frames) if index in wanted]


def _spread_unknown(clip: Clip, count: int) -> list[Array]:
    """Keep every k-th frame, and double k whenever twice too many are kept: the end is not known beforehand."""
    kept: list[Array] = []
    stride = 1
    with closing(clip.frames()) as frames:
        for index, pixels in enumerate(frames):
            if index % stride:
                continue
            kept.append(pixels.copy())
            if len(kept) > 2 * count:
                kept, stride = kept[::2], stride * 2
    if len(kept) <= count:
        return kept
    return [kept[round(number * (len(kept) - 1) / max(1, count - 1))] for number in range(count)]
