"""What a node tells through its context becomes events at the right pace, and every report can end the run."""

from __future__ import annotations

import base64

import pytest

from server.engine.cancel import CancelToken
from server.engine.context import EngineContext, RunScope
from server.engine.events import Event, NodeLog, NodePreview, NodeProgress, NodeWarning
from server.engine.keys import Key
from server.kit import Canceled, Context
from tests.engine import toys
from tests.engine.toys import Bench, build


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def cancel() -> CancelToken:
    return CancelToken()


@pytest.fixture
def context(bench: Bench, told: list[Event], cancel: CancelToken) -> EngineContext:
    graph = build({"n": (toys.number, {"value": 3})})
    scope = RunScope(bench.folders, "cuda:1", '{"kinegraph": 1}', cancel, told.append)
    return EngineContext(scope, graph.nodes["n"], Key("k"))  # type: ignore[index]


def test_it_is_the_context_that_nodes_are_promised(context: EngineContext, bench: Bench) -> None:
    promised: Context = context
    assert (promised.device, promised.workflow, promised.folders) == ("cuda:1", '{"kinegraph": 1}', bench.folders)


def test_progress_is_throttled_but_tells_the_first_and_the_last_step(context: EngineContext, told: list[Event]) -> None:
    assert list(context.progress(range(10_000), unit="frame")) == list(range(10_000))
    assert told[0] == NodeProgress("n", 1, 10_000, "frame")  # type: ignore[arg-type]
    assert told[-1] == NodeProgress("n", 10_000, 10_000, "frame")  # type: ignore[arg-type]
    assert len(told) < 200


def test_progress_of_unknown_length_has_no_total(context: EngineContext, told: list[Event]) -> None:
    assert list(context.progress(iter("ab"))) == ["a", "b"]
    assert told == [NodeProgress("n", 1, None, "step")]  # type: ignore[arg-type]
    assert list(context.progress([], 7)) == []


def test_every_report_is_a_cancellation_point(context: EngineContext, cancel: CancelToken, told: list[Event]) -> None:
    steps = context.progress(range(5))
    next(steps)
    cancel.request()
    with pytest.raises(Canceled):
        next(steps)
    with pytest.raises(Canceled):
        next(context.progress(range(5)))
    with pytest.raises(Canceled):
        context.report(1)
    with pytest.raises(Canceled):
        context.save("x", ".txt", "text/plain", lambda path: None)
    assert told == []


def test_a_line_of_the_log_stays_small(context: EngineContext, told: list[Event]) -> None:
    context.log("x" * 1_000_000)
    (line,) = told
    assert isinstance(line, NodeLog)
    assert len(line.message) < 20_000


def test_previews_logs_and_warnings_become_events(context: EngineContext, told: list[Event]) -> None:
    context.preview(b"\xff\xd8", "image/jpeg")
    context.log("hello")
    context.warn("odd size", "value", "try 8")
    context.warn("slow")
    encoded = base64.b64encode(b"\xff\xd8").decode()
    assert told == [
        NodePreview("n", "image/jpeg", encoded, Key("k")),  # type: ignore[arg-type]
        NodeLog("n", "hello"),  # type: ignore[arg-type]
        NodeWarning("n", "/nodes/n/inputs/value", "odd size", "try 8"),  # type: ignore[arg-type]
        NodeWarning("n", "/nodes/n", "slow", ""),  # type: ignore[arg-type]
    ]
