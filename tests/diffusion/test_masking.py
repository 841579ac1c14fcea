"""Inpainting by a mask: against diffusers' pipelines for networks that are not told of the mask, and over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import store, vae, weights
from server.diffusion.errors import SamplingError, SizeError
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.masking import with_mask
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.types import Latent
from server.diffusion.weights import Descriptions
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, picture
from tests.diffusion.test_parity_flux import make_flux
from tests.diffusion.test_parity_stable_diffusion import make_stable_diffusion

WIDTH, HEIGHT, STEPS = 48, 32, 6


def half(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A mask of the right half."""
    mask = np.zeros((height, width), np.float32)
    mask[:, width // 2 :] = 1
    return mask


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("make", "pipeline", "settings"),
    [
        (lambda place: make_stable_diffusion(place, "sd", "DDIMScheduler"), "StableDiffusion", {"guidance_scale": 7.5}),
        (
            lambda place: make_stable_diffusion(place, "sdxl", "EulerDiscreteScheduler"),
            "StableDiffusionXL",
            {"guidance_scale": 7.5},
        ),
        (lambda place: make_flux(place, distilled=False), "Flux", {"guidance_scale": 3.5, "true_cfg_scale": 4.0}),
    ],
    ids=["sd", "sdxl", "flux"],
)
def test_an_image_is_inpainted_as_by_the_pipeline(
    make: Callable[[Path], Path], pipeline: str, settings: dict[str, float], tmp_path: Path, residency: Residency
) -> None:
    from PIL import Image

    folder = make(tmp_path)
    pixels = picture(WIDTH, HEIGHT)
    pipe = load_pipeline(f"{pipeline}InpaintPipeline", folder)
    pipe.vae.encode = mode_of(pipe.vae.encode)
    expected = pipe(
        PROMPT,
        image=Image.fromarray(pixels),
        mask_image=Image.fromarray((half() * 255).astype(np.uint8)),
        negative_prompt=NEGATIVE,
        width=WIDTH,
        height=HEIGHT,
        strength=0.5,
        num_inference_steps=STEPS,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
        **settings,
        **({"max_sequence_length": 16} if pipeline == "Flux" else {}),
    ).images
    model, encoder, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    latent = vae.encode(autoencoder, pixels[None].astype(np.float32) / 255, model.capabilities.default_fps, **where)
    texts = [encode_text(encoder, text, **where) for text in (PROMPT, NEGATIVE)]
    masked = with_mask(latent, model.capabilities, [half()])
    run = {"seed": SEED, "steps": STEPS, "strength": 0.5, **settings, **where}
    assert np.array_equal(vae.decode(autoencoder, denoise(model, *texts, masked, **run), **where), expected)


def mode_of(encode: Callable[..., Any]) -> Callable[..., Any]:
    """Make a pipeline take the most likely latent, as ours does, instead of drawing one."""

    def encode_to_mode(pixels: torch.Tensor) -> Any:
        encoded = encode(pixels)
        encoded.latent_dist.sample = lambda generator=None: encoded.latent_dist.mode()
        return encoded

    return encode_to_mode


@pytest.fixture
def clean(tiny: Descriptions) -> Latent:
    """A clean latent of nine frames, which are three latent ones."""
    empty = empty_latent(tiny.model.capabilities, width=WIDTH, height=HEIGHT, frames=9)
    samples = torch.randn(empty.video.shape, generator=torch.Generator().manual_seed(1))
    return replace(empty, samples={"video": samples}, noise_level=0.0)


@pytest.fixture
def run(tiny: Descriptions, residency: Residency) -> Callable[..., Latent]:
    prompt = encode_text(tiny.text_encoder, PROMPT, device="cpu", residency=residency)
    usual = {"seed": SEED, "steps": STEPS, "guidance_scale": 2.0, "device": "cpu", "residency": residency}
    return lambda latent, **settings: denoise(tiny.model, prompt, None, latent, **(usual | settings))


def test_what_the_mask_keeps_comes_back_bit_for_bit(
    tiny: Descriptions, clean: Latent, run: Callable[..., Latent]
) -> None:
    result = run(with_mask(clean, tiny.model.capabilities, [half()]))
    middle = clean.video.shape[-1] // 2
    assert torch.equal(result.video[..., :middle], clean.video[..., :middle])
    assert (result.video[..., middle:] - clean.video[..., middle:]).abs().mean() > 0.1
    assert result.mask is None


def test_a_mask_over_time_frees_a_latent_frame_when_one_of_its_frames_is_free(
    tiny: Descriptions, clean: Latent, run: Callable[..., Latent]
) -> None:
    frames = [np.ones((HEIGHT, WIDTH), np.float32) * (index == 6) for index in range(9)]
    masked = with_mask(clean, tiny.model.capabilities, frames)
    assert masked.mask is not None
    assert masked.mask.amax(dim=(0, 1, 3, 4)).tolist() == [0, 0, 1]
    result = run(masked)
    assert torch.equal(result.video[:, :, :2], clean.video[:, :, :2])
    assert not torch.equal(result.video[:, :, 2], clean.video[:, :, 2])


def test_a_masked_latent_survives_the_cache(tiny: Descriptions, clean: Latent, tmp_path: Path) -> None:
    masked = with_mask(clean, tiny.model.capabilities, [half()])
    store.write_latent(masked, tmp_path)
    back = store.read_latent(tmp_path)
    assert back.mask is not None
    assert masked.mask is not None
    assert torch.equal(back.mask, masked.mask)
    assert masked.nbytes > clean.nbytes


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([np.ones((16, 16), np.float32)], "The mask is 16 x 16"),
        ([half()] * 3, "has 3 frames where the clip has 9"),
        ([half()] * 10, "longer than the clip"),
    ],
)
def test_a_mask_of_another_size_or_length_is_refused(
    frames: list[np.ndarray], words: str, tiny: Descriptions, clean: Latent
) -> None:
    with pytest.raises(SizeError, match=words):
        with_mask(clean, tiny.model.capabilities, frames)


def test_a_mask_needs_something_to_keep_and_a_run_to_its_end(
    tiny: Descriptions, clean: Latent, run: Callable[..., Latent]
) -> None:
    able = tiny.model.capabilities
    empty = with_mask(empty_latent(able, width=WIDTH, height=HEIGHT, frames=9), able, [half()])
    with pytest.raises(SamplingError, match="this one is empty"):
        run(empty)
    with pytest.raises(SamplingError, match="half denoised already"):
        run(with_mask(run(clean, end_step=3), able, [half()]), start_step=3)
    with pytest.raises(SamplingError, match="stops early"):
        run(with_mask(clean, able, [half()]), end_step=3)
