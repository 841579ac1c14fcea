"""Inpainting: a mask says what of a latent may change; what it keeps is put back after every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from server.diffusion.errors import SamplingError, SizeError
from server.diffusion.families.base import Family, Tensors
from server.diffusion.sampling.solvers import Solver
from server.diffusion.types import MAIN, Capabilities, Latent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run keeps, in the layout that its steps are taken in.

    Attributes:
        mask: 1 where samples may change, 0 where they are kept; broadcasts over the main sample.
        clean: The samples without noise.
        noise: What the run's noise was.
    """

    mask: torch.Tensor
    clean: Tensors
    noise: Tensors

    def put_back(self, samples: Tensors, solver: Solver, index: int) -> Tensors:
        """Put the kept part back at the noise level before a step; `index` = total is without noise.

        As StableDiffusionInpaintPipeline of diffusers does for networks that are not told of the mask.
        """
        kept = self.clean if index >= solver.total else solver.add_noise(self.clean, self.noise, index)
        return {**samples, MAIN: (1 - self.mask) * kept[MAIN] + self.mask * samples[MAIN]}

    def cover(self, estimate: Tensors) -> Tensors:
        """Put the kept part into an estimate of the clean samples."""
        return {**estimate, MAIN: (1 - self.mask) * self.clean[MAIN] + self.mask * estimate[MAIN]}


def kept(latent: Latent, family: Family, clean: Tensors, noise: Tensors | None) -> Kept | None:
    """Return what a run over a latent keeps; None when it has no mask.

    Raises:
        SamplingError: The latent holds nothing to keep: it is empty, or was left half denoised.
    """
    if latent.mask is None:
        return None
    if latent.empty or noise is None:
        state = "empty" if latent.empty else "half denoised already"
        raise SamplingError(
            f"A mask keeps what a latent shows, but this one is {state}.",
            "Mask the latent that VAE encode makes of a clip.",
        )
    device = next(iter(clean.values())).device
    mask = family.pack({MAIN: latent.mask.to(device).expand_as(latent.video).contiguous()})[MAIN]
    return Kept(mask, clean, noise)


def with_mask(latent: Latent, able: Capabilities, frames: Iterable[NDArray[np.float32]]) -> Latent:
    """Return a latent of which only the masked part may change.

    Args:
        latent: A clean latent.
        able: Of its model.
        frames: (height, width) in 0 to 1, of the clip's size: above 0.5 may change. One frame stands for all; otherwise
            there is one for each pixel frame.

    Raises:
        SizeError: The mask is of another size or length than the clip.
    """
    height, width = latent.video.shape[-2:]
    cells: list[torch.Tensor] = []
    for count, frame in enumerate(frames, start=1):
        if frame.shape != (latent.height, latent.width):
            raise SizeError(
                f"The mask is {frame.shape[1]} x {frame.shape[0]} where the clip is {latent.width} x {latent.height}.",
                f"Resize it to {latent.width} x {latent.height}.",
            )
        if count > latent.frames:
            raise SizeError(f"The mask is longer than the clip, which has {latent.frames} frames.", "Trim it.")
        picked = torch.nn.functional.interpolate(torch.from_numpy(frame)[None, None].float(), size=(height, width))
        cells.append((picked[0, 0] > 0.5).float())
    if len(cells) not in {1, latent.frames}:
        raise SizeError(
            f"The mask has {len(cells)} frames where the clip has {latent.frames}.",
            "Give it one frame, or as many as the clip.",
        )
    return replace(latent, mask=_over_time(cells, able, latent.video.shape[2])[None, None])


def _over_time(cells: list[torch.Tensor], able: Capabilities, latent_frames: int) -> torch.Tensor:
    """Return (latent frames, height, width): a latent frame may change where any of its pixel frames may."""
    if len(cells) == 1:
        return cells[0].expand(latent_frames, *cells[0].shape).contiguous()
    padding = latent_frames - able.latent_frames(len(cells))  # some models want frames before the first
    groups = [cells[:1], *(cells[i : i + able.temporal_scale] for i in range(1, len(cells), able.temporal_scale))]
    merged = [torch.stack(group).amax(dim=0) for group in groups]
    return torch.stack([merged[0]] * padding + merged)
