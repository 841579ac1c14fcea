"""Every template that ships: it is well-formed, it validates, it runs on small settings, and what it makes is right."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nodes import Clip
from nodes.models import STARTERS
from server.engine.events import NodeFinished
from server.graph import dump, parse
from server.media.encode import write_video
from server.media.pattern import pattern_clip
from server.media.probe import MediaInfo, probe
from tests.diffusion.pipelines import picture
from tests.diffusion.test_parity_ltx_keyframes import make_ltx_with_keyframes
from tests.diffusion.tiny import make_wan
from tests.nodes.workbench import Opener, Workbench, running

TEMPLATES = Path(__file__).parent.parent.parent / "workflows"
SMALL: dict[str, dict[str, object]] = {
    "text_to_video": {"seconds": 0.5, "steps": 1},
    "video_to_video": {"video": "pattern.mp4", "seconds": 0.5, "steps": 2},
    "image_to_video": {"model": "tiny", "picture": "first.png", "seconds": 0.25, "steps": 1},
    "bring_to_life": {"seconds": 0.5, "steps": 1},
    "keyframes": {
        "model": "tiny_ltx",
        "first": "first.png",
        "middle": "first.png",
        "middle_frame": 5,
        "last": "first.png",
        "seconds": 0.25,
        "steps": 2,
    },
    "test_pattern": {"seconds": 0.5, "width": 64, "height": 48},
    "upscale_video": {"video": "pattern.mp4"},
    "edit_video": {"video": "pattern.mp4", "start": 0.25, "length": 0.5},
}


def template(name: str) -> dict[str, object]:
    return json.loads((TEMPLATES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[Opener]:
    opened: list[Workbench] = []

    def open_one() -> Workbench:
        for bench in opened:
            bench.close()
        opened.append(Workbench(tmp_path))
        return opened[-1]

    yield open_one
    for bench in opened:
        bench.close()


@pytest.fixture(scope="module")
def image_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Wan model that makes a video from an image."""
    options = {"in_channels": 12, "image_dim": 16, "added_kv_proj_dim": 24}
    place = tmp_path_factory.mktemp("models")
    make_wan(place, pipeline="WanImageToVideoPipeline", transformer=options, image_encoder=True)
    usual = {"name": "tiny", "max_sequence_length": 16, "defaults": {"width": 48, "height": 32}}
    (place / "kinegraph.json").write_text(json.dumps(usual), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def keyframe_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LTX-Video that takes pictures at any frame."""
    place = make_ltx_with_keyframes(tmp_path_factory.mktemp("models"))
    usual = {"name": "tiny", "max_sequence_length": 16, "defaults": {"width": 64, "height": 32}}
    (place / "kinegraph.json").write_text(json.dumps(usual), encoding="utf-8")
    return place


@pytest.fixture
def bench(open_bench: Opener, image_model: Path, keyframe_model: Path) -> Workbench:
    made = open_bench()
    shutil.copytree(keyframe_model, made.folders.models / "tiny_ltx")
    shutil.copytree(image_model, made.folders.models / "tiny")
    Image.fromarray(picture(64, 48)).save(made.folders.uploads / "first.png")
    write_video(made.folders.uploads / "pattern.mp4", pattern_clip(64, 48, fps=8, frame_count=8, tone_hz=440.0))
    return made


def made_video(bench: Workbench, name: str, settings: dict[str, object]) -> MediaInfo:
    result = bench.run(template(name), settings)
    assert result.failed == ()
    [produced] = [made for made in result.artifacts if made.artifact.media_type == "video/mp4"]
    return probe(bench.folders.outputs / produced.artifact.path)


def test_every_template_is_tried_here() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.json")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_template_reads_well(name: str) -> None:
    text = (TEMPLATES / f"{name}.json").read_text(encoding="utf-8")
    workflow = parse(text)
    assert parse(dump(workflow)) == workflow
    assert workflow.title
    assert workflow.outputs
    places = [node.at for node in workflow.nodes.values()]
    assert None not in places
    assert len(set(places)) == len(places), "no node hides another"
    assert all(node.title for node in workflow.nodes.values())
    assert all(exposed.title for exposed in workflow.inputs.values())


@pytest.mark.parametrize("name", SMALL)
def test_a_template_runs_and_then_nothing_is_left_to_run(name: str, bench: Workbench, open_bench: Opener) -> None:
    document, settings = template(name), SMALL[name]
    assert bench.problems(document, settings) == []
    result = bench.run(document, settings)
    assert result.status == "succeeded"
    assert result.artifacts
    assert running(open_bench().plan(document, settings)) == []


def test_text_to_video_makes_a_playable_file_with_its_workflow_inside(bench: Workbench) -> None:
    info = made_video(bench, "text_to_video", SMALL["text_to_video"])
    assert info.video is not None
    assert (info.video.codec, info.video.pixel_format) == ("h264", "yuv420p")
    assert (info.video.width, info.video.height, info.video.fps) == (256, 256, 16)
    assert info.video.frame_count == 2 * (1 + 4)
    assert info.video.color.matrix == "bt709"
    assert info.workflow is not None
    assert json.loads(info.workflow) == template("text_to_video")


def test_text_to_video_has_the_inputs_that_its_users_name() -> None:
    assert list(template("text_to_video")["inputs"]) == ["prompt", "negative_prompt", "seed", "seconds", "steps"]


def test_the_graph_makes_what_the_bare_pipeline_makes_bit_for_bit(bench: Workbench) -> None:
    from diffusers import WanPipeline

    document = template("text_to_video")
    document["outputs"] = {"frames": {"node": "decode", "output": "clip"}}
    prompt, negative = "a green ball bounces on a beach", "dark"
    settings = {"prompt": prompt, "negative_prompt": negative, "seed": 11, "seconds": 0.5, "steps": 2}
    result = bench.run(document, settings)
    clip = result.outputs["frames"]
    assert isinstance(clip, Clip)

    pipeline = WanPipeline.from_pretrained(STARTERS / "text_to_video", dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        prompt,
        negative_prompt=negative,
        width=64,
        height=64,
        num_frames=4,  # at a temporal scale of 1 the pipeline makes one more
        num_inference_steps=2,
        guidance_scale=2.0,
        max_sequence_length=32,
        generator=torch.Generator("cpu").manual_seed(11),
        output_type="np",
    ).frames[0]

    np.testing.assert_array_equal(np.concatenate(list(clip.chunks())), theirs)


def test_only_what_changed_runs_also_after_a_restart(bench: Workbench, open_bench: Opener) -> None:
    document, settings = template("text_to_video"), SMALL["text_to_video"]
    bench.run(document, settings)
    other_prompt = settings | {"prompt": "a blue boat drifts left across the sea"}
    followers = ["prompt", "denoise", "decode", "upscale", "smooth", "save"]
    assert running(bench.plan(document, other_prompt)) == followers
    for opened in (bench, open_bench()):
        assert running(opened.plan(document, settings)) == []
        assert running(opened.plan(document, settings | {"save.crf": 30})) == ["save"]
    assert opened.run(document, settings | {"save.crf": 30}).ran == 1
    assert [event.node for event in opened.events if isinstance(event, NodeFinished)] == ["save"]


def test_a_video_made_anew_keeps_its_time_and_changes_as_far_as_it_may(bench: Workbench) -> None:
    settings = SMALL["video_to_video"]
    info = made_video(bench, "video_to_video", settings)
    assert info.video is not None
    assert (info.video.width, info.video.height, info.video.fps) == (256, 256, 16)
    assert info.video.frame_count == 2 * 4

    document = template("video_to_video")
    document["outputs"] = {
        "before": {"node": "source", "output": "clip"},
        "after": {"node": "decode", "output": "clip"},
    }

    def change(strength: float) -> float:
        made = bench.run(document, settings | {"steps": 4, "strength": strength}).outputs
        before, after = (np.concatenate(list(made[name].chunks())) for name in ("before", "after"))
        return float(np.abs(after - before.astype(np.float32) / 255).mean())

    assert change(0.25) < change(1.0)


def test_an_image_begins_to_move(bench: Workbench) -> None:
    info = made_video(bench, "image_to_video", SMALL["image_to_video"])
    assert info.video is not None
    assert (info.video.width, info.video.height, info.video.fps) == (48, 32, 16)
    assert info.video.frame_count == 5


def test_the_starter_goes_on_from_a_drawn_picture(bench: Workbench) -> None:
    document = template("bring_to_life")
    document["outputs"] = {
        "picture": {"node": "picture", "output": "image"},
        "frames": {"node": "decode", "output": "clip"},
    }
    made = bench.run(document, SMALL["bring_to_life"]).outputs
    drawn = made["picture"].pixels.astype(np.float32) / 255
    frames = np.concatenate(list(made["frames"].chunks()))
    assert len(frames) == 5
    assert float(np.square(frames[0] - drawn).mean()) < 10**-2.8  # 28 dB: the picture went through the VAE and no more


def test_a_video_goes_through_three_pictures(bench: Workbench) -> None:
    info = made_video(bench, "keyframes", SMALL["keyframes"])
    assert info.video is not None
    assert (info.video.width, info.video.height, info.video.fps) == (64, 32, 25)
    assert info.video.frame_count == 9


def test_a_template_that_needs_a_model_and_a_picture_says_so(bench: Workbench) -> None:
    paths = {problem.path for problem in bench.problems(template("image_to_video"))}
    assert paths == {"/nodes/models/inputs/model", "/nodes/picture/inputs/file"}


def test_an_upscaled_video_keeps_its_length_and_sound(bench: Workbench) -> None:
    info = made_video(bench, "upscale_video", SMALL["upscale_video"] | {"factor": 1.5})
    assert info.video is not None
    assert (info.video.width, info.video.height) == (96, 72)
    assert (info.video.frame_count, info.video.fps) == (16, 16)
    assert info.audio is not None


def test_a_template_that_needs_a_file_says_so(bench: Workbench) -> None:
    document = template("upscale_video")
    [problem] = bench.problems(document)
    assert problem.path == "/nodes/source/inputs/file"
    [problem] = bench.problems(document, {"video": "missing.mp4"})
    assert problem.path == "/nodes/source/inputs/file"
    assert "missing.mp4" in problem.message
    assert problem.hint


@pytest.mark.parametrize(
    ("settings", "path", "hint"),
    [
        ({"size.width": 850}, "/nodes/size/inputs/width", "848"),
        ({"size.frames": 10_000_000}, "/nodes/size/inputs/frames", "try"),
        ({"save.filename": "../../boat"}, "/nodes/save/inputs/filename", "'boat'"),
        ({"denoise.start_step": 15, "denoise.end_step": 10}, "/nodes/denoise/inputs/start_step", "lower start_step"),
    ],
)
def test_nonsense_is_a_problem_before_the_run(
    bench: Workbench, settings: dict[str, object], path: str, hint: str
) -> None:
    [problem] = bench.problems(template("text_to_video"), settings)
    assert problem.path == path
    assert hint in problem.hint


def test_all_problems_are_told_at_once(bench: Workbench) -> None:
    settings = {"size.width": 850, "size.height": 70, "save.filename": "/boat"}
    paths = {problem.path for problem in bench.problems(template("text_to_video"), settings)}
    assert paths == {"/nodes/size/inputs/width", "/nodes/size/inputs/height", "/nodes/save/inputs/filename"}
