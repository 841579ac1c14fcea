"""Several clips in one picture: one laid over another, and many in a grid. They are read in step, a frame at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .colors import convert_dtype
from .errors import MediaError
from .frames import RGB, gather, in_step, paint, require_one_rate
from .geometry import BLACK, fit_clip
from .resize import resize_clip, resize_frame
from .types import Clip, Mask

if TYPE_CHECKING:
    from .types import Array

AfterEnd = Literal["hide", "hold"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Say where and how an overlay is shown.

    Attributes:
        x: 0 at the left edge of the frame, 1 at the right edge; the overlay stays inside when it is smaller.
        y: 0 at the top, 1 at the bottom.
        width: Width as a share of the frame's, proportions kept; 0 leaves the overlay's own size.
        opacity: 0 is invisible, 1 covers.
        after_end: Whether the overlay's last frame is held, or hidden, when the frame below goes on.
    """

    x: float = 0.5
    y: float = 0.5
    width: float = 0.0
    opacity: float = 1.0
    after_end: AfterEnd = "hold"


def overlay_clip(clip: Clip, overlay: Clip, *, place: Placement | None = None, mask: Mask | None = None) -> Clip:
    """Return the clip with another laid over it; length, size, dtype and sound are the lower one's.

    Args:
        clip: What lies below.
        overlay: What lies above, of the same rate.
        place: Where it goes; in the middle, in its own size, when absent.
        mask: Where the overlay shows, stretched to its size; everywhere when absent.

    Raises:
        MediaError: Rates or color spaces differ, or the opacity is outside 0 to 1.
    """
    place = place or Placement()
    require_one_rate([clip, overlay])
    if not 0 <= place.opacity <= 1 or place.width < 0:
        raise MediaError(f"an opacity of {place.opacity:g} or a width of {place.width:g} is impossible", "try 1 and 0")
    if place.width:
        wide = max(1, round(clip.width * place.width))
        overlay = resize_clip(overlay, wide, max(1, round(overlay.height * wide / overlay.width)))
    left, top = round(place.x * (clip.width - overlay.width)), round(place.y * (clip.height - overlay.height))
    alpha = _alpha(overlay, mask, place.opacity)

    def composed() -> Generator[Array]:
        shown: Array | None = None
        with closing(in_step([clip, overlay])) as rows:
            for below, above in rows:
                if below is None:
                    return
                shown = above if above is not None or place.after_end == "hide" else shown
                yield below if shown is None else _blended(below, shown, alpha, left, top)

    return clip.derive(lambda: gather(composed(), clip))


def _alpha(overlay: Clip, mask: Mask | None, opacity: float) -> Array:
    """Return the opacity of each pixel of the overlay, shaped (H, W, 1)."""
    if mask is None:
        return np.full((overlay.height, overlay.width, 1), opacity, np.float32)
    values = resize_frame(
        np.repeat(mask.values[:, :, None], 3, axis=2), overlay.width, overlay.height, method="bilinear"
    )
    return values[:, :, :1] * np.float32(opacity)


def _blended(below: Array, above: Array, alpha: Array, left: int, top: int) -> Array:
    """Return the lower frame with what of the upper one falls inside it."""
    height, width = below.shape[:2]
    rows = slice(max(0, top), min(height, top + above.shape[0]))
    columns = slice(max(0, left), min(width, left + above.shape[1]))
    inner = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    weight = alpha[inner]
    new = convert_dtype(above[inner], below.dtype.name).astype(np.float32)
    mixed = below[rows, columns] * (1 - weight) + new * weight
    result = below.copy()
    result[rows, columns] = np.rint(mixed) if below.dtype.kind == "u" else mixed
    return result


def grid_clips(clips: Sequence[Clip], columns: int, *, gap: int = 0, color: RGB = BLACK) -> Clip:
    """Return clips side by side, row by row, each fitted into a cell of the first one's size.

    The result lasts as long as the longest; a clip that ended holds its last frame. The sound is the first one's.

    Args:
        clips: At least one, all of the same rate.
        columns: How many stand side by side.
        gap: Pixels between them.
        color: What shows between them and in empty cells, RGB in [0, 1].

    Raises:
        MediaError: There is no clip, or rates or color spaces differ.
    """
    if not clips or columns < 1 or gap < 0:
        raise MediaError("a grid needs a clip, a column and a gap of 0 or more", "connect a clip")
    require_one_rate(clips)
    first = clips[0]
    cells = [fit_clip(clip, first.width, first.height, fit="pad", color=color) for clip in clips]
    columns = min(columns, len(cells))
    step_x, step_y = first.width + gap, first.height + gap
    width, height = columns * step_x - gap, -(-len(cells) // columns) * step_y - gap
    corners = [(number // columns * step_y, number % columns * step_x) for number in range(len(cells))]

    def composed() -> Generator[Array]:
        canvas = np.empty((height, width, 3), first.dtype)
        canvas[:] = paint(color, first.dtype)
        with closing(in_step(cells)) as rows:
            for row in rows:
                for (top, left), pixels in zip(corners, row, strict=True):
                    if pixels is not None:  # one that ended leaves its last frame on the canvas
                        cell = canvas[top : top + first.height, left : left + first.width]
                        cell[:] = convert_dtype(pixels, first.dtype)
                yield canvas.copy()

    counts = [clip.frame_count for clip in clips]
    total = None if None in counts else max(count for count in counts if count is not None)
    result = first.derive(lambda: gather(composed(), result), width=width, height=height, frame_count=total)
    return result
