"""Stable Video Diffusion against diffusers' pipeline over the same folder: equal to the last bit on the CPU."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import families, vae, weights
from server.diffusion.errors import SamplingError
from server.diffusion.families.base import ImageOptions
from server.diffusion.memory import Residency
from server.diffusion.sampling import noise
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text, token_count, unknown_words
from tests.diffusion.memory_use import peak_bytes
from tests.diffusion.pipelines import SEED, load_pipeline, picture

WIDTH, HEIGHT, FRAMES, STEPS = 48, 32, 3, 3
# diffusers' Euler scheduler hands a tensor to numpy in a way that numpy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
OPTIONS = ImageOptions(noise_aug_strength=0.1, motion_bucket_id=90, seed=11)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a random Stable Video Diffusion pipeline."""
    import diffusers
    from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("svd")
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=224,
        patch_size=56,
        projection_dim=16,
    )
    diffusers.StableVideoDiffusionPipeline(
        vae=diffusers.AutoencoderKLTemporalDecoder(
            block_out_channels=(32, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            layers_per_block=1,
            latent_channels=4,
        ),
        image_encoder=CLIPVisionModelWithProjection(vision).eval(),
        unet=diffusers.UNetSpatioTemporalConditionModel(
            block_out_channels=(32, 32),
            layers_per_block=1,
            num_attention_heads=2,
            cross_attention_dim=16,
            addition_time_embed_dim=16,
            projection_class_embeddings_input_dim=48,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
            num_frames=6,
        ),
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            interpolation_type="linear",
            prediction_type="v_prediction",
            sigma_min=0.002,
            sigma_max=700.0,
            steps_offset=1,
            timestep_spacing="leading",
            timestep_type="continuous",
            use_karras_sigmas=True,
        ),
        feature_extractor=CLIPImageProcessorPil(),
    ).save_pretrained(place)
    return place


def our_latent(folder: Path, residency: Residency, *, fps: int = 7, **settings: Any) -> torch.Tensor:
    model, _, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES, fps=Fraction(fps))
    image = picture(WIDTH, HEIGHT).astype(np.float32) / 255
    positive = condition_on_images(autoencoder, None, latent, {0: image}, options=OPTIONS, **where)
    run = {"seed": SEED, "steps": STEPS, "guidance_scale": 3.0} | settings
    return denoise(model, positive, None, latent, **run, **where).video


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_frames_equal_the_pipelines_bit_for_bit(guidance: float, folder: Path, residency: Residency) -> None:
    from PIL import Image

    video = our_latent(folder, residency, guidance_scale=guidance)
    model, _, autoencoder = weights.describe(folder)
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    latent = replace(latent, samples={"video": video}, noise_level=0.0)
    ours = vae.decode(autoencoder, latent, device="cpu", residency=residency)
    # The image has a seed of its own here, where the pipeline draws its noise before the latents' from one generator.
    drawn = torch.randn(1, FRAMES, 4, HEIGHT // 2, WIDTH // 2, generator=torch.Generator("cpu").manual_seed(SEED))
    theirs = load_pipeline("StableVideoDiffusionPipeline", folder)(
        Image.fromarray(picture(WIDTH, HEIGHT)),
        width=WIDTH,
        height=HEIGHT,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        max_guidance_scale=guidance,
        fps=7,
        motion_bucket_id=OPTIONS.motion_bucket_id,
        noise_aug_strength=OPTIONS.noise_aug_strength,
        latents=drawn,
        generator=torch.Generator("cpu").manual_seed(OPTIONS.seed),
        output_type="np",
    ).frames[0]
    assert ours.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    assert np.array_equal(ours, theirs)


def test_rate_motion_and_guidance_all_reach_the_network(folder: Path, residency: Residency) -> None:
    usual = our_latent(folder, residency)
    assert not torch.equal(usual, our_latent(folder, residency, fps=12))
    assert not torch.equal(usual, our_latent(folder, residency, guidance_scale=2.0))
    assert not torch.equal(usual, our_latent(folder, residency, solver="unipc"))


def test_two_parts_of_a_run_equal_the_whole(folder: Path, residency: Residency) -> None:
    model, _, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    image = picture(WIDTH, HEIGHT).astype(np.float32) / 255
    positive = condition_on_images(autoencoder, None, latent, {0: image}, **where)
    run = {"seed": SEED, "steps": STEPS, "guidance_scale": 3.0} | where
    whole = denoise(model, positive, None, latent, **run)
    first = denoise(model, positive, None, latent, end_step=2, **run)
    assert 0 < first.noise_level < 1
    assert torch.equal(denoise(model, positive, None, first, start_step=2, **run).video, whole.video)


def test_previews_end_in_the_result(folder: Path, residency: Residency) -> None:
    seen: list[torch.Tensor] = []
    result = our_latent(folder, residency, progress=lambda done, total, preview: seen.append(preview().video))
    assert torch.allclose(seen[-1], result, atol=1e-4)
    assert not torch.allclose(seen[0], result, atol=1e-2)


def test_it_takes_an_image_and_no_prompt(folder: Path, residency: Residency) -> None:
    model, encoder, _ = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    with pytest.raises(SamplingError, match="takes no prompt"):
        encode_text(encoder, "a red boat", **where)
    empty = encode_text(encoder, "", **where)
    assert (token_count(encoder, "a red boat", **where), unknown_words(encoder, "a red boat", **where)) == (0, ())
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    with pytest.raises(SamplingError, match="makes a video from its first frame"):
        denoise(model, empty, None, latent, seed=1, steps=1, guidance_scale=1.0, **where)


def test_a_clip_survives_encode_and_decode_in_shape(folder: Path, residency: Residency) -> None:
    autoencoder = weights.describe(folder).vae
    clip = np.random.default_rng(1).random((6, HEIGHT, WIDTH, 3), dtype=np.float32)
    latent = vae.encode(autoencoder, clip, Fraction(7), device="cpu", residency=residency)
    assert latent.video.shape == (1, 4, 6, HEIGHT // 2, WIDTH // 2)
    for tiling, blocks in (("never", [6]), ("always", [4, 2])):
        decoded = list(vae.decode_blocks(autoencoder, latent, tiling=tiling, device="cpu", residency=residency))
        assert [len(block) for block in decoded] == blocks


def test_expected_working_memory_is_near_what_decoding_takes(folder: Path, residency: Residency) -> None:
    description = weights.describe(folder).vae
    latent = empty_latent(description.capabilities, width=64, height=48, frames=6)
    drawn = noise.draw({"video": tuple(latent.video.shape)}, noise.generator(0))
    latent = replace(latent, samples=drawn, noise_level=0.0)
    with residency.use(description, "cpu") as module:
        expected = families.get("svd").decode_bytes(module, latent)
    peak = peak_bytes(lambda: vae.decode(description, latent, tiling="never", device="cpu", residency=residency))
    assert 0.4 * expected < peak < 1.6 * expected
