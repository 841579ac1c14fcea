"""Clips and images changed in part, against diffusers' pipelines over the same folder: equal bits on the CPU.

Wan's clip to clip is in test_parity.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.utils.torch_utils import randn_tensor

from server.diffusion import vae, weights
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.text import encode_text
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, picture
from tests.diffusion.test_parity_cogvideox import make_cogvideox
from tests.diffusion.test_parity_flux import make_flux
from tests.diffusion.test_parity_stable_diffusion import make_stable_diffusion

ANIMATEDIFF = "diffusers.pipelines.animatediff.pipeline_animatediff_video2video"
WIDTH, HEIGHT, STEPS = 32, 16, 6
FRAMES = {"animatediff": 5, "cogvideox": 9}
PIPELINES = {
    "sd": "StableDiffusionImg2ImgPipeline",
    "sdxl": "StableDiffusionXLImg2ImgPipeline",
    "flux": "FluxImg2ImgPipeline",
    "animatediff": "AnimateDiffVideoToVideoPipeline",
    "cogvideox": "CogVideoXVideoToVideoPipeline",
}
# diffusers' Euler scheduler hands a tensor to numpy in a way that numpy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    made: dict[tuple[str, str], Path] = {}

    def get(family: str, variant: str) -> Path:
        key = (family, variant)
        if key not in made:
            place = tmp_path_factory.mktemp(family)
            if family == "flux":
                made[key] = make_flux(place, distilled=variant == "schnell")
            elif family == "cogvideox":
                made[key] = make_cogvideox(place, *variant.split(" "))
            else:
                made[key] = make_stable_diffusion(place, family, variant)
        return made[key]

    return get


def pixels_of(family: str) -> np.ndarray:
    """Return random pixels, (frames, height, width, 3) in 0..255."""
    return np.stack([picture(WIDTH, HEIGHT, seed) for seed in range(FRAMES.get(family, 1))])


def our_frames(folder: Path, pixels: np.ndarray, residency: Residency, **settings: Any) -> np.ndarray:
    model, encoder, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    source = vae.encode(autoencoder, pixels.astype(np.float32) / 255, model.capabilities.default_fps, **where)
    positive, negative = (encode_text(encoder, text, **where) for text in (PROMPT, NEGATIVE))
    result = denoise(model, positive, negative, source, seed=SEED, steps=STEPS, **settings, **where)
    return vae.decode(autoencoder, result, **where)


def compact(encode: Callable[..., Any]) -> Callable[..., Any]:
    """Make a pipeline begin with the likeliest latent, laid out as ours is: kernels differ by that in the last bit."""

    def encode_to_mode(pixels: torch.Tensor) -> Any:
        encoded = encode(pixels)
        encoded.latent_dist.sample = lambda generator=None: encoded.latent_dist.mode().contiguous()
        return encoded

    return encode_to_mode


def channels_first(shape: tuple[int, ...], **how: Any) -> torch.Tensor:
    """Draw AnimateDiff's noise as its text-to-video pipeline does; from a clip, its pipeline draws frames first."""
    batch, frames, channels, height, width = shape
    return randn_tensor((batch, channels, frames, height, width), **how).transpose(1, 2)


def pipeline_frames(folder: Path, family: str, pixels: np.ndarray, **settings: Any) -> np.ndarray:
    from PIL import Image

    pipe = load_pipeline(PIPELINES[family], folder)
    pipe.vae.encode = compact(pipe.vae.encode)
    frames = [Image.fromarray(frame) for frame in pixels]
    size = {} if family in {"sd", "sdxl"} else {"width": WIDTH, "height": HEIGHT}
    result = pipe(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        **({"video": frames} if family in FRAMES else {"image": frames[0]}),
        **size,
        num_inference_steps=STEPS,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
        **({"max_sequence_length": 16} if family in {"flux", "cogvideox"} else {}),
        **settings,
    )
    return result.frames[0] if family in FRAMES else result.images


@pytest.fixture
def _same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ANIMATEDIFF}.randn_tensor", channels_first)


@pytest.mark.usefixtures("_same_noise")
@pytest.mark.parametrize("strength", [1.0, 0.4])
@pytest.mark.parametrize(
    "case",
    [
        ("sd", "DDIMScheduler", {"guidance_scale": 7.5}),
        ("sd", "PNDMScheduler", {"guidance_scale": 7.5}),
        ("sdxl", "EulerDiscreteScheduler", {"guidance_scale": 7.5}),
        ("flux", "dev", {"guidance_scale": 3.5, "true_cfg_scale": 4.0}),
        ("flux", "schnell", {"guidance_scale": 3.5}),
        ("animatediff", "DDIMScheduler", {"guidance_scale": 7.5}),
        ("cogvideox", "2B CogVideoXDPMScheduler", {"guidance_scale": 6.0}),
        ("cogvideox", "5B CogVideoXDDIMScheduler", {"guidance_scale": 6.0}),
    ],
)
def test_what_is_changed_in_part_equals_the_pipelines_bit_for_bit(
    case: tuple[str, str, dict[str, float]], strength: float, folder: Callable[..., Path], residency: Residency
) -> None:
    family, variant, guidance = case
    place, pixels = folder(family, variant), pixels_of(family)
    ours = our_frames(place, pixels, residency, strength=strength, **guidance)
    assert ours.shape == pixels.shape
    assert ours.std() > 0.01
    theirs = pipeline_frames(place, family, pixels, strength=strength, **guidance)
    assert np.array_equal(ours, theirs), f"{np.abs(ours - theirs).max()} at most"
