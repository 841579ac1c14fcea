"""The worker process, `python -m server.jobs.worker`: owns the device, loads the packs, runs jobs one after another.

The main thread only reads, so a cancellation and the server's death are noticed whatever the nodes do. Questions and
jobs have a thread each. Nothing is decided here: see `session.py` for what a run is.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO

from server.engine.cancel import CancelToken
from server.engine.events import Event
from server.jobs.errors import JobsError, ProtocolError
from server.jobs.preparation import problems_error
from server.jobs.protocol import (
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
    ToWorker,
    decode,
    encode,
)
from server.jobs.records import JsonObject
from server.jobs.session import WorkerSession
from server.kit.problems import WorkflowError

FAREWELL_S = 3.0
"""How long a run may take to notice that the process is about to end."""

logger = logging.getLogger(__name__)


class Worker:
    """Reads messages and answers them.

    Args:
        incoming: The pipe from the server.
        outgoing: The pipe to it; nothing but messages is ever written there.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._sending = threading.Lock()
        self._questions = ThreadPoolExecutor(1, thread_name_prefix="questions")
        # Looking at a long video takes a while; a question about the graph does not wait for it.
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="looks")
        self._jobs = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        self._session: Future[WorkerSession] = Future()
        self._tokens: dict[str, CancelToken] = {}
        self._last_run: Future[None] | None = None

    def serve(self) -> None:
        """Answer messages until the server says goodbye or is gone."""
        for line in self._incoming:
            try:
                message = decode(line)
            except ProtocolError:
                logger.exception("a line from the server was ignored")
                continue
            if isinstance(message, Shutdown):
                break
            self._handle(message)
        self._stop()

    def _handle(self, message: ToWorker | FromWorker) -> None:
        match message:
            case Hello():
                self._questions.submit(self._load, message)
            case Ask(topic="view"):
                self._looks.submit(self._answer, message)
            case Ask():
                self._questions.submit(self._answer, message)
            case Run():
                self._tokens[message.job] = CancelToken()
                self._last_run = self._jobs.submit(self._run, message)
            case Cancel():
                if token := self._tokens.get(message.job):
                    token.request()
            case _:
                logger.error("the server sent a %r message, which is ours to send", message.kind)

    def _load(self, hello: Hello) -> None:
        try:
            session = WorkerSession(hello)
        except BaseException:  # noqa: BLE001  (without a session this process is of no use; the server reads why)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        self._session.set_result(session)
        self._send(Ready(os.getpid(), hello.device, session.digest))

    def _answer(self, ask: Ask) -> None:
        try:
            self._send(Answer(ask.number, result=_reply(self._session.result(), ask)))
        except WorkflowError as error:
            self._send(Answer(ask.number, error=problems_error(error.problems)))
        except JobsError as error:
            self._send(Answer(ask.number, error=error.to_json()))
        except BaseException as error:  # noqa: BLE001  (packs' code runs here; the server must get an answer)
            self._send(Answer(ask.number, error=_unexpected(error)))

    def _run(self, run: Run) -> None:
        token = self._tokens[run.job]
        try:
            emit = partial(self._emit, run.job)
            outcome = self._session.result().run(run.workflow, targets=run.targets, emit=emit, cancel=token)
            done = Done(run.job, outcome.status, outcome.error)
        except BaseException as error:  # noqa: BLE001  (sys.exit() in a node, too, must end the job and not its thread)
            done = Done(run.job, "failed", _unexpected(error))
        del self._tokens[run.job]
        self._send(done)

    def _emit(self, job: str, event: Event) -> None:
        self._send(Happened(job, event.to_json()))

    def _send(self, message: FromWorker) -> None:
        line = encode(message)
        try:
            with self._sending:
                self._outgoing.write(line)
                self._outgoing.flush()
        except OSError:
            os._exit(1)  # the server is gone, and with it everybody who wanted the result

    def _stop(self) -> None:
        """Let the run end at its next cancellation point, and leave; a node that does not stop is left behind."""
        for token in tuple(self._tokens.values()):
            token.request()
        leaving = threading.Timer(FAREWELL_S, os._exit, (0,))
        leaving.daemon = True
        leaving.start()
        if self._last_run:
            self._last_run.exception()
        if self._session.done():
            self._session.result().close()
        os._exit(0)


def _reply(session: WorkerSession, ask: Ask) -> JsonObject:
    match ask.topic:
        case "catalogue":
            return session.catalogue.to_json()
        case "check":
            return session.check(ask.workflow, ask.settings, ask.targets).to_json()
        case "plan":
            return session.plan(ask.workflow, ask.settings, ask.targets)
        case "migrate":
            return session.migrate(ask.workflow).to_json()
        case "embedded":
            return {"workflow": session.embedded_workflow(Path(ask.path))}
        case "view":
            return session.view(Path(ask.path), **ask.settings)


def _unexpected(error: BaseException) -> JsonObject:
    text = "".join(traceback.format_exception(error))
    logger.error("unexpected: %s", text)
    return {
        "code": "unexpected_error",
        "message": f"{type(error).__name__}: {error}",
        "hint": "this is a mistake in the program or in a node pack; report it with the traceback",
        "path": "",
        "node": None,
        "traceback": text[-20_000:],
    }


def _claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes to the server for us: what nodes print goes to stderr, and what they read is empty.

    The copies are not inherited by programs that nodes start, which could otherwise hold the pipes open after us.
    """
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return incoming, outgoing


def main() -> None:
    """Serve the process that started this one."""
    incoming, outgoing = _claim_pipes()
    faulthandler.enable()
    # Ctrl-C in a terminal reaches the worker too; the server decides what becomes of it. A handler, unlike SIG_IGN,
    # is not inherited by the programs that nodes start.
    signal.signal(signal.SIGINT, lambda *_: None)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    Worker(incoming, outgoing).serve()


if __name__ == "__main__":
    main()
