"""Colour between RGB and YUV: FFmpeg's names and numbers for it, and the exact conversion. No files are touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from .codecs import has_alpha
from .errors import MediaError
from .siting import SitingMarker
from .types import ColorTags

if TYPE_CHECKING:
    from .types import Array

# Numbers of ITU-T H.273, which FFmpeg and every container share.
PRIMARIES = {"bt709": 1, "bt470m": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "bt2020": 9, "smpte432": 12}
TRANSFERS = {
    "bt709": 1,
    "gamma22": 4,
    "gamma28": 5,
    "smpte170m": 6,
    "smpte240m": 7,
    "linear": 8,
    "iec61966-2-1": 13,
    "bt2020-10": 14,
    "bt2020-12": 15,
    "smpte2084": 16,
    "arib-std-b67": 18,
}
MATRICES = {"gbr": 0, "bt709": 1, "fcc": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "bt2020nc": 9}

_SWSCALE_MATRIX = {
    "bt709": Colorspace.ITU709,
    "fcc": Colorspace.FCC,
    "bt470bg": Colorspace.ITU601,
    "smpte170m": Colorspace.SMPTE170M,
    "smpte240m": Colorspace.SMPTE240M,
    "bt2020nc": Colorspace.BT2020,
}
# Without these flags swscale is off by up to 3 levels; with them by the rounding alone.
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP


def tags_from_codes(codes: tuple[int, int, int, int], height: int, *, is_rgb: bool) -> ColorTags:
    """Name H.273 codes (primaries, transfer, matrix, range), filling in what a file leaves unsaid as players do.

    Args:
        codes: The numbers that the file carries; unknown and unspecified ones are guessed.
        height: Frame height: below 720 lines an untagged file is taken for BT.601, else for BT.709.
        is_rgb: Whether the pixels are stored as RGB, which has no matrix and is full range.
    """
    primaries, transfer, matrix, color_range = codes
    assumed_matrix = "bt709" if height >= 720 else "smpte170m"
    return ColorTags(
        primaries=_name_of(PRIMARIES, primaries) or "bt709",
        transfer=_name_of(TRANSFERS, transfer) or "bt709",
        matrix="gbr" if is_rgb else (_name_of(_known_matrices(), matrix) or assumed_matrix),
        full_range=is_rgb or color_range == int(ColorRange.JPEG),
    )


def codes_from_tags(tags: ColorTags) -> tuple[int, int, int, int]:
    """Return the H.273 numbers (primaries, transfer, matrix, range) of named tags.

    Raises:
        MediaError: A name is not one of FFmpeg's.
    """
    color_range = ColorRange.JPEG if tags.full_range else ColorRange.MPEG
    return (
        _code_of(PRIMARIES, tags.primaries, "primaries"),
        _code_of(TRANSFERS, tags.transfer, "transfer"),
        _code_of(MATRICES, tags.matrix, "matrix"),
        int(color_range),
    )


# Planar on purpose: with these flags swscale's packed rgb48 wraps around on saturated 4:2:0 colours (FFmpeg 8.1).
_DEEP_RGB = "gbrp16le"
_DEEP_PLANAR = {f"gbr{alpha}p{bits}le" for bits in (10, 12, 14, 16) for alpha in ("", "a")}


class PixelConverter:
    """Convert frames between RGB arrays and a file's pixel format; one for each stream: it keeps swscale's tables.

    Args:
        tags: How the file stores colors.
        threads: Of swscale.
        siting: Where chroma samples shall lie in what is made of RGB: one of ``siting.SITINGS``, or nothing for center.
    """

    def __init__(self, tags: ColorTags, *, threads: int = 1, siting: str = "") -> None:
        if tags.matrix != "gbr" and tags.matrix not in _SWSCALE_MATRIX:
            raise MediaError(f"the colour matrix {tags.matrix} cannot be converted", "use bt709")
        self._tags = tags
        self._threads = threads
        self._siting = siting
        self._marker: SitingMarker | None = None
        self._swscale = VideoReformatter()

    def to_rgb(self, frame: av.VideoFrame, *, deep: bool) -> Array:
        """Return a decoded frame as (H, W, 3) RGB, full range: uint16 when ``deep``, else uint8."""
        if not deep:
            return self._convert(frame, "rgb24", from_yuv=True).to_ndarray()
        if frame.format.name in _DEEP_PLANAR:
            return _stretched(frame.to_ndarray()[:, :, :3], frame.format.components[0].bits)
        pixels = self._convert(frame, _DEEP_RGB, from_yuv=True).to_ndarray()
        return pixels if self._tags.matrix == "gbr" else _from_swscale(pixels)

    def to_scaled_rgb(self, frame: av.VideoFrame, width: int, height: int) -> Array:
        """Return a decoded frame of 8 bits as (height, width, 3) RGB in uint8, scaled by Lanczos on the way."""
        if (frame.width, frame.height) == (width, height):
            return self.to_rgb(frame, deep=False)
        return self._convert(frame, "rgb24", from_yuv=True, size=(width, height)).to_ndarray()

    def to_gray_alpha(self, frame: av.VideoFrame, *, deep: bool) -> Array:
        """Return the opacity of a decoded frame as (H, W, 3) gray, full range: uint16 when ``deep``, else uint8."""
        if frame.format.is_planar:
            opacity = _plane(frame, 3, np.dtype("<u2" if deep else "u1"))
            opacity = _stretched(opacity, frame.format.components[3].bits) if deep else opacity
        else:
            opacity = self._convert(frame, "rgba64le" if deep else "rgba", from_yuv=True).to_ndarray()[:, :, 3]
        return np.repeat(opacity[:, :, None], 3, axis=2)

    def from_rgb(self, pixels: Array, pixel_format: str, opacity: Array | None = None) -> av.VideoFrame:
        """Return an encoder's frame from RGB.

        Args:
            pixels: (H, W, 3) in uint8 or uint16.
            pixel_format: FFmpeg's name of what the encoder takes.
            opacity: (H, W) in the dtype of ``pixels``; opaque when absent, and left out where the format has none.
        """
        frame = self._stored(pixels, pixel_format, opacity)
        primaries, transfer, matrix, color_range = codes_from_tags(self._tags)
        frame.color_primaries, frame.color_trc = primaries, transfer
        frame.colorspace, frame.color_range = matrix, color_range
        return frame

    def _stored(self, pixels: Array, pixel_format: str, opacity: Array | None) -> av.VideoFrame:
        deep, beside = pixels.dtype == np.uint16, pixel_format.startswith("yuva")
        if opacity is not None and has_alpha(pixel_format) and not beside:
            joined = np.concatenate([pixels, opacity[:, :, None]], axis=2)
            source = av.VideoFrame.from_ndarray(joined, "rgba64le" if deep else "rgba")
            return self._convert(source, pixel_format, from_yuv=False)
        wide = _to_swscale(pixels) if deep and self._tags.matrix != "gbr" else pixels
        source = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide), "rgb48le" if deep else "rgb24")
        frame = self._convert(source, pixel_format, from_yuv=False)
        if opacity is not None and beside:
            _set_alpha(frame, opacity)
        return frame

    def _convert(
        self, frame: av.VideoFrame, pixel_format: str, *, from_yuv: bool, size: tuple[int, int] | None = None
    ) -> av.VideoFrame:
        if self._siting and not from_yuv:
            if self._marker is None:
                self._marker = SitingMarker(frame.width, frame.height, frame.format.name, self._siting)
            frame = self._marker.mark(frame)
        settings: dict[str, Any] = {"format": pixel_format, "threads": self._threads}
        settings["interpolation"] = _EXACT | (Interpolation.LANCZOS if size else Interpolation.BILINEAR)
        if size:
            settings["width"], settings["height"] = size
        if self._tags.matrix != "gbr":
            matrix = _SWSCALE_MATRIX[self._tags.matrix]
            yuv_range = ColorRange.JPEG if self._tags.full_range else ColorRange.MPEG
            source, target = (yuv_range, ColorRange.JPEG) if from_yuv else (ColorRange.JPEG, yuv_range)
            settings |= {"src_color_range": source, "dst_color_range": target}
            settings |= {"src_colorspace": matrix, "dst_colorspace": matrix}
        return self._swscale.reformat(frame, **settings)


def _to_swscale(pixels: Array) -> Array:
    """Return 16-bit RGB as swscale's YUV takes it: there white is 255 * 256, or 940 would come out as 943."""
    return pixels - (pixels >> 8)


def _from_swscale(pixels: Array) -> Array:
    """Return 16-bit RGB that swscale made from YUV with white at 65535."""
    clipped = np.minimum(pixels, np.uint16(255 * 256))
    return clipped + (clipped >> 8)


def _stretched(values: Array, bits: int) -> Array:
    """Return whole numbers of so many bits as uint16 over its whole range; swscale would only shift them."""
    if bits == 16:
        return values
    top = (1 << bits) - 1
    return ((values.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)


def _plane(frame: av.VideoFrame, number: int, dtype: np.dtype[Any]) -> Array:
    """Return one plane of a frame, (H, W), which lives as long as the frame does."""
    plane: Any = frame.planes[number]
    rows = np.frombuffer(plane, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
    return rows[:, : plane.width]


def _set_alpha(frame: av.VideoFrame, opacity: Array) -> None:
    bits = frame.format.components[3].bits
    target = _plane(frame, 3, np.dtype("<u2" if bits > 8 else "u1"))
    if opacity.dtype == np.uint16 and bits < 16:
        opacity = (opacity.astype(np.uint32) * ((1 << bits) - 1) + 32767) // 65535
    target[:] = opacity


def convert_dtype(block: Array, dtype: str) -> Array:
    """Return pixels in another dtype, scaled between integer ranges and floats in [0, 1]; floats outside are clipped.

    Args:
        block: Pixels of any shape in uint8, uint16, float16 or float32.
        dtype: The wanted one of the four.
    """
    if block.dtype.name == dtype:
        return block
    if block.dtype == np.uint8 and dtype == "uint16":
        return block.astype(np.uint16) * np.uint16(257)
    if block.dtype.kind == "u":
        # Divided, as diffusers divides a picture: the product with the reciprocal differs in the last bit.
        values = block.astype(np.float32) / np.float32(np.iinfo(block.dtype).max)
    else:
        values = np.clip(np.nan_to_num(block.astype(np.float32)), 0.0, 1.0)
    target = np.dtype(dtype)
    if target.kind == "u":
        values = np.rint(values * np.float32(np.iinfo(target).max))
    return values.astype(target)


def _known_matrices() -> dict[str, int]:
    return {name: code for name, code in MATRICES.items() if name != "gbr"}


def _name_of(table: dict[str, int], code: int) -> str | None:
    return next((name for name, number in table.items() if number == code), None)


def _code_of(table: dict[str, int], name: str, what: str) -> int:
    if name not in table:
        raise MediaError(f"{name} is no known colour {what}", f"use one of {', '.join(table)}")
    return table[name]
