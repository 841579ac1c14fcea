"""The jobs of one server: everything that the API may ask for. Owns the store, the queue, the log and the worker."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from server.jobs import tables
from server.jobs.catalogue_file import CatalogueFile
from server.jobs.dispatcher import Dispatcher
from server.jobs.errors import WorkerUnavailableError, WrongStateError
from server.jobs.event_log import EventLog
from server.jobs.intake import Intake
from server.jobs.protocol import Hello, Ready
from server.jobs.queue import JobQueue, Place
from server.jobs.records import (
    FINISHED,
    STATES,
    Job,
    JobArtifact,
    JobEvent,
    JobId,
    JobState,
    JobSummary,
    JsonObject,
    new_job_id,
)
from server.jobs.store import Operation, Store
from server.jobs.supervisor import Supervisor
from server.kit.catalogue import Catalogue
from server.kit.packs import packs_digest
from server.kit.problems import Problem
from server.kit.viewers import View
from server.settings import Settings

T = TypeVar("T")
S = TypeVar("S", bound=JobSummary)

CATALOGUE_S = 60.0
"""How long a first start may let a request wait for the worker's catalogue."""

SERVER_GONE: JsonObject = {
    "code": "server_stopped",
    "message": "the server ended while this job ran",
    "hint": "retry the job; results that were finished are in the cache and do not run again",
    "path": "",
    "node": None,
}

logger = logging.getLogger(__name__)


def worker_hello(settings: Settings, *, builtin: str | None = "nodes") -> Hello:
    """Return what a worker is told of the settings; `builtin=None` leaves our own nodes out, for tests."""
    folders = settings.folders
    return Hello(
        folders={"uploads": str(folders.uploads), "outputs": str(folders.outputs), "models": str(folders.models)},
        cache=str(settings.cache),
        custom_folders=(str(settings.custom_nodes),),
        builtin=builtin,
        device=settings.device,
        memory_bytes=settings.memory_cache_bytes,
        disk_bytes=settings.disk_cache_bytes,
        max_pixels=settings.max_pixels,
    )


class JobService:
    """Queues, runs and remembers jobs. Belongs to the event loop that starts it.

    Args:
        settings: Its folders exist.
        builtin: Name of the built-in pack; None leaves it out, for tests.
        command: Starts a worker; ours unless given.
    """

    def __init__(
        self, settings: Settings, *, builtin: str | None = "nodes", command: Sequence[str] | None = None
    ) -> None:
        self._settings = settings
        self._builtin = builtin
        self._command = command
        self._accepting: set[asyncio.Task[Job]] = set()

    async def start(self) -> None:
        """Open the database, put the queue back, and start a worker; returns before that is ready.

        Raises:
            StoreError: The database cannot be opened, or another server uses it.
        """
        self._store = await asyncio.to_thread(Store, self._settings.database)
        self._log = EventLog(self._store)
        self._queue = JobQueue(self._settings.max_queue)
        await self._write(partial(tables.interrupt_running, error=SERVER_GONE))
        self._queue.restore(await self._read(tables.waiting_places))
        sources = partial(packs_digest, [self._settings.custom_nodes], self._builtin)
        self._catalogue = CatalogueFile(self._settings.home / "catalogue.json", await asyncio.to_thread(sources))
        await asyncio.to_thread(self._catalogue.load)
        self._supervisor = Supervisor(
            worker_hello(self._settings, builtin=self._builtin),
            sources=sources,
            on_ready=self._learn_catalogue,
            cancel_grace_s=self._settings.cancel_grace_s,
            command=self._command,
        )
        self._intake = Intake(self._supervisor, self.catalogue)
        self._dispatcher = Dispatcher(self._store, self._log, self._queue, self._supervisor)
        await self._supervisor.start()
        self._dispatcher.start()

    async def stop(self) -> None:
        """Stop the worker; a job that runs becomes `interrupted`, jobs that wait stay queued."""
        if self._accepting:
            await asyncio.wait(self._accepting)
        self._dispatcher.say_goodbye(SERVER_GONE)
        await self._supervisor.stop()
        await self._dispatcher.stop()
        await asyncio.to_thread(self._store.close)

    async def submit(
        self,
        workflow: str | bytes,
        inputs: Mapping[str, object] | None = None,
        *,
        targets: Sequence[str] | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queue a workflow; when this returns, the job is on the disk.

        Args:
            workflow: The document as JSON text.
            inputs: Values for its named inputs, or for `node.input`.
            targets: Nodes to run for, each with all that it needs; None for all sinks.
            priority: Higher goes first.
            idempotency_key: A repeated submission with the same key and body returns the first job.

        Raises:
            WorkflowError: The workflow or an input is wrong; with every problem.
            ConflictError: The key was used with another body.
            QueueFullError: No more jobs may wait.
            WorkerUnavailableError: It takes the worker to judge the workflow, and there is none.
        """
        settings = dict(inputs or {})
        wanted = None if targets is None else tuple(targets)
        digest = _body_digest(workflow, settings, priority, wanted)
        if idempotency_key is not None:
            earlier = await self._read(partial(tables.find_by_key, key=idempotency_key, body_digest=digest))
            if earlier:
                return self._placed(earlier)
        accepted = await self._intake.judge(workflow, settings, wanted)
        job = Job(
            id=new_job_id(),
            state="queued",
            title=accepted.title,
            priority=priority,
            created_at=time.time(),
            idempotency_key=idempotency_key,
            targets=wanted,
            workflow=accepted.workflow,
            settings=settings,
        )
        return await self._accept(job, digest)

    async def retry(self, job: JobId) -> Job:
        """Queue a finished job's workflow again, as a new job.

        Raises:
            JobNotFoundError: There is no such job.
            WrongStateError: It has not finished.
            QueueFullError: No more jobs may wait.
        """
        old = await self._read(partial(tables.get_job, job=job))
        if old.state not in FINISHED:
            message = f"job {job} is {old.state}; only finished jobs can be retried"
            raise WrongStateError(message, "wait for its end, or cancel it")
        again = Job(
            id=new_job_id(),
            state="queued",
            title=old.title,
            priority=old.priority,
            created_at=time.time(),
            retry_of=old.id,
            targets=old.targets,
            workflow=old.workflow,
            settings=old.settings,
        )
        return await self._accept(again, "")

    async def get(self, job: JobId) -> Job:
        """Return a job.

        Raises:
            JobNotFoundError: There is no such job.
        """
        return self._placed(await self._read(partial(tables.get_job, job=job)))

    async def list(
        self, *, states: Sequence[JobState] | None = None, limit: int = 50, before: JobId | None = None
    ) -> tuple[JobSummary, ...]:
        """Return jobs, newest first; `before` is the last one of the page before."""
        operation = partial(tables.list_jobs, states=states or STATES, limit=limit, before=before)
        return tuple(map(self._placed, await self._read(operation)))

    @property
    def waiting(self) -> tuple[JobId, ...]:
        """The jobs that wait, in the order in which they will run."""
        return self._queue.waiting

    async def cancel(self, job: JobId) -> None:
        """Cancel a job: at once when it waits; when it runs, it is asked to stop, which its events then say.

        Raises:
            JobNotFoundError: There is no such job.
            WrongStateError: It has finished.
        """
        place = self._queue.place(job)
        if place is not None:
            await self._cancel_waiting(place)
        elif not await self._dispatcher.cancel(job):
            state = (await self._read(partial(tables.get_job, job=job))).state
            message = f"job {job} is {state if state in FINISHED else 'just ending'}, so there is nothing to cancel"
            raise WrongStateError(message)

    async def move(self, job: JobId, before: JobId | None) -> None:
        """Put a waiting job just before another, taking on its priority; or last for None.

        Raises:
            WrongStateError: One of the jobs does not wait.
        """
        await self._write_move(job, self._queue.move(job, before))

    async def move_to_front(self, job: JobId) -> None:
        """Let a waiting job be the next to run.

        Raises:
            WrongStateError: The job does not wait.
        """
        await self._write_move(job, self._queue.move_to_front(job))

    async def delete(self, job: JobId) -> None:
        """Forget a finished job, its events and its artifacts' records; files stay.

        Raises:
            JobNotFoundError: There is no such job.
            WrongStateError: It has not finished.
        """
        await self._write(partial(tables.delete_job, job=job))
        self._log.forget(job)

    def events(self, job: JobId, after: int = 0) -> AsyncGenerator[JobEvent]:
        """Yield a job's events with `seq` above `after`, stored ones and then new ones, until it has ended.

        Progress and previews come between them while they are fresh, without `seq`. Iterating raises
        `JobNotFoundError` when there is no such job.
        """
        return self._log.follow(job, after)

    def all_events(self, after: int | None = None) -> AsyncGenerator[JobEvent]:
        """Yield the events of all jobs with `number` above `after`, or from now on for None; never ends."""
        return self._log.follow_all(after)

    async def artifacts(self, job: JobId) -> tuple[JobArtifact, ...]:
        """Return the files that a job has produced so far."""
        return await self._read(partial(tables.list_artifacts, job=job))

    async def artifacts_of(self, jobs: Sequence[JobId]) -> Mapping[JobId, Sequence[JobArtifact]]:
        """Return the files of each of the jobs that has any."""
        found: dict[JobId, list[JobArtifact]] = {}
        for artifact in await self._read(partial(tables.artifacts_of, jobs=jobs)):
            found.setdefault(artifact.job, []).append(artifact)
        return found

    async def list_artifacts(
        self, *, job: JobId | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[tuple[int, JobArtifact], ...]:
        """Return files of one job or of all, newest first, with the numbers that `before` takes for the next page."""
        return await self._read(partial(tables.page_artifacts, job=job, limit=limit, before=before))

    async def find_artifact(self, digest: str) -> JobArtifact | None:
        """Return the newest artifact of this digest, or None."""
        return await self._read(partial(tables.find_artifact, digest=digest))

    async def validate(
        self,
        workflow: str | bytes,
        inputs: Mapping[str, object] | None = None,
        targets: Sequence[str] | None = None,
    ) -> tuple[Problem, ...]:
        """Return all that is wrong with a workflow; the nodes' own checks take part while a worker is ready."""
        return await self._intake.problems(workflow, inputs or {}, None if targets is None else tuple(targets))

    async def plan(
        self,
        workflow: str | bytes,
        inputs: Mapping[str, object] | None = None,
        targets: Sequence[str] | None = None,
    ) -> JsonObject:
        """Return what a run would do, and why: the JSON of `server.engine.plan.Plan`.

        Raises:
            WorkflowError: The workflow cannot be run.
            WorkerUnavailableError: Only the worker knows, and there is none.
        """
        return await self._intake.plan(workflow, inputs or {}, None if targets is None else tuple(targets))

    async def migrate(self, workflow: str | bytes) -> JsonObject:
        """Return a document as JSON text in `workflow`, its nodes at the installed versions, and `changes`.

        Raises:
            WorkflowError: It cannot be read, or a migration failed.
            WorkerUnavailableError: Only the worker can migrate it, and there is none.
        """
        return await self._intake.migrate(workflow)

    async def embedded_workflow(self, path: Path) -> str | None:
        """Return the workflow inside a file as JSON text, or None when it carries none; nobody has judged it.

        Raises:
            WorkflowError: The file cannot be read.
            WorkerUnavailableError: There is no worker to ask.
        """
        return await self._intake.embedded_workflow(path)

    async def view(self, path: Path, view: View, count: int = 0) -> JsonObject:
        """Return a look at a file: its facts, its `peaks`, or the `path` of a picture or of a playable copy.

        Args:
            path: The file; its real path has been judged.
            view: What to look at.
            count: How many frames or peaks.

        Raises:
            WorkflowError: The file cannot be read, or cannot be looked at like this.
            WorkerUnavailableError: There is no worker to ask.
        """
        return await self._intake.view(path, view, count)

    async def catalogue(self) -> Catalogue:
        """Return all node types, of the packs as they are now; the same object until it changes.

        Raises:
            WorkerUnavailableError: Nothing is known yet, and the worker does not start.
        """
        if await self._supervisor.renew():
            await self._learn_catalogue()
        return await self._catalogue.wait(CATALOGUE_S)

    @property
    def worker_state(self) -> str:
        """How the worker is: `starting`, `ready`, `running`, `waiting` (to be started again) or `stopped`."""
        state = self._supervisor.status.state
        return "running" if state == "ready" and self._dispatcher.running else state

    def status(self) -> JsonObject:
        """Return how worker and queue are."""
        worker = {**self._supervisor.status.to_json(), "state": self.worker_state}
        return {"worker": worker, "waiting": len(self._queue), "running": self._dispatcher.running}

    async def _accept(self, job: Job, digest: str) -> Job:
        # Shielded: a client that hangs up while the job is being written must not leave it on the disk but not queued.
        task = asyncio.ensure_future(self._insert(job, digest))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        return await asyncio.shield(task)

    async def _insert(self, job: Job, digest: str) -> Job:
        place = self._queue.reserve(job.id, job.priority)
        try:
            written = await self._write(partial(tables.insert_job, new=tables.NewJob(job, place, digest)))
        except BaseException:
            self._queue.release(job.id)
            raise
        if isinstance(written, Job):
            self._queue.release(job.id)
            return self._placed(written)
        self._queue.confirm(job.id)
        placed = self._placed(job)
        self._log.wake(job.id, written)
        self._dispatcher.wake()
        return placed

    async def _cancel_waiting(self, place: Place) -> None:
        self._queue.remove(place.job)
        try:
            await asyncio.wrap_future(
                self._log.write(place.job, partial(tables.set_state, job=place.job, state="canceled"))
            )
        except BaseException:
            self._queue.restore([place])
            self._dispatcher.wake()
            raise

    async def _write_move(self, job: JobId, places: Sequence[Place]) -> None:
        if places:
            position = self._queue.position(job) or 0
            operation = partial(tables.move_job, job=job, places=places, position=position)
            await asyncio.wrap_future(self._log.write(job, operation))

    async def _learn_catalogue(self, _ready: Ready | None = None) -> None:
        try:
            answer = await self._supervisor.ask("catalogue", timeout_s=CATALOGUE_S)
        except WorkerUnavailableError as error:
            logger.warning("the catalogue stays as it was: %s", error)
            return
        if answer.result is not None:
            self._catalogue.update(answer.result)

    def _placed(self, job: S) -> S:
        return replace(job, position=self._queue.position(job.id))

    def _read(self, operation: Operation[T]) -> asyncio.Future[T]:
        return asyncio.wrap_future(self._store.read(operation))

    def _write(self, operation: Operation[T]) -> asyncio.Future[T]:
        return asyncio.wrap_future(self._store.write(operation))


def _body_digest(
    workflow: str | bytes, settings: Mapping[str, Any], priority: int, targets: tuple[str, ...] | None
) -> str:
    """Return a digest of a submission; equal for texts that differ in spacing or in the order of keys."""
    try:
        document = json.loads(workflow)
    except (ValueError, RecursionError):
        document = None  # it will be refused, and no key remembered
    # Without targets the digest is the one that was stored before there were any.
    parts = [document, settings, priority] if targets is None else [document, settings, priority, targets]
    canonical = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(canonical.encode("ascii"), digest_size=20).hexdigest()
