"""The one door from a node to the application. A Protocol: the engine has one, tests have their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from server.kit.values import Artifact

T = TypeVar("T")

MAX_PIXELS = 67_000_000
"""The largest frame that is decoded unless the settings say otherwise: two frames of 8K."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where nodes may read and write. All absolute.

    `check` and `fingerprint` companions that name a parameter `folders` are given this too.
    """

    uploads: Path
    outputs: Path
    models: Path

    def resolve(self, root: str, name: str) -> Path:
        """Return the real path of a file named relative to one of the folders.

        Args:
            root: `uploads`, `outputs` or `models`.
            name: Relative path; symbolic links are followed before it is judged.

        Raises:
            ValueError: The name leads outside the folder.
        """
        base = Path(getattr(self, root)).resolve()
        path = (base / name).resolve()
        if not path.is_relative_to(base):
            message = f"{name!r} lies outside the {root} folder"
            raise ValueError(message)
        return path


class Context(Protocol):
    """What a node may ask of the application while it runs. Never a socket, never part of a cache key."""

    @property
    def folders(self) -> Folders:
        """Where files are."""
        ...

    @property
    def device(self) -> str:
        """The device of this worker, as torch names it: `cpu`, `cuda:0`, `mps`."""
        ...

    @property
    def max_pixels(self) -> int:
        """The largest frame or picture, in pixels, that a file may have which a node opens."""
        ...

    @property
    def workflow(self) -> str:
        """The queued workflow as JSON, for embedding in the files that it makes."""
        ...

    def progress(self, items: Iterable[T], total: int | None = None, unit: str = "step") -> Iterator[T]:
        """Yield the items and report each one that is done; every step is a cancellation point.

        Raises:
            Canceled: The job was canceled.
        """
        ...

    def report(self, done: int, total: int | None = None, unit: str = "step") -> None:
        """Report progress directly, for work that is no loop; a cancellation point too."""
        ...

    def preview(self, data: bytes, media_type: str = "image/jpeg") -> None:
        """Show a small picture of the work so far; not stored."""
        ...

    def log(self, message: str) -> None:
        """Add a line to the job's log."""
        ...

    def warn(self, message: str, input_name: str | None = None, hint: str = "") -> None:
        """Say something that the user should see on the node, though the work goes on."""
        ...

    def save(self, name: str, suffix: str, media_type: str, write: Callable[[Path], None]) -> Artifact:
        """Produce a file in the outputs folder, whole or not at all.

        Args:
            name: Wanted name without suffix, relative to the outputs folder; a counter keeps files apart.
            suffix: With its dot, such as `.mp4`.
            media_type: Such as `video/mp4`.
            write: Writes the content to the path that it is given.

        Raises:
            NodeInputError: The name leads outside the outputs folder.
        """
        ...
