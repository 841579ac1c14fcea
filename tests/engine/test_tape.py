"""Consumers that run side by side share one production: in step, apart, in any order, and when the copy fails."""

from __future__ import annotations

import errno
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from typing import Any

import pytest

from server.engine.tape import Tape
from server.kit import node
from tests.engine import toys
from tests.engine.test_overlap import stage_threads
from tests.engine.toys import Bench, Stream, build, calls, link


def together(way: Callable[[Iterator[int], Iterator[int]], int]) -> Any:
    @node(category="toy", sink=True)
    def both(a: Stream, b: Stream) -> int:
        """Consume two streams at the same time."""
        with closing(a.produce()) as left, closing(b.produce()) as right:
            return way(left, right)

    return both


def in_step(left: Iterator[int], right: Iterator[int]) -> int:
    return sum(x * y for x, y in zip(left, right, strict=True))


def one_first(left: Iterator[int], right: Iterator[int]) -> int:
    first = next(left)
    return sum(right) + first + sum(left)


def one_leaves(left: Iterator[int], right: Iterator[int]) -> int:
    next(left)
    next(right)
    left.close()  # type: ignore[attr-defined]
    return sum(right)


@pytest.mark.parametrize(("way", "result"), [(in_step, 140), (one_first, 56), (one_leaves, 28)])
def test_two_passes_at_the_same_time_run_the_producer_once(way: Any, result: int, bench: Bench) -> None:
    graph = build(
        {
            "c": (toys.count_up, {"length": 8}),
            "b": (together(way), {"a": link("c", "stream"), "b": link("c", "stream")}),
        },
        outputs={"b": ("b", "int")},
    )
    assert bench.run(graph).outputs == {"b": result}
    assert calls.count("produce") == 1
    assert stage_threads() == []
    assert list((bench.folder / "cache" / "temporary").iterdir()) == []


def test_a_stream_that_branches_and_joins_again_runs_its_producer_once(bench: Bench) -> None:
    graph = build(
        {
            "c": (toys.count_up, {"length": 50}),
            "x": (toys.scale, {"stream": link("c", "stream"), "factor": 3}),
            "b": (together(in_step), {"a": link("c", "stream"), "b": link("x", "stream")}),
        },
        outputs={"b": ("b", "int")},
    )
    assert bench.run(graph).outputs == {"b": 3 * sum(n * n for n in range(50))}
    assert calls.count("produce") == 1
    bench.reopen()
    assert bench.states(build({"c": (toys.count_up, {"length": 50})}, sinks=("c",))) == {"c": "cached"}


class BreakingRecorder:
    """Keeps pieces in memory, up to a number."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.pieces: list[object] = []
        self.state = "open"

    def add(self, piece: object) -> None:
        if len(self.pieces) == self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.pieces.append(piece)

    def piece(self, number: int) -> object:
        if number >= len(self.pieces):
            raise ValueError("it is not there")
        return self.pieces[number]

    def finish(self) -> None:
        self.state = "finished"

    def discard(self) -> None:
        if self.state == "open":
            self.state, self.pieces = "discarded", []


def make_tape(recorder: BreakingRecorder, made: list[int], left: list[bool]) -> Tape:
    def start() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    return Tape(start, recorder, nullcontext, left.append)


@pytest.mark.parametrize("behind", [1, 3, 7])
def test_a_reader_that_is_behind_when_the_disk_fills_up_makes_its_pieces_itself(behind: int) -> None:
    recorder, made, left = BreakingRecorder(5), list[int](), list[bool]()
    tape = make_tape(recorder, made, left)
    assert tape.join()
    assert tape.join()
    first, second = tape.read(), tape.read()
    ahead = [next(first) for _ in range(behind)]
    late = [next(second)]
    assert [*ahead, *first] == [*late, *second] == list(range(10))
    assert tape.broken
    assert recorder.state == "discarded"
    assert left == [False]
    assert len(made) == 20


def test_the_last_reader_to_leave_decides() -> None:
    recorder, made, left = BreakingRecorder(100), list[int](), list[bool]()
    tape = make_tape(recorder, made, left)
    assert tape.join()
    assert tape.join()
    first, second = tape.read(), tape.read()
    assert list(first) == list(range(10))
    assert left == []
    assert list(second) == list(range(10))
    assert (left, recorder.state, made) == ([True], "finished", list(range(10)))
    assert not tape.join()


def test_a_tape_that_all_have_left_early_is_discarded() -> None:
    recorder, made, left = BreakingRecorder(100), list[int](), list[bool]()
    tape = make_tape(recorder, made, left)
    tape.join()
    reader = tape.read()
    next(reader)
    reader.close()
    assert (left, recorder.state) == ([False], "discarded")


def test_an_error_of_the_producer_reaches_every_reader() -> None:
    def start() -> Iterator[int]:
        yield 1
        raise RuntimeError("the producer broke")

    recorder, left = BreakingRecorder(100), list[bool]()
    tape = Tape(start, recorder, nullcontext, left.append)
    tape.join()
    tape.join()
    for reader in (tape.read(), tape.read()):
        assert next(reader) == 1
        with pytest.raises(RuntimeError, match="the producer broke"):
            next(reader)
    assert (left, recorder.state) == ([False], "discarded")


def test_many_readers_on_threads_all_get_everything_and_the_producer_runs_once() -> None:
    recorder, made, left = BreakingRecorder(100), list[int](), list[bool]()
    tape = make_tape(recorder, made, left)
    found: dict[int, list[object]] = {}
    for _ in range(8):
        assert tape.join()

    def consume(number: int) -> None:
        pause = random.Random(number)
        taken: list[object] = []
        for piece in tape.read():
            threading.Event().wait(pause.random() / 500)
            taken.append(piece)
        found[number] = taken

    threads = [threading.Thread(target=consume, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: list(range(10)) for number in range(8)}
    assert (made, left) == (list(range(10)), [True])
