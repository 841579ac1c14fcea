"""Stable Diffusion 1 and XL and AnimateDiff against diffusers' pipelines over one folder: equal bits on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import families, vae, weights
from server.diffusion.errors import SamplingError, SizeError
from server.diffusion.memory import Residency
from server.diffusion.sampling import noise
from server.diffusion.sampling.noise import empty_latent
from tests.diffusion.memory_use import peak_bytes
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, our_frames
from tests.diffusion.tiny import make_clip_text, make_tokenizer

WIDTH, HEIGHT, STEPS = 48, 32, 4
PIPELINES = {"sd": "StableDiffusionPipeline", "animatediff": "AnimateDiffPipeline", "sdxl": "StableDiffusionXLPipeline"}
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SCHEDULERS: dict[str, dict[str, Any]] = {
    "DDIMScheduler": {"clip_sample": False, "steps_offset": 1, "set_alpha_to_one": False},
    "PNDMScheduler": {"skip_prk_steps": True, "steps_offset": 1},
    "EulerDiscreteScheduler": {"steps_offset": 1, "timestep_spacing": "leading"},
}
# diffusers' Euler scheduler hands a tensor to numpy in a way that numpy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def make_stable_diffusion(folder: Path, family: str, scheduler: str) -> Path:
    """Save a random pipeline of one of the three kinds."""
    import diffusers

    torch.manual_seed(0)
    network: dict[str, Any] = {
        "sample_size": 16,
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "cross_attention_dim": 16,
        "attention_head_dim": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    parts: dict[str, Any] = {
        "vae": diffusers.AutoencoderKL(
            block_out_channels=(16, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=8,
            latent_channels=4,
        ),
        "text_encoder": make_clip_text(),
        "tokenizer": make_tokenizer(model_max_length=77),
        "scheduler": getattr(diffusers, scheduler)(**BETAS, **SCHEDULERS[scheduler]),
    }
    if family == "sdxl":
        network |= {
            "cross_attention_dim": 32,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 8 * 6 + 24,
        }
        parts["text_encoder_2"] = make_clip_text(projection=24)
        parts["tokenizer_2"] = make_tokenizer(model_max_length=77)
    parts["unet"] = diffusers.UNet2DConditionModel(**network)
    if family == "animatediff":
        parts["motion_adapter"] = diffusers.MotionAdapter(
            block_out_channels=(16, 32),
            motion_layers_per_block=1,
            motion_norm_num_groups=8,
            motion_num_attention_heads=2,
            motion_max_seq_length=8,
        )
    if family == "sd":
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    getattr(diffusers, PIPELINES[family])(**parts).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    made: dict[tuple[str, str], Path] = {}

    def get(family: str, scheduler: str = "DDIMScheduler") -> Path:
        key = (family, scheduler)
        if key not in made:
            made[key] = make_stable_diffusion(tmp_path_factory.mktemp(family), family, scheduler)
        return made[key]

    return get


def frames_of(family: str) -> int:
    return 5 if family == "animatediff" else 1


def pipeline_frames(folder: Path, family: str, *, guidance: float, negative: str | None) -> np.ndarray:
    result = load_pipeline(PIPELINES[family], folder)(
        PROMPT,
        negative_prompt=negative,
        width=WIDTH,
        height=HEIGHT,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
        **({"num_frames": 5} if family == "animatediff" else {}),
    )
    return result.frames[0] if family == "animatediff" else result.images


@pytest.mark.parametrize(("guidance", "negative"), [(1.0, None), (7.5, NEGATIVE), (7.5, None)])
@pytest.mark.parametrize("family", PIPELINES)
def test_the_frames_equal_the_pipelines_bit_for_bit(
    family: str, guidance: float, negative: str | None, folder: Callable[..., Path], residency: Residency
) -> None:
    size = {"width": WIDTH, "height": HEIGHT, "frames": frames_of(family)}
    run = {"steps": STEPS, "guidance_scale": guidance, "negative": negative}
    ours = our_frames(folder(family), residency, **size, **run)
    assert ours.shape == (frames_of(family), HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    assert np.array_equal(ours, pipeline_frames(folder(family), family, guidance=guidance, negative=negative))


@pytest.mark.parametrize("scheduler", ["PNDMScheduler", "EulerDiscreteScheduler"])
@pytest.mark.parametrize("family", ["sd", "animatediff"])
def test_the_models_own_scheduler_is_kept_to(
    family: str, scheduler: str, folder: Callable[..., Path], residency: Residency
) -> None:
    place = folder(family, scheduler)
    size = {"width": WIDTH, "height": HEIGHT, "frames": frames_of(family)}
    ours = our_frames(place, residency, steps=STEPS, guidance_scale=7.5, **size)
    assert np.array_equal(ours, pipeline_frames(place, family, guidance=7.5, negative=NEGATIVE))


def test_another_solver_runs_on_the_same_betas(folder: Callable[..., Path], residency: Residency) -> None:
    size = {"width": WIDTH, "height": HEIGHT, "frames": 1}
    run = {"steps": STEPS, "guidance_scale": 7.5} | size
    chosen = our_frames(folder("sd"), residency, solver="euler", **run)
    own = our_frames(folder("sd", "EulerDiscreteScheduler"), residency, **run)
    # Both folders space timesteps alike, so that the scheduler's class is all that differs.
    assert np.array_equal(chosen, own)
    assert not np.array_equal(chosen, our_frames(folder("sd"), residency, **run))
    with pytest.raises(SamplingError, match="has no shift"):
        our_frames(folder("sd"), residency, shift=3.0, **run)


def test_sizes_and_lengths_are_the_familys(folder: Callable[..., Path]) -> None:
    image, clip = (weights.describe(folder(family)).model.capabilities for family in ("sd", "animatediff"))
    assert (image.max_frames, clip.max_frames, clip.default_frames) == (1, 8, 8)
    with pytest.raises(SizeError, match="2 frames do not fit"):
        empty_latent(image, width=WIDTH, height=HEIGHT, frames=2)


@pytest.mark.parametrize("family", PIPELINES)
def test_pictures_survive_encode_and_decode_in_shape(
    family: str, folder: Callable[..., Path], residency: Residency
) -> None:
    autoencoder = weights.describe(folder(family)).vae
    clip = np.random.default_rng(1).random((frames_of(family), HEIGHT, WIDTH, 3), dtype=np.float32)
    latent = vae.encode(autoencoder, clip, Fraction(8), device="cpu", residency=residency)
    for tiling in ("never", "always"):
        decoded = vae.decode(autoencoder, latent, tiling=tiling, device="cpu", residency=residency)
        assert decoded.shape == clip.shape


def test_expected_working_memory_is_near_what_decoding_takes(folder: Callable[..., Path], residency: Residency) -> None:
    description = weights.describe(folder("animatediff")).vae
    latent = empty_latent(description.capabilities, width=64, height=48, frames=5)
    drawn = noise.draw({"video": tuple(latent.video.shape)}, noise.generator(0))
    latent = replace(latent, samples=drawn, noise_level=0.0)
    with residency.use(description, "cpu") as module:
        expected = families.get("animatediff").decode_bytes(module, latent)
    peak = peak_bytes(lambda: vae.decode(description, latent, tiling="never", device="cpu", residency=residency))
    assert 0.4 * expected < peak < 1.6 * expected
