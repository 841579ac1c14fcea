"""Nodes between latents and pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from nodes import Advanced, Clip, Context, InputProblem, Latent, NodeInputError, Vae, node
from nodes.blame import blaming
from nodes.origins import Origin, origin, vae_problems

if TYPE_CHECKING:
    from server.media.types import Array

Tiling = Literal["auto", "always", "never"]


@node(category="latent", title="VAE decode", uses="gpu", aliases=("decode latent", "latent to video", "pixels"))
def vae_decode(vae: Vae, latent: Latent, *, tiling: Annotated[Tiling, Advanced()] = "auto", ctx: Context) -> Clip:
    """Decode a latent into a clip, a few frames at a time, as they are asked for.

    Args:
        vae: The autoencoder of the model that made the latent.
        latent: What a denoise node returned.
        tiling: Whether to decode in overlapping tiles, which takes less memory; `auto` does when it must.

    Returns:
        The clip, in float32.
    """
    if latent.family != vae.family:
        message = f"the latent is of the {latent.family} family, but the autoencoder is {vae.family}"
        raise NodeInputError("vae", message, "connect the autoencoder of the model that made the latent")
    if latent.empty:
        raise NodeInputError("latent", "an empty latent holds no picture", "connect the output of a denoise node")

    def produce() -> Iterator[Array]:
        from server.diffusion.vae import decode_blocks

        done = 0
        for block in decode_blocks(vae, latent, tiling=tiling, device=ctx.device):
            done += len(block)
            ctx.report(done, latent.frames, "frame")
            yield block

    return Clip(produce, latent.width, latent.height, latent.fps, latent.frames, "float32")


@vae_decode.check
def _check_origin(vae: Vae, *, latent: Origin | None) -> Iterator[InputProblem]:
    yield from vae_problems(vae, latent)


@node(category="latent", title="VAE encode", uses="gpu", aliases=("encode clip", "video to latent", "img2img"))
def vae_encode(vae: Vae, clip: Clip, *, tiling: Annotated[Tiling, Advanced()] = "auto", ctx: Context) -> Latent:
    """Encode a clip into a latent, to be changed by a denoise node. The clip's sound is left behind.

    Args:
        vae: The autoencoder of the model that will denoise.
        clip: A clip of a size and length that the model can make; resize and trim it first where it is not.
        tiling: Whether to encode in overlapping tiles, which takes less memory; `auto` does when it must.

    Returns:
        A clean latent.
    """
    import numpy as np

    from server.diffusion.sampling.noise import check_size
    from server.diffusion.vae import encode
    from server.media.colors import convert_dtype

    most = vae.capabilities.max_frames
    if clip.frame_count is not None:
        with blaming("clip"):
            check_size(vae.capabilities, width=clip.width, height=clip.height, frames=clip.frame_count)
    blocks: list[Array] = []
    for block in clip.chunks():
        blocks.append(convert_dtype(block, "float32"))
        count = sum(map(len, blocks))
        if count > most:
            raise NodeInputError("clip", f"the clip is longer than the {most} frames that the model takes", "trim it")
        ctx.report(count, clip.frame_count, "frame")
    if not blocks:
        raise NodeInputError("clip", "the clip has no frames", "connect one with at least one frame")
    with blaming("clip"):
        return encode(vae, np.concatenate(blocks), clip.fps, tiling=tiling, device=ctx.device)


@vae_encode.foretell
def _same_model(vae: Vae) -> Origin:
    return origin(vae)
