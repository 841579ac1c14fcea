"""Which streams are copied to disk: what several need, what was asked for, what costs more to make than to keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from server.engine.keeping import CHEAP_BYTES_PER_S, SMALL_BYTES, Prospect
from server.kit import When, node
from tests.engine import toys
from tests.engine.toys import Bench, build, link

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
