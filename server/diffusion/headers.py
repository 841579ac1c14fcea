"""Which tensors a weight file holds, read from its header alone: safetensors, in shards or not, and GGUF. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from server.diffusion import files, gguf_header
from server.diffusion.errors import WeightsError

SAFETENSORS, GGUF = ".safetensors", ".gguf"
PLAIN = frozenset({"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"})
FP8 = frozenset({"F8_E4M3", "F8_E5M2"})
"""Types of tensors in safetensors that are read; those of GGUF are in its own reader."""

_TRUE_SHAPE = "comfy.gguf.orig_shape."
_SHARD = re.compile(r"^(?P<stem>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})\.safetensors$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a file.

    Attributes:
        shape: Its extents, as torch orders them.
        dtype: Its type, as the format spells it: "F32", "BF16", "F8_E4M3", "Q4_K".
        file: Absolute path of the file that it is in.
        start: First byte of its data, counted from the beginning of the file.
        nbytes: Bytes of its data.
    """

    shape: tuple[int, ...]
    dtype: str
    file: str
    start: int
    nbytes: int

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        total = 1
        for extent in self.shape:
            total *= extent
        return total


@dataclass(frozen=True, slots=True)
class Header:
    """What a weight file, or all shards of one, says of itself.

    Attributes:
        files: Absolute paths, shards in order.
        tensors: By name.
        metadata: What stands beside the tensors.
    """

    files: tuple[str, ...]
    tensors: Mapping[str, Entry]
    metadata: Mapping[str, Any]


def read(path: Path) -> Header:
    """Read a weight file's header; of a shard, those of all shards.

    Raises:
        WeightsError: It is not there, cut short, damaged, of a kind that is not read, or lacks shards.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file {path.name}.", "Check the path.")
    stat = path.stat()
    return _read(path.resolve(), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=512)
def _read(path: Path, size: int, mtime_ns: int) -> Header:
    del size, mtime_ns  # there for the cache's sake: a file that changed on disk is read anew
    if path.suffix.lower() == GGUF:
        return _read_gguf(path)
    if path.suffix.lower() != SAFETENSORS:
        raise _wrong_kind(path)
    shards = _shards(path)
    tensors: dict[str, Entry] = {}
    metadata: dict[str, Any] = {}
    for shard in shards:
        data_start, raw, about = files.tensor_header_whole(shard)
        metadata |= about
        for name, entry in raw.items():
            begin, end = entry["data_offsets"]
            shape = tuple(int(extent) for extent in entry["shape"])
            tensors[name] = Entry(shape, str(entry["dtype"]), str(shard), data_start + begin, end - begin)
    return Header(tuple(map(str, shards)), tensors, metadata)


def _shards(path: Path) -> list[Path]:
    match = _SHARD.match(path.name)
    if match is None:
        return [path]
    count = int(match["count"])
    wanted = [path.with_name(f"{match['stem']}-{index:05}-of-{count:05}{SAFETENSORS}") for index in range(1, count + 1)]
    missing = [shard.name for shard in wanted if not shard.is_file()]
    if missing:
        raise WeightsError(
            f"{path.name} is one of {count} shards, and {len(missing)} of them "
            f"{'is' if len(missing) == 1 else 'are'} missing: {', '.join(missing)}.",
            "Copy or download these files to the same folder.",
        )
    return wanted


def _read_gguf(path: Path) -> Header:
    found = gguf_header.read(path)
    tensors = {
        # The format has four extents at most; where there were more, the true ones stand beside.
        name: Entry(
            tuple(found.metadata.get(_TRUE_SHAPE + name, tensor.shape)),
            tensor.dtype,
            str(path),
            tensor.start,
            tensor.nbytes,
        )
        for name, tensor in found.tensors.items()
    }
    return Header((str(path),), tensors, found.metadata)


def _wrong_kind(path: Path) -> WeightsError:
    if path.suffix.lower() in files.PICKLES:
        return WeightsError(
            f"{path.name} is a pickle, which could run code when it is opened.",
            "Get the safetensors version of the model, or convert it in an environment that you trust.",
        )
    return WeightsError(
        f"{path.name} is no weight file that can be read.", f"Choose a {SAFETENSORS} or a {GGUF} file, or a folder."
    )
