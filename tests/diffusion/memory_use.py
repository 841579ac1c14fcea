"""How much memory a piece of work takes, as the profiler counts it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate


def peak_bytes(work: Callable[[], object]) -> int:
    """Return the most bytes that tensors made by `work` held at once."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns()))
    return max(held)
