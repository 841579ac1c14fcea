"""RIFE 4.x (Huang et al., arXiv 2011.06294): the network that draws a frame at any time between two others.

Written from the paper and from the names and shapes of published weights; the tests compare it with the implementation
of Practical-RIFE (https://github.com/hzwer/Practical-RIFE, 4.0). Widths are read off the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from server.diffusion.errors import WeightsError

_SCALES = (8, 4, 2, 1)  # the blocks look at ever finer pictures
_MULTIPLE = 32  # of the sides, so that the coarsest block's strides divide them
_LAYERS = 8


class _Block(nn.Module):
    """Estimates motion and mask at one scale, as a change of what is known."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(_layer(inputs, width // 2, 2), _layer(width // 2, width, 2))
        self.convblock = nn.Sequential(*(_layer(width, width, 1) for _ in range(_LAYERS)))
        self.lastconv = nn.ConvTranspose2d(width, 5, 4, 2, 1)

    def forward(self, seen: Tensor, flow: Tensor | None, scale: int) -> tuple[Tensor, Tensor]:
        seen = _resized(seen, 1 / scale)
        if flow is not None:
            seen = torch.cat([seen, _resized(flow, 1 / scale) / scale], 1)
        hidden = self.conv0(seen)
        found = _resized(self.lastconv(self.convblock(hidden) + hidden), scale * 2)
        return found[:, :4] * scale * 2, found[:, 4:5]


class Rife(nn.Module):
    """Four blocks from coarse to fine; the frame is mixed of both frames, warped by the motion that they found.

    Args:
        widths: Channels of each block.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (192, 128, 96, 64)) -> None:
        super().__init__()
        # First two frames and the time; then two warped frames, the time, the mask, and the flow both ways.
        self.blocks = nn.ModuleList(_Block(7 if index == 0 else 12, width) for index, width in enumerate(widths))

    def forward(self, first: Tensor, second: Tensor, time: Tensor) -> Tensor:
        """Draw the frame at a time between two frames.

        Args:
            first: Frames at time 0, in [0, 1], shaped (N, 3, H, W); height and width are multiples of 32.
            second: Frames at time 1, of the same shape.
            time: Times in (0, 1), shaped (N,).

        Returns:
            Frames in [0, 1], shaped as the others.
        """
        clock = time.view(-1, 1, 1, 1).expand(-1, 1, *first.shape[2:])
        coarsest, *finer = zip(self.blocks, _SCALES, strict=True)
        flow, mask = coarsest[0](torch.cat([first, second, clock], 1), None, coarsest[1])
        left, right = _warped(first, flow[:, :2]), _warped(second, flow[:, 2:4])
        for block, scale in finer:
            change, more = block(torch.cat([left, right, clock, mask], 1), flow, scale)
            flow, mask = flow + change, mask + more
            left, right = _warped(first, flow[:, :2]), _warped(second, flow[:, 2:4])
        share = torch.sigmoid(mask)
        return left * share + right * (1 - share)


def _layer(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.PReLU(outputs))


def _resized(tensor: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return tensor
    return functional.interpolate(tensor, scale_factor=factor, mode="bilinear", align_corners=False)


def _warped(frames: Tensor, flow: Tensor) -> Tensor:
    """Take each pixel from `flow` (x, then y) pixels further on; borders repeat."""
    height, width = frames.shape[2:]
    across = torch.linspace(-1.0, 1.0, width, device=frames.device).view(1, 1, 1, width).expand(1, -1, height, -1)
    down = torch.linspace(-1.0, 1.0, height, device=frames.device).view(1, 1, height, 1).expand(1, -1, -1, width)
    grid = torch.cat([across, down], 1)
    way = torch.cat([flow[:, :1] / ((width - 1.0) / 2.0), flow[:, 1:2] / ((height - 1.0) / 2.0)], 1)
    places = (grid + way).permute(0, 2, 3, 1)
    return functional.grid_sample(frames, places, mode="bilinear", padding_mode="border", align_corners=True)


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of published weights under this network's names, without parts that only training used."""
    kept: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = name.removeprefix("module.").removeprefix("flownet.")
        if plain.startswith("block") and plain[5:6].isdecimal():
            kept[f"blocks.{plain[5]}{plain[6:]}"] = tensor
        elif plain.startswith("blocks."):
            kept[plain] = tensor
    return kept


def load_rife(path: Path) -> Rife:
    """Load a network from a safetensors file, under the names of published weights or this network's.

    Raises:
        WeightsError: The file does not hold such a network.
    """
    try:
        tensors = renamed(load_file(path))
        widths = tuple(tensors[f"blocks.{index}.lastconv.weight"].shape[0] for index in range(len(_SCALES)))
        network = Rife(widths)  # pyright: ignore[reportArgumentType]
        network.load_state_dict(tensors)
    except (KeyError, RuntimeError, OSError, SafetensorError) as error:
        raise WeightsError(
            f"{path.name} holds no RIFE 4 network of the kind that is known here.",
            "Use weights of RIFE 4.0 as safetensors; `kinegraph weights get rife` makes such a file.",
        ) from error
    return network.float().eval().requires_grad_(False)


@torch.no_grad()
def between(network: Rife, first: Tensor, second: Tensor, time: float) -> Tensor:
    """Draw a frame between two frames of any size.

    Args:
        network: The network; frames go to its device.
        first: The frame at time 0, in [0, 1], shaped (3, H, W).
        second: The frame at time 1, of the same shape.
        time: In (0, 1).

    Returns:
        The frame in [0, 1], on the CPU, shaped as the others.
    """
    device = next(network.parameters()).device
    height, width = first.shape[1:]
    border = (0, -width % _MULTIPLE, 0, -height % _MULTIPLE)
    ends = [functional.pad(frame[None].to(device), border) for frame in (first, second)]
    drawn = network(*ends, torch.tensor([time], device=device))
    return drawn[0, :, :height, :width].clamp(0, 1).cpu()
