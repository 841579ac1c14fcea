"""Keeps a worker alive: starts it, starts it again after a death, and ends one that ignores a cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from server.jobs.autopsy import Death
from server.jobs.errors import WorkerUnavailableError
from server.jobs.process import EventSink, WorkerDiedError, WorkerProcess, default_command
from server.jobs.protocol import Answer, Done, Hello, Ready, Topic
from server.jobs.records import JsonObject

SupervisorState: TypeAlias = Literal["stopped", "starting", "ready", "waiting"]

FIRST_DELAY_S = 0.5
LAST_DELAY_S = 30.0
"""Pauses between starts while the worker dies before it is ready; doubled each time."""

LOOK_S = 0.5
"""Packs are looked at for changes no more often than this: it takes some milliseconds."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SupervisorStatus:
    """How the worker is.

    Attributes:
        state: `waiting` after a failed start, before the next.
        pid: Of the process, when there is one.
        device: As the worker was told.
        memory_bytes: What it held when last looked.
        deaths: How often it died since the server started.
        last_death: What was said of the last one; it stays after a new start.
    """

    state: SupervisorState
    pid: int | None
    device: str
    memory_bytes: int | None
    deaths: int
    last_death: JsonObject | None

    def to_json(self) -> JsonObject:
        """Return the status as it crosses the wire."""
        return {
            "state": self.state,
            "pid": self.pid,
            "device": self.device,
            "memory_bytes": self.memory_bytes,
            "deaths": self.deaths,
            "last_death": self.last_death,
        }


class Supervisor:
    """The server's view of its worker, whichever process that is at the moment.

    Args:
        hello: What every new process is told.
        sources: Returns a digest of the packs' sources as they are; when it changes, a worker that has nothing to do
            makes room for one that loads them anew. None for packs that stay as they are.
        on_ready: Called each time that a process has loaded its packs.
        cancel_grace_s: How long a canceled job may go on before its process is killed.
        start_limit_s: How long loading the packs may take before the process is killed.
        command: Starts a worker.
    """

    def __init__(
        self,
        hello: Hello,
        *,
        sources: Callable[[], str] | None = None,
        on_ready: Callable[[Ready], Awaitable[None]] | None = None,
        cancel_grace_s: float = 10.0,
        start_limit_s: float = 300.0,
        command: Sequence[str] | None = None,
    ) -> None:
        self._hello = hello
        self._sources = sources
        self._loaded = ""
        self._looked_at = -LOOK_S
        self._outdated: WorkerProcess | None = None
        self._on_ready = on_ready
        self._cancel_grace_s = cancel_grace_s
        self._start_limit_s = start_limit_s
        self._command = command or default_command()
        self._process: WorkerProcess | None = None
        self._state: SupervisorState = "stopped"
        self._is_ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._deaths = 0
        self._last_death: JsonObject | None = None
        self._canceled: dict[str, asyncio.Event] = {}
        self._stopped = False

    @property
    def status(self) -> SupervisorStatus:
        """How the worker is now."""
        process = self._process
        return SupervisorStatus(
            state=self._state,
            pid=process.pid if process else None,
            device=self._hello.device,
            memory_bytes=process.memory.worker if process and process.memory else None,
            deaths=self._deaths,
            last_death=self._last_death,
        )

    @property
    def is_ready(self) -> bool:
        """Whether a worker can be asked right now."""
        return self._is_ready.is_set()

    async def start(self) -> None:
        """Begin to keep a worker; returns at once."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the worker; a job that it runs, or is given from now on, ends as canceled."""
        self._stopped = True
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        for canceled in self._canceled.values():
            canceled.set()
        if self._process:
            await self._process.stop(self._cancel_grace_s)
        self._process = None
        self._state = "stopped"
        self._is_ready.clear()

    async def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until a worker has loaded its packs.

        Raises:
            WorkerUnavailableError: None has within the time.
        """
        try:
            await asyncio.wait_for(self._is_ready.wait(), timeout_s)
        except TimeoutError:
            message = f"the worker was not ready within {timeout_s:g} s"
            if self._last_death:
                message += f"; {self._last_death['message']}"
            raise WorkerUnavailableError(message, "look at the server's log, then try again") from None

    async def ask(
        self,
        topic: Topic,
        workflow: str = "",
        settings: Mapping[str, Any] | None = None,
        targets: tuple[str, ...] | None = None,
        *,
        path: str = "",
        timeout_s: float | None = None,
    ) -> Answer:
        """Ask the worker, waiting for a ready one that has loaded the packs as they are.

        Raises:
            WorkerUnavailableError: It was not ready, did not answer in time, or died over the question.
        """
        await self.renew()
        await self.wait_ready(timeout_s)
        assert self._process is not None  # noqa: S101  (a ready worker is one)
        try:
            question = self._process.ask(topic, workflow, settings, targets, path=path)
            return await asyncio.wait_for(question, timeout_s)
        except TimeoutError:
            message = f"the worker did not answer within {timeout_s:g} s"
            raise WorkerUnavailableError(message, "try again when it has less to do") from None
        except WorkerDiedError as error:
            raise WorkerUnavailableError(error.error["message"], error.error["hint"]) from error

    async def run(self, job: str, workflow: str, sink: EventSink, targets: tuple[str, ...] | None = None) -> Done:
        """Run a job on a ready worker to its end, whatever that is: a death of the worker is one, too."""
        canceled = self._canceled[job] = asyncio.Event()
        if self._stopped:
            canceled.set()
        try:
            await self.renew()
            await _first_of(self._is_ready.wait(), canceled.wait())
            if canceled.is_set():
                return Done(job, "canceled")
            assert self._process is not None  # noqa: S101  (a ready worker is one)
            return await self._process.run(job, workflow, sink, targets)
        except WorkerDiedError as error:
            return Done(job, "canceled" if canceled.is_set() else "failed", error.error)
        finally:
            del self._canceled[job]

    async def cancel(self, job: str) -> None:
        """Ask a running job to stop; kill its worker when it has not within the grace period."""
        if job in self._canceled:
            self._canceled[job].set()
        process = self._process
        if process is None or job not in process.jobs:
            return
        await process.cancel(job)
        asyncio.get_running_loop().call_later(self._cancel_grace_s, self._end_if_running, process, job)

    async def renew(self) -> bool:
        """End a worker that has nothing to do when the packs' sources changed since it was ready; the next loads them.

        Returns:
            Whether that was done.
        """
        process, loaded, now = self._process, self._loaded, time.monotonic()
        if self._sources is None or process is None or not self.is_ready or now - self._looked_at < LOOK_S:
            return False
        self._looked_at = now
        digest = await asyncio.to_thread(self._sources)
        # What is compared is seen from here, so that a pack which writes its own sources ends no worker twice for that.
        if digest == loaded or process is not self._process or not self.is_ready or process.is_busy:
            return False
        logger.info("packs changed, so the worker loads them anew")
        self._is_ready.clear()
        self._outdated = process
        await process.stop(self._cancel_grace_s)
        return True

    def _end_if_running(self, process: WorkerProcess, job: str) -> None:
        if job in process.jobs:
            node = process.node_of(job)
            what = f"node {node!r}" if node else "it"
            grace = f"{self._cancel_grace_s:g} s"
            process.kill(f"the job was canceled, and its worker was ended because {what} did not stop within {grace}")

    async def _keep(self) -> None:
        delay_s = 0.0
        while True:
            self._state = "starting"
            death = await self._live()
            self._is_ready.clear()
            outdated, self._process = self._process is self._outdated, None
            if outdated:
                self._outdated = None
                continue
            self._deaths += 1
            self._last_death = death.error()
            logger.error("%s", self._last_death["message"])
            delay_s = 0.0 if death.was_ready else min(max(delay_s * 2, FIRST_DELAY_S), LAST_DELAY_S)
            self._state = "waiting"
            await asyncio.sleep(delay_s)

    async def _live(self) -> Death:
        """Start one process and return how it ended."""
        try:
            process = self._process = await WorkerProcess.start(self._hello, self._command)
        except OSError as error:
            return Death(None, reason=f"the worker could not be started: {error}")
        await asyncio.wait([process.ready], timeout=self._start_limit_s)
        if not process.ready.done():
            process.kill(f"the worker was ended, because it was not ready within {self._start_limit_s:g} s")
        elif not process.dead.done():
            if self._sources is not None:
                self._loaded = await asyncio.to_thread(self._sources)
            self._state = "ready"
            self._is_ready.set()
            if self._on_ready:
                await self._on_ready(process.ready.result())
        return await asyncio.shield(process.dead)


async def _first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them is done, and give up the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
