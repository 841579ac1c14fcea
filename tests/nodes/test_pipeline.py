"""Real clips through the real engine: bounded memory, producers that run once, full disks, and nothing left over."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.long_clip import STARTER, STARTER_S
from benchmarks.streaming import CHAIN, MIB, Measured, by_graph, measured, write_source
from server.engine.cancel import CancelToken
from server.engine.events import NodePreview, NodeProgress, NodeWarning
from server.media import pattern
from tests.machine import small_disk
from tests.nodes.workbench import Workbench, running


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = Workbench(tmp_path)
    yield made
    made.close()


def document(outputs: dict[str, tuple[str, str]] | None = None, **nodes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "kinegraph": 1,
        "inputs": {},
        "outputs": {name: {"node": node, "output": output} for name, (node, output) in (outputs or {}).items()},
        "nodes": {name: {"type": kind, "version": 1, "inputs": inputs} for name, (kind, inputs) in nodes.items()},
    }


def link(node: str, output: str = "clip") -> dict[str, list[str]]:
    return {"link": [node, output]}


BARS = {"width": 320, "height": 180, "seconds": 2.0, "fps": 24.0}
SAVED = {"clip": link("scale"), "preset": "ultrafast"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the frames that the test pattern draws."""
    numbers: list[int] = []
    draw = pattern._draw  # pyright: ignore[reportPrivateUsage]

    def counting(background: Any, index: int, time_s: Any) -> Any:
        numbers.append(index)
        return draw(background, index, time_s)

    monkeypatch.setattr(pattern, "_draw", counting)
    return numbers


def left_over(bench: Workbench) -> dict[str, list[str]]:
    """What no run may leave behind: threads of stages, open files, unfinished files."""
    home = str(bench.folders.outputs.parent.resolve())
    files = [item.path for item in psutil.Process().open_files() if item.path.startswith(home)]
    hidden = [path.name for path in bench.folders.outputs.rglob(".*")]
    temporary = [path.name for path in (Path(home) / "cache" / "temporary").iterdir()]
    return {
        "threads": [one.name for one in threading.enumerate() if one.name.startswith("kinegraph-")],
        "files": [path for path in files if ".sqlite" not in path and "owners" not in path],
        "unfinished": hidden + temporary,
    }


NOTHING: dict[str, list[str]] = {"threads": [], "files": [], "unfinished": []}


def peak(run: Measured) -> int:
    return run.idle_bytes + run.grown_bytes


@pytest.mark.slow
def test_memory_does_not_grow_with_a_clip(tmp_path: Path) -> None:
    chain = [
        (name, kind, {**inputs, "preset": "ultrafast"} if name == "save" else inputs) for name, kind, inputs in CHAIN
    ]
    work = partial(by_graph, chain=chain)
    short, long = (measured(work, write_source(tmp_path / f"{s}.mp4", s), tmp_path) for s in (2, 10))
    assert long.grown_bytes < 1024 * MIB
    assert peak(long) < 1.05 * peak(short)


@pytest.mark.slow
def test_memory_does_not_grow_with_a_clip_that_a_network_enlarges(tmp_path: Path) -> None:
    work = partial(by_graph, chain=STARTER)
    short, long = (measured(work, write_source(tmp_path / f"{s}.mp4", s), tmp_path) for s in STARTER_S)
    assert long.grown_bytes < 1024 * MIB
    assert peak(long) < 1.05 * peak(short)


def test_a_producer_with_several_consumers_draws_every_frame_once(bench: Workbench, drawn: list[int]) -> None:
    graph = document(
        bars=("test_pattern", BARS),
        scale=("resize_clip", {"clip": link("bars"), "width": 160, "height": 90}),
        save=("save_video", SAVED),
        look=("preview_clip", {"clip": link("bars")}),
        compare=("compare_clips", {"clip": link("bars"), "reference": link("bars")}),
        outputs={"ssim": ("compare", "ssim")},
    )
    assert bench.run(graph).outputs["ssim"] == pytest.approx(1)
    assert sorted(drawn) == list(range(48))
    assert left_over(bench) == NOTHING


def test_a_clip_that_is_compared_with_what_was_made_of_it_is_drawn_once(bench: Workbench, drawn: list[int]) -> None:
    graph = document(
        bars=("test_pattern", BARS),
        grade=("grade_clip", {"clip": link("bars"), "gamma": 1.2}),
        compare=("compare_clips", {"clip": link("grade"), "reference": link("bars")}),
        outputs={"ssim": ("compare", "ssim")},
    )
    assert 0.5 < bench.run(graph).outputs["ssim"] < 1  # pyright: ignore[reportOperatorIssue]
    assert sorted(drawn) == list(range(48))
    assert left_over(bench) == NOTHING


def test_a_clip_that_is_asked_for_is_drawn_shown_and_kept(bench: Workbench, drawn: list[int]) -> None:
    graph = document(bars=("test_pattern", BARS), outputs={"clip": ("bars", "clip")})
    assert bench.run(graph).status == "succeeded"
    assert sorted(drawn) == list(range(48))
    shown = [event for event in bench.events if isinstance(event, NodePreview)]
    assert [event.media_type for event in shown][:1] == ["image/jpeg"]
    assert running(bench.plan(graph)) == []
    further = document(
        bars=("test_pattern", BARS),
        scale=("resize_clip", {"clip": link("bars"), "width": 160, "height": 90}),
        save=("save_video", SAVED),
    )
    assert running(bench.plan(further)) == ["scale", "save"]
    bench.run(further)
    assert sorted(drawn) == list(range(48))


def scaled(**save: Any) -> dict[str, Any]:
    return document(
        bars=("test_pattern", BARS),
        scale=("resize_clip", {"clip": link("bars"), "width": 160, "height": 90}),
        save=("save_video", {**SAVED, **save}),
    )


def test_a_run_that_is_canceled_leaves_nothing(bench: Workbench) -> None:
    cancel = CancelToken()
    plan = bench.plan(scaled())

    def listen(event: Any) -> None:
        if isinstance(event, NodeProgress) and event.node == "save":
            cancel.request()

    assert bench.executor.run(plan, emit=listen, cancel=cancel).status == "canceled"
    assert left_over(bench) == NOTHING
    assert list(bench.folders.outputs.iterdir()) == []


def test_a_stage_that_fails_in_mid_stream_leaves_nothing(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = pattern._draw  # pyright: ignore[reportPrivateUsage]

    def failing(background: Any, index: int, time_s: Any) -> Any:
        if index == 30:
            raise RuntimeError("the pen broke")
        return draw(background, index, time_s)

    monkeypatch.setattr(pattern, "_draw", failing)
    result = bench.run(scaled())
    assert [(failure.node, failure.error.message) for failure in result.failed] == [
        ("bars", "RuntimeError: the pen broke")
    ]
    assert left_over(bench) == NOTHING
    assert list(bench.folders.outputs.iterdir()) == []


def test_a_whole_clip_node_leaves_no_temporary_folder(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    graph = document(
        bars=("test_pattern", BARS),
        scale=("reverse_clip", {"clip": link("bars")}),
        save=("save_video", SAVED),
    )
    assert bench.run(graph).status == "succeeded"
    assert list(temporary.iterdir()) == []
    assert left_over(bench) == NOTHING


def test_a_disk_that_fills_up_while_encoding_is_told_and_leaves_no_half_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "outputs", "64k") as outputs:
        bench = Workbench(tmp_path)
        result = bench.run(scaled(codec="ffv1", preset="auto"))
        [failure] = result.failed
        assert (failure.node, failure.error.code) == ("save", "disk_full")
        assert "free space" in failure.error.hint
        assert list(outputs.iterdir()) == []
        assert left_over(bench) == NOTHING
        bench.close()


def test_a_disk_that_fills_up_while_a_stream_is_copied_costs_the_copy_and_no_more(
    tmp_path: Path, drawn: list[int]
) -> None:
    with small_disk(tmp_path / "cache", "1m") as cache:
        bench = Workbench(tmp_path)
        size = {"clip": link("bars"), "width": 160, "height": 90}
        graph = document(
            bars=("test_pattern", {**BARS, "seconds": 0.5}),
            scale=("resize_clip", size),
            save=("save_video", SAVED),
            look=("preview_clip", {"clip": link("bars")}),
        )
        monkey = pytest.MonkeyPatch()
        # As if the room had been there when the copy was begun.
        monkey.setattr(bench.cache, "room_bytes", lambda: 2**30)
        assert bench.run(graph).status == "succeeded"
        monkey.undo()
        warnings = {event.node: event for event in bench.events if isinstance(event, NodeWarning)}
        assert "could not be kept on disk" in warnings["bars"].message
        assert sorted(drawn) == sorted([*range(12), *range(12)])
        assert sum(path.stat().st_size for path in cache.rglob("*.raw")) < 2**20
        assert left_over(bench) == NOTHING
        bench.close()
