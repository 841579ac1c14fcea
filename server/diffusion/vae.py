"""Pixels to latents and back, tiled when the untiled way would not fit."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

from server.diffusion import families, memory
from server.diffusion.errors import SamplingError
from server.diffusion.memory import Residency
from server.diffusion.sampling.noise import check_size
from server.diffusion.types import Capabilities, Latent, Vae

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tiling: TypeAlias = Literal["auto", "always", "never"]
_WORKING_SHARE = 0.5  # of what the budget leaves beside the weights, for one decode


@torch.no_grad()
def decode_blocks(
    vae: Vae,
    latent: Latent,
    *,
    tiling: Tiling = "auto",
    device: str = "auto",
    residency: Residency | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Decode the first clip of a latent, block after block.

    Untiled, a block is what one latent frame decodes to, so that a clip of any length takes the same memory. Tiled,
    there is one block.

    Args:
        vae: The autoencoder.
        latent: Normalised samples, as `denoise` gives them.
        tiling: Whether to decode in overlapping spatial tiles, whose seams are blended; "auto" does when the untiled
            way would not fit the device's budget.
        device: Where to run.
        residency: Where weights are kept; the process's own unless told otherwise.

    Yields:
        (frames, height, width, 3) float32 in 0 to 1.

    Raises:
        SamplingError: The latent is empty or of another family.
    """
    _check(vae, latent)
    family = families.get(vae.family)
    residency = residency or memory.shared()
    device = memory.pick_device(device)
    with residency.use(vae, device) as module:
        tiled = tiling == "always" or (
            tiling == "auto" and family.decode_bytes(module, latent) > _working_bytes(residency, device)
        )
        for block in family.decode(module, latent, tiled=tiled):
            yield (block * 0.5 + 0.5).clamp(0, 1).cpu().permute(0, 2, 3, 1).float().numpy()


def decode(
    vae: Vae,
    latent: Latent,
    *,
    tiling: Tiling = "auto",
    device: str = "auto",
    residency: Residency | None = None,
) -> NDArray[np.float32]:
    """Decode the first clip of a latent at once: `decode_blocks`, joined to (frames, height, width, 3)."""
    import numpy as np

    return np.concatenate(list(decode_blocks(vae, latent, tiling=tiling, device=device, residency=residency)))


@torch.no_grad()
def encode(
    vae: Vae,
    frames: NDArray[np.float32],
    fps: Fraction,
    *,
    tiling: Tiling = "auto",
    device: str = "auto",
    residency: Residency | None = None,
) -> Latent:
    """Encode a clip to a clean latent.

    Args:
        vae: The autoencoder.
        frames: (frames, height, width, 3) float32 in 0 to 1, of a size and length that the model takes.
        fps: Frames a second, carried along.
        tiling: As in `decode_blocks`.
        device: Where to run.
        residency: Where weights are kept; the process's own unless told otherwise.

    Raises:
        SizeError: The model does not take this size or number of frames.
    """
    count, height, width, _ = frames.shape
    check_size(vae.capabilities, width=width, height=height, frames=count)
    family = families.get(vae.family)
    residency = residency or memory.shared()
    device = memory.pick_device(device)
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2).unsqueeze(0) * 2.0 - 1.0
    with residency.use(vae, device) as module:
        shell = Latent(
            family=vae.family, samples={}, noise_level=0.0, width=width, height=height, frames=count, fps=fps
        )
        tiled = tiling == "always" or (
            tiling == "auto" and family.decode_bytes(module, shell) > _working_bytes(residency, device)
        )
        samples = family.encode(module, pixels, tiled=tiled)
    samples = {name: _padded(sample.cpu(), vae.capabilities) for name, sample in samples.items()}
    return Latent(
        family=vae.family, samples=samples, noise_level=0.0, width=width, height=height, frames=count, fps=fps
    )


def _padded(sample: torch.Tensor, able: Capabilities) -> torch.Tensor:
    """Repeat the first latent frame until there are as many as the model takes; decoding leaves the repeats out."""
    missing = able.padded_frames(sample.shape[2]) - sample.shape[2]
    return torch.cat([sample[:, :, :1].expand(-1, -1, missing, -1, -1), sample], dim=2)


def _working_bytes(residency: Residency, device: str) -> float:
    resident = sum(entry.nbytes for entry in residency.residents() if entry.device == device and entry.in_use)
    return (residency.budget(device) - resident) * _WORKING_SHARE


def _check(vae: Vae, latent: Latent) -> None:
    if latent.family != vae.family:
        raise SamplingError(
            f"The latent is of the {latent.family} family, but the autoencoder is {vae.family}.",
            "Connect the autoencoder of the model that made the latent.",
        )
    if latent.empty:
        raise SamplingError("An empty latent holds no picture.", "Connect the output of a denoise node.")
