"""The gauge sees what a node held while it ran, and no more."""

from __future__ import annotations

import mmap
import threading
import time
from typing import Annotated, Any

import pytest

from server.engine.events import NodeFailed, NodeFinished
from server.engine.gauge import MemoryGauge
from server.kit import Number, node
from tests.engine.toys import Bench, build, link

SIZE = 256 * 2**20


@node(category="toys")
def hold(*, size: Annotated[int, Number(min=0)] = 0, value: int = 0) -> int:
    """Hold so many bytes for a moment.

    Args:
        size: Bytes.
        value: What is given back.
    """
    # Pages of its own: an allocator may serve so much from what earlier tests left it, and nothing would rise or fall.
    with mmap.mmap(-1, mmap.PAGESIZE + size) as held:
        for start in range(0, len(held), mmap.PAGESIZE):
            held[start] = 1
        time.sleep(0.2)
    return value


@node(category="toys")
def hold_and_fail(*, size: int = 0) -> int:
    """Fail with bytes in hand.

    Args:
        size: Bytes.
    """
    raise ValueError(len(b"x" * size))


def finished(bench: Bench) -> dict[str, NodeFinished]:
    return {event.node: event for event in bench.events if isinstance(event, NodeFinished)}


def test_a_node_tells_the_most_memory_that_was_held_while_it_ran(bench: Bench) -> None:
    graph = build({"large": (hold, {"size": SIZE}), "small": (hold, {"value": link("large", "int")})}, sinks=("small",))
    bench.run(graph)
    large, small = finished(bench)["large"], finished(bench)["small"]
    assert large.memory_bytes is not None
    assert small.memory_bytes is not None
    assert large.memory_bytes > SIZE
    assert small.memory_bytes < large.memory_bytes - SIZE // 2
    assert large.device_bytes is None


def test_the_gauge_ends_with_the_run_whatever_the_nodes_did(bench: Bench) -> None:
    bench.run(build({"bad": (hold_and_fail, {"size": 10})}, sinks=("bad",)))
    assert any(isinstance(event, NodeFailed) for event in bench.events)
    assert [thread for thread in threading.enumerate() if thread.name == "memory gauge"] == []


def test_spans_that_overlap_tell_the_most_that_a_device_held_in_each() -> None:
    torch: Any = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this measures the memory of a CUDA device")  # in CI too: no CI machine has one
    gauge = MemoryGauge("cuda:0")
    kept = torch.empty(SIZE, dtype=torch.uint8, device="cuda:0")
    outer = gauge.begin()
    torch.empty(SIZE, dtype=torch.uint8, device="cuda:0")
    inner = gauge.begin()
    gauge.end(inner)
    gauge.end(outer)
    gauge.close()
    assert outer.device_bytes is not None
    assert inner.device_bytes is not None
    assert outer.device_bytes >= 2 * SIZE
    assert kept.numel() <= inner.device_bytes < 2 * SIZE
