"""Which streams are copied to disk: what several need, what was asked for, what costs more to make than to keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Literal

import pytest

from server.engine.events import NodeWarning
from server.engine.keeping import CHEAP_BYTES_PER_S, SMALL_BYTES, Prospect
from server.kit import When, node
from tests.engine import toys
from tests.engine.toys import Bench, build, calls, link

LARGE = 4 * SMALL_BYTES
PLAIN = Prospect(
    consumers=1,
    requested=False,
    feeds_sink=False,
    lasting=True,
    uses="cpu",
    stored_bytes=LARGE,
    room_bytes=10 * LARGE,
    remake_s=None,
    seconds_before=0.0,
)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, False),
        ({"consumers": 2}, True),
        ({"consumers": 2, "lasting": False}, True),
        ({"requested": True}, True),
        ({"requested": True, "lasting": False}, False),
        ({"feeds_sink": True}, False),
        ({"feeds_sink": True, "stored_bytes": SMALL_BYTES}, True),
        ({"feeds_sink": True, "stored_bytes": SMALL_BYTES, "lasting": False}, False),
        ({"feeds_sink": True, "stored_bytes": None}, False),
        ({"uses": "gpu"}, True),
        ({"uses": "gpu", "remake_s": 1.0}, False),
        ({"uses": "gpu", "stored_bytes": None}, True),
        ({"uses": "network", "stored_bytes": SMALL_BYTES}, True),
        ({"stored_bytes": SMALL_BYTES}, False),
        ({"stored_bytes": SMALL_BYTES, "seconds_before": 2.0}, True),
        ({"stored_bytes": None, "seconds_before": 2.0}, True),
        ({"seconds_before": 100.0}, False),
        ({"remake_s": 0.5 * LARGE / CHEAP_BYTES_PER_S}, False),
        ({"remake_s": 2.0 * LARGE / CHEAP_BYTES_PER_S}, True),
    ],
)
def test_a_copy_is_made_where_it_pays(changes: dict[str, Any], wanted: bool) -> None:
    assert replace(PLAIN, **changes).is_wanted is wanted


@pytest.mark.parametrize(
    ("changes", "unsure"),
    [
        ({}, True),
        ({"lasting": False}, False),
        ({"seconds_before": 100.0}, True),
        ({"remake_s": 0.1}, False),
        ({"uses": "gpu"}, False),
        ({"stored_bytes": SMALL_BYTES}, True),
        ({"stored_bytes": SMALL_BYTES, "seconds_before": 0.1}, False),
        ({"stored_bytes": SMALL_BYTES, "seconds_before": 2.0}, False),
        ({"stored_bytes": SMALL_BYTES, "feeds_sink": True}, False),
        ({"stored_bytes": None}, True),
        ({"stored_bytes": None, "seconds_before": 0.1}, False),
    ],
)
def test_a_new_node_tells_while_its_stream_passes(changes: dict[str, Any], unsure: bool) -> None:
    assert replace(PLAIN, **changes).is_unsure is unsure


@pytest.mark.parametrize(
    ("size", "own_s", "above_s", "wanted"),
    [
        (LARGE, 2.0 * LARGE / CHEAP_BYTES_PER_S, 0.0, True),
        (LARGE, 0.6 * LARGE / CHEAP_BYTES_PER_S, 0.6 * LARGE / CHEAP_BYTES_PER_S, True),
        (LARGE, 0.6 * LARGE / CHEAP_BYTES_PER_S, 0.0, False),
        (SMALL_BYTES, 2.0, 0.0, True),
        (SMALL_BYTES, 0.5, 2.0, False),
    ],
)
def test_what_has_passed_decides_as_earlier_runs_would(size: int, own_s: float, above_s: float, wanted: bool) -> None:
    assert replace(PLAIN, stored_bytes=None).measured(size, own_s, above_s).is_wanted is wanted


def test_a_copy_has_to_fit() -> None:
    assert PLAIN.fits
    assert replace(PLAIN, stored_bytes=None).fits
    assert not replace(PLAIN, room_bytes=LARGE - 1).fits


def test_only_a_copy_that_is_needed_is_missed() -> None:
    assert replace(PLAIN, consumers=2).is_needed
    assert replace(PLAIN, requested=True).is_needed
    assert not replace(PLAIN, requested=True, lasting=False).is_needed
    assert not replace(PLAIN, uses="gpu").is_needed


class LargeCodec(toys.ToyStreamCodec):
    """Claims a hundred megabytes an item."""

    def stored_bytes(self, value: object) -> int | None:
        assert isinstance(value, toys.Stream)
        return value.length * 100 * 2**20

    def piece_bytes(self, piece: object) -> int:
        return 100 * 2**20


def chain(quality: int = 1) -> Any:
    return build(
        {
            "c": (toys.count_up, {"length": 20}),
            "x": (toys.scale, {"stream": link("c", "stream")}),
            "s": (toys.save_stream, {"stream": link("x", "stream"), "quality": quality}),
        }
    )


@pytest.fixture
def large(bench: Bench) -> Bench:
    bench.disk_bytes = 2**40
    bench.sockets = {**toys.SOCKETS, "Stream": replace(toys.SOCKETS["Stream"], codec=LargeCodec())}
    bench.reopen()
    return bench


def test_a_large_cheap_chain_is_made_again_and_the_plan_says_so(large: Bench) -> None:
    large.run(chain())
    assert large.reasons(chain(quality=2)) == {
        "c": "its result is a stream that is not kept",
        "x": "its result is a stream that is not kept",
        "s": "quality changed",
    }
    assert set(large.cache.paces) == {"count_up", "scale"}


def test_a_large_slow_chain_is_kept_on_its_first_run(large: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if disks were so fast that everything is slow beside them.
    monkeypatch.setattr("server.engine.keeping.CHEAP_BYTES_PER_S", 2**70)
    large.run(chain())
    assert large.states(chain(quality=2)) == {"c": "not_needed", "x": "cached", "s": "run"}


def test_a_copy_on_trial_that_does_not_pay_leaves_nothing_behind(large: Bench) -> None:
    large.run(chain())
    assert calls.count("produce") == 1
    assert [event for event in large.events if isinstance(event, NodeWarning)] == []
    folder = large.folder / "cache"
    assert [path for place in ("entries", "temporary") for path in (folder / place).rglob("*.jsonl")] == []
    assert toys.alive["peak"] <= 4, "it passed piece by piece all the same"


@pytest.mark.parametrize(("slow_s", "state"), [(0.01, "cached"), (60.0, "run")])
def test_a_short_stream_is_judged_at_its_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, slow_s: float, state: str
) -> None:
    @node(category="toy")
    def ponder(stream: toys.Stream) -> toys.Stream:
        """Take a moment for each item."""

        def produce() -> Iterator[int]:
            for item in stream.produce():
                time.sleep(0.004)
                yield item

        return toys.Stream(produce, stream.length)

    def graph(factor: int) -> Any:
        return build(
            {
                "c": (toys.count_up, {}),
                "p": (ponder, {"stream": link("c", "stream")}),
                "x": (toys.scale, {"stream": link("p", "stream"), "factor": factor}),
                "s": (toys.save_stream, {"stream": link("x", "stream")}),
            }
        )

    monkeypatch.setattr("server.engine.keeping.SLOW_S", slow_s)
    bench.run(graph(2))
    assert bench.states(graph(3))["p"] == state


def test_a_copy_on_trial_serves_one_reader_and_a_second_makes_its_own(
    large: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    @node(category="toy")
    def twice(stream: toys.Stream) -> int:
        """Consume one stream by two passes at the same time, and by a third afterwards."""
        with closing(stream.produce()) as left, closing(stream.produce()) as right:
            return sum(x * y for x, y in zip(left, right, strict=True)) + sum(stream.produce())

    monkeypatch.setattr("server.engine.keeping.CHEAP_BYTES_PER_S", 2**70)
    graph = build(
        {"c": (toys.count_up, {"length": 8}), "b": (twice, {"stream": link("c", "stream")})},
        outputs={"b": ("b", "int")},
    )
    assert large.run(graph).outputs == {"b": 140 + 28}
    assert (calls.count("produce"), calls.count("read from disk")) == (2, 1)
    assert list((large.folder / "cache" / "temporary").iterdir()) == []


def test_how_fast_a_node_makes_large_streams_is_learnt_and_outlives_a_restart(large: Bench) -> None:
    large.run(chain())
    # As if scaling had taken an hour for it: its stream is worth its bytes from now on.
    large.cache.remember([], {"scale": [3600.0]}, {"scale": [3600 / (20 * 100 * 2**20)]})
    large.reopen()
    large.run(chain(quality=2))
    assert large.states(chain(quality=3)) == {"c": "not_needed", "x": "cached", "s": "run"}


@node(category="toy", uses="gpu", uses_if=When("method", ("model",)))
def smooth(stream: toys.Stream, *, method: Literal["model", "blend"] = "model") -> toys.Stream:
    """Hand a stream on, as if a network had made it."""
    return toys.Stream(lambda: iter(stream.produce()), stream.length)


@pytest.mark.parametrize(("method", "state"), [("model", "cached"), ("blend", "run")])
def test_only_a_node_that_is_set_to_use_the_device_counts_as_one_that_does(
    large: Bench, method: str, state: str
) -> None:
    def graph(quality: int) -> Any:
        return build(
            {
                "c": (toys.count_up, {"length": 20}),
                "x": (smooth, {"stream": link("c", "stream"), "method": method}),
                "s": (toys.save_stream, {"stream": link("x", "stream"), "quality": quality}),
            }
        )

    large.run(graph(1))
    assert large.states(graph(2))["x"] == state


def test_what_the_stages_above_cost_counts_too(large: Bench) -> None:
    large.cache.remember([], {}, {"count_up": [1 / (2 * CHEAP_BYTES_PER_S)], "scale": [1.5 / (2 * CHEAP_BYTES_PER_S)]})
    large.run(chain())
    assert large.states(chain(quality=3))["x"] == "cached"
