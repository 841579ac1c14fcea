"""What the parity tests of all families share: one run of ours, and pictures for both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from server.diffusion import vae, weights
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text

PROMPT, NEGATIVE, SEED = "A red boat drifts left", "blurry dark", 7


def load_pipeline(name: str, folder: Path) -> Any:
    """Return one of diffusers' pipelines over a folder, in float32 and silent."""
    import diffusers

    pipeline = getattr(diffusers, name).from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    for component in pipeline.components.values():
        if isinstance(component, torch.nn.Module):
            component.requires_grad_(False)  # as ours are: torch chooses kernels by it, which differ in the last bit
    return pipeline


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Return random pixels, (height, width, 3) in 0..255."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def our_frames(
    folder: Path,
    residency: Residency,
    *,
    width: int,
    height: int,
    frames: int,
    image: np.ndarray | None = None,
    prompt: str = PROMPT,
    negative: str | None = NEGATIVE,
    **settings: Any,
) -> np.ndarray:
    """Return the decoded frames of one run of ours, from descriptions to pixels."""
    model, encoder, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    latent = empty_latent(model.capabilities, width=width, height=height, frames=frames)
    positive = encode_text(encoder, prompt, **where)
    if image is not None:
        positive = condition_on_images(autoencoder, positive, latent, {0: image.astype(np.float32) / 255}, **where)
    without = None if negative is None else encode_text(encoder, negative, **where)
    return vae.decode(autoencoder, denoise(model, positive, without, latent, seed=SEED, **settings, **where), **where)
