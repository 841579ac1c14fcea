"""The engine's `Context`: what one node of one run may ask. Reports become events; each is a cancellation point."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from server.engine.artifacts import save_artifact
from server.engine.cancel import CancelToken
from server.engine.events import Event, NodeLog, NodePreview, NodeProgress, NodeWarning
from server.engine.keys import Key
from server.graph.graph import GraphNode
from server.kit.context import MAX_PIXELS, Folders
from server.kit.problems import NodeInputError
from server.kit.values import Artifact

T = TypeVar("T")

REPORT_INTERVAL_S = 0.1
"""Progress of one node is told no more often than this, but for its first and last step."""

LOG_LIMIT = 10_000
"""Characters of one line of a job's log: every reader of its events gets it whole, and the database keeps it."""


@dataclass(frozen=True, slots=True)
class RunScope:
    """What all nodes of a run share.

    Attributes:
        folders: Where files are.
        device: As torch names it.
        workflow_json: The queued workflow.
        cancel: The wish to stop.
        emit: Takes every event of the run, from any thread.
        max_pixels: The largest frame that a node may open.
    """

    folders: Folders
    device: str
    workflow_json: str
    cancel: CancelToken
    emit: Callable[[Event], None]
    max_pixels: int = MAX_PIXELS


class EngineContext:
    """Implements `server.kit.context.Context`. Lives as long as the node's streams may be consumed."""

    __slots__ = ("_key", "_lock", "_node", "_scope", "_told_at")

    def __init__(self, scope: RunScope, node: GraphNode, key: Key) -> None:
        self._scope = scope
        self._node = node
        self._key = key
        self._told_at = -REPORT_INTERVAL_S
        self._lock = threading.Lock()

    @property
    def folders(self) -> Folders:
        """Where files are."""
        return self._scope.folders

    @property
    def max_pixels(self) -> int:
        """The largest frame that a node may open."""
        return self._scope.max_pixels

    @property
    def device(self) -> str:
        """The device of this worker."""
        return self._scope.device

    @property
    def workflow(self) -> str:
        """The queued workflow as JSON."""
        return self._scope.workflow_json

    def progress(self, items: Iterable[T], total: int | None = None, unit: str = "step") -> Iterator[T]:
        """Yield the items and report each one that is done; every step is a cancellation point.

        Raises:
            Canceled: The job was canceled.
        """
        if total is None and hasattr(items, "__len__"):
            total = len(items)  # pyright: ignore[reportArgumentType]
        self._scope.cancel.check()
        for done, item in enumerate(items, start=1):
            yield item
            self.report(done, total, unit)

    def report(self, done: int, total: int | None = None, unit: str = "step") -> None:
        """Report progress directly; a cancellation point too."""
        self._scope.cancel.check()
        now = time.monotonic()
        with self._lock:
            if now - self._told_at < REPORT_INTERVAL_S and done != total:
                return
            self._told_at = now
        self._scope.emit(NodeProgress(self._node.id, done, total, unit))

    def preview(self, data: bytes, media_type: str = "image/jpeg") -> None:
        """Show a small picture of the work so far; not stored."""
        picture = base64.b64encode(data).decode("ascii")
        self._scope.emit(NodePreview(self._node.id, media_type, picture, self._key))

    def log(self, message: str) -> None:
        """Add a line to the job's log; what is longer than `LOG_LIMIT` characters is cut there."""
        self._scope.emit(NodeLog(self._node.id, message if len(message) <= LOG_LIMIT else message[:LOG_LIMIT] + " ..."))

    def warn(self, message: str, input_name: str | None = None, hint: str = "") -> None:
        """Say something that the user should see on the node, though the work goes on."""
        path = self._node.input_path(input_name) if input_name else self._node.path
        self._scope.emit(NodeWarning(self._node.id, path, message, hint))

    def save(self, name: str, suffix: str, media_type: str, write: Callable[[Path], None]) -> Artifact:
        """Produce a file in the outputs folder, whole or not at all: `name_00001.mp4`, `name_00002.mp4` ...

        Raises:
            NodeInputError: The name leads outside the outputs folder.
        """
        self._scope.cancel.check()
        outputs = self._scope.folders.outputs.resolve()
        try:
            target = self._scope.folders.resolve("outputs", name)
        except ValueError as error:
            message = f"{name!r} leads outside the outputs folder"
            raise NodeInputError(self._input_of(name), message, "use a plain name, such as 'boat'") from error
        if target == outputs or name.endswith(("/", "\\")):
            raise NodeInputError(self._input_of(name), f"{name!r} names no file", "use a plain name, such as 'boat'")
        return save_artifact(outputs, target, suffix, media_type, write)

    def _input_of(self, value: str) -> str:
        """Return the input that holds this text, for the error to point at."""
        return next((name for name, constant in self._node.constants.items() if constant == value), "name")
