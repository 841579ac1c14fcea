"""The starter model through the same functions as any other, and equal to diffusers' pipeline over its folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from server import diffusion
from server.diffusion import preview, vae, weights
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text, unknown_words
from server.diffusion.train.judge import JUDGES
from server.diffusion.types import Latent
from server.diffusion.weights import Descriptions

FOLDER = Path(diffusion.__file__).parent / "starter" / "text_to_video"
PROMPT = "a red boat drifts left across the sea"
SETTINGS = {"seed": 5, "steps": 4, "guidance_scale": 2.0}


@pytest.fixture(scope="module")
def starter() -> Descriptions:
    return weights.describe(FOLDER)


@pytest.fixture(scope="module")
def latent(starter: Descriptions, residency: Residency) -> Latent:
    where = {"device": "cpu", "residency": residency}
    positive = encode_text(starter.text_encoder, PROMPT, **where)
    empty = empty_latent(starter.model.capabilities, width=64, height=64, frames=17)
    return denoise(starter.model, positive, None, empty, **SETTINGS, **where)


def test_its_frames_equal_the_pipelines_bit_for_bit(
    starter: Descriptions, latent: Latent, residency: Residency
) -> None:
    from diffusers import WanPipeline

    pipeline = WanPipeline.from_pretrained(FOLDER, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        PROMPT,
        width=64,
        height=64,
        num_frames=16,  # with temporal scale 1 the pipeline adds one
        num_inference_steps=SETTINGS["steps"],
        guidance_scale=SETTINGS["guidance_scale"],
        max_sequence_length=starter.model.capabilities.prompt_tokens,
        generator=torch.Generator("cpu").manual_seed(SETTINGS["seed"]),
        output_type="np",
    ).frames[0]
    ours = vae.decode(starter.vae, latent, device="cpu", residency=residency)
    assert ours.shape == (17, 64, 64, 3)
    assert np.array_equal(ours, theirs)


def test_every_example_in_its_manifest_is_in_its_vocabulary(starter: Descriptions, residency: Residency) -> None:
    examples = weights.describe(FOLDER).model.source.about()["examples"]
    assert examples
    for prompt in examples:
        assert unknown_words(starter.text_encoder, prompt, device="cpu", residency=residency) == ()
    strange = "a quixotic boat drifts left across the sea"
    assert unknown_words(starter.text_encoder, strange, device="cpu", residency=residency) == ("quixotic",)


def test_a_preview_shows_what_decoding_shows(starter: Descriptions, latent: Latent, residency: Residency) -> None:
    shown = preview.frames(latent, starter.vae, device="cpu", residency=residency)
    decoded = vae.decode(starter.vae, latent, device="cpu", residency=residency)
    halved = decoded.reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert shown.shape == halved.shape
    assert np.corrcoef(shown.ravel(), halved.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("name", ["upscaler", "interpolator"])
def test_a_finishing_network_is_whole_and_ahead_of_the_classical_method(name: str) -> None:
    folder = FOLDER.parent / name
    manifest = json.loads((folder / "kinegraph.json").read_text(encoding="utf-8"))
    data = (folder / "model.safetensors").read_bytes()
    entry = manifest["files"]["model.safetensors"]
    assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    found = JUDGES[name](folder / "model.safetensors", None, (), scenes=8)
    assert all(figures["margin"] > 1 for figures in found.values())
    told = manifest["metrics"]
    assert set(found) < set(told), "the card also tells of footage"
    assert np.mean([figures["margin"] for figures in told.values()]) > 1
