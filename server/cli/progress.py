"""Shows a run as it goes: a bar with node, step and remaining time on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from server.engine.events import (
    Event,
    NodeFailed,
    NodeFinished,
    NodeLog,
    NodePreview,
    NodeProgress,
    NodeStarted,
    NodeWarning,
    RunStarted,
)
from server.graph.graph import Graph


class Listener(Protocol):
    """What a run tells its events to; called from the run's thread."""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        ...


class JsonLines:
    """Prints each event as a line of JSON; previews are left out, they are pictures."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if not isinstance(event, NodePreview):
            print(json.dumps(event.to_json(), ensure_ascii=False, allow_nan=False), file=self._stream, flush=True)


class Bar:
    """One line a running node: its title, its steps, the time that is left."""

    def __init__(self, progress: Progress, graph: Graph) -> None:
        self._progress = progress
        self._graph = graph
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        match event:
            case RunStarted():
                self._progress.console.print(event.summary, style="dim", markup=False)
            case NodeStarted():
                title = self._graph.nodes[event.node].definition.title
                self._tasks[event.node] = self._progress.add_task(title, total=None)
            case NodeProgress() if event.node in self._tasks:
                self._progress.update(self._tasks[event.node], completed=event.done, total=event.total)
            case NodeFinished() | NodeFailed() if event.node in self._tasks:
                self._progress.remove_task(self._tasks.pop(event.node))
            case NodeWarning():
                hint = f" ({event.hint})" if event.hint else ""
                self._progress.console.print(f"{event.node}: {event.message}{hint}", style="yellow", markup=False)
            case NodeLog():
                self._progress.console.print(f"{event.node}: {event.message}", style="dim", markup=False)
            case _:
                pass


@contextmanager
def listening(graph: Graph, *, as_json: bool) -> Generator[Listener]:
    """Yield the listener that fits: JSON lines to stdout when asked for, a bar or JSON lines on stderr otherwise."""
    if as_json:
        yield JsonLines(sys.stdout)
    elif not sys.stderr.isatty():
        yield JsonLines(sys.stderr)
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield Bar(progress, graph)
