"""CogVideoX against diffusers' pipelines over the same folder: equal to the last bit on the CPU."""

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
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, our_frames, picture
from tests.diffusion.tiny import make_t5, make_tokenizer

WIDTH, HEIGHT, STEPS = 32, 16, 4
ROTARY = {"use_rotary_positional_embeddings": True}
NEWER = ROTARY | {"patch_size_t": 2, "patch_bias": False}
VARIANTS: dict[str, dict[str, Any]] = {
    "2B": {},
    "5B": ROTARY,
    "1.5": NEWER,
    "5B image": ROTARY | {"in_channels": 8, "use_learned_positional_embeddings": True},
    "1.5 image": NEWER | {"in_channels": 8, "ofs_embed_dim": 32},
}


def make_cogvideox(folder: Path, variant: str, scheduler: str) -> Path:
    """Save a random CogVideoX pipeline."""
    import diffusers

    torch.manual_seed(0)
    usual = {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "in_channels": 4,
        "out_channels": 4,
        "time_embed_dim": 32,
        "text_embed_dim": 16,
        "num_layers": 2,
        "sample_width": 4,
        "sample_height": 2,
        "sample_frames": 9,
        "max_text_seq_length": 16,
        "patch_size": 2,
    }
    transformer = diffusers.CogVideoXTransformer3DModel(**(usual | VARIANTS[variant]))
    autoencoder = diffusers.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
        sample_height=32,
        sample_width=32,
        invert_scale_latents=variant == "1.5 image",
        scaling_factor=0.7,
    )
    pipeline = diffusers.CogVideoXImageToVideoPipeline if "image" in variant else diffusers.CogVideoXPipeline
    pipeline(
        tokenizer=make_tokenizer(),
        text_encoder=make_t5(),
        vae=autoencoder,
        transformer=transformer,
        scheduler=getattr(diffusers, scheduler)(
            prediction_type="v_prediction",
            beta_schedule="scaled_linear",
            snr_shift_scale=1.0 if scheduler.endswith("DPMScheduler") else 3.0,
            rescale_betas_zero_snr=True,
            set_alpha_to_one=True,
            timestep_spacing="trailing",
        ),
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    made: dict[tuple[str, str], Path] = {}

    def get(variant: str, scheduler: str = "CogVideoXDPMScheduler") -> Path:
        key = (variant, scheduler)
        if key not in made:
            made[key] = make_cogvideox(tmp_path_factory.mktemp("cog"), variant, scheduler)
        return made[key]

    return get


def pipeline_frames(folder: Path, *, frames: int, guidance: float, image: np.ndarray | None) -> np.ndarray:
    from PIL import Image

    name = "CogVideoXPipeline" if image is None else "CogVideoXImageToVideoPipeline"
    return load_pipeline(name, folder)(
        **({} if image is None else {"image": Image.fromarray(image)}),
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        width=WIDTH,
        height=HEIGHT,
        num_frames=frames,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        max_sequence_length=16,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
    ).frames[0]


@pytest.mark.parametrize("guidance", [1.0, 6.0])
@pytest.mark.parametrize("scheduler", ["CogVideoXDPMScheduler", "CogVideoXDDIMScheduler"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_frames_equal_the_pipelines_bit_for_bit(
    variant: str, scheduler: str, guidance: float, folder: Callable[..., Path], residency: Residency
) -> None:
    place = folder(variant, scheduler)
    image = picture(WIDTH, HEIGHT) if "image" in variant else None
    size = {"width": WIDTH, "height": HEIGHT, "frames": 9}
    ours = our_frames(place, residency, image=image, steps=STEPS, guidance_scale=guidance, **size)
    assert ours.shape == (9, HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    assert np.array_equal(ours, pipeline_frames(place, frames=9, guidance=guidance, image=image))


def test_one_frame_and_more_than_one_chunk_equal_the_pipelines(
    folder: Callable[..., Path], residency: Residency
) -> None:
    for frames in (1, 17):
        ours = our_frames(
            folder("2B"), residency, width=WIDTH, height=HEIGHT, frames=frames, steps=2, guidance_scale=1.0
        )
        assert ours.shape[0] == frames
        theirs = load_pipeline("CogVideoXPipeline", folder("2B"))(
            prompt=PROMPT,
            width=WIDTH,
            height=HEIGHT,
            num_frames=frames,
            num_inference_steps=2,
            guidance_scale=1.0,
            max_sequence_length=16,
            generator=torch.Generator("cpu").manual_seed(SEED),
            output_type="np",
        ).frames[0]
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("variant", ["2B", "1.5"])
def test_a_clip_survives_encode_and_a_weak_denoise(
    variant: str, folder: Callable[..., Path], residency: Residency
) -> None:
    from server.diffusion.sampling.denoise import denoise
    from server.diffusion.text import encode_text

    model, encoder, autoencoder = weights.describe(folder(variant))
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    clip = np.random.default_rng(1).random((9, HEIGHT, WIDTH, 3), dtype=np.float32)
    source = vae.encode(autoencoder, clip, Fraction(8), **where)
    prompt = encode_text(encoder, PROMPT, **where)

    def distance(strength: float) -> float:
        run = {"seed": 1, "steps": 5, "guidance_scale": 1.0, "strength": strength} | where
        result = denoise(model, prompt, None, source, **run)
        assert vae.decode(autoencoder, result, **where).shape == clip.shape
        return float((result.video - source.video).pow(2).mean())

    assert distance(0.2) < distance(1.0)


def test_previews_are_estimates_of_the_clean_clip(folder: Callable[..., Path], residency: Residency) -> None:
    seen: list[torch.Tensor] = []
    our_frames(
        folder("2B", "CogVideoXDDIMScheduler"),
        residency,
        width=WIDTH,
        height=HEIGHT,
        frames=9,
        steps=3,
        guidance_scale=1.0,
        progress=lambda done, total, preview: seen.append(preview().video),
    )
    assert [tuple(video.shape) for video in seen] == [(1, 4, 3, 2, 4)] * 3
    assert all(torch.isfinite(video).all() for video in seen)


def test_the_familys_own_grid_and_solvers_are_kept_to(folder: Callable[..., Path], residency: Residency) -> None:
    able = weights.describe(folder("2B")).model.capabilities
    assert able.legal_frames(10) == 17
    with pytest.raises(SizeError, match="1 plus a multiple of 8"):
        empty_latent(able, width=WIDTH, height=HEIGHT, frames=5)
    learned = weights.describe(folder("5B image")).model.capabilities
    with pytest.raises(SizeError, match="makes 32 alone") as caught:
        empty_latent(learned, width=48, height=HEIGHT, frames=9)
    assert caught.value.hint == "Try 32."
    with pytest.raises(SamplingError, match="its own solver only"):
        our_frames(folder("2B"), residency, width=32, height=16, frames=9, steps=2, guidance_scale=1.0, solver="euler")
    with pytest.raises(SamplingError, match="has no shift"):
        our_frames(folder("2B"), residency, width=32, height=16, frames=9, steps=2, guidance_scale=1.0, shift=3.0)


def test_expected_working_memory_is_near_what_decoding_takes(folder: Callable[..., Path], residency: Residency) -> None:
    description = weights.describe(folder("2B")).vae
    latent = empty_latent(description.capabilities, width=64, height=64, frames=17)
    drawn = noise.draw({"video": tuple(latent.video.shape)}, noise.generator(0))
    latent = replace(latent, samples=drawn, noise_level=0.0)
    with residency.use(description, "cpu") as module:
        expected = families.get("cogvideox").decode_bytes(module, latent)
    peak = peak_bytes(lambda: vae.decode(description, latent, tiling="never", device="cpu", residency=residency))
    assert 0.4 * expected < peak < 1.6 * expected
