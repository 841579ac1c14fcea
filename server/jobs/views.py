"""Looks at files, by the packs' viewers, and the folder that keeps those that took time to make. In the worker only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from server.jobs.records import JsonObject
from server.kit.catalogue import Catalogue
from server.kit.readers import UnreadableFileError
from server.kit.viewers import FileViewer, View

VERSION = 1
"""Raised when looks of older versions shall not be shown any more."""

BUDGET_BYTES = 2 * 1024**3
"""Of all kept pictures and copies; those that were not asked for the longest go first."""


class FileViews:
    """Looks at files.

    Args:
        folder: Keeps pictures and copies; it may be deleted at any time.
        catalogue: Has the viewers.
    """

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self._folder = folder
        self._catalogue = catalogue

    def look(self, path: Path, view: View, count: int) -> JsonObject:
        """Return a file's facts, its `peaks`, or the `path` of a file that shows it.

        Args:
            path: The file.
            view: What to look at.
            count: How many frames or peaks.

        Raises:
            UnreadableFileError: No pack looks at such files in this way, or the file is broken.
        """
        viewer = self._catalogue.viewer_of(path)
        if viewer is None:
            raise _refused(path, view)
        match view:
            case "facts":
                return asdict(viewer.facts(path))
            case "peaks":
                if viewer.peaks is None:
                    raise _refused(path, view)
                return {"peaks": list(viewer.peaks(path, count))}
            case "strip" | "playable":
                return {"path": str(self._kept(viewer, path, view, count))}

    def _kept(self, viewer: FileViewer, path: Path, view: View, count: int) -> Path:
        facts = path.stat()
        label = f"{VERSION}\0{view}\0{count}\0{facts.st_size}\0{facts.st_mtime_ns}\0{path.resolve()}"
        name = hashlib.blake2b(label.encode(), digest_size=20).hexdigest()
        target = self._folder / f"{name}.{'webp' if view == 'strip' else 'mp4'}"
        if target.is_file():
            os.utime(target)
            return target
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{name}.part{target.suffix}")
        try:
            _writer(viewer, path, view, count)(draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        self._tidy(target)
        return target

    def _tidy(self, newest: Path) -> None:
        """Delete the files beyond the budget, those of the longest ago first, and never the one just made."""
        found = [(entry.stat(), entry) for entry in self._folder.iterdir()]
        files = sorted(found, key=lambda pair: -pair[0].st_mtime_ns)
        kept_bytes = 0
        for facts, file in files:
            kept_bytes += facts.st_size
            if kept_bytes > BUDGET_BYTES and file != newest:
                file.unlink(missing_ok=True)


def _writer(viewer: FileViewer, path: Path, view: View, count: int) -> Callable[[Path], None]:
    strip, playable = viewer.strip, viewer.playable
    if view == "strip" and strip is not None:
        return lambda target: strip(path, target, count)
    if view == "playable" and playable is not None:
        return lambda target: playable(path, target)
    raise _refused(path, view)


def _refused(path: Path, view: View) -> UnreadableFileError:
    return UnreadableFileError(f"{path.name} has nothing to show as {view}", "download it to look at it elsewhere")
