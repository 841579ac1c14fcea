"""Why a worker died, in words: from its exit code, what it ran, and what memory it had. Pure but for one lookup."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from server.jobs.records import JsonObject
from server.kit.problems import pointer

GIB = 1024**3

BY_SIGNAL = {
    "SIGKILL": "usually the system ran out of memory",
    "SIGSEGV": "native code, most often a driver or a library, touched memory that is not its own",
    "SIGBUS": "native code touched memory that is not there, or a disk that holds mapped files is full",
    "SIGABRT": "native code gave up; its last words are in the traceback",
    "SIGILL": "native code was built for another processor",
    "SIGTERM": "somebody asked it to end",
    "SIGINT": "somebody interrupted it",
}
"""By name: not every system has every signal, nor the same numbers."""

BY_WINDOWS_STATUS = {
    0xC0000005: ("an access violation", BY_SIGNAL["SIGSEGV"]),
    0xC0000017: ("lack of memory", "the system ran out of memory"),
    0xC00000FD: ("a stack overflow", "a node called itself too deep"),
    0xC000001D: ("an illegal instruction", BY_SIGNAL["SIGILL"]),
    0xC000013A: ("Ctrl-C", BY_SIGNAL["SIGINT"]),
    0xC0000409: ("a fail-fast exit", BY_SIGNAL["SIGABRT"]),
}

MEMORY_DEATHS = {"SIGKILL", "lack of memory"}
MEMORY_HINT = "make the video smaller or shorter, use tiling or offloading, or close other programs; then retry the job"
OTHER_HINT = "retry the job; if it dies there again, report the traceback to the author of the node"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes when last looked: held by the worker, and free and installed in the machine."""

    worker: int
    free: int
    total: int

    def __str__(self) -> str:
        worker, free, total = (f"{value / GIB:.1f} GiB" for value in (self.worker, self.free, self.total))
        return f"it held {worker}; {free} of the machine's {total} were free"


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended.

    Attributes:
        exit_code: As `subprocess` gives it: negative is a signal on POSIX; None when it never started.
        memory: When last looked.
        last_words: The end of what it wrote to stderr.
        was_ready: Whether it had loaded its packs.
        reason: Known beforehand, when we ended it ourselves.
    """

    exit_code: int | None
    memory: Memory | None = None
    last_words: Sequence[str] = ()
    was_ready: bool = False
    reason: str = ""

    def error(self, node: str | None = None) -> JsonObject:
        """Return the error of a job that the worker took with it while it ran `node`."""
        cause, means = ("", "") if self.reason else _cause(self.exit_code)
        what = self.reason or f"the worker {cause}"
        during = f" while it ran {node!r}" if node else "" if self.was_ready else " while it started"
        words = [what + during + (f": {means}" if means else "")]
        words += [str(self.memory)] if self.memory and not self.reason else []
        memory_death = any(name in cause for name in MEMORY_DEATHS)
        return {
            "code": "worker_died",
            "message": "; ".join(words),
            "hint": MEMORY_HINT if memory_death else OTHER_HINT,
            "path": pointer("nodes", node) if node and "/" not in node else "",
            "node": node,
            "traceback": "\n".join(self.last_words),
        }


def _cause(code: int | None) -> tuple[str, str]:
    """Return what ended a process and what that usually means; the second may be empty."""
    if code is None:
        return "could not be started", ""
    if code < 0:
        name = _signal_name(-code)
        return f"was killed by {name}", BY_SIGNAL.get(name, "")
    if code & 0xFFFFFFFF in BY_WINDOWS_STATUS:
        cause, means = BY_WINDOWS_STATUS[code & 0xFFFFFFFF]
        return f"was ended by {cause}", means
    return f"exited with code {code}", "its last words are in the traceback"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
