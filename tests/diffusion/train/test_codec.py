"""The constructed VAE computes the linear code exactly, through its public doors and from disk."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from server.diffusion.scenes.render import Renderer
from server.diffusion.scenes.scene import draw_scene
from server.diffusion.train.codec import PatchCode, build_vae, fit_patch_code


@pytest.fixture(scope="module")
def clips(renderer: Renderer) -> Tensor:
    rng = random.Random(3)
    return renderer([draw_scene(rng, held_out=True) for _ in range(6)], [0, 4, 8, 12, 16])


@pytest.fixture(scope="module")
def vae(code: PatchCode, tmp_path_factory: pytest.TempPathFactory) -> AutoencoderKLWan:
    folder = tmp_path_factory.mktemp("vae")
    build_vae(code).save_pretrained(folder)
    return AutoencoderKLWan.from_pretrained(folder)


def test_directions_are_orthonormal_and_in_order(code: PatchCode):
    assert torch.allclose(code.directions @ code.directions.T, torch.eye(32), atol=1e-4)
    assert (code.spread.diff() <= 0).all()


@torch.no_grad()
def test_the_vae_encodes_what_the_matrix_encodes(vae: AutoencoderKLWan, code: PatchCode, clips: Tensor):
    latents = vae.encode(clips).latent_dist.mode() / torch.tensor(vae.config.latents_std).view(1, -1, 1, 1, 1)
    assert torch.allclose(latents, code.encode(clips), atol=5e-3)


@torch.no_grad()
def test_the_round_trip_is_the_projection_onto_the_directions(vae: AutoencoderKLWan, clips: Tensor):
    decoded = vae.decode(vae.encode(clips).latent_dist.mode()).sample
    error = (decoded - clips).square().mean(dim=(1, 2, 3, 4))
    assert decoded.shape == clips.shape
    assert (10 * torch.log10(4 / error)).mean() > 29.5
    again = vae.decode(vae.encode(decoded).latent_dist.mode()).sample
    assert (again - decoded).square().mean() < 0.05 * error.mean()


@torch.no_grad()
def test_half_precision_files_lose_nothing_that_is_seen(code: PatchCode, clips: Tensor, tmp_path: Path):
    build_vae(code).half().save_pretrained(tmp_path)
    stored = AutoencoderKLWan.from_pretrained(tmp_path, dtype=torch.float32)
    exact = build_vae(code)
    first, second = (v.decode(v.encode(clips).latent_dist.mode()).sample for v in (stored, exact))
    assert (first - second).abs().mean() < 2e-3


def test_more_channels_lose_less(renderer: Renderer, clips: Tensor):
    errors = []
    for channels in (8, 32, 64):
        vae = build_vae(fit_patch_code(renderer, channels=channels, clips=64))
        with torch.no_grad():
            decoded = vae.decode(vae.encode(clips[:2]).latent_dist.mode()).sample
        errors.append((decoded - clips[:2]).square().mean().item())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
