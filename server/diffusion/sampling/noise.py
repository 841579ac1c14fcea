"""Noise by seed, the same on every device, and empty latents to put it in."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import torch

from server.diffusion import families
from server.diffusion.errors import SizeError
from server.diffusion.families.base import Tensors
from server.diffusion.types import Capabilities, Latent


def empty_latent(
    capabilities: Capabilities, *, width: int, height: int, frames: int, fps: Fraction | None = None
) -> Latent:
    """Return an empty latent for a clip of this size, to be filled with noise by `denoise`.

    Args:
        capabilities: Of the model that will denoise it.
        width: Pixels, a legal size.
        height: Pixels, a legal size.
        frames: Pixel frames, a legal number.
        fps: Frames a second; the model's own unless told otherwise.

    Raises:
        SizeError: The model cannot make this size or number of frames; the hint names the nearest that it can.
    """
    check_size(capabilities, width=width, height=height, frames=frames)
    shapes = families.get(capabilities.family).latent_shapes(capabilities, width=width, height=height, frames=frames)
    return Latent(
        family=capabilities.family,
        samples={name: torch.zeros(shape) for name, shape in shapes.items()},
        noise_level=1.0,
        width=width,
        height=height,
        frames=frames,
        fps=fps or capabilities.default_fps,
    )


def check_size(capabilities: Capabilities, *, width: int, height: int, frames: int) -> None:
    """Refuse a size that the model cannot make.

    Raises:
        SizeError: With the nearest legal value in its hint.
    """
    for name, value, fixed in (
        ("width", width, capabilities.fixed_width),
        ("height", height, capabilities.fixed_height),
    ):
        if fixed and value != fixed:
            raise SizeError(f"{name} {value} does not fit this model, which makes {fixed} alone.", f"Try {fixed}.")
        legal = capabilities.legal_size(value)
        if value != legal:
            raise SizeError(
                f"{name} {value} does not fit this model: it takes multiples of {capabilities.size_multiple} "
                f"up to {capabilities.max_size}.",
                f"Try {legal}.",
            )
    legal = capabilities.legal_frames(frames)
    if frames != legal:
        scale = capabilities.frame_step
        rule = f"1 plus a multiple of {scale}" if scale > 1 else "a number from 1"
        raise SizeError(
            f"{frames} frames do not fit this model: it takes {rule}, up to {capabilities.max_frames}.", f"Try {legal}."
        )


def generator(seed: int) -> torch.Generator:
    """Return the source of a run's randomness: on the CPU whatever the device, so that a seed means the same clip.

    Args:
        seed: 0 to 2**64 - 1.
    """
    return torch.Generator("cpu").manual_seed(seed)


def draw(shapes: Mapping[str, tuple[int, ...]], source: torch.Generator) -> Tensors:
    """Draw standard normal float32 noise for named samples.

    Args:
        shapes: By sample name, drawn in this order.
        source: Where it comes from.
    """
    return {name: torch.randn(shape, generator=source, dtype=torch.float32) for name, shape in shapes.items()}
