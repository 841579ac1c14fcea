"""Runs of the tiny models of every family, from descriptions to pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from server.diffusion import vae
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.types import Conditioning, Latent
from server.diffusion.weights import Descriptions
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, picture
from tests.diffusion.single_files import ALL


class Inputs(NamedTuple):
    """What a run of a family takes beside its model."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent
    settings: dict[str, Any]


def inputs(described: Descriptions, name: str, residency: Residency) -> Inputs:
    """Return what a run takes: prompts, an image where there has to be one, an empty latent, settings."""
    model, encoder, autoencoder = described
    family, where = ALL[name], {"device": "cpu", "residency": residency}
    run = dict(family.run)
    size = {key: run.pop(key) for key in ("width", "height", "frames")}
    latent = empty_latent(model.capabilities, fps=Fraction(8), **size)
    prompts = (PROMPT, NEGATIVE) if model.capabilities.prompt_tokens else ("", "")
    positive, negative = (encode_text(encoder, prompt, **where) for prompt in prompts)
    if family.image:
        image = picture(latent.width, latent.height).astype(np.float32) / 255
        positive = condition_on_images(autoencoder, positive, latent, {0: image}, **where)
    return Inputs(positive, negative, latent, {"seed": SEED, **run})


def made(described: Descriptions, name: str, residency: Residency) -> np.ndarray:
    """Return the decoded frames of one run."""
    given, where = inputs(described, name, residency), {"device": "cpu", "residency": residency}
    result = denoise(described.model, given.positive, given.negative, given.latent, **given.settings, **where)
    return vae.decode(described.vae, result, **where)
