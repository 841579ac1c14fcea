"""One life of a worker process, seen from the server: its pipes, the questions and runs under way, its death.

asyncio's subprocesses only, which work alike on every system; no signal is sent, and none is taken for granted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

import server
from server.jobs.autopsy import Death, Memory
from server.jobs.errors import ProtocolError
from server.jobs.protocol import (
    LINE_LIMIT,
    Answer,
    Ask,
    Cancel,
    Done,
    FromWorker,
    Happened,
    Hello,
    Ready,
    Run,
    Shutdown,
    Topic,
    ToWorker,
    decode,
    encode,
)
from server.jobs.records import JsonObject

EventSink = Callable[[JsonObject], Awaitable[None]]

MEMORY_INTERVAL_S = 0.5
EXIT_S = 5.0
"""How long a process that closed its pipe may take to end before it is killed."""

LAST_WORDS = 60
WORD_LIMIT = 2000
"""Lines of stderr, and bytes of each, that are kept for the autopsy."""

logger = logging.getLogger(__name__)


class WorkerDiedError(Exception):
    """The worker is dead; `death` says how, `error` what a job that it ran is told."""

    def __init__(self, death: Death, node: str | None = None) -> None:
        self.death = death
        self.error = death.error(node)
        super().__init__(self.error["message"])


def default_command() -> tuple[str, ...]:
    """Return the command of a worker: this Python, this package, whatever lies in the current folder."""
    return (sys.executable, "-P", "-X", "utf8", "-m", "server.jobs.worker")


@dataclass(slots=True)
class _Job:
    """A run under way; the nodes that started and did not finish, the newest last."""

    done: asyncio.Future[Done]
    sink: EventSink
    nodes: dict[str, None] = field(default_factory=dict[str, None])

    def follow(self, event: JsonObject) -> None:
        match event["kind"]:
            case "node_started":
                self.nodes[event["node"]] = None
            case "node_finished" | "node_failed":
                self.nodes.pop(event["node"], None)
            case _:
                pass

    @property
    def node(self) -> str | None:
        return next(reversed(self.nodes), None)


class WorkerProcess:
    """A worker that runs, until it does not.

    Attributes:
        ready: Resolved when it has loaded its packs; fails with `WorkerDiedError`.
        dead: Resolved when it is gone, and its last words are read.
        memory: When last looked.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        self._process = process
        self.ready: asyncio.Future[Ready] = loop.create_future()
        self.dead: asyncio.Future[Death] = loop.create_future()
        self.memory: Memory | None = None
        self._questions: dict[int, asyncio.Future[Answer]] = {}
        self._asked = 0
        self._jobs: dict[str, _Job] = {}
        self._last_words: deque[str] = deque(maxlen=LAST_WORDS)
        self._reason = ""
        self._tasks = [loop.create_task(work) for work in (self._read(), self._listen(), self._watch_memory())]

    @staticmethod
    async def start(hello: Hello, command: Sequence[str]) -> WorkerProcess:
        """Start a process and greet it.

        Raises:
            OSError: The system cannot start one.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            limit=LINE_LIMIT,
            **_window_flags(),
        )
        worker = WorkerProcess(process)
        await worker.send(hello)
        return worker

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def jobs(self) -> tuple[str, ...]:
        """Return the jobs that it was given and has not ended."""
        return tuple(self._jobs)

    @property
    def is_busy(self) -> bool:
        """Whether it has a job or a question that it has not answered."""
        return bool(self._jobs or self._questions)

    def node_of(self, job: str) -> str | None:
        """Return the node that a job runs, as far as its events said; None between nodes."""
        return self._jobs[job].node if job in self._jobs else None

    async def send(self, message: ToWorker) -> None:
        """Write a message; to a dead worker it goes nowhere, and `dead` says so."""
        pipe = self._process.stdin
        if pipe is None or pipe.is_closing():
            return
        with contextlib.suppress(ConnectionError):
            pipe.write(encode(message))
            await pipe.drain()

    async def ask(
        self,
        topic: Topic,
        workflow: str = "",
        settings: Mapping[str, Any] | None = None,
        targets: tuple[str, ...] | None = None,
        *,
        path: str = "",
    ) -> Answer:
        """Ask a question and wait for its answer.

        Raises:
            WorkerDiedError: It died before it answered.
        """
        self._refuse_when_dead()
        self._asked += 1
        number = self._asked
        answer = self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            await self.send(Ask(number, topic, workflow, settings or {}, targets, path))
            return await answer
        finally:
            self._questions.pop(number, None)

    async def run(self, job: str, workflow: str, sink: EventSink, targets: tuple[str, ...] | None = None) -> Done:
        """Run a job to its end; every event goes to `sink` before the next message is read.

        Raises:
            WorkerDiedError: It died before the job ended.
        """
        self._refuse_when_dead()
        run = self._jobs[job] = _Job(asyncio.get_running_loop().create_future(), sink)
        try:
            await self.send(Run(job, workflow, targets))
            return await run.done
        finally:
            self._jobs.pop(job, None)

    async def cancel(self, job: str) -> None:
        """Ask a job to stop at its next cancellation point."""
        await self.send(Cancel(job))

    def kill(self, reason: str) -> None:
        """End the process and the programs that it started, at once; `reason` is what its jobs are told."""
        self._reason = self._reason or reason
        for process in (*_children(self.pid), self._process):
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                process.kill()

    async def stop(self, grace_s: float) -> None:
        """Ask the process to end, and kill it when it does not within `grace_s`."""
        self._reason = self._reason or "the worker was stopped"
        await self.send(Shutdown())
        await asyncio.wait([self.dead], timeout=grace_s)
        if not self.dead.done():
            self.kill(self._reason)
            await self.dead

    def _refuse_when_dead(self) -> None:
        if self.dead.done():
            raise WorkerDiedError(self.dead.result())

    async def _read(self) -> None:
        """Handle its messages until it is gone, then bury it."""
        assert self._process.stdout is not None  # noqa: S101  (for the type checker)
        try:
            while line := await self._process.stdout.readline():
                await self._handle_line(line)
        except ValueError:
            self.kill(f"the worker sent a message of more than {LINE_LIMIT} bytes, and was ended")
        except ConnectionError:
            pass  # Windows says so when the process is killed
        await self._bury()

    async def _handle_line(self, line: bytes) -> None:
        try:
            message = decode(line)
        except ProtocolError:
            logger.exception("a line from the worker was ignored")
            return
        await self._handle(message)

    async def _handle(self, message: ToWorker | FromWorker) -> None:
        match message:
            case Ready() if not self.ready.done():
                self.ready.set_result(message)
            case Answer():
                if (answer := self._questions.get(message.number)) and not answer.done():
                    answer.set_result(message)
            case Happened():
                if run := self._jobs.get(message.job):
                    run.follow(message.event)
                    await run.sink(message.event)
            case Done():
                if (run := self._jobs.get(message.job)) and not run.done.done():
                    run.done.set_result(message)
            case _:
                logger.error("the worker sent an unexpected %r message", message.kind)

    async def _listen(self) -> None:
        """Keep the end of what it writes to stderr, and log all of it."""
        assert self._process.stderr is not None  # noqa: S101  (for the type checker)
        with contextlib.suppress(ConnectionError):
            rest = b""
            while chunk := await self._process.stderr.read(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > WORD_LIMIT:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._note(line)
            self._note(rest)

    def _note(self, line: bytes) -> None:
        if text := line.decode("utf-8", "replace").rstrip():
            self._last_words.append(text[:WORD_LIMIT])
            logger.info("worker: %s", text)

    async def _watch_memory(self) -> None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            while not self.dead.done():
                machine = psutil.virtual_memory()
                self.memory = Memory(process.memory_info().rss, machine.available, machine.total)
                await asyncio.sleep(MEMORY_INTERVAL_S)

    async def _bury(self) -> None:
        """Wait for the exit code, and tell everybody who waits for this process."""
        # Programs that it started may hold stderr open, and `wait` with it in some versions of Python: see
        # https://github.com/python/cpython/issues/119710. So the exit code is looked at, and nothing is waited for.
        waited_s = 0.0
        while self._process.returncode is None:
            await asyncio.sleep(0.02)
            waited_s += 0.02
            if waited_s > EXIT_S:
                waited_s = 0.0
                self.kill("the worker closed its pipe without ending, and was ended")
        await asyncio.wait(self._tasks[1:2], timeout=0.5)
        for task in self._tasks[1:]:
            task.cancel()
        was_ready = self.ready.done()
        death = Death(self._process.returncode, self.memory, tuple(self._last_words), was_ready, self._reason)
        self.dead.set_result(death)
        for job in self._jobs.values():
            _fail(job.done, WorkerDiedError(death, job.node))
        for waiting in (self.ready, *self._questions.values()):
            _fail(waiting, WorkerDiedError(death))


def _fail(future: asyncio.Future[Any], error: WorkerDiedError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # whoever waits gets it; that nobody does is no mistake


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _environment() -> dict[str, str]:
    """Return our environment, with the folder of this very `server` package first among those Python imports from."""
    root = str(Path(server.__file__).resolve().parent.parent)
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, known] if known else [root])}


def _window_flags() -> dict[str, Any]:
    """Return what keeps Windows from opening a console for the worker; nothing elsewhere."""
    flag = getattr(subprocess, "CREATE_NO_WINDOW", None)
    return {"creationflags": flag} if flag is not None else {}
