"""Frames as the bytes of single picture files, deep ones too: PNG of 8 or 16 bits, OpenEXR of half floats.

FFmpeg has both, in the wheel that is here for video anyway; Pillow has no color of 16 bits and no OpenEXR. Single
pictures that people load are the business of ``pictures``.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from .codecs import has_alpha
from .colors import convert_dtype
from .container import MAX_PIXELS
from .errors import MediaError
from .linear import from_linear, to_linear
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

KINDS = ("png", "png16", "exr")
SUFFIXES = {"png": ".png", "png16": ".png", "exr": ".exr"}
_DECODERS = {
    ".png": "png",
    ".exr": "exr",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".dpx": "dpx",
    ".tga": "targa",
    ".bmp": "bmp",
    ".webp": "webp",
    ".jpg": "mjpeg",
    ".jpeg": "mjpeg",
}
READABLE = tuple(_DECODERS)
_PNG_HEADER = 33  # the signature and the first chunk, which says the size
_EXR_LINES = 16  # lines in a block that ZIP compresses at a time


@dataclass(slots=True)
class StillEncoder:
    """Encodes frames of one size, each as a file of its own.

    Attributes:
        clip: Whose frames they are; OpenEXR also keeps its rate.
        kind: ``png``, ``png16`` or ``exr``.
    """

    clip: Clip
    kind: str

    def encode(self, pixels: Array, opacity: Array | None = None, tags: dict[str, str] | None = None) -> bytes:
        """Return a file's content.

        Args:
            pixels: (H, W, 3) in any of the four dtypes.
            opacity: (H, W) in any of them.
            tags: Text to embed.
        """
        tags = tags or {}
        if self.kind == "exr":
            light = to_linear(convert_dtype(pixels, "float32"), self.clip.color.transfer).astype(np.float32)
            return _with_exr_text(self._pack(light, opacity, "float32", "gbr{}pf32le"), self.clip.height, tags)
        dtype, name = ("uint16", "rgb{}le") if self.kind == "png16" else ("uint8", "rgb{}")
        return _with_png_text(self._pack(convert_dtype(pixels, dtype), opacity, dtype, name), tags)

    def _pack(self, pixels: Array, opacity: Array | None, dtype: str, name: str) -> bytes:
        filling = {"uint8": ("24", "a"), "uint16": ("48", "a64"), "float32": ("", "a")}[dtype][opacity is not None]
        if opacity is not None:
            pixels = np.concatenate([pixels, convert_dtype(opacity, dtype)[:, :, None]], axis=2)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), name.format(filling))
        # The encoder takes the deep formats of the network's byte order.
        wanted = frame.format.name.replace("48le", "48be").replace("64le", "64be")
        return self._packets(frame.reformat(format=wanted), wanted)

    def _packets(self, frame: av.VideoFrame, pixel_format: str) -> bytes:
        # A context for each file: there is no state to share, and the threads of one would hold frames back.
        context: Any = av.CodecContext.create("exr" if self.kind == "exr" else "png", "w")
        context.width, context.height, context.pix_fmt = frame.width, frame.height, pixel_format
        context.framerate, context.time_base = self.clip.fps, 1 / self.clip.fps
        context.options = {"format": "half", "compression": "zip16"} if self.kind == "exr" else {}
        frame.pts, frame.time_base = 0, context.time_base
        return b"".join(bytes(packet) for part in (frame, None) for packet in context.encode(part))


def decode_still(
    data: bytes, name: str, transfer: str = "bt709", *, max_pixels: int = MAX_PIXELS
) -> tuple[Array, Array | None]:
    """Return a picture's pixels (H, W, 3), and its opacity (H, W) when it has some.

    Args:
        data: The content of a file.
        name: Its name, whose suffix says what it is.
        transfer: The curve to which the linear light of OpenEXR is brought; what is brighter than white is clipped.
        max_pixels: Largest picture that may be decoded.

    Returns:
        Both in uint8, in uint16 when the file is deeper, or in float32 when it holds floats.

    Raises:
        MediaError: The file is broken, too large, or of another kind.
    """
    decoder = _DECODERS.get(name[name.rfind(".") :].lower())
    if decoder is None:
        raise MediaError(f"{name} is no picture that a sequence can have", f"use one of {', '.join(READABLE)}")
    context: Any = av.CodecContext.create(decoder, "r")
    context.options = {"max_pixels": str(max_pixels)}
    try:
        frames = [frame for part in (av.Packet(data), None) for frame in context.decode(part)]
    except (av.FFmpegError, ValueError) as error:
        message = f"{name} is not a readable picture, is cut off, or has more than {max_pixels} pixels"
        raise MediaError(message, "render it again, or raise the limit (KINEGRAPH_MAX_PIXELS)") from error
    if not frames:
        raise MediaError(f"{name} holds no picture", "render it again")
    return _pixels_of(frames[0], transfer)


def _pixels_of(frame: av.VideoFrame, transfer: str) -> tuple[Array, Array | None]:
    name, depth = frame.format.name, frame.format.components[0].bits
    transparent = has_alpha(name) or name == "pal8"
    if "f16" in name or "f32" in name:
        values = _float_planes(frame)
        color = np.clip(from_linear(values[:, :, :3], transfer), 0, 1).astype(np.float32)
        return color, (np.clip(values[:, :, 3], 0, 1) if values.shape[2] == 4 else None)
    kind = ("rgba64le" if transparent else "rgb48le") if depth > 8 else ("rgba" if transparent else "rgb24")
    values = frame.reformat(format=kind).to_ndarray()
    return values[:, :, :3], (values[:, :, 3] if transparent else None)


def _float_planes(frame: av.VideoFrame) -> Array:
    """Return the channels of a float format, which come as green, blue, red and opacity, or as gray alone."""
    dtype = np.dtype("<f2" if "f16" in frame.format.name else "<f4")
    planes: list[Array] = []
    for plane in frame.planes:
        buffer: Any = plane
        rows = np.frombuffer(buffer, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
        planes.append(np.nan_to_num(rows[:, : plane.width].astype(np.float32)))
    order = [2, 0, 1, 3][: len(planes)] if len(planes) >= 3 else [0, 0, 0]
    return np.stack([planes[number] for number in order], axis=2)


def _with_png_text(data: bytes, tags: dict[str, str]) -> bytes:
    """Return a PNG with text in it, each as an iTXt chunk after the header (PNG 1.2, 4.2.3.3)."""
    chunks = b""
    for key, value in tags.items():
        body = key.encode("latin-1") + b"\0\0\0\0\0" + value.encode()
        chunks += struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    return data[:_PNG_HEADER] + chunks + data[_PNG_HEADER:]


def _with_exr_text(data: bytes, height: int, tags: dict[str, str]) -> bytes:
    """Return an OpenEXR file with string attributes, its table of offsets moved along (OpenEXR file layout)."""
    if not tags:
        return data
    added = b"".join(
        key.encode() + b"\0string\0" + struct.pack("<I", len(value.encode())) + value.encode()
        for key, value in tags.items()
    )
    end = _exr_attributes(data)[1]
    count = -(-height // _EXR_LINES)
    table = np.frombuffer(data, "<u8", count, end + 1) + np.uint64(len(added))
    return data[:end] + added + b"\0" + table.tobytes() + data[end + 1 + table.nbytes :]


def _exr_attributes(data: bytes) -> tuple[dict[str, tuple[str, bytes]], int]:
    """Return an OpenEXR header's attributes, each with its type, and the place of the zero that ends them."""
    found: dict[str, tuple[str, bytes]] = {}
    place = 8
    while place < len(data) and data[place]:
        name_end = data.index(b"\0", place)
        kind_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", data, kind_end + 1)
        start = kind_end + 5
        found[data[place:name_end].decode("latin-1")] = (
            data[name_end + 1 : kind_end].decode("latin-1"),
            data[start : start + size],
        )
        place = start + size
    return found, place


def read_exr_tags(data: bytes) -> dict[str, str]:
    """Return the text attributes of an OpenEXR file, and its rate under ``fps``; nothing when it is broken."""
    try:
        found = _exr_attributes(data)[0]
    except (ValueError, struct.error):
        return {}
    tags = {name.lower(): value.decode(errors="replace") for name, (kind, value) in found.items() if kind == "string"}
    rate = found.get("framesPerSecond")
    if rate is not None and len(rate[1]) == 8 and struct.unpack("<iI", rate[1])[1]:
        tags["fps"] = str(Fraction(*struct.unpack("<iI", rate[1])))
    return tags
