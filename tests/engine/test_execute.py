"""Running: results, events, failures that stay where they are, canceling, depth and width."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

import pytest

from server.engine.cancel import CancelToken
from server.engine.events import NodeCached, NodeFailed, NodeFinished, RunFinished, RunStarted
from server.engine.execute import Executor
from server.kit import Context, node
from tests.engine import toys
from tests.engine.toys import Bench, build, calls, link


def chain(length: int, kind: Any = toys.number) -> Any:
    nodes: dict[str, Any] = {"n0": (toys.number, {"value": 5})}
    for number in range(1, length):
        nodes[f"n{number}"] = (kind, {"value": link(f"n{number - 1}", "int")})
    last = f"n{length - 1}"
    return build(nodes, sinks=(last,), outputs={"end": (last, "int")})


def test_a_run_tells_one_event_a_transition(bench: Bench) -> None:
    graph = build({"n": (toys.number, {"value": 3}), "s": (toys.show, {"value": link("n", "int")})})
    bench.run(graph)
    assert bench.kinds() == [
        "run_started", "node_started", "node_finished", "node_started", "node_finished", "run_finished",
    ]  # fmt: skip
    started, finished = bench.events[0], bench.events[-1]
    assert isinstance(started, RunStarted)
    assert (started.nodes, started.to_run, started.summary) == (2, 2, "2 of 2 nodes will run")
    assert isinstance(finished, RunFinished)
    assert (finished.status, finished.ran, finished.cached, finished.failed) == ("succeeded", 2, 0, 0)
    assert isinstance(bench.events[2], NodeFinished)
    assert bench.events[2].outputs == {"int": 3}
    bench.run(graph)
    assert bench.kinds() == ["run_started", "node_cached", "run_finished"]


def test_a_cached_result_that_is_read_says_what_it_is(bench: Bench) -> None:
    number = {"n": (toys.number, {"value": 3})}
    bench.run(build({**number, "s": (toys.show, {"value": link("n", "int")})}))
    bench.run(build({**number, "sum": (toys.add, {"a": link("n", "int"), "b": 4})}, sinks=("sum",)))
    (cached,) = [event for event in bench.events if isinstance(event, NodeCached)]
    assert (cached.node, cached.outputs) == ("n", {"int": 3})


def test_several_outputs_go_by_their_names(bench: Bench) -> None:
    graph = build(
        {
            "h": (toys.halve, {"value": 9}),
            "sum": (toys.add, {"a": link("h", "half"), "b": link("h", "rest")}),
        },
        sinks=("sum",),
        outputs={"sum": ("sum", "int"), "rest": ("h", "rest")},
    )
    assert bench.run(graph).outputs == {"sum": 5, "rest": 1}
    assert bench.run(graph).outputs == {"sum": 5, "rest": 1}


def test_a_failed_branch_fails_its_own_sinks_only(bench: Bench) -> None:
    graph = build(
        {
            "f": (toys.fail, {"value": 4}),
            "after": (toys.number, {"value": link("f", "int")}),
            "s1": (toys.show, {"value": link("after", "int")}),
            "n": (toys.number, {}),
            "s2": (toys.show, {"value": link("n", "int")}),
            "s3": (toys.show, {"value": link("f", "int")}),
        }
    )
    result = bench.run(graph)
    assert result.status == "failed"
    assert [failure.node for failure in result.failed] == ["f"]
    assert calls == ["fail", "number", "show"]
    assert (bench.kinds("s1"), bench.kinds("s3"), bench.kinds("after")) == (["node_blocked"], ["node_blocked"], [])
    assert bench.kinds("s2") == ["node_started", "node_finished"]
    error = result.failed[0].error
    assert (error.path, error.code, error.message) == ("/nodes/f", "node_failed", "ValueError: no luck with 4")
    assert "toys.py" in error.traceback


def test_an_unusable_input_is_pointed_at(bench: Bench) -> None:
    result = bench.run(build({"r": (toys.refuse, {"value": 6})}, sinks=("r",)))
    error = result.failed[0].error
    assert (error.path, error.code, error.hint) == ("/nodes/r/inputs/value", "bad_input", "try 7")


class OutOfMemoryError(RuntimeError):
    """As torch calls its own."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class HintedError(Exception):
    """As the media library's."""

    message = "the clip is broken"
    hint = "cut it"


@pytest.mark.parametrize(
    ("raised", "code", "message", "hint"),
    [
        (MemoryError(), "out_of_memory", "the memory was not enough", "smaller or shorter"),
        (OutOfMemoryError("wanted 3 GiB"), "out_of_memory", "the memory was not enough: wanted 3 GiB", "smaller"),
        (OSError(errno.ENOSPC, "No space left", "/x/y"), "disk_full", "OSError: ", "free space on the disk that holds"),
        (OSError(errno.ENOSPC, "No space left"), "disk_full", "OSError: ", "free space on the disk"),
        (HintedError(), "node_failed", "the clip is broken", "cut it"),
        (KeyError("x"), "node_failed", "KeyError: 'x'", ""),
        (RuntimeError(), "node_failed", "RuntimeError", ""),
        (SystemExit(3), "node_failed", "SystemExit: 3", ""),
        (KeyboardInterrupt(), "node_failed", "KeyboardInterrupt", ""),
        (GeneratorExit(), "node_failed", "GeneratorExit", ""),
        (MuteError(), "node_failed", "MuteError", ""),
        (RuntimeError("x" * 100_000), "node_failed", "RuntimeError: xxx", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_a_node_raises_is_explained(
    bench: Bench, raised: BaseException, code: str, message: str, hint: str
) -> None:
    def call(**_: object) -> int:
        raise raised

    result = bench.run(build({"n": (replace(toys.number.definition, call=call), {})}, sinks=("n",)))
    error = result.failed[0].error
    assert (error.code, result.status) == (code, "failed")
    assert error.message.startswith(message)
    assert hint in error.hint
    assert len(error.message) + len(error.traceback) < 25_000


@pytest.mark.parametrize(
    ("definition", "returned", "message"),
    [
        (toys.number.definition, "text", "number returned str as 'int', which is int"),
        (toys.number.definition, None, "number returned NoneType as 'int', which is int"),
        (toys.halve.definition, 7, "halve returned int, not its 2 outputs"),
        (toys.halve.definition, (1, 2, 3), "halve returned tuple, not its 2 outputs"),
        (toys.blob.definition, b"bytes", "blob returned bytes as 'blob', which is Blob"),
    ],
)
def test_a_node_that_returns_something_else_is_told_so(
    bench: Bench, definition: Any, returned: object, message: str
) -> None:
    graph = build({"n": (replace(definition, call=lambda **_: returned), {})}, sinks=("n",))
    error = bench.run(graph).failed[0].error
    assert error.message == message
    assert "report it" in error.hint


def test_a_node_without_code_says_so(bench: Bench) -> None:
    result = bench.run(build({"n": (replace(toys.number.definition, call=None), {})}, sinks=("n",)))
    assert "the code of number is not loaded" in result.failed[0].error.message


@node(category="toy")
def anything(*, value: int = 0, text: str = "", nothing: bool = False) -> Any:
    """Return a value of no declared type."""
    return None if nothing else text or value


def test_what_came_through_a_socket_for_everything_is_checked_where_it_arrives(bench: Bench) -> None:
    good = build({"x": (anything, {"value": 2}), "n": (toys.number, {"value": link("x", "value")})}, sinks=("n",))
    assert bench.run(good).status == "succeeded"
    bad = build({"x": (anything, {"text": "hi"}), "n": (toys.number, {"value": link("x", "value")})}, sinks=("n",))
    error = bench.run(bad).failed[0].error
    assert (error.node, error.path, error.code) == ("n", "/nodes/n/inputs/value", "bad_input")


@node(category="toy")
def types_of(*, path: Any = None, number: float = 0.0, maybe: int | None = None) -> str:
    """Say of what types the inputs are."""
    return f"{type(path).__name__} {type(number).__name__} {type(maybe).__name__}"


@node(category="toy")
def open_file(*, file: Any = None) -> str:
    """Say of what type a path is."""
    return type(file).__name__.removeprefix("Posix").removeprefix("Windows")


def test_knobs_arrive_in_the_types_of_the_signature(bench: Bench) -> None:
    path_socket = replace(open_file.definition.inputs[0], type="path")
    as_path = replace(open_file.definition, inputs=(path_socket,))
    graph = build(
        {
            "n": (toys.number, {"value": 2}),
            "t": (types_of, {"number": link("n", "int")}),
            "f": (as_path, {"file": "a/b.txt"}),
            "x": (anything, {"text": "c.txt"}),
            "g": (as_path, {"file": link("x", "value")}),
            "y": (anything, {"value": 3}),
            "z": (anything, {"nothing": True}),
            "u": (types_of, {"number": link("y", "value"), "maybe": link("z", "value")}),
        },
        sinks=("t", "f", "g", "u"),
        outputs={name: (name, "str") for name in ("t", "f", "g", "u")},
    )
    assert bench.run(graph).outputs == {
        "t": "NoneType float NoneType",
        "f": "Path",
        "g": "Path",
        "u": "NoneType float NoneType",
    }


def test_a_chain_of_ten_thousand_runs_without_recursion(bench: Bench) -> None:
    result = bench.run(chain(10_000))
    assert (result.outputs, result.ran) == ({"end": 5}, 10_000)
    assert bench.run(chain(10_000)).ran == 0


def test_a_fan_out_of_a_thousand_runs_its_source_once(bench: Bench) -> None:
    nodes: dict[str, Any] = {"source": (toys.number, {})}
    for number in range(1_000):
        nodes[f"s{number}"] = (toys.add, {"a": link("source", "int"), "b": number})
    result = bench.run(build(nodes, sinks=tuple(nodes)[1:]))
    assert (result.ran, calls.count("number")) == (1_001, 1)


@node(category="toy")
def work(*, steps: int = 100, ctx: Context) -> int:
    """Work in steps."""
    for _ in ctx.progress(range(steps)):
        calls.append("step")
    return steps


def test_canceling_stops_at_the_next_step(bench: Bench) -> None:
    cancel = CancelToken()

    def emit(event: Any) -> None:
        if event.kind == "node_progress":
            cancel.request()

    graph = build({"w": (work, {}), "s": (toys.show, {"value": link("w", "int")})})
    result = bench.run(graph, cancel=cancel, emit=emit)
    assert (result.status, calls) == ("canceled", ["step", "step"])
    assert bench.kinds("s") == []
    assert isinstance(bench.events[-1], RunFinished)
    assert bench.events[-1].status == "canceled"
    assert bench.run(graph).status == "succeeded"


@node(category="toy")
def wrap(*, ctx: Context) -> int:
    """Turn the wish to stop into an error of its own, as libraries do."""
    try:
        for _ in ctx.progress(range(3)):
            pass
    except Exception as error:
        raise RuntimeError("the library gave up") from error
    return 1


def test_a_canceled_run_is_canceled_even_if_a_library_says_otherwise(bench: Bench) -> None:
    cancel = CancelToken()

    def emit(event: Any) -> None:
        if event.kind == "node_started":
            cancel.request()

    assert bench.run(build({"w": (wrap, {})}, sinks=("w",)), cancel=cancel, emit=emit).status == "canceled"


def test_a_run_that_was_canceled_before_it_began_runs_nothing(bench: Bench) -> None:
    cancel = CancelToken()
    cancel.request()
    assert bench.run(chain(3), cancel=cancel).status == "canceled"
    assert calls == []


def test_nodes_that_are_never_kept_run_each_time_but_once_a_run(bench: Bench) -> None:
    graph = build(
        {
            "f": (toys.fresh, {"value": 2}),
            "a": (toys.add, {"a": link("f", "int")}),
            "b": (toys.add, {"b": link("f", "int")}),
        },
        sinks=("a", "b"),
    )
    for _ in range(2):
        bench.run(graph)
        assert calls == ["fresh", "add", "add"]
    assert bench.cache.memory_used == 0


def test_equal_sinks_run_once_and_both_are_reported(bench: Bench) -> None:
    graph = build(
        {
            "f": (toys.fresh, {}),
            "s1": (toys.save_text, {"text": "hi"}),
            "s2": (toys.save_text, {"text": "hi"}),
        }
    )
    result = bench.run(graph)
    assert calls == ["save_text"]
    assert [made.node for made in result.artifacts] == ["s1", "s2"]
    assert result.artifacts[0].artifact == result.artifacts[1].artifact
    assert bench.kinds("s2") == ["node_cached", "artifact"]


def test_equal_sinks_that_fail_are_both_reported(bench: Bench) -> None:
    bad = replace(toys.show.definition, call=lambda **_: 1 / 0)
    result = bench.run(build({"s1": (bad, {}), "s2": (bad, {})}))
    assert [failure.node for failure in result.failed] == ["s1"]
    assert (bench.kinds("s1")[-1], bench.kinds("s2")) == ("node_failed", ["node_blocked"])


def test_values_are_let_go_when_nobody_needs_them(bench: Bench) -> None:
    alive: list[int] = []

    class Counted:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    peak: list[int] = []

    def make(**_: object) -> object:
        made = Counted()
        peak.append(len(alive))
        return made

    heavy = replace(anything.definition, call=make, cached=False)
    nodes: dict[str, Any] = {"n0": (heavy, {})}
    for number in range(1, 20):
        nodes[f"n{number}"] = (heavy, {"value": link(f"n{number - 1}", "value")})
    free = [replace(socket, type="any") for socket in heavy.inputs]
    nodes = {name: (replace(heavy, inputs=tuple(free)), inputs) for name, (_, inputs) in nodes.items()}
    bench.run(build(nodes, sinks=("n19",)))
    assert max(peak) == 2
    assert not alive


def test_a_failure_does_not_leave_the_next_run_worse_off(bench: Bench) -> None:
    failing = build({"n": (toys.slow, {"value": 1}), "f": (toys.fail, {"value": link("n", "int")})}, sinks=("f",))
    bench.run(failing)
    bench.run(failing)
    assert calls == ["fail"]
    assert isinstance(bench.events[-2], NodeFailed)


def test_a_result_that_vanishes_between_plan_and_run_is_made_again(bench: Bench) -> None:
    graph = build(
        {
            "n": (toys.slow, {"value": 1}),
            "m": (toys.slow, {"value": link("n", "int")}),
            "sum": (toys.add, {"a": link("m", "int")}),
        },
        sinks=("m",),
        outputs={"m": ("m", "int")},
    )
    bench.run(graph)
    plan = bench.plan(graph)
    bench.cache.drop(plan.keys.of["m"])  # type: ignore[index]
    bench.cache.drop(plan.keys.of["n"])  # type: ignore[index]
    result = Executor(bench.cache, bench.folders).run(plan, emit=lambda event: None)
    assert (result.outputs, result.ran) == ({"m": 1}, 2)


def test_canceling_comes_up_from_any_depth(bench: Bench) -> None:
    cancel = CancelToken()

    def stop(**_: object) -> int:
        cancel.request()
        return 1

    nodes: dict[str, Any] = {
        "n": (replace(toys.number.definition, call=stop), {}),
        "n0": (toys.add, {"a": link("n", "int")}),
    }
    for number in range(1, 200):
        nodes[f"n{number}"] = (toys.pick, {"a": link(f"n{number - 1}", "int")})
    assert bench.run(build(nodes, sinks=("n199",)), cancel=cancel).status == "canceled"
    assert "add" not in calls


def test_after_a_want_of_memory_the_cache_gives_its_own_back(bench: Bench) -> None:
    def greedy(**_: object) -> int:
        raise MemoryError

    bench.run(chain(3))
    assert bench.cache.memory_used > 0
    bench.run(build({"n": (replace(toys.number.definition, call=greedy), {"value": 1})}, sinks=("n",)))
    assert bench.cache.memory_used == 0


def test_an_error_that_reaches_two_consumers_is_reported_once(bench: Bench) -> None:
    nodes = {
        "c": (toys.count_up, {"broken_at": 2}),
        "x": (toys.scale, {"stream": link("c", "stream")}),
        "m": (toys.measure, {"stream": link("x", "stream")}),
        "p": (toys.pick, {"a": link("m", "int")}),
        "t": (toys.total, {"stream": link("x", "stream")}),
    }
    result = bench.run(build(nodes, sinks=("p", "t")))
    assert [failure.node for failure in result.failed] == ["c"]
    assert bench.kinds("c").count("node_failed") == 1


@node(category="toy")
def keep_going(a: toys.Stream, b: toys.Stream) -> int:
    """Try two streams, and fail with the second's error."""
    for stream in (a, b):
        try:
            return sum(stream.produce())
        except RuntimeError as error:
            last = error
    raise last


def test_a_producer_that_failed_before_is_not_reported_again(bench: Bench) -> None:
    lazy = replace(
        keep_going.definition, inputs=tuple(replace(socket, lazy=True) for socket in keep_going.definition.inputs)
    )
    held: list[Any] = []

    def first(a: Any, b: Any) -> int:
        held.append(a.get())
        return sum(held[0].produce())

    def second(a: Any, b: Any) -> int:
        return sum(held[0].produce())

    nodes = {
        "c": (toys.count_up, {"broken_at": 2}),
        "d": (toys.count_up, {}),
        "k": (replace(lazy, call=first), {"a": link("c", "stream"), "b": link("d", "stream")}),
        "l": (replace(lazy, call=second, version=2), {"a": link("d", "stream"), "b": link("d", "stream")}),
    }
    result = bench.run(build(nodes, sinks=("k", "l")))
    assert [failure.node for failure in result.failed] == ["c"]
    assert bench.kinds("l") == ["node_started", "node_blocked"]
