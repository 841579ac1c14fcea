"""Takes the events of one running job: the durable ones to the log, the live ones to those who watch."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial

from server.jobs import tables
from server.jobs.event_log import EventLog
from server.jobs.records import LIVE_KINDS, JobArtifact, JobId, JsonObject
from server.jobs.tables import EventPlace

UNWRITTEN_LIMIT = 1000
"""Events on their way to the disk before the worker's pipe is left to fill: bounds memory, slows a flood."""

LINES_LIMIT = 5000
"""Log lines and warnings kept of one job; a node that prints for hours does not fill the disk."""


class Recorder:
    """The event sink of one job."""

    def __init__(self, log: EventLog, job: JobId) -> None:
        self._log = log
        self._job = job
        self._unwritten = 0
        self._lines = 0

    async def take(self, event: JsonObject) -> None:
        """Record an event of the engine."""
        data = {name: value for name, value in event.items() if name != "kind"}
        kind = event["kind"]
        if kind in LIVE_KINDS:
            self._log.show(self._job, kind, data)
        elif kind not in ("node_log", "node_warning") or self._has_room(data):
            await self._pace(self._write(kind, data))

    def _write(self, kind: str, data: JsonObject) -> Future[EventPlace]:
        if kind == "run_started":
            return self._log.write(self._job, partial(tables.begin_run, job=self._job, data=data, kind=kind))
        if kind != "artifact":
            return self._log.append(self._job, kind, data)
        artifact = JobArtifact(job=self._job, node=data["node"], output=data["output"], **data["artifact"])
        return self._log.write(self._job, partial(tables.add_artifact, artifact=artifact, kind=kind, data=data))

    def _has_room(self, data: JsonObject) -> bool:
        """Count a line; the last one that is kept says that it is."""
        self._lines += 1
        if self._lines == LINES_LIMIT:
            data["message"] = f"{data['message']} (the job has {LINES_LIMIT} lines; further ones are not kept)"
        return self._lines <= LINES_LIMIT

    async def _pace(self, future: Future[EventPlace]) -> None:
        self._unwritten += 1
        if self._unwritten >= UNWRITTEN_LIMIT:
            self._unwritten = 0
            await asyncio.wait([asyncio.wrap_future(future)])
