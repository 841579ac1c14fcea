"""Long sound outside memory: collected in a file without a name, and mapped from there as it is read."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from .files import explain_os_error, write_all

if TYPE_CHECKING:
    from .types import Array

IN_MEMORY_BYTES = 32 * 2**20
"""Sound up to this stays in memory: a minute and a half of stereo at 48 kHz."""

_SILENCE = 2**16


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
        for start in range(0, count, _SILENCE):
            self.add(np.zeros((self._channels, min(_SILENCE, count - start)), np.float32))

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


def let_go_of_pages(samples: Array) -> None:
    """Give memory back that mapped sound has come to take while it was read; reading more maps it anew.

    Arrays that are in memory, and systems that do not offer it, are left alone.
    """
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)
