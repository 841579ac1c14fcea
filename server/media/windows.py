"""Changes that see several frames at once: a clip goes through in windows that overlap, blended where they do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import MediaError
from .frames import gather
from .interpolate import blend
from .types import Clip

if TYPE_CHECKING:
    from .types import Array


def map_windows(clip: Clip, change: Callable[[Array], Array], *, length: int, overlap: int, **changes: Any) -> Clip:
    """Return the clip changed window by window. One window, and the overlap of the one before it, are all that is held.

    Where two windows overlap, the result fades from the one to the other, so that no seam is seen. Every window has
    ``length`` frames: the last one reaches back as far as it must. Only a shorter clip is one window of its own length.

    Args:
        clip: Any clip.
        change: From frames shaped (N, H, W, 3), which it must not write to, to as many frames of the result.
        length: Frames in a window.
        overlap: Frames that neighboring windows share, less than ``length``.
        changes: What else differs in the result: width, height, dtype.

    Raises:
        MediaError: The overlap does not fit; or ``change``, when the clip is consumed, returned more frames or fewer.
    """
    if not 0 <= overlap < length:
        raise MediaError(f"windows of {length} frames cannot overlap by {overlap}", "use fewer than the length")

    def changed() -> Generator[Array]:
        window: deque[Array] = deque(maxlen=length)
        tail: list[Array] = []
        fresh = 0
        with closing(clip.frames()) as frames:
            for pixels in frames:
                window.append(pixels)
                fresh += 1
                if len(window) == length and fresh >= length - len(tail):
                    made = _joined(tail, _applied(change, window), fresh)
                    yield from made[: len(made) - overlap]
                    tail, fresh = made[len(made) - overlap :], 0
        yield from _joined(tail, _applied(change, window), fresh) if fresh else tail

    result = clip.derive(lambda: gather(changed(), result), **changes)
    return result


def _applied(change: Callable[[Array], Array], window: deque[Array]) -> Array:
    made = change(np.stack(window))
    if len(made) != len(window):
        raise MediaError(
            f"a window of {len(window)} frames became {len(made)}", "the step that changes it is at fault; report it"
        )
    return made


def _joined(tail: list[Array], made: Array, fresh: int) -> list[Array]:
    """Return the window's frames from the first of ``tail`` on, with it faded out; ``fresh`` ones come after it."""
    start = len(made) - fresh - len(tail)
    faded = [
        blend(before, after, step, len(tail) + 1)
        for step, (before, after) in enumerate(zip(tail, made[start : start + len(tail)], strict=True), start=1)
    ]
    return [*faded, *made[start + len(tail) :]]
