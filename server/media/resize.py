"""Changing the size of frames and pictures, one at a time, in any of the dtypes. Learned upscaling is elsewhere."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image as PilImage

from .errors import MediaError
from .frames import gather
from .types import Clip, Image, as_pixels
from .yuv import YuvBlock

if TYPE_CHECKING:
    from .types import Array

Method = Literal["lanczos", "bicubic", "bilinear", "area", "nearest"]
METHODS: dict[str, PilImage.Resampling] = {
    "lanczos": PilImage.Resampling.LANCZOS,
    "bicubic": PilImage.Resampling.BICUBIC,
    "bilinear": PilImage.Resampling.BILINEAR,
    "area": PilImage.Resampling.BOX,
    "nearest": PilImage.Resampling.NEAREST,
}


def resize_clip(clip: Clip, width: int, height: int, *, method: Method = "lanczos") -> Clip:
    """Return the clip at another size, frame by frame, with the same dtype, rate and sound.

    Args:
        clip: Any clip.
        width: New width in pixels.
        height: New height in pixels.
        method: How to weigh neighbours: lanczos and bicubic are sharp, area averages, nearest copies.

    Raises:
        MediaError: The size or the method is impossible.
    """
    _check(width, height, method)
    if (width, height) == (clip.width, clip.height):
        return clip

    def resized() -> Generator[Array]:
        with closing(clip.blocks()) as blocks:
            for block in blocks:
                if isinstance(block, YuvBlock) and method == "lanczos":
                    # In one step with the conversion to RGB it costs half as much.
                    yield from block.resized(width, height)
                    continue
                for pixels in as_pixels(block):
                    yield resize_frame(pixels, width, height, method=method)

    result = clip.derive(lambda: gather(resized(), result), width=width, height=height)
    return result


def resize_image(image: Image, width: int, height: int, *, method: Method = "lanczos") -> Image:
    """Return the picture at another size.

    Raises:
        MediaError: The size or the method is impossible.
    """
    _check(width, height, method)
    return Image(resize_frame(image.pixels, width, height, method=method))


def resize_frame(pixels: Array, width: int, height: int, *, method: Method = "lanczos") -> Array:
    """Return (height, width, 3) pixels of the same dtype; floats stay in [0, 1] although sharp filters overshoot."""
    resampling = METHODS[method]
    if pixels.dtype == np.uint8:
        return np.asarray(PilImage.fromarray(np.ascontiguousarray(pixels)).resize((width, height), resampling))
    # Pillow filters deep pixels only as single float channels.
    scale = np.float32(65535 if pixels.dtype == np.uint16 else 1)
    channels = (PilImage.fromarray(np.ascontiguousarray(pixels[:, :, c], np.float32)) for c in range(3))
    resized = [np.asarray(channel.resize((width, height), resampling)) for channel in channels]
    values = np.clip(np.stack(resized, axis=2), 0, scale)
    return (np.rint(values) if pixels.dtype == np.uint16 else values).astype(pixels.dtype)


def _check(width: int, height: int, method: str) -> None:
    if width < 1 or height < 1:
        raise MediaError(f"{width}x{height} is no size", "use at least 1 pixel each way")
    if method not in METHODS:
        raise MediaError(f"the method {method} is unknown", f"use one of {', '.join(METHODS)}")
