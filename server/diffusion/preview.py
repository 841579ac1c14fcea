"""A latent as a small moving picture, cheap enough for every few steps. For the eye only: no result depends on it.

The colors are the best linear map from a latent cell to the pixels below it, fitted once for each autoencoder on a
chart that it encodes. Autoencoders are near enough to linear for that: of the starter model's clips the map shows what
decoding shows (a correlation above 0.99), some hundred times faster.
"""

from __future__ import annotations

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

_LONGEST_SIDE = 256
_MOST_FRAMES = 24  # all of them for the lengths that models are trained on
_CHART_CELLS = 32
_TEXTURE = 0.1  # standard deviation of each of the chart's textures, where colors go from 0 to 1


@torch.no_grad()
def frames(latent: Latent, vae: Vae, *, device: str = "auto", residency: Residency | None = None) -> NDArray[np.uint8]:
    """Show a latent's frames at half their size or less, or 24 of them, evenly spaced, when there are more.

    When there is no room for the autoencoder beside the denoiser, three channels of the latent stand for red, green
    and blue.

    Args:
        latent: Clean samples, or an estimate of them.
        vae: The autoencoder that belongs to the latent.
        device: Where the autoencoder encodes the chart.
        residency: Where weights are kept; the process's own unless told otherwise.

    Returns:
        (frames, height, width, 3), the longest side 256 pixels at most.
    """
    cells = latent.video[0].float().cpu()
    cells = cells[:, _spread(cells.shape[1])]
    try:
        colors = _projected(cells, _projection(vae, memory.pick_device(device), residency or memory.shared()))
    except BudgetError:
        colors = _stretched(cells)
    stride = -(-max(colors.shape[2:]) // _LONGEST_SIDE)
    shown = colors[:, :, ::stride, ::stride].permute(0, 2, 3, 1).clamp(0, 1)
    return (shown * 255).round().to(torch.uint8).numpy()


def _spread(count: int) -> list[int]:
    """Return the numbers of the frames to show, the first and the last among them."""
    shown = min(count, _MOST_FRAMES)
    return [round(number * (count - 1) / max(1, shown - 1)) for number in range(shown)]


def _projected(cells: Tensor, projection: Tensor) -> Tensor:
    """Return (frames, 3, height, width) colors from 0 to 1 of (channels, frames, height, width) cells."""
    ones = torch.ones(1, *cells.shape[1:])
    patches = torch.einsum("cfhw,cr->frhw", torch.cat([cells, ones]), projection)
    return torch.nn.functional.pixel_shuffle(patches, round((projection.shape[1] / 3) ** 0.5))


def _stretched(cells: Tensor) -> Tensor:
    chosen = cells[[0, min(1, len(cells) - 1), min(2, len(cells) - 1)]]
    low, high = chosen.amin(dim=(1, 2, 3), keepdim=True), chosen.amax(dim=(1, 2, 3), keepdim=True)
    return ((chosen - low) / (high - low).clamp(min=1e-6)).transpose(0, 1)


@lru_cache(maxsize=16)
def _projection(vae: Vae, device: str, residency: Residency) -> Tensor:
    """Fit the colors of a patch to its latent cell by least squares over an encoded chart.

    Returns:
        (channels + 1, 3 * patch * patch), where a patch has half as many pixels a side as its cell covers.
    """
    functional = torch.nn.functional
    colors = _chart(vae.capabilities.spatial_scale)
    with residency.use(vae, device) as module:
        samples = families.get(vae.family).encode(module, (colors * 2 - 1).unsqueeze(2), tiled=False)
    latent = samples[MAIN][0, :, 0].float().cpu().flatten(1)
    inputs = torch.cat([latent, torch.ones(1, latent.shape[1])]).T
    patch = max(1, vae.capabilities.spatial_scale // 2)
    patches = functional.pixel_unshuffle(
        functional.avg_pool2d(colors, colors.shape[-1] // _CHART_CELLS // patch), patch
    )
    return torch.linalg.lstsq(inputs, patches[0].flatten(1).T).solution


def _chart(scale: int) -> Tensor:
    """Draw soft colors under random texture of every size, (1, 3, height, width) from 0 to 1.

    Without the texture, what the channels for detail contribute would be left to chance.
    """
    functional = torch.nn.functional
    generator = torch.Generator("cpu").manual_seed(0)
    side = _CHART_CELLS * scale
    colors = functional.interpolate(torch.rand((1, 3, 8, 8), generator=generator), size=side, mode="bilinear")
    texel = 1
    while texel <= scale:
        texture = torch.randn((1, 3, side // texel, side // texel), generator=generator)
        colors = colors + _TEXTURE * functional.interpolate(texture, size=side, mode="bilinear")
        texel *= 2
    return colors.clamp(0, 1)
