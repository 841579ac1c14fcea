"""Highest memory use while nodes run: of this process, and of its device as torch counts it."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import Any

import psutil

INTERVAL_S = 0.05
"""Pause between two looks at the process; what comes and goes in less may be missed."""


@dataclass(slots=True)
class Span:
    """A stretch of time, with the highest use so far.

    Attributes:
        memory_bytes: Resident memory of the process, as sampled.
        device_bytes: Allocated on the device, exact; None when this cannot be told, or nothing is allocated there.
    """

    memory_bytes: int = 0
    device_bytes: int | None = None

    def raise_to(self, memory_bytes: int, device_bytes: int | None) -> None:
        """Take in one look."""
        self.memory_bytes = max(self.memory_bytes, memory_bytes)
        if device_bytes:
            self.device_bytes = max(self.device_bytes or 0, device_bytes)


class MemoryGauge:
    """Measures spans, which may overlap as streams do; a thread looks while any is open.

    Args:
        device: As torch names it.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._process = psutil.Process()
        self._open: list[Span] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> Span:
        """Open a span."""
        span = Span()
        with self._lock:
            self._look()  # what was used before is the others'
            self._open.append(span)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="memory gauge", daemon=True)
                self._thread.start()
        return span

    def end(self, span: Span) -> Span:
        """Close a span, and return it; closing it again changes nothing."""
        with self._lock:
            self._look()
            self._open = [other for other in self._open if other is not span]
        return span

    def close(self) -> None:
        """Stop the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._closed.wait(INTERVAL_S):
            with self._lock:
                if self._open:
                    self._look()

    def _look(self) -> None:
        resident = self._process.memory_info().rss
        allocated = self._device_peak()
        for span in self._open:
            span.raise_to(resident, allocated)

    def _device_peak(self) -> int | None:
        """Return the most that was allocated since the last look."""
        # The engine never loads torch; a node that has to do with a device has loaded it.
        torch: Any = sys.modules.get("torch")
        if torch is None or not self._device.startswith("cuda") or not torch.cuda.is_initialized():
            return None
        peak = int(torch.cuda.max_memory_allocated(self._device))
        torch.cuda.reset_peak_memory_stats(self._device)
        return peak
