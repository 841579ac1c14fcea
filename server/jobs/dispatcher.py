"""Runs the queue: takes the next job when the worker is ready, and writes down how it ended."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from server.jobs import tables
from server.jobs.errors import StoreError
from server.jobs.event_log import EventLog
from server.jobs.protocol import Done
from server.jobs.queue import JobQueue
from server.jobs.recorder import Recorder
from server.jobs.records import JobId, JobState, JsonObject
from server.jobs.store import Store
from server.jobs.supervisor import Supervisor

STORE_RETRY_S = 1.0
"""Between attempts to write a change of state while the disk is full; no job begins meanwhile."""

logger = logging.getLogger(__name__)


class Dispatcher:
    """One job at a time, from the queue to the worker.

    Attributes:
        running: The job that the worker has now.
    """

    def __init__(self, store: Store, log: EventLog, queue: JobQueue, supervisor: Supervisor) -> None:
        self._store = store
        self._log = log
        self._queue = queue
        self._supervisor = supervisor
        self.running: JobId | None = None
        self._outcome_known = False
        self._canceled: set[JobId] = set()
        self._has_work = asyncio.Event()
        self._farewell: JsonObject | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take jobs."""
        self.wake()
        self._task = asyncio.create_task(self._work())

    def wake(self) -> None:
        """Say that a job waits."""
        self._has_work.set()

    def say_goodbye(self, reason: JsonObject) -> None:
        """Take no further job; the one that runs will be `interrupted` for this reason, unless it was canceled."""
        self._farewell = reason

    async def stop(self) -> None:
        """Wait until the state of the job that ran is written."""
        if self._task is None:
            return
        if self.running is None:
            self._task.cancel()
        await asyncio.wait([self._task])

    async def cancel(self, job: JobId) -> bool:
        """Ask the running job to stop; return False when it is another one, or has ended already."""
        if job != self.running or self._outcome_known:
            return False
        self._canceled.add(job)
        await self._supervisor.cancel(job)
        return True

    async def _work(self) -> None:
        while self._farewell is None:
            await self._has_work.wait()
            await self._supervisor.wait_ready()
            job = self._queue.take() if self._farewell is None else None
            if job is None:
                self._has_work.clear()
                continue
            self.running, self._outcome_known = job, False
            try:
                await self._run(job)
            finally:
                self.running = None
                self._canceled.discard(job)

    async def _run(self, job: JobId) -> None:
        stored = await asyncio.wrap_future(self._store.read(partial(tables.get_job, job=job)))
        if self._farewell is not None or not await self._set_state(job, "running"):
            return  # the server stops, and on the disk the job is still queued
        logger.info("job %s runs", job, extra={"job": job})
        done = Done(job, "canceled")
        if job not in self._canceled:
            done = await self._supervisor.run(job, stored.workflow, Recorder(self._log, job).take, stored.targets)
        self._outcome_known = True
        state: JobState = done.status
        error = done.error
        if self._farewell is not None and state != "succeeded" and job not in self._canceled:
            state, error = "interrupted", self._farewell
        await self._set_state(job, state, error)
        logger.info("job %s %s", job, state, extra={"job": job})

    async def _set_state(self, job: JobId, state: JobState, error: JsonObject | None = None) -> bool:
        """Write a change of state, however often it takes; return False when the server stops before it could."""
        operation = partial(tables.set_state, job=job, state=state, error=error)
        while True:
            try:
                await asyncio.wrap_future(self._log.write(job, operation))
            except StoreError as failure:
                logger.error("job %s is not yet %s on the disk: %s", job, state, failure)  # noqa: TRY400
                if self._farewell is not None:
                    return False
                await asyncio.sleep(STORE_RETRY_S)
            else:
                return True
