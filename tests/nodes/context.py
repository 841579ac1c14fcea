"""A `Context` for calling nodes as plain functions: it keeps what a node reports, and writes its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from server.kit import Artifact, Canceled, Folders

T = TypeVar("T")


@dataclass(slots=True)
class FakeContext:
    """Implements `server.kit.Context` without an engine.

    Attributes:
        folders: Where files are.
        cancel_after: Reports after which the job counts as canceled.
        reports: Each `(done, total, unit)`.
        warnings: Each `(message, input_name, hint)`.
        previews: Each `(data, media_type)`.
    """

    folders: Folders
    device: str = "cpu"
    max_pixels: int = 67_000_000
    workflow: str = '{"kinegraph": 1}'
    cancel_after: int | None = None
    reports: list[tuple[int, int | None, str]] = field(default_factory=list)
    warnings: list[tuple[str, str | None, str]] = field(default_factory=list)
    previews: list[tuple[bytes, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def progress(self, items: Iterable[T], total: int | None = None, unit: str = "step") -> Iterator[T]:
        for done, item in enumerate(items, start=1):
            yield item
            self.report(done, total, unit)

    def report(self, done: int, total: int | None = None, unit: str = "step") -> None:
        self.reports.append((done, total, unit))
        if self.cancel_after is not None and len(self.reports) > self.cancel_after:
            raise Canceled

    def preview(self, data: bytes, media_type: str = "image/jpeg") -> None:
        self.previews.append((data, media_type))

    def log(self, message: str) -> None:
        self.lines.append(message)

    def warn(self, message: str, input_name: str | None = None, hint: str = "") -> None:
        self.warnings.append((message, input_name, hint))

    def save(self, name: str, suffix: str, media_type: str, write: Callable[[Path], None]) -> Artifact:
        path = self.folders.resolve("outputs", name + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        content = b"".join(file.read_bytes() for file in sorted(path.iterdir())) if path.is_dir() else path.read_bytes()
        digest = hashlib.blake2b(content, digest_size=20).hexdigest()
        return Artifact(name + suffix, media_type, len(content), digest)
