"""LTX-Video with keyframes against diffusers' LTXConditionPipeline over the same folder.

Within 1e-5: the pipeline takes a token's noise level from its timestep, a thousand times as large, and divides again.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import vae, weights
from server.diffusion.errors import SamplingError
from server.diffusion.families.base import ImageOptions
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, picture
from tests.diffusion.test_masking import mode_of
from tests.diffusion.test_parity_ltx import make_ltx

# diffusers' pipeline hands a tensor to numpy in a way that numpy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
WIDTH, HEIGHT, FRAMES, STEPS = 64, 32, 17, 4


def make_ltx_with_keyframes(place: Path) -> Path:
    """Save a random LTX-Video pipeline as those from 0.9.5 on are."""
    import diffusers

    make_ltx(place, conditioned=False)
    shutil.rmtree(place / "scheduler")
    diffusers.FlowMatchEulerDiscreteScheduler().save_pretrained(place / "scheduler")
    index = place / "model_index.json"
    text = index.read_text(encoding="utf-8").replace('"LTXPipeline"', '"LTXConditionPipeline"')
    index.write_text(text, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ltx_with_keyframes(tmp_path_factory.mktemp("ltx"))


def our_frames(folder: Path, residency: Residency, images: dict[int, np.ndarray], strength: float) -> np.ndarray:
    model, encoder, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    positive, negative = (encode_text(encoder, text, **where) for text in (PROMPT, NEGATIVE))
    if images:
        options = ImageOptions(strength=strength)
        positive = condition_on_images(autoencoder, positive, latent, images, options=options, **where)
    run = {"seed": SEED, "steps": STEPS, "guidance_scale": 3.0} | where
    return vae.decode(autoencoder, denoise(model, positive, negative, latent, **run), **where)


def pipeline_frames(folder: Path, pictures: dict[int, tuple[np.ndarray, float]]) -> np.ndarray:
    """Return what LTXConditionPipeline makes with pictures and their strengths by frame."""
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
    from PIL import Image

    pipe = load_pipeline("LTXConditionPipeline", folder)
    pipe.vae.encode = mode_of(pipe.vae.encode)
    conditions = [
        LTXVideoCondition(image=Image.fromarray(pixels), frame_index=index, strength=strength)
        for index, (pixels, strength) in pictures.items()
    ]
    return pipe(
        conditions=conditions or None,
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        width=WIDTH,
        height=HEIGHT,
        num_frames=FRAMES,
        frame_rate=25,
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        image_cond_noise_scale=0.0,
        max_sequence_length=16,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
    ).frames[0]


@pytest.mark.parametrize(
    ("frames", "strength"), [((), 1.0), ((0,), 1.0), ((0, 16), 1.0), ((8,), 1.0), ((0, 9), 0.6), ((3, 16), 0.02)]
)
def test_the_frames_equal_the_pipelines(
    frames: tuple[int, ...], strength: float, folder: Path, residency: Residency
) -> None:
    pictures = {index: picture(WIDTH, HEIGHT, index) for index in frames}
    images = {index: pixels.astype(np.float32) / 255 for index, pixels in pictures.items()}
    ours = our_frames(folder, residency, images, strength)
    theirs = pipeline_frames(folder, {index: (pixels, strength) for index, pixels in pictures.items()})
    assert ours.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_keyframes_belong_to_a_clip_made_from_noise(folder: Path, residency: Residency) -> None:
    model, encoder, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    clip = np.random.default_rng(1).random((FRAMES, HEIGHT, WIDTH, 3), dtype=np.float32)
    latent = vae.encode(autoencoder, clip, model.capabilities.default_fps, **where)
    prompt = condition_on_images(autoencoder, encode_text(encoder, PROMPT, **where), latent, {8: clip[8]}, **where)
    with pytest.raises(SamplingError, match="from noise"):
        denoise(model, prompt, None, latent, seed=0, steps=2, guidance_scale=1.0, **where)
