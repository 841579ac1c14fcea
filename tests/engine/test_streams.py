"""Streams stay lazy, are canceled and blamed in mid-stream, and are kept on disk while they pass where that pays."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from server.engine.cancel import CancelToken
from server.engine.events import NodeFinished
from server.kit import Lazy, node
from tests.engine import toys
from tests.engine.toys import Bench, Stream, build, calls, link


def line(*, count: dict[str, Any] | None = None, factor: int = 2, quality: int = 1, scale: Any = toys.scale) -> Any:
    return build(
        {
            "c": (toys.count_up, count or {}),
            "x": (scale, {"stream": link("c", "stream"), "factor": factor}),
            "s": (toys.save_stream, {"stream": link("x", "stream"), "quality": quality}),
        }
    )


def entries(bench: Bench) -> int:
    return len(list((bench.folder / "cache" / "entries").glob("*/*")))


def leftovers(bench: Bench) -> list[str]:
    return [path.name for path in (bench.folder / "cache" / "temporary").iterdir()]


def test_a_stream_passes_item_by_item(bench: Bench) -> None:
    result = bench.run(line(count={"length": 50}))
    assert toys.alive["peak"] == 1
    assert calls == ["count_up", "scale", "save_stream", "produce", "closed"]
    saved = (bench.folders.outputs / result.artifacts[0].artifact.path).read_text(encoding="utf-8")
    assert saved.splitlines() == [f"1:{2 * item}" for item in range(50)]


def test_what_feeds_a_sink_is_kept_so_that_the_sink_alone_runs_again(bench: Bench) -> None:
    bench.run(line())
    assert entries(bench) == 2
    bench.reopen()
    assert bench.states(line(quality=2)) == {"c": "not_needed", "x": "cached", "s": "run"}
    result = bench.run(line(quality=2))
    assert calls == ["save_stream", "read from disk"]
    saved = (bench.folders.outputs / result.artifacts[0].artifact.path).read_text(encoding="utf-8")
    assert saved.splitlines() == [f"2:{2 * item}" for item in range(5)]


def test_a_cheap_stream_in_between_is_not_kept_and_says_so(bench: Bench) -> None:
    bench.run(line())
    assert bench.reasons(line(factor=3)) == {
        "c": "its result is a stream that is not kept",
        "x": "factor changed",
        "s": "follows x",
    }


def test_a_kept_stream_that_was_evicted_says_so(bench: Bench) -> None:
    bench.run(line())
    plan = bench.plan(line())
    bench.cache.drop(plan.keys.of["x"])  # type: ignore[index]
    assert bench.reasons(line(quality=2))["x"] == "its result was evicted"


def test_an_expensive_stream_is_kept_even_for_one_consumer(bench: Bench) -> None:
    graph = build(
        {
            "r": (toys.render, {}),
            "x": (toys.scale, {"stream": link("r", "stream")}),
            "t": (toys.total, {"stream": link("x", "stream")}),
        }
    )
    bench.run(graph)
    bench.reopen()
    graph = build(
        {
            "r": (toys.render, {}),
            "x": (toys.scale, {"stream": link("r", "stream"), "factor": 9}),
            "t": (toys.total, {"stream": link("x", "stream")}),
        },
        outputs={"sum": ("t", "int")},
    )
    assert bench.run(graph).outputs == {"sum": 90}
    assert "rendered" not in calls


def test_a_stream_that_took_long_before_is_kept(bench: Bench) -> None:
    bench.cache.durations["count_up"] = 30.0
    bench.run(line())
    assert entries(bench) == 3


def test_with_several_consumers_the_producer_runs_once(bench: Bench) -> None:
    graph = build(
        {
            "c": (toys.count_up, {}),
            "x": (toys.scale, {"stream": link("c", "stream"), "factor": 2}),
            "y": (toys.scale, {"stream": link("c", "stream"), "factor": 3}),
            "z": (toys.zip_up, {"a": link("x", "stream"), "b": link("y", "stream")}),
            "m": (toys.measure, {"stream": link("z", "stream")}),
            "t": (toys.total, {"stream": link("c", "stream")}),
        },
        sinks=("m", "t"),
        outputs={"m": ("m", "int"), "t": ("t", "int")},
    )
    result = bench.run(graph)
    assert result.outputs == {"m": 50, "t": 10}
    assert (calls.count("produce"), calls.count("read from disk")) == (1, 2)


def test_two_consumers_at_the_same_time_are_both_served(bench: Bench) -> None:
    @node(category="toy")
    def side_by_side(a: Stream, b: Stream) -> int:
        """Consume two streams in step."""
        with closing(a.produce()) as left, closing(b.produce()) as right:
            return sum(x * y for x, y in zip(left, right, strict=True))

    graph = build(
        {
            "c": (toys.count_up, {}),
            "p": (side_by_side, {"a": link("c", "stream"), "b": link("c", "stream")}),
        },
        sinks=("p",),
        outputs={"p": ("p", "int")},
    )
    assert bench.run(graph).outputs == {"p": 0 + 1 + 4 + 9 + 16}
    assert leftovers(bench) == []


def test_a_copy_of_what_is_never_kept_serves_this_run_only(bench: Bench) -> None:
    fresh = replace(toys.count_up.definition, cached=False)
    graph = build(
        {
            "c": (fresh, {}),
            "t": (toys.total, {"stream": link("c", "stream")}),
            "u": (toys.total, {"stream": link("c", "stream"), "bias": 1}),
        }
    )
    bench.run(graph)
    assert calls.count("produce") == 1
    assert entries(bench) == 0


def test_a_stream_that_is_never_kept_and_has_one_consumer_is_not_copied(bench: Bench) -> None:
    fresh = replace(toys.count_up.definition, cached=False)
    bench.run(build({"c": (fresh, {}), "t": (toys.total, {"stream": link("c", "stream")})}))
    assert (calls.count("produce"), entries(bench), leftovers(bench)) == (1, 0, [])


def test_closing_early_gives_the_copy_up_and_reaches_the_producer(bench: Bench) -> None:
    graph = build(
        {"c": (toys.count_up, {}), "h": (toys.head, {"stream": link("c", "stream")})}, outputs={"h": ("h", "int")}
    )
    assert bench.run(graph).outputs == {"h": 1}
    assert calls[-1] == "closed"
    assert (entries(bench), leftovers(bench)) == (0, [])
    assert bench.kinds("c")[-1] == "node_finished"


def test_after_an_early_close_the_next_pass_makes_the_copy(bench: Bench) -> None:
    graph = build(
        {
            "c": (toys.count_up, {}),
            "h": (toys.head, {"stream": link("c", "stream")}),
            "t": (toys.total, {"stream": link("c", "stream")}),
            "u": (toys.total, {"stream": link("c", "stream"), "bias": 1}),
        }
    )
    assert bench.run(graph).status == "succeeded"
    assert (calls.count("produce"), calls.count("read from disk")) == (2, 1)


def test_an_error_in_mid_stream_blames_its_producer(bench: Bench) -> None:
    result = bench.run(line(count={"broken_at": 3}))
    assert [failure.node for failure in result.failed] == ["c"]
    error = result.failed[0].error
    assert (error.path, error.message) == ("/nodes/c", "RuntimeError: the counter broke")
    assert bench.kinds("c")[-1] == "node_failed"
    assert bench.kinds("x") == ["node_started", "node_blocked"]
    assert bench.kinds("s") == ["node_started", "node_blocked"]
    assert (entries(bench), leftovers(bench)) == (0, [])
    assert list(bench.folders.outputs.iterdir()) == []


def test_the_stage_that_broke_is_blamed_and_not_the_one_above_it(bench: Bench) -> None:
    graph = build(
        {
            "c": (toys.count_up, {}),
            "x": (toys.scale, {"stream": link("c", "stream"), "broken": True}),
            "y": (toys.scale, {"stream": link("x", "stream")}),
            "s": (toys.save_stream, {"stream": link("y", "stream")}),
            "t": (toys.total, {"stream": link("y", "stream")}),
            "ok": (toys.total, {"stream": link("c", "stream")}),
        },
        outputs={"ok": ("ok", "int")},
    )
    result = bench.run(graph)
    assert [failure.node for failure in result.failed] == ["x"]
    assert result.outputs == {"ok": 10}
    assert bench.kinds("t") == ["node_blocked"]


def test_a_consumer_that_wraps_the_error_does_not_take_the_blame(bench: Bench) -> None:
    @node(category="toy", sink=True)
    def encode(stream: Stream, *, quality: int = 0) -> int:
        """Consume, and dress errors up."""
        try:
            return sum(stream.produce())
        except RuntimeError as error:
            raise OSError("the encoder stopped") from error

    graph = build({"c": (toys.count_up, {"broken_at": 1}), "e": (encode, {"stream": link("c", "stream")})})
    result = bench.run(graph)
    assert [(failure.node, failure.error.message) for failure in result.failed] == [
        ("c", "RuntimeError: the counter broke")
    ]


def test_an_error_of_the_consumer_is_its_own(bench: Bench) -> None:
    broken = replace(toys.total.definition, call=lambda stream, **_: next(stream.produce()) / 0)
    result = bench.run(build({"c": (toys.count_up, {}), "t": (broken, {"stream": link("c", "stream")})}))
    assert [failure.node for failure in result.failed] == ["t"]


def test_canceling_reaches_a_stream_between_two_items(bench: Bench) -> None:
    cancel = CancelToken()

    def produce() -> Iterator[int]:
        for item in range(1_000):
            if item == 3:
                cancel.request()
            calls.append("item")
            yield item

    silent = replace(toys.count_up.definition, call=lambda **_: Stream(produce, 1_000))
    graph = build({"c": (silent, {}), "s": (toys.save_stream, {"stream": link("c", "stream")})})
    assert bench.run(graph, cancel=cancel).status == "canceled"
    assert calls.count("item") == 4
    assert (entries(bench), leftovers(bench), list(bench.folders.outputs.iterdir())) == (0, [], [])


def test_a_consumer_may_pull_from_a_thread_of_its_own(bench: Bench) -> None:
    @node(category="toy", sink=True)
    def threaded(stream: Stream) -> int:
        """Consume elsewhere."""
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.extend(stream.produce()))
        thread.start()
        thread.join()
        return sum(found)

    graph = build(
        {"c": (toys.count_up, {}), "t": (threaded, {"stream": link("c", "stream")})}, outputs={"t": ("t", "int")}
    )
    assert bench.run(graph).outputs == {"t": 10}


def test_a_stream_is_finished_when_it_has_passed_and_its_time_is_its_own(bench: Bench) -> None:
    bench.run(line())
    finished = [event for event in bench.events if isinstance(event, NodeFinished)]
    assert [event.node for event in finished] == ["c", "x", "s"]
    assert finished[0].outputs == {"stream": {"type": "Stream"}}


class Two(NamedTuple):
    """Two streams and a number.

    Attributes:
        left: One.
        right: The other.
        count: A number.
    """

    left: Stream
    right: Stream
    count: int


@node(category="toy")
def two(*, length: int = 3) -> Two:
    """Give two streams."""
    calls.append("two")
    return Two(Stream(lambda: iter(range(length)), length), Stream(lambda: iter(range(length)), length), length)


def test_a_node_with_two_streams_is_kept_when_both_have_passed(bench: Bench) -> None:
    def graph(bias: int) -> Any:
        return build(
            {
                "two": (two, {}),
                "l": (toys.total, {"stream": link("two", "left"), "bias": bias}),
                "r": (toys.total, {"stream": link("two", "right"), "bias": bias}),
                "n": (toys.show, {"value": link("two", "count")}),
            },
            outputs={"l": ("l", "int")},
        )

    bench.run(graph(0))
    assert entries(bench) == 1
    bench.reopen()
    assert bench.run(graph(1)).outputs == {"l": 4}
    assert "two" not in calls


@node(category="toy")
def late(*, length: Lazy[int]) -> Stream:
    """Ask for the length only when consumed."""
    return Stream(lambda: iter(range(length.get())), 0)


def test_a_stream_may_ask_for_its_lazy_input_while_it_is_consumed(bench: Bench) -> None:
    graph = build(
        {
            "n": (toys.number, {"value": 4}),
            "c": (late, {"length": link("n", "int")}),
            "t": (toys.total, {"stream": link("c", "stream")}),
        },
        outputs={"t": ("t", "int")},
    )
    assert bench.run(graph).outputs == {"t": 6}
    failing = build(
        {
            "n": (toys.fail, {}),
            "c": (late, {"length": link("n", "int")}),
            "t": (toys.total, {"stream": link("c", "stream")}),
        }
    )
    assert [failure.node for failure in bench.run(failing).failed] == ["n"]


class FullDiskCodec(toys.ToyStreamCodec):
    """Takes two items and then no more."""

    def record(self, value: object, folder: Path) -> toys.ToyRecorder:
        class Full(toys.ToyRecorder):
            def add(self, piece: object) -> None:
                if piece == 4:
                    raise OSError(errno.ENOSPC, "No space left on device")
                super().add(piece)

        return Full(folder)


class ForgetfulCodec(toys.ToyStreamCodec):
    """Completes a copy, but then the files are gone."""

    def record(self, value: object, folder: Path) -> toys.ToyRecorder:
        class Lost(toys.ToyRecorder):
            def finish(self) -> None:
                super().finish()
                shutil.rmtree(self.folder.parent)

        return Lost(folder)


class LateCodec(toys.ToyStreamCodec):
    """Has no room for the very last bytes."""

    def record(self, value: object, folder: Path) -> toys.ToyRecorder:
        class Unfinished(toys.ToyRecorder):
            def finish(self) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

        return Unfinished(folder)


class ClosedCodec(toys.ToyStreamCodec):
    """May not write at all."""

    def record(self, value: object, folder: Path) -> toys.ToyRecorder:
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("codec", [FullDiskCodec(), ForgetfulCodec(), LateCodec(), ClosedCodec()])
def test_a_copy_that_fails_costs_a_warning_and_nothing_else(bench: Bench, codec: Any) -> None:
    bench.sockets = {**toys.SOCKETS, "Stream": replace(toys.SOCKETS["Stream"], codec=codec)}
    bench.reopen()
    result = bench.run(line())
    assert result.status == "succeeded"
    assert bench.kinds("x").count("node_warning") == 1
    assert entries(bench) == 1


def test_a_disk_that_takes_nothing_at_all_costs_the_copy_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bench.cache, "begin_entry", full)
    assert bench.run(line()).status == "succeeded"


class UnknowingCodec(toys.ToyStreamCodec):
    """Cannot say how large a copy will be."""

    def stored_bytes(self, value: object) -> int | None:
        return None


TWICE: dict[str, Any] = {
    "c": (toys.count_up, {"length": 50}),
    "t": (toys.total, {"stream": link("c", "stream")}),
    "u": (toys.total, {"stream": link("c", "stream"), "bias": 1}),
}


def test_a_stream_stays_on_disk_while_a_run_needs_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, disk_bytes=8)
    bench.sockets = {**toys.SOCKETS, "Stream": replace(toys.SOCKETS["Stream"], codec=UnknowingCodec())}
    bench.reopen()
    assert bench.run(build(TWICE)).status == "succeeded"
    assert calls.count("produce") == 1
    assert bench.cache.disk_used <= 8
    bench.cache.close()


def test_a_stream_that_is_known_to_exceed_the_budget_is_made_for_each_use_and_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, disk_bytes=8)
    assert bench.run(build(TWICE)).status == "succeeded"
    assert calls.count("produce") == 2
    assert bench.kinds("c").count("node_warning") == 1
    bench.cache.close()


def test_nothing_may_be_a_stream(bench: Bench) -> None:
    empty = replace(toys.count_up.definition, call=lambda **_: None)
    graph = build({"c": (empty, {})}, sinks=("c",), outputs={"c": ("c", "stream")})
    assert bench.run(graph).outputs == {"c": None}
