"""LTX-Video against diffusers' pipelines over the same folder: equal to the last bit on the CPU."""

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
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, our_frames, picture
from tests.diffusion.tiny import make_t5, make_tokenizer

WIDTH, HEIGHT, FRAMES, STEPS = 64, 32, 9, 4
DYNAMIC = {"use_dynamic_shifting": True, "base_shift": 0.95, "max_shift": 2.05, "shift_terminal": 0.1}


def make_ltx(folder: Path, *, conditioned: bool) -> Path:
    """Save a random LTX-Video pipeline; its decoder takes a timestep when `conditioned`."""
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXPipeline,
        LTXVideoTransformer3DModel,
    )

    torch.manual_seed(0)
    transformer = LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        num_layers=2,
        caption_channels=16,
    )
    autoencoder = AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        timestep_conditioning=conditioned,
    )
    autoencoder.latents_mean.copy_(torch.linspace(-0.3, 0.4, 8))
    autoencoder.latents_std.copy_(torch.linspace(0.6, 1.7, 8))
    LTXPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**(DYNAMIC if conditioned else {"use_dynamic_shifting": True})),
        vae=autoencoder,
        text_encoder=make_t5(),
        tokenizer=make_tokenizer(),
        transformer=transformer,
    ).save_pretrained(folder)
    (folder / weights.MANIFEST).write_text('{"name": "tiny ltx", "max_sequence_length": 16}', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    made: dict[bool, Path] = {}

    def get(conditioned: bool) -> Path:
        if conditioned not in made:
            made[conditioned] = make_ltx(tmp_path_factory.mktemp("ltx"), conditioned=conditioned)
        return made[conditioned]

    return get


def pipeline_frames(folder: Path, *, image: np.ndarray | None, guidance: float, conditioned: bool) -> np.ndarray:
    from PIL import Image

    pipeline = load_pipeline("LTXPipeline" if image is None else "LTXImageToVideoPipeline", folder)
    source = torch.Generator("cpu").manual_seed(SEED)
    if conditioned:
        # The pipeline draws the decoder's noise where the run's ends; ours has a seed of its own, so that a decode
        # does not depend on how its latent came about.
        decode, own = pipeline.vae.decode, torch.Generator("cpu").manual_seed(0)
        drawn = torch.randn(1, 8, 2, HEIGHT // 32, WIDTH // 32, generator=own)

        def with_our_noise(z: torch.Tensor, timestep: torch.Tensor, **keywords: Any) -> Any:
            del z
            return decode(0.975 * clean[0] + 0.025 * drawn, timestep, **keywords)

        clean: list[torch.Tensor] = []
        denormalize = pipeline._denormalize_latents
        pipeline._denormalize_latents = lambda *given: clean.append(denormalize(*given)) or clean[0]
        pipeline.vae.decode = with_our_noise
    return pipeline(
        **({} if image is None else {"image": Image.fromarray(image)}),
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        width=WIDTH,
        height=HEIGHT,
        num_frames=FRAMES,
        frame_rate=25,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        decode_timestep=0.05,
        decode_noise_scale=0.025,
        max_sequence_length=16,
        generator=source,
        output_type="np",
    ).frames[0]


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("with_image", [False, True])
@pytest.mark.parametrize("conditioned", [False, True])
def test_the_frames_equal_the_pipelines_bit_for_bit(
    conditioned: bool, with_image: bool, guidance: float, folder: Callable[[bool], Path], residency: Residency
) -> None:
    image = picture(WIDTH, HEIGHT) if with_image else None
    where = {"width": WIDTH, "height": HEIGHT, "frames": FRAMES}
    ours = our_frames(folder(conditioned), residency, image=image, steps=STEPS, guidance_scale=guidance, **where)
    assert ours.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    theirs = pipeline_frames(folder(conditioned), image=image, guidance=guidance, conditioned=conditioned)
    assert np.array_equal(ours, theirs)


def test_a_shift_that_is_set_replaces_the_one_by_size(folder: Callable[[bool], Path], residency: Residency) -> None:
    def run(**settings: Any) -> np.ndarray:
        size = {"width": WIDTH, "height": HEIGHT, "frames": 1}
        return our_frames(folder(False), residency, steps=2, guidance_scale=1.0, **size, **settings)

    assert not np.array_equal(run(), run(shift=5.0))
    assert not np.array_equal(run(shift=2.0), run(shift=5.0))
    assert not np.array_equal(run(), run(solver="unipc"))


def test_one_step_is_refused_where_the_schedule_is_stretched_over_its_steps(
    folder: Callable[[bool], Path], residency: Residency
) -> None:
    with pytest.raises(SamplingError, match="cannot be made of one step") as caught:
        our_frames(folder(True), residency, width=WIDTH, height=HEIGHT, frames=1, steps=1, guidance_scale=1.0)
    assert caught.value.hint == "Take 2 or more."


def test_a_clip_survives_encode_and_decode_in_shape(folder: Callable[[bool], Path], residency: Residency) -> None:
    autoencoder = weights.describe(folder(False)).vae
    clip = np.random.default_rng(1).random((FRAMES, HEIGHT, WIDTH, 3), dtype=np.float32)
    latent = vae.encode(autoencoder, clip, Fraction(25), device="cpu", residency=residency)
    assert latent.video.shape == (1, 8, 2, 1, 2)
    for tiling in ("never", "always"):
        decoded = vae.decode(autoencoder, latent, tiling=tiling, device="cpu", residency=residency)
        assert decoded.shape == clip.shape


def test_frames_and_sizes_have_the_familys_own_grid(folder: Callable[[bool], Path]) -> None:
    able = weights.describe(folder(False)).model.capabilities
    assert (able.spatial_scale, able.temporal_scale, able.images) == (32, 8, ("first",))
    for size, hint in (({"width": 48}, "Try 64"), ({"frames": 10}, "Try 17"), ({"frames": 300}, "Try 257")):
        with pytest.raises(SizeError) as caught:
            empty_latent(able, **({"width": 64, "height": 64, "frames": 9} | size))
        assert caught.value.hint.startswith(hint)


def test_expected_working_memory_is_near_what_decoding_takes(
    folder: Callable[[bool], Path], residency: Residency
) -> None:
    from tests.diffusion.memory_use import peak_bytes

    description = weights.describe(folder(False)).vae
    latent = empty_latent(description.capabilities, width=64, height=64, frames=9)
    drawn = noise.draw({"video": tuple(latent.video.shape)}, noise.generator(0))
    latent = replace(latent, samples=drawn, noise_level=0.0)
    with residency.use(description, "cpu") as module:
        expected = families.get("ltx").decode_bytes(module, latent)
    peak = peak_bytes(lambda: vae.decode(description, latent, tiling="never", device="cpu", residency=residency))
    assert 0.4 * expected < peak < 1.6 * expected
