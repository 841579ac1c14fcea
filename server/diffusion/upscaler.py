"""A small upscaling network in the layout of Real-ESRGAN's compact models (SRVGGNetCompact), and running it on frames.

The keys are that layout's (`body.N.weight`), so that its weights and ours load alike. Read the sizes off the tensors.
Source of the layout: https://github.com/xinntao/Real-ESRGAN, realesrgan/archs/srvgg_arch.py.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from server.diffusion.errors import WeightsError
from server.diffusion.memory import pick_device

SHIPPED = Path(__file__).parent / "starter" / "upscaler" / "model.safetensors"
_BAND_PIXELS = 2**18  # source pixels that pass through the network at once: some 80 MB of activations


class CompactUpscaler(nn.Module):
    """Convolutions and PReLUs at the source's size, then pixels shuffled out, over the nearest-neighbor picture.

    Args:
        channels: Width of the convolutions.
        layers: Convolutions between the first and the last.
        scale: How many times larger the result is.
    """

    def __init__(self, channels: int = 32, layers: int = 6, scale: int = 2) -> None:
        super().__init__()
        self.scale = scale
        body: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.PReLU(channels)]
        for _ in range(layers):
            body += [nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels)]
        self.body = nn.ModuleList([*body, nn.Conv2d(channels, 3 * scale**2, 3, padding=1)])

    def forward(self, frames: Tensor) -> Tensor:
        """Enlarges frames.

        Args:
            frames: In [0, 1], shaped (N, 3, H, W).

        Returns:
            Frames about in [0, 1], shaped (N, 3, H * scale, W * scale).
        """
        hidden = frames
        for layer in self.body:
            hidden = layer(hidden)
        nearest = nn.functional.interpolate(frames, scale_factor=self.scale, mode="nearest")
        return nn.functional.pixel_shuffle(hidden, self.scale) + nearest

    @property
    def reach(self) -> int:
        """How far a source pixel is seen, in source pixels."""
        return (len(self.body) + 1) // 2


def load_upscaler(path: Path) -> CompactUpscaler:
    """Loads a network from a safetensors file with the compact layout's keys.

    Raises:
        WeightsError: The file does not hold such a network.
    """
    try:
        weights = load_file(path)
        last = max(int(name.split(".")[1]) for name in weights)
        first, out = weights["body.0.weight"], weights[f"body.{last}.weight"]
        network = CompactUpscaler(first.shape[0], last // 2 - 1, math.isqrt(out.shape[0] // 3))
        network.load_state_dict(weights)
    except (KeyError, ValueError, IndexError, RuntimeError, OSError) as error:
        raise WeightsError(
            f"{path.name} is not a compact upscaling network", "use a safetensors file with keys such as body.0.weight"
        ) from error
    return network.float().eval().requires_grad_(False)


@torch.no_grad()
def upscale(network: CompactUpscaler, frames: Tensor) -> Tensor:
    """Enlarges frames in bands of rows, so that memory stays bounded; borders repeat their last pixel.

    Args:
        network: The network; frames go to its device.
        frames: In [0, 1], shaped (N, 3, H, W).

    Returns:
        Frames in [0, 1], on the CPU, shaped (N, 3, H * scale, W * scale).
    """
    device, reach, scale = next(network.parameters()).device, network.reach, network.scale
    count, _, height, width = frames.shape
    rows = max(_BAND_PIXELS // width, 1)
    padded = nn.functional.pad(frames, (reach,) * 4, mode="replicate")
    result = torch.empty(count, 3, height * scale, width * scale)
    for index in range(count):
        for top in range(0, height, rows):
            band = padded[index : index + 1, :, top : min(top + rows, height) + 2 * reach]
            large = network(band.to(device))[0, :, reach * scale : -reach * scale, reach * scale : -reach * scale]
            result[index, :, top * scale : top * scale + large.shape[1]] = large.clamp(0, 1).cpu()
    return result


def upscale_pixels(pixels: NDArray[np.float32], *, doublings: int = 1, device: str = "auto") -> NDArray[np.float32]:
    """Doubles the size of a frame with the network that ships, as often as asked.

    Args:
        pixels: In [0, 1], shaped (H, W, 3).
        doublings: How often.
        device: Where to compute.

    Returns:
        Pixels in [0, 1], shaped (H * 2**doublings, W * 2**doublings, 3).
    """
    network = _shipped(pick_device(device))
    frames = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]
    for _ in range(doublings):
        frames = upscale(network, frames)
    return frames[0].permute(1, 2, 0).contiguous().numpy()


@cache
def _shipped(device: str) -> CompactUpscaler:
    return load_upscaler(SHIPPED).to(device)
