"""A small network that draws the frame between two others, and running it on frames.

Motion is taken to be straight and even between the two frames: what is at a pixel at time t has moved by `motion` from
the first frame to the second, so it came from `x - t * motion` and goes to `x + (1 - t) * motion`. A table of how badly
each of 81 coarse motions fits is smoothed by a small network, the found motion is refined at half the size, and the two
warped frames are mixed. Where nothing fits, the result falls back on blending.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from server.diffusion.errors import WeightsError
from server.diffusion.memory import pick_device

SHIPPED = Path(__file__).parent / "starter" / "interpolator" / "model.safetensors"
_COARSE = 8
_FINE = 2
_REACH = 4
_MULTIPLE = 16


class Interpolator(nn.Module):
    """Coarse motion by comparison, refinement at half the size, and a mix of warped frames over their blend.

    Args:
        coarse_width: Channels of the network that smooths the table of fits.
        fine_width: Channels of the network that refines motion and mixes.
    """

    offsets: Tensor

    def __init__(self, coarse_width: int = 64, fine_width: int = 48) -> None:
        super().__init__()
        line = torch.arange(-_REACH, _REACH + 1, dtype=torch.float32)
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        self.register_buffer("offsets", torch.stack([columns, rows], -1).flatten(0, 1), persistent=False)
        candidates = len(self.offsets)
        self.coarse = _convolutions(candidates + 7, coarse_width, candidates)
        self.fine = _convolutions(12, fine_width, 4)
        self.sharpness = nn.Parameter(torch.tensor(30.0))

    def forward(self, first: Tensor, second: Tensor, time: Tensor) -> Tensor:
        """Draws the frame at a time between two frames.

        Args:
            first: Frames at time 0, in [0, 1], shaped (N, 3, H, W); height and width are multiples of 16.
            second: Frames at time 1, of the same shape.
            time: Times in (0, 1), shaped (N,).

        Returns:
            Frames about in [0, 1], shaped as the others.
        """
        when = time.view(-1, 1, 1, 1)
        motion = self._coarse_motion(first, second, when)
        motion = functional.interpolate(motion, scale_factor=_COARSE // _FINE, mode="bilinear") * _COARSE / _FINE
        small_first, small_second = (functional.avg_pool2d(frame, _FINE) for frame in (first, second))
        left, right = _warped(small_first, small_second, motion, when)
        clock = when.expand(-1, 1, *motion.shape[2:])
        gap = (left - right).abs().mean(1, keepdim=True)
        seen = torch.cat([left, right, motion / 8, gap, clock, (small_first - small_second)[:, :2]], 1)
        change = self.fine(seen)
        motion = functional.interpolate(motion + 4 * change[:, :2], scale_factor=_FINE, mode="bilinear") * _FINE
        change = functional.interpolate(change[:, 2:], scale_factor=_FINE, mode="bilinear")
        left, right = _warped(first, second, motion, when)
        blend = (1 - when) * first + when * second
        share = (when + change[:, :1]).clamp(0, 1)
        return blend + change[:, 1:] * ((1 - share) * left + share * right - blend)

    def _coarse_motion(self, first: Tensor, second: Tensor, when: Tensor) -> Tensor:
        """Motion in coarse pixels, shaped (N, 2, H / 8, W / 8)."""
        small_first, small_second = (functional.avg_pool2d(frame, _COARSE) for frame in (first, second))
        count, _, height, width = small_first.shape
        candidates = len(self.offsets)
        motions = self.offsets.view(1, candidates, 2, 1, 1).expand(count, -1, -1, height, width).flatten(0, 1)
        many = [frame.repeat_interleave(candidates, 0) for frame in (small_first, small_second)]
        left, right = _warped(many[0], many[1], motions, when.repeat_interleave(candidates, 0))
        misfit = functional.avg_pool2d((left - right).abs().mean(1, keepdim=True), 3, 1, 1, count_include_pad=False)
        misfit = misfit.view(count, candidates, height, width)
        clock = when.expand(-1, 1, height, width)
        smoothed = self.coarse(torch.cat([4 * misfit, small_first, small_second, clock], 1))
        likely = (smoothed - self.sharpness * misfit).softmax(1)
        return torch.einsum("nkhw,kc->nchw", likely, self.offsets)


def _convolutions(inputs: int, width: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, width, 3, padding=1), nn.PReLU(width)]
    for _ in range(3):
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)]
    last = nn.Conv2d(width, outputs, 3, padding=1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    return nn.Sequential(*layers, last)


def _warped(first: Tensor, second: Tensor, motion: Tensor, when: Tensor) -> tuple[Tensor, Tensor]:
    return _moved(first, -when * motion), _moved(second, (1 - when) * motion)


def _moved(frames: Tensor, way: Tensor) -> Tensor:
    """Takes each pixel from `way` pixels further on (x, then y); borders repeat."""
    height, width = frames.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=frames.device) + 0.5, torch.arange(width, device=frames.device) + 0.5, indexing="ij"
    )
    grid = torch.stack([(x + way[:, 0]) * 2 / width - 1, (y + way[:, 1]) * 2 / height - 1], -1)
    return functional.grid_sample(frames, grid, padding_mode="border", align_corners=False)


def load_interpolator(path: Path) -> Interpolator:
    """Loads a network from a safetensors file that `server.diffusion.train` wrote.

    Raises:
        WeightsError: The file does not hold such a network.
    """
    try:
        weights = load_file(path)
        network = Interpolator(weights["coarse.0.weight"].shape[0], weights["fine.0.weight"].shape[0])
        network.load_state_dict(weights)
    except (KeyError, RuntimeError, OSError) as error:
        raise WeightsError(f"{path.name} is not an interpolation network", "use the file that ships") from error
    return network.float().eval().requires_grad_(False)


@torch.no_grad()
def between(network: Interpolator, first: Tensor, second: Tensor, times: Tensor) -> Tensor:
    """Draws frames between two frames of any size.

    Args:
        network: The network; frames go to its device.
        first: The frame at time 0, in [0, 1], shaped (3, H, W).
        second: The frame at time 1, of the same shape.
        times: Times in (0, 1), shaped (N,).

    Returns:
        Frames in [0, 1], on the CPU, shaped (N, 3, H, W).
    """
    device = next(network.parameters()).device
    height, width = first.shape[1:]
    border = (0, -width % _MULTIPLE, 0, -height % _MULTIPLE)
    ends = [functional.pad(frame[None], border, mode="replicate").to(device) for frame in (first, second)]
    drawn = [network(*ends, time.view(1).to(device))[0, :, :height, :width].clamp(0, 1).cpu() for time in times]
    return torch.stack(drawn)


def frame_between(
    first: NDArray[np.float32], second: NDArray[np.float32], time: float, *, device: str = "auto"
) -> NDArray[np.float32]:
    """Draws one frame between two others with the network that ships.

    Args:
        first: The frame at time 0, in [0, 1], shaped (H, W, 3).
        second: The frame at time 1, of the same shape.
        time: In (0, 1).
        device: Where to compute.

    Returns:
        The frame, in [0, 1], of the same shape.
    """
    network = _shipped(pick_device(device))
    left, right = (torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1) for frame in (first, second))
    return between(network, left, right, torch.tensor([time]))[0].permute(1, 2, 0).contiguous().numpy()


@cache
def _shipped(device: str) -> Interpolator:
    return load_interpolator(SHIPPED).to(device)
