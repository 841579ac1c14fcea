"""The catalogue as the server knows it: from the disk at once, from the worker when that has loaded the packs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path

from server import __version__
from server.jobs.errors import WorkerUnavailableError
from server.jobs.records import JsonObject
from server.kit.catalogue import Catalogue

logger = logging.getLogger(__name__)


class CatalogueFile:
    """Keeps the newest catalogue in memory and in a file.

    Args:
        path: The file; it may be deleted at any time.
        digest: Of the packs' sources as they are now: a file of other sources, or of another version, is not used.
    """

    def __init__(self, path: Path, digest: str) -> None:
        self._path = path
        self._label = f"{__version__} {digest}"
        self._json: JsonObject | None = None
        self._known = asyncio.Event()
        self._catalogue = Catalogue({})

    def load(self) -> None:
        """Read the file, if it fits."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            if stored["label"] == self._label:
                self._set(stored["catalogue"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s is not used, and will be written anew: %s", self._path, error)

    def update(self, data: JsonObject) -> None:
        """Take the worker's catalogue, and write it down when it is another one."""
        if data == self._json:
            return
        self._set(data)
        draft = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            draft.write_text(json.dumps({"label": self._label, "catalogue": data}), encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            logger.warning("the catalogue could not be kept in %s: %s", self._path, error)

    async def wait(self, timeout_s: float) -> Catalogue:
        """Return the catalogue, as soon as there is one; the same object until it changes.

        Raises:
            WorkerUnavailableError: There was none within the time.
        """
        try:
            await asyncio.wait_for(self._known.wait(), timeout_s)
        except TimeoutError:
            message = f"the worker did not tell which nodes there are within {timeout_s:g} s"
            raise WorkerUnavailableError(message, "look at the server's log, then try again") from None
        return self._catalogue

    def _set(self, data: JsonObject) -> None:
        self._catalogue = Catalogue.from_json(data)
        self._json = data
        self._known.set()
