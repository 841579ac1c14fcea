"""Keyframes as a graph through the engine, compared with diffusers' LTXConditionPipeline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.diffusion import test_parity_ltx_keyframes as ltx
from tests.diffusion.pipelines import picture
from tests.diffusion.test_parity_ltx import make_ltx
from tests.diffusion.tiny import make_wan
from tests.nodes.test_sampling_graphs import frames, graph, link
from tests.nodes.workbench import Workbench

# diffusers' pipeline hands a tensor to numpy in a way that numpy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("models")
    ltx.make_ltx_with_keyframes(home / "ltx")
    make_ltx(home / "older", conditioned=False)
    make_wan(home / "wan")
    return home


@pytest.fixture
def workbench(tmp_path: Path, models: Path) -> Iterator[Workbench]:
    bench = Workbench(tmp_path)
    shutil.copytree(models, bench.folders.models, dirs_exist_ok=True)
    for index in (0, 9, 16):
        Image.fromarray(picture(ltx.WIDTH, ltx.HEIGHT, index)).save(bench.folders.uploads / f"{index}.png")
    yield bench
    bench.close()


def keyframe(file: int, before: str, **settings: Any) -> dict[str, dict[str, Any]]:
    """Return the nodes of one keyframe, which follows another, or the prompt."""
    wires = {
        "vae": link("models", "vae"),
        "latent": link("size", "latent"),
        "image": link(f"picture_{file}", "image"),
        "positive": link(before, "conditioning"),
    }
    return {
        f"picture_{file}": {"type": "load_image", "inputs": {"file": f"{file}.png"}},
        f"key_{file}": {"type": "add_keyframe", "inputs": wires | settings},
    }


def with_keyframes(model: str, last: str, **nodes: dict[str, Any]) -> dict[str, Any]:
    size = {"width": ltx.WIDTH, "height": ltx.HEIGHT, "frames": ltx.FRAMES}
    change = {"positive": link(last, "conditioning"), "steps": ltx.STEPS}
    return graph(model, size={"inputs": size}, denoise={"inputs": change}, **nodes)


def test_pictures_in_the_middle_of_a_clip_equal_the_pipelines(workbench: Workbench, models: Path) -> None:
    nodes = keyframe(0, "text") | keyframe(9, "key_0", frame=9, strength=0.6)
    nodes |= keyframe(16, "key_9", frame=-1, strength=0.3)
    ours = frames(workbench, with_keyframes("ltx", "key_16", **nodes))
    strengths = {0: 1.0, 9: 0.6, 16: 0.3}
    pictures = {index: (picture(ltx.WIDTH, ltx.HEIGHT, index), strength) for index, strength in strengths.items()}
    theirs = ltx.pipeline_frames(models / "ltx", pictures)
    # Why not to the last bit is said in test_parity_ltx_keyframes.py.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_a_second_picture_at_a_frame_takes_the_firsts_place(workbench: Workbench) -> None:
    both = keyframe(0, "text", frame=9) | keyframe(9, "key_0", frame=9)
    ours = frames(workbench, with_keyframes("ltx", "key_9", **both))
    assert np.array_equal(ours, frames(workbench, with_keyframes("ltx", "key_9", **keyframe(9, "text", frame=9))))


@pytest.mark.parametrize(
    ("model", "hint"), [("older", "use Image to video, for its first frame"), ("wan", "use a model that makes video")]
)
def test_a_model_without_keyframes_is_a_problem_before_the_run(model: str, hint: str, workbench: Workbench) -> None:
    [problem] = workbench.problems(with_keyframes(model, "key_9", **keyframe(9, "text", frame=9)))
    assert problem.path == "/nodes/key_9/inputs/vae"
    assert "takes no pictures at frames of one's choice" in problem.message
    assert problem.hint.startswith(hint)


def test_too_few_steps_of_a_stretched_schedule_are_a_problem_before_the_run(workbench: Workbench) -> None:
    scheduler = workbench.folders.models / "older" / "scheduler" / "scheduler_config.json"
    scheduler.write_text(scheduler.read_text().replace('"shift_terminal": null', '"shift_terminal": 0.1'))
    size = {"width": ltx.WIDTH, "height": ltx.HEIGHT, "frames": ltx.FRAMES}
    [problem] = workbench.problems(graph("older", size={"inputs": size}, denoise={"inputs": {"steps": 1}}))
    assert (problem.path, problem.hint) == ("/nodes/denoise/inputs/steps", "Take 2 or more.")


@pytest.mark.parametrize("frame", [17, -18])
def test_a_frame_beyond_the_clip_is_said_at_its_knob(frame: int, workbench: Workbench) -> None:
    [failure] = workbench.run(with_keyframes("ltx", "key_9", **keyframe(9, "text", frame=frame))).failed
    assert failure.node == "key_9"
    assert failure.error.message == f"frame {frame} lies outside the clip, which has 17 frames"
