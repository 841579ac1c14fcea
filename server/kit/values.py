"""Values on wires, as the engine sees them: opaque, with a codec for the disk and a size. No tensors here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

ANY = "any"
"""The socket type that fits every other; what runs through it is checked where it arrives."""

KNOBS: dict[str, type] = {"int": int, "float": float, "bool": bool, "str": str, "path": Path}
"""Types that can be written down as constants. `Literal` and `Enum` knobs are `str` or `int` with a `Choice` widget."""


class Lazy(Protocol[T_co]):
    """An input whose upstream nodes run only when `get` is called."""

    def get(self) -> T_co:
        """Run what is upstream, once, and return its value."""
        ...


@dataclass(frozen=True, slots=True)
class Ready(Generic[T]):
    """A `Lazy` that is there already: for calling a node as a plain function."""

    value: T

    def get(self) -> T:
        """Return the value."""
        return self.value


@runtime_checkable
class Codec(Protocol):
    """How values of one socket type live on disk. `version` is part of every cache key that passes through it."""

    version: int

    def write(self, value: object, folder: Path) -> None:
        """Write the value into files inside the empty `folder`."""
        ...

    def read(self, folder: Path) -> object:
        """Read back what `write` wrote; raises OSError or ValueError when the files are not whole."""
        ...


class Recorder(Protocol):
    """A copy on disk that grows while a stream passes. One thread at a time adds; others may read back meanwhile."""

    def add(self, piece: object) -> None:
        """Write the next piece; raises OSError when the disk is full, and then takes nothing more."""
        ...

    def piece(self, number: int) -> object:
        """Read back a piece that was added, the first being 0, until the copy moves or is discarded.

        Raises:
            OSError, ValueError: It is not there.
        """
        ...

    def finish(self) -> None:
        """Make the copy whole and durable, so that the codec's `read` finds it; raises OSError as `add` does."""
        ...

    def discard(self) -> None:
        """Close the files of a copy that is given up, and remove them; after `finish` it does nothing."""
        ...


@runtime_checkable
class StreamCodec(Codec, Protocol):
    """A codec for values that are consumed piece by piece, such as clips: written to disk while they pass."""

    def record(self, value: object, folder: Path) -> Recorder:
        """Begin a copy of a value in the empty `folder`; raises OSError when it cannot be written to."""
        ...

    def pieces(self, value: object) -> Iterator[object]:
        """Start one pass over the value and yield its pieces in order; closing the iterator ends the pass early."""
        ...

    def with_pieces(self, value: object, start: Callable[[], Iterator[object]]) -> object:
        """Return a value that is `value` in all but its pieces: every pass over it is one call of `start`.

        With these two the engine puts itself between producer and consumer, whatever a piece is: to cancel in
        mid-stream, to blame the producer for its errors, to let stages overlap, and to read from the disk what has
        passed once. A pass runs on another thread than the call that made the value.
        """
        ...

    def stored_bytes(self, value: object) -> int | None:
        """Return how large a copy on disk would be at most, or None when only the end of the pieces will tell."""
        ...

    def piece_bytes(self, piece: object) -> int:
        """Return how much of `stored_bytes` a piece accounts for."""
        ...

    def preview(self, piece: object) -> tuple[bytes, str] | None:
        """Return a small picture of a piece with its media type, or None when there is nothing to see."""
        ...


@dataclass(frozen=True, slots=True)
class SocketType:
    """One kind of wire.

    Attributes:
        name: The word in the catalogue, equal to the Python class's name.
        value_class: What an output must return.
        color: `#rrggbb` of its ports and links.
        codec: How the disk cache keeps it; None keeps it in memory only.
        size_bytes: Memory that a value holds, for the cache's budget.
        help: One sentence.
    """

    name: str
    value_class: type
    color: str
    help: str
    codec: Codec | None = None
    size_bytes: Callable[[object], int] = lambda _value: 1024


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job produced, or a folder of files, such as an image sequence.

    Attributes:
        path: Relative to the outputs folder, with forward slashes.
        media_type: Such as `video/mp4`; `inode/directory` for a folder.
        size_bytes: Length of the file, or of all files.
        digest: BLAKE2b-160 of its content in hexadecimal; also its id over HTTP.
    """

    path: str
    media_type: str
    size_bytes: int
    digest: str

    def to_json(self) -> dict[str, object]:
        """Return the artifact as events and the cache carry it."""
        return {"path": self.path, "media_type": self.media_type, "size_bytes": self.size_bytes, "digest": self.digest}
