"""`kinegraph run`: a workflow from start to end in this process, with progress, cancel and copies of the results."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from server.cli.output import DONE, FAILED, INTERRUPTED, CommandError, print_json
from server.cli.progress import Listener, listening
from server.cli.session import Opened, open_workflow
from server.engine.cancel import CancelToken
from server.jobs.session import Outcome
from server.kit.values import Artifact

POLL_S = 0.2
"""How often the waiting main thread wakes: on Windows a signal is seen only then."""


def run(options: argparse.Namespace) -> int:
    """Run the workflow; print the path of each result."""
    with open_workflow(options) as opened:
        cancel = CancelToken()
        with listening(opened.graph, as_json=options.json) as listener, _canceling(cancel):
            outcome = _run_in_thread(opened, listener, cancel)
        paths = _deliver(opened, outcome, options.output)
        if options.json:
            print_json(
                {"kind": "result", "status": outcome.status, "error": outcome.error, "files": list(map(str, paths))}
            )
        else:
            _tell(outcome, paths)
    return {"succeeded": DONE, "canceled": INTERRUPTED}.get(outcome.status, FAILED)


def _run_in_thread(opened: Opened, listener: Listener, cancel: CancelToken) -> Outcome:
    """Run in a thread of its own, so that the main thread is free to see Ctrl-C at once."""
    outcomes: list[Outcome] = []
    unheard: list[OSError] = []

    def work() -> None:
        try:
            outcomes.append(opened.session.run(opened.workflow, emit=listener, cancel=cancel))
        except OSError as error:  # of the listener, whose output went away or is full
            unheard.append(error)

    thread = threading.Thread(target=work, name="run")
    thread.start()
    while thread.is_alive():
        thread.join(POLL_S)
    if unheard:
        raise unheard[0]
    if not outcomes:
        message = "the run ended by an error in Kinegraph itself; the trace is above, please report it"
        raise CommandError(message)
    return outcomes[0]


@contextmanager
def _canceling(cancel: CancelToken) -> Generator[None]:
    """Make Ctrl-C cancel the run; a second one ends the process at once."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if cancel.requested:
            os._exit(INTERRUPTED)
        cancel.request()
        print("kinegraph: stopping at the next step; press Ctrl-C again to end at once", file=sys.stderr)

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _deliver(opened: Opened, outcome: Outcome, output: str | None) -> Sequence[Path]:
    """Return where the results are, after copying them where `-o` wants them."""
    artifacts = [made.artifact for made in outcome.result.artifacts] if outcome.result else []
    outputs = opened.settings.folders.outputs
    if output is None or outcome.status != "succeeded":
        return [outputs / artifact.path for artifact in artifacts]
    if not artifacts:
        message = "the workflow made no file, so there is nothing to put into " + output
        raise CommandError(message)
    target = Path(output)
    if output.endswith(("/", os.sep)) or target.is_dir():
        return [_copy(outputs / artifact.path, target / Path(artifact.path).name) for artifact in artifacts]
    return [_copy(outputs / _only(artifacts, target).path, target)]


def _only(artifacts: Sequence[Artifact], target: Path) -> Artifact:
    """Return the one artifact that may take the name `target`."""
    fitting = [artifact for artifact in artifacts if Path(artifact.path).suffix == target.suffix.lower()]
    if len(fitting) == 1:
        return fitting[0]
    made = ", ".join(artifact.path for artifact in artifacts)
    wanted = "name a folder (ending with /) to get them all" if fitting else "give the name the same ending"
    message = f"{str(target)!r} does not fit what was made: {made}; {wanted}. They are in the outputs folder"
    raise CommandError(message)


def _copy(source: Path, target: Path) -> Path:
    """Copy a file, whole or not at all, or a folder of files."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            return Path(shutil.copytree(source, target, dirs_exist_ok=True))
        shutil.copyfile(source, draft)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        message = f"cannot write {str(target)!r}: {error.strerror or error}; the result is at {source}"
        raise CommandError(message) from error
    return target


def _tell(outcome: Outcome, paths: Sequence[Path]) -> None:
    for path in paths:
        print(path)
    if outcome.error:
        where = outcome.error.get("path") or "/"
        print(f"kinegraph: {where}: {outcome.error['message']}", file=sys.stderr)
        if outcome.error.get("hint"):
            print(f"    {outcome.error['hint']}", file=sys.stderr)
    elif outcome.status == "canceled":
        print("kinegraph: interrupted; finished results stay in the cache", file=sys.stderr)
