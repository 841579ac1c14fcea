"""Stages of a stream overlap through short queues: bounded, canceled and blamed in mid-stream; nothing is left over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any

import pytest

from server.engine.ahead import AHEAD, Crew, Turn
from server.engine.cancel import CancelToken
from server.kit import Lazy, node
from tests.engine import toys
from tests.engine.toys import Bench, Stream, build, link

LONG_S = 20.0
"""How long a test waits for what must happen; only a failure takes it."""


def stage_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("kinegraph-")]


def source(produce: Callable[[], Iterator[int]], **changes: Any) -> Any:
    return replace(toys.count_up.definition, call=lambda **_: Stream(produce, 100), **changes)


def consumer(consume: Callable[[Stream], int]) -> Any:
    return replace(toys.total.definition, call=lambda stream, **_: consume(stream))


def pair(producer: Any, taker: Any) -> Any:
    nodes = {"c": (producer, {}), "t": (taker, {"stream": link("c", "stream")})}
    return build(nodes, outputs={"t": ("t", "int")})


def test_the_next_piece_is_made_while_the_consumer_works_on_this_one(bench: Bench) -> None:
    begun = [threading.Event() for _ in range(5)]

    def produce() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    def consume(stream: Stream) -> int:
        with closing(stream.produce()) as items:
            # On one thread the next item would not begin before it is asked for.
            return sum(item for item in items if begun[min(item + 1, 4)].wait(LONG_S))

    assert bench.run(pair(source(produce), consumer(consume))).outputs == {"t": 10}


@pytest.mark.parametrize(("kept", "bound"), [(False, AHEAD), (True, 2 * AHEAD)], ids=["passing", "copied"])
def test_a_producer_is_never_more_than_a_few_pieces_ahead(kept: bool, bound: int, bench: Bench) -> None:
    made = 0
    ahead: list[int] = []

    def produce() -> Iterator[int]:
        nonlocal made
        for number in range(100):
            made += 1
            yield number

    def consume(stream: Stream) -> int:
        with closing(stream.produce()) as items:
            for taken, _ in enumerate(items, start=1):
                if taken < 20:
                    time.sleep(0.005)  # time enough for a producer that nothing holds back
                ahead.append(made - taken)
        return len(ahead)

    assert bench.run(pair(source(produce, cached=kept), consumer(consume))).outputs == {"t": 100}
    assert 1 <= max(ahead) <= bound


def test_every_stage_has_a_thread_and_none_is_left(bench: Bench) -> None:
    seen: set[str] = set()

    def produce() -> Iterator[int]:
        for number in range(5):
            seen.add(threading.current_thread().name)
            yield number

    graph = build(
        {
            "c": (source(produce), {}),
            "x": (toys.scale, {"stream": link("c", "stream")}),
            "s": (toys.save_stream, {"stream": link("x", "stream")}),
        }
    )
    assert bench.run(graph).status == "succeeded"
    assert seen == {"kinegraph-c"}
    assert stage_threads() == []


def test_nothing_is_left_when_a_consumer_stops_early_and_does_not_close(bench: Bench) -> None:
    kept: list[Iterator[int]] = []
    closed = threading.Event()

    def produce() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.set()

    def consume(stream: Stream) -> int:
        kept.append(stream.produce())
        return next(kept[0])

    assert bench.run(pair(source(produce), consumer(consume))).outputs == {"t": 0}
    assert closed.is_set()
    assert stage_threads() == []
    with pytest.raises(RuntimeError, match="the run ended"):
        list(kept[0])


def test_nothing_is_left_when_the_consumer_fails(bench: Bench) -> None:
    def consume(stream: Stream) -> int:
        return next(stream.produce()) // 0

    result = bench.run(pair(toys.count_up, consumer(consume)))
    assert [failure.node for failure in result.failed] == ["t"]
    assert toys.calls[-1] == "closed"
    assert stage_threads() == []


def test_pieces_before_an_error_arrive_before_it(bench: Bench) -> None:
    got: list[int] = []

    def consume(stream: Stream) -> int:
        for item in stream.produce():
            time.sleep(0.01)  # so that the producer has failed long before its items are taken
            got.append(item)
        return 0

    graph = build(
        {"c": (toys.count_up, {"broken_at": 3}), "t": (consumer(consume), {"stream": link("c", "stream")})},
    )
    result = bench.run(graph)
    assert [failure.node for failure in result.failed] == ["c"]
    assert got == [0, 1, 2]
    assert stage_threads() == []


def test_canceling_ends_stages_that_wait_for_room(bench: Bench) -> None:
    cancel = CancelToken()

    def consume(stream: Stream) -> int:
        with closing(stream.produce()) as items:
            next(items)
            time.sleep(0.02)  # by now both stages above wait
            cancel.request()
            return sum(items)

    graph = build(
        {
            "c": (toys.count_up, {"length": 1000}),
            "x": (toys.scale, {"stream": link("c", "stream")}),
            "t": (consumer(consume), {"stream": link("x", "stream")}),
        }
    )
    assert bench.run(graph, cancel=cancel).status == "canceled"
    assert stage_threads() == []
    assert toys.calls[-1] == "closed"


@node(category="toy")
def late(*, length: Lazy[int]) -> Stream:
    """Ask for the length only when consumed."""

    def produce() -> Iterator[int]:
        toys.calls.append(threading.current_thread().name)
        yield from range(length.get())

    return Stream(produce, 0)


def test_a_lazy_input_is_asked_for_on_the_thread_that_runs_the_consumer(bench: Bench) -> None:
    graph = build(
        {
            "n": (toys.number, {"value": 4}),
            "l": (late, {"length": link("n", "int")}),
            "x": (toys.scale, {"stream": link("l", "stream")}),
            "t": (toys.total, {"stream": link("x", "stream")}),
        },
        outputs={"t": ("t", "int")},
    )
    assert bench.run(graph).outputs == {"t": 12}
    assert threading.current_thread().name in toys.calls


@node(category="toy")
def switch(*, a: Lazy[Stream], b: Lazy[Stream], first: bool = True) -> Stream:
    """Hand one of two streams on."""
    return (a if first else b).get()


def test_stages_above_and_below_a_switch_overlap(bench: Bench) -> None:
    names: set[str] = set()

    def produce() -> Iterator[int]:
        names.add(threading.current_thread().name)
        yield from range(5)

    def tripled(stream: Stream) -> Stream:
        def again() -> Iterator[int]:
            names.add(threading.current_thread().name)
            with closing(stream.produce()) as items:
                yield from (3 * item for item in items)

        return Stream(again, stream.length)

    graph = build(
        {
            "c": (source(produce), {}),
            "other": (toys.fail, {}),
            "w": (switch, {"a": link("c", "stream"), "b": link("other", "int")}),
            "x": (
                replace(toys.scale.definition, call=lambda stream, **_: tripled(stream)),
                {"stream": link("w", "stream")},
            ),
            "t": (toys.total, {"stream": link("x", "stream")}),
        },
        outputs={"t": ("t", "int")},
    )
    assert bench.run(graph).outputs == {"t": 30}
    assert names == {"kinegraph-c", "kinegraph-x"}
    assert stage_threads() == []


def test_stages_on_a_device_take_turns_and_do_not_wait_for_each_other_for_ever(bench: Bench) -> None:
    busy = threading.Lock()
    met: list[bool] = []

    def work() -> None:
        free = busy.acquire(blocking=False)
        met.append(not free)
        time.sleep(0.002)
        if free:
            busy.release()

    def produce() -> Iterator[int]:
        for number in range(10):
            work()
            yield number

    def doubled(stream: Stream) -> Stream:
        def again() -> Iterator[int]:
            with closing(stream.produce()) as items:
                for item in items:
                    work()
                    yield 2 * item

        return Stream(again, stream.length)

    def consume(stream: Stream) -> int:
        found = 0
        with closing(stream.produce()) as items:
            for item in items:
                work()
                found += item
        return found

    graph = build(
        {
            "c": (source(produce, uses="gpu"), {}),
            "x": (
                replace(toys.scale.definition, call=lambda stream, **_: doubled(stream), uses="gpu"),
                {"stream": link("c", "stream")},
            ),
            "t": (replace(consumer(consume), uses="gpu"), {"stream": link("x", "stream")}),
        },
        outputs={"t": ("t", "int")},
    )
    assert bench.run(graph).outputs == {"t": 90}
    assert len(met) == 30
    assert not any(met)


def test_a_turn_is_given_back_after_it_was_lent() -> None:
    turn = Turn()
    with turn.held(), turn.held(), turn.lent(), turn.lent(), turn.held():
        pass
    taken = threading.Event()

    def take() -> None:
        with turn.held():
            taken.set()

    thread = threading.Thread(target=take)
    with turn.held():
        thread.start()
        assert not taken.wait(0.02)
    assert taken.wait(LONG_S)
    thread.join()


def test_a_producer_that_fails_in_closing_is_heard() -> None:
    def pieces() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise RuntimeError("the file could not be closed")

    crew = Crew()
    with pytest.raises(RuntimeError, match="could not be closed"):
        list(crew.ahead(pieces, "kinegraph-test", nullcontext))
    crew.close()
    assert list(crew.ahead(lambda: iter([1, 2]), "kinegraph-test", nullcontext)) == [1, 2]
    assert stage_threads() == []


def only(*wanted: str) -> Any:
    nodes: dict[str, Any] = {
        "c": (toys.count_up, {"length": 6}),
        "x": (toys.scale, {"stream": link("c", "stream")}),
        "s": (toys.save_stream, {"stream": link("x", "stream")}),
    }
    return build({name: nodes[name] for name in ("c", "x", "s")[: 2 + ("s" in wanted)]}, sinks=wanted)


def test_a_stream_that_was_asked_for_is_made_kept_and_shown(bench: Bench) -> None:
    result = bench.run(only("x"))
    assert (result.status, result.artifacts) == ("succeeded", ())
    assert toys.calls == ["count_up", "scale", "produce", "closed"]
    previews = [event for event in bench.events if event.kind == "node_preview"]
    assert [event.node for event in previews][:1] == ["x"]  # type: ignore[attr-defined]
    assert bench.kinds("x")[-1] == "node_finished"
    bench.reopen()
    assert bench.states(only("x")) == {"c": "not_needed", "x": "cached"}
    assert bench.run(only("x")).status == "succeeded"
    assert toys.calls == ["read from disk"]
    assert bench.kinds("x") == ["node_cached", "node_preview"]


def test_what_was_asked_for_is_made_once_also_when_a_sink_consumes_it_too(bench: Bench) -> None:
    for wanted in (("x", "s"), ("s", "x")):
        bench.run(only(*wanted))
        assert toys.calls.count("produce") == 1
        for key in bench.plan(only("x", "s")).keys.of.values():
            bench.cache.drop(key)


def test_a_stream_that_was_asked_for_and_breaks_is_blamed(bench: Bench) -> None:
    graph = build(
        {"c": (toys.count_up, {"broken_at": 2}), "x": (toys.scale, {"stream": link("c", "stream")})}, sinks=("x",)
    )
    result = bench.run(graph)
    assert [failure.node for failure in result.failed] == ["c"]
    assert bench.kinds("x")[-1] == "node_blocked"
    own = build({"c": (toys.count_up, {"broken_at": 2})}, sinks=("c",))
    assert [failure.node for failure in bench.run(own).failed] == ["c"]
    assert stage_threads() == []
