"""The transparency of a clip, which is a gray clip of its own: white is opaque."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

from .colors import convert_dtype
from .errors import MediaError
from .types import Clip

if TYPE_CHECKING:
    from .types import Array


def check_alpha(clip: Clip, alpha: Clip | None) -> None:
    """Refuse transparency of another size or rate than the clip's.

    Raises:
        MediaError: It does not fit.
    """
    if alpha is not None and (alpha.width, alpha.height, alpha.fps) != (clip.width, clip.height, clip.fps):
        raise MediaError(
            f"the transparency is {alpha.width}x{alpha.height} at {alpha.fps} frames a second, but the clip is "
            f"{clip.width}x{clip.height} at {clip.fps}",
            "bring them to one size and rate first",
        )


def opacities(alpha: Clip | None, dtype: str | None = None) -> Generator[Array | None]:
    """Yield the opacity (H, W) of each frame, in a dtype or in its own; None for ever when there is no transparency.

    Raises:
        MediaError: One more is asked for than there are.
    """
    while alpha is None:
        yield None
    done = 0
    with closing(alpha.frames()) as frames:
        for pixels in frames:
            yield convert_dtype(pixels[:, :, 1], dtype or alpha.dtype)
            done += 1
    raise MediaError(f"the transparency ends after {done} frames, before the clip does", "make it as long as the clip")
