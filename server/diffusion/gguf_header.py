"""The header of a GGUF file: metadata and where each tensor is. No torch, no numpy.

Format: the specification in ggml's docs/gguf.md, versions 2 and 3.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from server.diffusion.errors import WeightsError

_MAGIC = b"GGUF"
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MOST = 10_000_000  # of anything that is counted; a larger number is garbage read as a count
_ALIGNMENT = "general.alignment"

# Name, numbers in a block, bytes of a block.
_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    20: ("IQ4_NL", 32, 18),
    23: ("IQ4_XS", 256, 136),
    30: ("BF16", 1, 2),
}
TYPES = frozenset(name for name, _, _ in _TYPES.values())
"""Names of the types of tensors that are read."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor: its shape in torch's order, its type, and where its data is in the file."""

    shape: tuple[int, ...]
    dtype: str
    start: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Metadata and tensors, by name."""

    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]


def read(path: Path) -> GgufHeader:
    """Read a file's header, once its length has proved to match.

    Raises:
        WeightsError: It is no GGUF file, cut short, or holds a type of tensor that is not read.
    """
    try:
        with path.open("rb") as stream:
            header = _read(stream, path)
    except (struct.error, ValueError, OverflowError) as error:
        raise WeightsError(f"{path.name} has a damaged header.", "Copy or download it again.") from error
    end = max((tensor.start + tensor.nbytes for tensor in header.tensors.values()), default=0)
    size = path.stat().st_size
    if size < end:
        raise WeightsError(
            f"{path.name} is {size} bytes long where its header promises {end}.", "Copy or download it again."
        )
    return header


def _read(stream: BinaryIO, path: Path) -> GgufHeader:
    if stream.read(4) != _MAGIC:
        raise WeightsError(f"{path.name} is no GGUF file, or is cut short.", "Copy or download it again.")
    version, tensor_count, entry_count = struct.unpack("<IQQ", _take(stream, 20))
    if version not in (2, 3) or max(tensor_count, entry_count) > _MOST:
        raise WeightsError(f"{path.name} is GGUF version {version}, which is not read.", "Get version 2 or 3.")
    metadata: dict[str, Any] = {}
    for _ in range(entry_count):
        name = _string(stream)
        metadata[name] = _value(stream, _number(stream, "<I"))
    infos: list[tuple[str, tuple[int, ...], int, int]] = []
    for _ in range(tensor_count):
        name = _string(stream)
        extents = tuple(_number(stream, "<Q") for _ in range(_number(stream, "<I")))
        infos.append((name, extents[::-1], _number(stream, "<I"), _number(stream, "<Q")))
    alignment = int(metadata.get(_ALIGNMENT, 32))
    data_start = -(-stream.tell() // alignment) * alignment
    tensors = {name: _tensor(path, shape, kind, data_start + offset) for name, shape, kind, offset in infos}
    return GgufHeader(metadata, tensors)


def _tensor(path: Path, shape: tuple[int, ...], kind: int, start: int) -> GgufTensor:
    if kind not in _TYPES:
        raise WeightsError(
            f"{path.name} holds tensors of GGUF's type {kind}, which is not read.",
            f"Get one of {', '.join(name for name, _, _ in _TYPES.values())}.",
        )
    name, block, size = _TYPES[kind]
    count = 1
    for extent in shape:
        count *= extent
    return GgufTensor(shape, name, start, count // block * size)


def _value(stream: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(stream)
    if kind == _ARRAY:
        inner, count = _number(stream, "<I"), _number(stream, "<Q")
        if count > _MOST:
            raise ValueError(count)
        if inner in _SCALARS:
            layout = "<" + str(count) + _SCALARS[inner][1]
            return list(struct.unpack(layout, _take(stream, struct.calcsize(layout))))
        return [_value(stream, inner) for _ in range(count)]
    return _number(stream, _SCALARS[kind]) if kind in _SCALARS else _unknown(kind)


def _unknown(kind: int) -> Any:
    raise ValueError(kind)


def _number(stream: BinaryIO, layout: str) -> Any:
    return struct.unpack(layout, _take(stream, struct.calcsize(layout)))[0]


def _string(stream: BinaryIO) -> str:
    length = _number(stream, "<Q")
    if length > _MOST:
        raise ValueError(length)
    return _take(stream, length).decode("utf-8", errors="replace")


def _take(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise ValueError(count)
    return data
