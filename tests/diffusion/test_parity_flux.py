"""FLUX against diffusers' pipeline over the same folder: equal to the last bit on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from server.diffusion import families, vae, weights
from server.diffusion.memory import Residency
from server.diffusion.sampling import noise
from server.diffusion.sampling.noise import empty_latent
from tests.diffusion.memory_use import peak_bytes
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, our_frames
from tests.diffusion.tiny import make_clip_text, make_t5, make_tokenizer

WIDTH, HEIGHT, STEPS = 48, 32, 3
MANIFEST = '{"name": "tiny flux", "max_sequence_length": 16}'


def make_flux(folder: Path, *, distilled: bool) -> Path:
    """Save a random FLUX pipeline; the distilled one is not told the guidance scale."""
    import diffusers

    torch.manual_seed(0)
    diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=not distilled, shift=3.0),
        vae=diffusers.AutoencoderKL(
            block_out_channels=(8, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=4,
            latent_channels=4,
            scaling_factor=0.36,
            shift_factor=0.12,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        text_encoder=make_clip_text(),
        tokenizer=make_tokenizer(model_max_length=77),
        text_encoder_2=make_t5(),
        tokenizer_2=make_tokenizer(),
        transformer=diffusers.FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            pooled_projection_dim=16,
            guidance_embeds=not distilled,
            axes_dims_rope=(4, 4, 8),
        ),
    ).save_pretrained(folder)
    (folder / weights.MANIFEST).write_text(MANIFEST, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    made: dict[bool, Path] = {}

    def get(distilled: bool) -> Path:
        if distilled not in made:
            made[distilled] = make_flux(tmp_path_factory.mktemp("flux"), distilled=distilled)
        return made[distilled]

    return get


@pytest.mark.parametrize("true_cfg", [1.0, 4.0])
@pytest.mark.parametrize("distilled", [False, True])
def test_the_image_equals_the_pipelines_bit_for_bit(
    distilled: bool, true_cfg: float, folder: Callable[[bool], Path], residency: Residency
) -> None:
    run = {"guidance_scale": 3.5, "true_cfg_scale": true_cfg}
    ours = our_frames(folder(distilled), residency, width=WIDTH, height=HEIGHT, frames=1, steps=STEPS, **run)
    theirs = load_pipeline("FluxPipeline", folder(distilled))(
        PROMPT,
        negative_prompt=NEGATIVE,
        width=WIDTH,
        height=HEIGHT,
        num_inference_steps=STEPS,
        max_sequence_length=16,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
        **run,
    ).images
    assert ours.shape == (1, HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    assert np.array_equal(ours, theirs)


def test_the_scale_reaches_the_network_that_takes_it(folder: Callable[[bool], Path], residency: Residency) -> None:
    def run(distilled: bool, scale: float) -> np.ndarray:
        size = {"width": WIDTH, "height": HEIGHT, "frames": 1}
        return our_frames(folder(distilled), residency, steps=STEPS, guidance_scale=scale, **size)

    assert not np.array_equal(run(False, 1.5), run(False, 6.0))
    assert np.array_equal(run(True, 1.5), run(True, 6.0))


def test_a_picture_survives_encode_and_decode_in_shape(folder: Callable[[bool], Path], residency: Residency) -> None:
    autoencoder = weights.describe(folder(False)).vae
    clip = np.random.default_rng(1).random((1, HEIGHT, WIDTH, 3), dtype=np.float32)
    latent = vae.encode(autoencoder, clip, Fraction(1), device="cpu", residency=residency)
    assert latent.video.shape == (1, 4, 1, HEIGHT // 2, WIDTH // 2)
    for tiling in ("never", "always"):
        decoded = vae.decode(autoencoder, latent, tiling=tiling, device="cpu", residency=residency)
        assert decoded.shape == clip.shape


def test_expected_working_memory_is_near_what_decoding_takes(
    folder: Callable[[bool], Path], residency: Residency
) -> None:
    description = weights.describe(folder(False)).vae
    latent = empty_latent(description.capabilities, width=128, height=96, frames=1)
    drawn = noise.draw({"video": tuple(latent.video.shape)}, noise.generator(0))
    latent = replace(latent, samples=drawn, noise_level=0.0)
    with residency.use(description, "cpu") as module:
        expected = families.get("flux").decode_bytes(module, latent)
    peak = peak_bytes(lambda: vae.decode(description, latent, tiling="never", device="cpu", residency=residency))
    assert 0.4 * expected < peak < 1.6 * expected
