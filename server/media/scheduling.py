"""Keeps encoders from making this process a real-time one."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_TASKS = Path("/proc/self/task")


@contextmanager
def ordinary_threads() -> Generator[None]:
    """Undo what an encoder that is opened inside does to the scheduling of threads; elsewhere than on Linux, nothing.

    SVT-AV1 gives its threads, and the thread that opens it, `SCHED_FIFO` at the highest priority wherever that is
    allowed, as it is to root (`svt_av1_enc_init`, EbEncHandle.c). Every process started from such a thread inherits it,
    and two of them that wait busily leave nothing of two cores to anyone, what they wait for included.
    """
    if sys.platform != "linux" or not _TASKS.is_dir():
        yield
        return
    before = _real_time()
    own, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in _real_time() - before:
            try:
                os.sched_setscheduler(thread, own, parameters)
            except ProcessLookupError:
                continue  # it ended meanwhile


if sys.platform == "linux":

    def _real_time() -> set[int]:
        """Return the ids of this process's threads that are scheduled before all ordinary ones."""
        found: set[int] = set()
        for thread in (int(path.name) for path in _TASKS.iterdir()):
            try:
                if os.sched_getscheduler(thread) in {os.SCHED_FIFO, os.SCHED_RR}:
                    found.add(thread)
            except ProcessLookupError:
                continue
        return found
