"""Image to video, inpainting and guidance as graphs through the engine, compared with diffusers' pipelines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from server.diffusion import weights
from server.diffusion.text import encode_text
from tests.diffusion.pipelines import load_pipeline, picture
from tests.diffusion.test_parity_hunyuan_image import make_hunyuan
from tests.diffusion.tiny import make_wan
from tests.nodes.workbench import CATALOGUE, Workbench

PROMPT, NEGATIVE, SEED, STEPS = "A red boat drifts left", "blurry dark", 7, 3
WIDTH, HEIGHT, FRAMES = 48, 32, 5


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models: Wan from text and from a first image, and one whose text encoder sees the image."""
    home = tmp_path_factory.mktemp("models")
    make_wan(home / "text")
    options = {"in_channels": 12, "image_dim": 16, "added_kv_proj_dim": 24}
    make_wan(home / "image", pipeline="WanImageToVideoPipeline", transformer=options, image_encoder=True)
    make_hunyuan(home / "seeing", "latent_concat")
    return home


@pytest.fixture
def workbench(tmp_path: Path, models: Path) -> Iterator[Workbench]:
    bench = Workbench(tmp_path)
    shutil.copytree(models, bench.folders.models, dirs_exist_ok=True)
    Image.fromarray(picture(WIDTH, HEIGHT)).save(bench.folders.uploads / "first.png")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:, WIDTH // 2 :] = 255
    Image.fromarray(mask).save(bench.folders.uploads / "mask.png")
    yield bench
    bench.close()


def link(node: str, output: str) -> dict[str, list[str]]:
    return {"link": [node, output]}


def graph(model: str, **changes: dict[str, Any]) -> dict[str, Any]:
    """Return a graph from prompt to clip; `changes` adds nodes, or inputs to nodes."""
    nodes: dict[str, dict[str, Any]] = {
        "models": {"type": "load_model", "inputs": {"model": model}},
        "text": {"type": "encode_text", "inputs": {"encoder": link("models", "text_encoder"), "text": PROMPT}},
        "without": {"type": "encode_text", "inputs": {"encoder": link("models", "text_encoder"), "text": NEGATIVE}},
        "size": {
            "type": "empty_latent_video",
            "inputs": {"model": link("models", "model"), "width": WIDTH, "height": HEIGHT, "frames": FRAMES},
        },
        "denoise": {
            "type": "denoise",
            "inputs": {
                "model": link("models", "model"),
                "positive": link("text", "conditioning"),
                "negative": link("without", "conditioning"),
                "latent": link("size", "latent"),
                "seed": SEED,
                "steps": STEPS,
                "guidance_scale": 3.0,
            },
        },
        "decode": {
            "type": "vae_decode",
            "inputs": {"vae": link("models", "vae"), "latent": link("denoise", "latent")},
        },
    }
    for name, change in changes.items():
        known = nodes.setdefault(name, {"inputs": {}})
        known |= {key: value for key, value in change.items() if key != "inputs"}
        known["inputs"] = known["inputs"] | change.get("inputs", {})
    for node in nodes.values():
        node.setdefault("version", CATALOGUE.nodes[node["type"]].version)
    return {"kinegraph": 1, "outputs": {"clip": {"node": "decode", "output": "clip"}}, "nodes": nodes}


def frames(workbench: Workbench, document: dict[str, Any]) -> np.ndarray:
    assert workbench.problems(document) == []
    result = workbench.run(document)
    assert result.failed == ()
    return np.concatenate(list(result.outputs["clip"].chunks()))


FIRST = {"type": "load_image", "inputs": {"file": "first.png"}}


def test_a_video_from_a_first_image_equals_the_pipeline(workbench: Workbench, models: Path) -> None:
    ours = frames(
        workbench,
        graph(
            "image",
            picture=FIRST,
            images={
                "type": "image_to_video",
                "inputs": {
                    "vae": link("models", "vae"),
                    "latent": link("size", "latent"),
                    "positive": link("text", "conditioning"),
                    "first": link("picture", "image"),
                },
            },
            denoise={"inputs": {"positive": link("images", "conditioning")}},
        ),
    )
    pipe = load_pipeline("WanImageToVideoPipeline", models / "image")
    # The pipeline's own cleaning of prompts fails where ftfy is not installed; test_parity.py compares the embeddings.
    encoder = weights.describe(models / "image").text_encoder
    embeds = [encode_text(encoder, text, device="cpu").tensors["embeds"] for text in (PROMPT, NEGATIVE)]
    expected = pipe(
        image=Image.fromarray(picture(WIDTH, HEIGHT)),
        prompt_embeds=embeds[0],
        negative_prompt_embeds=embeds[1],
        width=WIDTH,
        height=HEIGHT,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
    ).frames[0]
    assert np.array_equal(ours, expected)


def seeing_graph(**changes: dict[str, Any]) -> dict[str, Any]:
    images = {
        "type": "image_to_video",
        "inputs": {
            "vae": link("models", "vae"),
            "latent": link("size", "latent"),
            "positive": link("text", "conditioning"),
            "first": link("picture", "image"),
        },
    }
    denoise = {"inputs": {"positive": link("images", "conditioning")}}
    return graph("seeing", picture=FIRST, images=images, denoise=denoise, **changes)


def test_a_text_encoder_that_sees_is_shown_the_picture(workbench: Workbench, models: Path) -> None:
    ours = frames(workbench, seeing_graph(text={"inputs": {"image": link("picture", "image")}}))
    expected = load_pipeline("HunyuanVideoImageToVideoPipeline", models / "seeing")(
        image=Image.fromarray(picture(WIDTH, HEIGHT)),
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        width=WIDTH,
        height=HEIGHT,
        num_frames=FRAMES + 4,  # of which it drops the first four
        num_inference_steps=STEPS,
        true_cfg_scale=3.0,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
    ).frames[0]
    assert np.array_equal(ours, expected)


def test_a_prompt_read_without_the_picture_is_told_where_to_connect_it(workbench: Workbench) -> None:
    [failure] = workbench.run(seeing_graph()).failed
    assert failure.node == "denoise"
    assert "has to see the picture" in failure.error.message
    assert "encodes the prompt" in failure.error.hint


def test_a_picture_of_another_size_is_cropped_to_the_clips(workbench: Workbench) -> None:
    Image.fromarray(picture(200, 60)).save(workbench.folders.uploads / "first.png")
    images = {
        "type": "image_to_video",
        "inputs": {
            "vae": link("models", "vae"),
            "latent": link("size", "latent"),
            "positive": link("text", "conditioning"),
            "first": link("picture", "image"),
        },
    }
    change = {"inputs": {"positive": link("images", "conditioning")}}
    assert frames(workbench, graph("image", picture=FIRST, images=images, denoise=change)).shape[1:3] == (HEIGHT, WIDTH)


def test_only_the_masked_part_is_made_anew(workbench: Workbench) -> None:
    source = {"type": "image_to_clip", "inputs": {"image": link("picture", "image"), "seconds": 0.5, "fps": 10}}
    document = graph(
        "text",
        picture=FIRST,
        still=source,
        encode={"type": "vae_encode", "inputs": {"vae": link("models", "vae"), "clip": link("still", "clip")}},
        mask={"type": "load_mask", "inputs": {"file": "mask.png"}},
        masked={
            "type": "mask_latent",
            "inputs": {
                "vae": link("models", "vae"),
                "latent": link("encode", "latent"),
                "mask": link("mask", "mask"),
            },
        },
        denoise={"inputs": {"latent": link("masked", "latent"), "strength": 0.9, "steps": 10}},
    )
    document["outputs"] |= {
        "before": {"node": "encode", "output": "latent"},
        "after": {"node": "denoise", "output": "latent"},
    }
    result = workbench.run(document)
    assert result.failed == ()
    before, after = result.outputs["before"].video, result.outputs["after"].video
    middle = before.shape[-1] // 2
    assert torch.equal(after[..., :middle], before[..., :middle])
    assert not torch.equal(after[..., middle:], before[..., middle:])


def test_guidance_changes_what_is_made_and_its_problems_are_seen_before_the_run(workbench: Workbench) -> None:
    def with_guidance(**inputs: Any) -> dict[str, Any]:
        change = {"inputs": {"guidance": link("how", "guidance")}}
        return graph("text", how={"type": "guidance", "inputs": inputs}, denoise=change)

    plain = frames(workbench, graph("text"))
    assert np.array_equal(frames(workbench, with_guidance()), plain)
    for inputs in ({"method": "apg"}, {"method": "cfg_zero_star"}, {"method": "skip_layer", "layers": "1"}):
        more = {"layer_stop": 1.0} if inputs["method"] == "skip_layer" else {}
        assert not np.array_equal(frames(workbench, with_guidance(**inputs, **more)), plain)
    problems = workbench.problems(with_guidance(method="skip_layer", layers="9, ten"))
    assert [(problem.path, problem.message) for problem in problems] == [
        ("/nodes/how/inputs/layers", "'ten' is no number of a layer")
    ]
    problems = workbench.problems(with_guidance(start=0.5, stop=0.5))
    assert [problem.path for problem in problems] == ["/nodes/how/inputs/start"]


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"solver": "ddim"}, "/nodes/denoise/inputs/solver"),
        ({"solver": "lcm", "strength": 0.5, "start_step": 2}, "/nodes/denoise/inputs/start_step"),
        ({"end_step": 9}, "/nodes/denoise/inputs/end_step"),
    ],
)
def test_settings_that_contradict_the_model_are_problems_before_the_run(
    settings: dict[str, Any], path: str, workbench: Workbench
) -> None:
    problems = workbench.problems(graph("text", denoise={"inputs": settings}))
    assert [problem.path for problem in problems] == [path]
    assert problems[0].hint


def test_an_image_where_a_clip_belongs_is_told_what_makes_one_of_it(workbench: Workbench) -> None:
    encode = {"type": "vae_encode", "inputs": {"vae": link("models", "vae"), "clip": link("picture", "image")}}
    change = {"inputs": {"latent": link("encode", "latent")}}
    [problem] = workbench.problems(graph("text", picture=FIRST, encode=encode, denoise=change))
    assert (problem.path, problem.hint) == ("/nodes/encode/inputs/clip", "put the node image_to_clip between them")


def test_an_image_where_conditioning_belongs_is_told_the_most_general_node(workbench: Workbench) -> None:
    change = {"inputs": {"positive": link("picture", "image")}}
    [problem] = workbench.problems(graph("image", picture=FIRST, denoise=change))
    assert (problem.path, problem.hint) == (
        "/nodes/denoise/inputs/positive",
        "put the node image_to_video between them",
    )


def test_image_to_video_says_what_is_missing(workbench: Workbench) -> None:
    images = {
        "type": "image_to_video",
        "inputs": {"vae": link("models", "vae"), "latent": link("size", "latent")},
    }
    change = {"inputs": {"positive": link("images", "conditioning")}}
    result = workbench.run(graph("image", images=images, denoise=change))
    assert [failure.error.message for failure in result.failed] == ["no picture is connected"]
