"""Still pictures: reading them upright and within limits, and writing them. Previews live in ``preview``."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps
import PIL.PngImagePlugin

from .colors import convert_dtype
from .container import MAX_PIXELS, local_file
from .embed import WORKFLOW, workflow_in_comment, workflow_in_xmp, xmp_of
from .errors import MediaError
from .files import write_whole
from .stills import decode_still
from .types import Clip, Image, Mask, frames_per_chunk

if TYPE_CHECKING:
    from .types import Array

# Pillow would also try formats that run other programs (EPS) or that nobody sends.
_READABLE = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
_WRITABLE = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
MAX_SIDES = {"WEBP": 16383, "JPEG": 65500, "GIF": 65535}
"""The longest sides that formats store, in pixels; for JPEG what its usual library does."""


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read a picture as RGB, turned upright as its EXIF says; transparency is dropped (``read_mask`` reads it).

    Args:
        path: A local PNG, JPEG, WebP, BMP, TIFF, GIF (first frame) or AVIF file.
        max_pixels: Largest picture that may be decoded.

    Returns:
        Pixels in uint8, or in float32 when the file has 16 bits.

    Raises:
        MediaError: The file is missing, broken, too large or no picture.
    """
    with _opened(path, max_pixels) as picture:
        if picture.mode.startswith(("I", "F")):
            return Image(np.repeat(_deep_gray(picture)[:, :, None], 3, axis=2))
        deep = _deep_color(Path(path), max_pixels)
        return Image(np.array(picture.convert("RGB")) if deep is None else deep)


def read_mask(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Mask:
    """Read a mask: the picture's opacity when it has transparency, else its brightness.

    Raises:
        MediaError: The file is missing, broken, too large or no picture.
    """
    with _opened(path, max_pixels) as picture:
        if picture.mode.startswith(("I", "F")):
            return Mask(_deep_gray(picture))
        has_alpha = "A" in picture.getbands() or "transparency" in picture.info
        gray = picture.convert("RGBA").getchannel("A") if has_alpha else picture.convert("L")
        return Mask(convert_dtype(np.array(gray), "float32"))


def image_size(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int, str]:
    """Return width and height of a picture as it is shown, and its file format in small letters.

    Raises:
        MediaError: The file is missing, broken, too large or no picture.
    """
    with _opened(path, max_pixels) as picture:
        return picture.width, picture.height, Path(path).suffix.lstrip(".").lower()


def read_image_tags(path: str | Path) -> dict[str, str]:
    """Return the text tags of a picture, keys in lower case; the embedded workflow is under ``workflow``.

    Raises:
        MediaError: The file is missing, broken or no picture.
    """
    with _opened(path, MAX_PIXELS) as picture:
        tags = {str(key).lower(): value for key, value in picture.info.items() if isinstance(value, str)}
        for key, find in (("comment", _in_comment), ("xmp", workflow_in_xmp)):
            value = picture.info.get(key)
            workflow = find(value) if isinstance(value, bytes) else None
            if workflow is not None:
                tags[WORKFLOW] = workflow
        return tags


def _in_comment(comment: bytes) -> str | None:
    return workflow_in_comment(comment.decode(errors="replace"))


def write_image(path: str | Path, image: Image, *, quality: int = 92, metadata: dict[str, str] | None = None) -> None:
    """Write a picture; the file appears whole under its name, or not at all.

    Args:
        path: The file to write; its suffix chooses PNG, JPEG, WebP, BMP or TIFF.
        image: What to write; floats are rounded to 8 bits.
        quality: 1 to 100, for JPEG and WebP.
        metadata: Text tags, which PNG keeps; of these WebP keeps the ``workflow``, and the others keep none.

    Raises:
        MediaError: The suffix is unknown, the picture is too large for the format, tags do not fit it, or the disk is
            full.
    """
    target = Path(path).absolute()
    form = _WRITABLE.get(target.suffix.lower())
    if form is None:
        raise MediaError(f"{target.name} has no known picture suffix", f"use one of {', '.join(_WRITABLE)}")
    if not 1 <= quality <= 100:
        raise MediaError(f"quality {quality} is outside 1 to 100", "try 92")
    check_sides(form, image.width, image.height)
    options: dict[str, Any] = {"quality": quality} if form in {"JPEG", "WEBP"} else {}
    if form == "WEBP" and set(metadata or {}) == {WORKFLOW}:
        options["xmp"] = xmp_of((metadata or {})[WORKFLOW])
    elif metadata and form != "PNG":
        raise MediaError(f"{form} keeps no text tags", "write a .png to embed the workflow")
    if metadata and form == "PNG":
        tags = PIL.PngImagePlugin.PngInfo()
        for key, value in metadata.items():
            tags.add_itxt(key, value)
        options["pnginfo"] = tags
    with write_whole(target) as temporary:
        PIL.Image.fromarray(convert_dtype(image.pixels, "uint8")).save(temporary, format=form, **options)


def check_sides(form: str, width: int, height: int) -> None:
    """Refuse a size that a format of pictures cannot store.

    Args:
        form: As Pillow names it.
        width: In pixels.
        height: In pixels.

    Raises:
        MediaError: A side is longer than ``MAX_SIDES`` says.
    """
    limit = MAX_SIDES.get(form)
    if limit is not None and max(width, height) > limit:
        name = {"WEBP": "WebP"}.get(form, form)
        raise MediaError(
            f"{width}x{height} pixels are too many for {name}, whose sides are {limit} at most",
            "make the picture smaller" + ("" if form == "GIF" else ", or save it as PNG"),
        )


def image_as_clip(image: Image, fps: Fraction | int, frame_count: int) -> Clip:
    """Return a clip that shows one picture for ``frame_count`` frames."""
    dtype: Any = image.pixels.dtype.name
    step = frames_per_chunk(image.width, image.height, dtype)

    def produce() -> Iterator[Array]:
        for start in range(0, frame_count, step):
            count = min(step, frame_count - start)
            yield np.repeat(image.pixels[None], count, axis=0)

    return Clip(produce, image.width, image.height, Fraction(fps), frame_count, dtype)


@contextmanager
def _opened(path: str | Path, max_pixels: int) -> Generator[PIL.Image.Image]:
    """Open a picture, check its size before decoding, and yield it decoded and upright."""
    local = local_file(path)
    try:
        with warnings.catch_warnings():
            # Our own limit is below, and what is wrong with a file is told if it keeps the picture from being read.
            warnings.simplefilter("ignore")
            with PIL.Image.open(local, formats=_READABLE) as picture:
                if picture.width * picture.height > max_pixels:
                    raise MediaError(
                        f"{local.name} has {picture.width}x{picture.height} pixels, above the limit of {max_pixels}",
                        "make it smaller with another program, or raise the limit (KINEGRAPH_MAX_PIXELS)",
                    )
                picture.load()
                yield PIL.ImageOps.exif_transpose(picture)
    except PIL.Image.DecompressionBombError as error:
        raise MediaError(
            f"{local.name} says that it has far more pixels than a picture may have",
            "make it smaller with another program; if it is small, its header is damaged",
        ) from error
    except (PIL.UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise MediaError(
            f"{local.name} is not a readable picture, or it is cut off", "open it elsewhere and save it as PNG"
        ) from error


def _deep_color(path: Path, max_pixels: int) -> Array | None:
    """Return a picture's pixels (H, W, 3) in float32, upright, if it has colors of 16 bits; Pillow keeps eight."""
    with PIL.Image.open(path, formats=_READABLE) as picture:
        suffix = {"PNG": ".png", "TIFF": ".tif"}.get(picture.format or "")
        if suffix is None or not any(";16" in str(tile.args) for tile in picture.tile):
            return None
        orientation = picture.getexif().get(PIL.ExifTags.Base.Orientation, 1)
    pixels, _opacity = decode_still(path.read_bytes(), path.with_suffix(suffix).name, max_pixels=max_pixels)
    return convert_dtype(np.ascontiguousarray(_turned(pixels, orientation)), "float32")


def _turned(pixels: Array, orientation: int) -> Array:
    """Return pixels upright as EXIF's orientation, 1 to 8, asks for (Exif 3.0, 4.6.5.1)."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return pixels[:, ::-1] if orientation in {2, 3, 6, 7} else pixels


def _deep_gray(picture: PIL.Image.Image) -> Array:
    values = np.asarray(picture).astype(np.float32)
    if picture.mode == "F":
        return np.clip(np.nan_to_num(values), 0.0, 1.0)
    return np.clip(values / 65535.0, 0.0, 1.0)
