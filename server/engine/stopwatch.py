"""Own time of nested work: what a node took without what the nodes took that it pulled or consumed."""

from __future__ import annotations

import threading
import time


class Stopwatch:
    """Measures on each thread alone; work that a node moves to its own threads counts as its waiting."""

    def __init__(self) -> None:
        self._local = threading.local()

    def begin(self) -> tuple[float, float]:
        """Start a span inside whatever span runs on this thread; `end` takes what is returned."""
        outer: float = getattr(self._local, "inner", 0.0)
        self._local.inner = 0.0
        return outer, time.perf_counter()

    def end(self, mark: tuple[float, float]) -> float:
        """End a span, and return its seconds without those of the spans inside it."""
        outer, start = mark
        elapsed = time.perf_counter() - start
        own = elapsed - self._local.inner
        self._local.inner = outer + elapsed
        return own
