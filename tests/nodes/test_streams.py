"""New clips from old through the real engine: streams pass its cache, and numbers come out at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodes.workbench import Workbench, running


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = Workbench(tmp_path)
    yield made
    made.close()


def chain(*steps: tuple[str, str, dict[str, object]]) -> dict[str, object]:
    nodes = {name: {"type": kind, "version": 1, "inputs": inputs} for name, kind, inputs in steps}
    return {"kinegraph": 1, "inputs": {}, "outputs": {}, "nodes": nodes}


PATTERN = {"width": 64, "height": 48, "seconds": 0.5, "fps": 8.0, "tone_hz": 440.0}


def test_a_long_chain_of_streams_is_saved_and_not_made_again(bench: Workbench) -> None:
    document = chain(
        ("bars", "test_pattern", PATTERN),
        ("back", "reverse_clip", {"clip": {"link": ["bars", "clip"]}}),
        (
            "both",
            "concatenate_clips",
            {
                "first": {"link": ["bars", "clip"]},
                "second": {"link": ["back", "clip"]},
                "transition": "cross_fade",
                "transition_s": 0.25,
            },
        ),
        ("clean", "denoise_clip", {"clip": {"link": ["both", "clip"]}}),
        ("small", "overlay_clip", {"clip": {"link": ["clean", "clip"]}, "overlay": {"link": ["bars", "clip"]}}),
        ("save", "save_video", {"clip": {"link": ["small", "clip"]}, "codec": "prores"}),
    )
    document["outputs"] = {"file": {"node": "save", "output": "file"}}
    bench.run(document)
    [written] = bench.folders.outputs.iterdir()
    assert written.suffix == ".mov"
    assert running(bench.plan(document)) == []


def test_numbers_about_a_clip_come_out_of_a_run(bench: Workbench) -> None:
    document = chain(
        ("bars", "test_pattern", PATTERN),
        ("grain", "add_film_grain", {"clip": {"link": ["bars", "clip"]}}),
        ("compare", "compare_clips", {"clip": {"link": ["grain", "clip"]}, "reference": {"link": ["bars", "clip"]}}),
    )
    document["outputs"] = {"likeness": {"node": "compare", "output": "ssim"}}
    assert 0 < bench.run(document).outputs["likeness"] < 1
