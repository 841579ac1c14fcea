"""Long sound outside memory: collected in a file without a name, and mapped from there as it is read.

What is made of sound is made block by block with `blocks_of` and `collected`, so that its length does not matter.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from .files import explain_os_error, write_all

if TYPE_CHECKING:
    from .types import Array

IN_MEMORY_BYTES = 32 * 2**20
"""Sound up to this stays in memory: a minute and a half of stereo at 48 kHz."""

BLOCK = 2**16
"""Samples of each channel that are worked on at once."""

_KEPT_BLOCKS = 16


class SampleStore:
    """Takes sound block by block, and gives all of it as one array; a context manager, which closes its file.

    Args:
        channels: Of every block.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._blocks: list[Array] = []
        self._held_bytes = 0
        self._file: IO[bytes] | None = None
        self.size_bytes = 0

    def __enter__(self) -> SampleStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, samples: Array) -> None:
        """Append samples shaped (channels, n).

        Raises:
            MediaError: The disk that holds temporary files is full.
        """
        # One time after the other with all channels of each, because the length is not known beforehand.
        self._blocks.append(np.ascontiguousarray(samples.T, np.float32))
        self._held_bytes += self._blocks[-1].nbytes
        self.size_bytes += self._blocks[-1].nbytes
        if self._held_bytes > IN_MEMORY_BYTES:
            self._spill()

    def add_silence(self, count: int) -> None:
        """Append so many samples of silence."""
        for block in blocks_of(silent(self._channels, count)):
            self.add(block)

    def samples(self) -> Array:
        """Return everything as float32 shaped (channels, n); long sound is mapped, and its pages come as it is read."""
        if self._file is None:
            joined = np.concatenate(self._blocks) if self._blocks else np.zeros((0, self._channels), np.float32)
            return np.ascontiguousarray(joined.T)
        self._spill()
        # Copy on write: libraries that warn about read-only arrays stay quiet. The map outlives the file's name.
        mapped = mmap.mmap(self._file.fileno(), self.size_bytes, access=mmap.ACCESS_COPY)
        return np.frombuffer(mapped, np.float32).reshape(-1, self._channels).T

    def _spill(self) -> None:
        try:
            if self._file is None:
                self._file = cast("IO[bytes]", tempfile.TemporaryFile(prefix="kinegraph-", buffering=0))  # noqa: SIM115
            for block in self._blocks:
                write_all(self._file, block)
        except OSError as error:
            raise explain_os_error(error, Path(tempfile.gettempdir()) / "sound") from error
        self._blocks.clear()
        self._held_bytes = 0


def collected(blocks: Iterable[Array], channels: int) -> Array:
    """Return blocks shaped (channels, n), one after the other, as one array; on disk where they are long.

    Raises:
        MediaError: The disk that holds temporary files is full.
    """
    with SampleStore(channels) as store:
        for block in blocks:
            store.add(block)
        return store.samples()


def blocks_of(samples: Array, *, backwards: bool = False) -> Generator[Array]:
    """Yield views of up to ``BLOCK`` samples, letting go of what was read; backwards, from the end and turned round."""
    count = samples.shape[1]
    ends = range(count, 0, -BLOCK) if backwards else range(0, count, BLOCK)
    for number, end in enumerate(ends, start=1):
        yield samples[:, max(0, end - BLOCK) : end][:, ::-1] if backwards else samples[:, end : end + BLOCK]
        if number % _KEPT_BLOCKS == 0:
            let_go_of_pages(samples)
    let_go_of_pages(samples)


def write_array(stream: BinaryIO, samples: Array) -> None:
    """Write sound as NumPy's array file, in little memory; raises OSError as the stream does."""
    header = {"descr": "<f4", "fortran_order": False, "shape": samples.shape}
    np.lib.format.write_array_header_1_0(stream, header)
    for number in range(samples.shape[0]):
        for block in blocks_of(samples[number : number + 1]):
            write_all(stream, np.ascontiguousarray(block, "<f4"))


def silent(channels: int, count: int) -> Array:
    """Return silence shaped (channels, count), of whatever length, in the memory of one sample."""
    return np.broadcast_to(np.zeros((1, 1), np.float32), (channels, max(0, count)))


def held_bytes(samples: Array) -> int:
    """Return the memory that sound takes: nothing to speak of when it is mapped, or silence."""
    return 0 if _map_of(samples) is not None or not any(samples.strides) else int(samples.nbytes)


def let_go_of_pages(samples: Array) -> None:
    """Give memory back that mapped sound has come to take while it was read; reading more maps it anew.

    Arrays that are in memory, and systems that do not offer it, are left alone.
    """
    mapped = _map_of(samples)
    if mapped is not None and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _map_of(samples: Array) -> mmap.mmap | None:
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, mmap.mmap) else None
