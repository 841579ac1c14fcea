"""An encoded image that the run itself draws: its mean and deviation travel as conditioning.

Pipelines draw it from the run's own generator, before the noise. So it belongs to the seed of the run, and is not known
when the image is encoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.diffusion.families.base import Tensors

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_MEAN, _DEVIATION = "image_mean", "image_deviation"


def describe(distribution: Any) -> dict[str, Tensor]:
    """Return the tensors that stand for an encoder's posterior."""
    return {_MEAN: distribution.mean.float(), _DEVIATION: distribution.std.float()}


def draw(conditioning: Tensors, generator: torch.Generator) -> Tensor | None:
    """Draw the image's latent; None when the conditioning holds no image."""
    import torch

    if _MEAN not in conditioning:
        return None
    mean, deviation = conditioning[_MEAN], conditioning[_DEVIATION]
    return mean + deviation * torch.randn(mean.shape, generator=generator, dtype=torch.float32)
