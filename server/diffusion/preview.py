"""A latent as a small picture, cheap enough for every few steps. For the eye only: no result depends on it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from server.diffusion import families, memory
from server.diffusion.errors import BudgetError
from server.diffusion.memory import Residency
from server.diffusion.types import MAIN, Latent, Vae

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

_SMALL_VAE = 32 * 2**20  # bytes; decoding one frame with such an autoencoder takes milliseconds
_LONGEST_SIDE = 256
_CHART_CELLS = 32
_TEXTURE = 0.1  # standard deviation of each of the chart's textures, where colors go from 0 to 1


@torch.no_grad()
def picture(latent: Latent, vae: Vae, *, device: str = "auto", residency: Residency | None = None) -> NDArray[np.uint8]:
    """Show the middle frame of a latent.

    A small autoencoder decodes the frame. Of a large one only the best linear map from latent cells to colors is
    used, fitted once on a chart that it encodes. When there is no room for it beside the denoiser, three channels of
    the latent stand for red, green and blue.

    Args:
        latent: Clean samples, or an estimate of them.
        vae: The autoencoder that belongs to the latent.
        device: Where to run.
        residency: Where weights are kept; the process's own unless told otherwise.

    Returns:
        (height, width, 3), its longest side 256 pixels at most.
    """
    residency = residency or memory.shared()
    device = memory.pick_device(device)
    middle = latent.video[:1, :, latent.video.shape[2] // 2].float().cpu()
    try:
        if memory.expected_bytes(vae, device) <= _SMALL_VAE:
            colors = _decoded(latent, middle, vae, device, residency)
        else:
            colors = _projected(middle[0], _projection(vae, device, residency))
    except BudgetError:
        colors = _stretched(middle[0])
    stride = -(-max(colors.shape[1:]) // _LONGEST_SIDE)
    return (colors[:, ::stride, ::stride].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def _decoded(latent: Latent, middle: Tensor, vae: Vae, device: str, residency: Residency) -> Tensor:
    frame = replace(latent, samples={MAIN: middle.unsqueeze(2)}, frames=1)
    with residency.use(vae, device) as module:
        block = next(iter(families.get(vae.family).decode(module, frame, tiled=False)))
    return block[0].float().cpu() * 0.5 + 0.5


def _projected(cells: Tensor, projection: Tensor) -> Tensor:
    ones = torch.ones(1, *cells.shape[1:])
    return torch.einsum("chw,cr->rhw", torch.cat([cells, ones]), projection)


def _stretched(cells: Tensor) -> Tensor:
    chosen = cells[[0, min(1, len(cells) - 1), min(2, len(cells) - 1)]]
    low, high = chosen.amin(dim=(1, 2), keepdim=True), chosen.amax(dim=(1, 2), keepdim=True)
    return (chosen - low) / (high - low).clamp(min=1e-6)


@lru_cache(maxsize=16)
def _projection(vae: Vae, device: str, residency: Residency) -> Tensor:
    """Fit colors to latent cells, (channels + 1, 3), by least squares over an encoded chart.

    The chart is soft colors under random texture: without the texture, what the channels for detail contribute to a
    cell's mean color would be left to chance.
    """
    functional = torch.nn.functional
    generator = torch.Generator("cpu").manual_seed(0)
    scale = vae.capabilities.spatial_scale
    side = _CHART_CELLS * scale
    colors = functional.interpolate(torch.rand((1, 3, 8, 8), generator=generator), size=side, mode="bilinear")
    for texel in (1, 2, scale):
        texture = torch.randn((1, 3, side // texel, side // texel), generator=generator)
        colors = colors + _TEXTURE * functional.interpolate(texture, size=side, mode="nearest")
    colors = colors.clamp(0, 1)
    with residency.use(vae, device) as module:
        samples = families.get(vae.family).encode(module, (colors * 2 - 1).unsqueeze(2), tiled=False)
    latent = samples[MAIN][0, :, 0].float().cpu().flatten(1)
    inputs = torch.cat([latent, torch.ones(1, latent.shape[1])]).T
    means = functional.avg_pool2d(colors, scale)[0].flatten(1).T
    return torch.linalg.lstsq(inputs, means).solution
