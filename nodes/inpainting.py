"""The node that lets only a part of a latent be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nodes import Clip, Context, InputProblem, Latent, Mask, NodeInputError, Vae, node
from nodes.blame import blaming
from nodes.origins import Origin, vae_problems

if TYPE_CHECKING:
    from server.media.types import Array


@node(category="latent", title="Inpaint", aliases=("mask latent", "set noise mask", "outpaint", "replace part"))
def mask_latent(
    vae: Vae, latent: Latent, mask: Mask | None = None, clip: Clip | None = None, *, ctx: Context
) -> Latent:
    """Let only a part of a video be made anew: the denoiser keeps the rest as it is, step by step.

    Args:
        vae: The autoencoder that made the latent.
        latent: A latent that holds a clip, from VAE encode.
        mask: Where it may change, for all frames: white is made anew.
        clip: The same for each frame, as a clip of black and white; instead of `mask`.

    Returns:
        The latent with its mask.
    """
    from server.diffusion.sampling.masking import with_mask

    if (mask is None) == (clip is None):
        raise NodeInputError("mask", "a mask or a clip is needed, and not both", "connect one of them")
    frames = [mask.values] if mask is not None else _brightness(clip, ctx)
    with blaming("clip" if mask is None else "mask"):
        return with_mask(latent, vae.capabilities, frames)


@mask_latent.check
def _check_origin(vae: Vae, *, latent: Origin | None) -> Iterator[InputProblem]:
    yield from vae_problems(vae, latent)


@mask_latent.foretell
def _same_latent(*, latent: Origin | None) -> Origin | None:
    return latent


def _brightness(clip: Clip | None, ctx: Context) -> Iterator[Array]:
    """Yield how bright each frame is, (height, width) float32 in [0, 1]."""
    from server.media.colors import convert_dtype

    done = 0
    for block in () if clip is None else clip.chunks():
        done += len(block)
        ctx.report(done, None, "frame")
        yield from convert_dtype(block, "float32").mean(axis=3)
