"""Keyframes of LTX-Video from 0.9.5 on: pictures at any frame, held until the run's noise sinks to theirs.

A picture at the first frame takes that frame's place; others stand as frames of tokens before the clip's, at the time
that they belong to. Order of operations is kept as in diffusers' LTXConditionPipeline; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from server.diffusion.families.base import Tensors

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LATENT, _STRENGTH = "image_keyframe_", "image_strength_"
_TOLERANCE = 1e-6


def describe(latents: Mapping[int, Tensor], strength: float) -> dict[str, Tensor]:
    """Return the conditioning that stands for pictures by pixel frame, (1, C, 1, height, width) each."""
    import torch

    tensors = {f"{_LATENT}{index}": latent for index, latent in latents.items()}
    return tensors | {f"{_STRENGTH}{index}": torch.tensor([strength]) for index in latents}


def indices(conditioning: Tensors) -> list[int]:
    """Return the pixel frames that have a picture, in order."""
    return sorted(int(name.removeprefix(_LATENT)) for name in conditioning if name.startswith(_LATENT))


def begin(noise: Tensor, conditioning: Tensors, generator: torch.Generator) -> Tensor:
    """Return what a run begins with: noise for the clip, mixed with its pictures, and frames for those within it."""
    import torch

    frames = [noise]
    for index in indices(conditioning):
        latent, strength = conditioning[f"{_LATENT}{index}"], float(conditioning[f"{_STRENGTH}{index}"][0])
        if index == 0:
            first = torch.lerp(noise[:, :, :1], latent, strength)
            frames[-1] = torch.cat([first, noise[:, :, 1:]], dim=2)
            continue
        drawn = torch.randn(latent.shape, generator=generator, dtype=torch.float32).to(noise.device)
        frames.insert(len(frames) - 1, torch.lerp(drawn, latent, strength))
    return torch.cat(frames, dim=2)


def end(samples: Tensor, conditioning: Tensors) -> Tensor:
    """Return the clip's frames alone."""
    return samples[:, :, sum(index > 0 for index in indices(conditioning)) :]


def hold(samples: Tensor, conditioning: Tensors, *, before: Tensor, sigma: float) -> Tensor:
    """Put back the pictures that hold less noise than the step began with."""
    import torch

    free = sigma - _TOLERANCE < 1.0 - strengths(samples, conditioning)
    return torch.where(free[None, None, :, None, None], samples, before)


def strengths(samples: Tensor, conditioning: Tensors) -> Tensor:
    """Return how fixed each frame of samples is, 0 to 1."""
    at = indices(conditioning)
    within = [float(conditioning[f"{_STRENGTH}{index}"][0]) for index in at if index > 0]
    fixed = samples.new_zeros(samples.shape[2])
    fixed[: len(within)] = samples.new_tensor(within)
    if at[:1] == [0]:
        fixed[len(within)] = float(conditioning[f"{_STRENGTH}0"][0])
    return fixed


def timesteps(samples: Tensor, conditioning: Tensors, timestep: Tensor) -> Tensor:
    """Return the timestep of every token, (batch, tokens), or one for all, (batch, 1)."""
    import torch

    told = timestep.expand(samples.shape[0]).unsqueeze(-1).float()
    if not indices(conditioning):
        return told
    fixed = strengths(samples, conditioning).repeat_interleave(samples.shape[3] * samples.shape[4])
    return torch.min(told, (1 - fixed.expand(samples.shape[0], -1)) * 1000.0)


def places(samples: Tensor, conditioning: Tensors, scales: tuple[int, int], fps: float) -> Tensor:
    """Return where every token is, (batch, 3, tokens): seconds, and pixels down and across."""
    import torch

    batch, _, frames, height, width = samples.shape
    spatial, temporal = scales
    within = [index for index in indices(conditioning) if index > 0]
    clip = (torch.arange(frames - len(within)) * temporal + 1 - temporal).clamp(min=0)
    times = torch.cat([torch.tensor(within, dtype=clip.dtype), clip])
    grid = torch.meshgrid(times, torch.arange(height) * spatial, torch.arange(width) * spatial, indexing="ij")
    coords = torch.stack(grid).flatten(1).float()
    coords[0] = coords[0] * (1.0 / fps)
    return coords.to(samples.device).expand(batch, -1, -1)


def schedule(steps: int) -> Mapping[str, Any]:
    """Return the sigmas, first in small even steps, then in growing ones, and the timesteps that go with them."""
    import numpy as np
    from diffusers.pipelines.ltx.pipeline_ltx_condition import linear_quadratic_schedule

    told = (linear_quadratic_schedule(steps) * 1000).numpy().astype(np.float32)
    return {"timesteps": told, "sigmas": told / 1000}
