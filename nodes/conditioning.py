"""The node that lets a video begin or end with pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from nodes import Advanced, Conditioning, Context, Image, InputProblem, Latent, NodeInputError, Seed, Slider, Vae, node
from nodes.blame import blaming
from nodes.fitting import Fit, check_family, fitted_pixels
from nodes.origins import Origin, origin, prompt_problems, vae_problems


@node(
    category="conditioning",
    title="Image to video",
    uses="gpu",
    aliases=("i2v", "img2vid", "first frame", "last frame", "start image", "end image", "keyframe", "animate"),
)
def image_to_video(
    vae: Vae,
    latent: Latent,
    positive: Conditioning | None = None,
    first: Image | None = None,
    last: Image | None = None,
    *,
    fit: Fit = "fill",
    motion: Annotated[int, Slider(1, 255), Advanced()] = 127,
    noise: Annotated[float, Slider(0.0, 1.0, step=0.01), Advanced()] = 0.02,
    noise_seed: Annotated[int, Seed(), Advanced()] = 0,
    ctx: Context,
) -> Conditioning:
    """Let a video begin with a picture, end with one, or both, for models that can.

    Args:
        vae: The autoencoder of the model that will denoise.
        latent: The empty latent that will be denoised; the pictures are brought to its size.
        positive: The encoded prompt; models that take none do without.
        first: The first frame.
        last: The last frame.
        fit: `fill` crops what is too wide or too high; `stretch` keeps all of the picture.
        motion: How much shall move, for models that are told (Stable Video Diffusion).
        noise: Noise on the picture, for models that are told; more moves further away from it.
        noise_seed: Of that noise.

    Returns:
        The conditioning, for `positive` of a denoise node.
    """
    from server.diffusion.families.base import ImageOptions
    from server.diffusion.sampling.images import condition_on_images

    if first is None and last is None:
        raise NodeInputError("first", "no picture is connected", "connect the first frame, the last, or both")
    check_family(vae, latent)
    given = {0: first, -1: last}
    images = {index: fitted_pixels(image, latent, fit) for index, image in given.items() if image is not None}
    with blaming("first" if first is not None else "last"):
        return condition_on_images(
            vae,
            positive,
            latent,
            images,
            options=ImageOptions(noise_aug_strength=noise, motion_bucket_id=motion, seed=noise_seed),
            device=ctx.device,
        )


@image_to_video.check
def _check_images(vae: Vae, *, latent: Origin | None, positive: Origin | None) -> Iterator[InputProblem]:
    if not vae.capabilities.images:
        yield InputProblem("vae", f"{vae.name} takes no pictures", "use a model that makes video from images")
    yield from vae_problems(vae, latent)
    yield from prompt_problems(vae, "autoencoder", positive)


@image_to_video.foretell
def _with_images(vae: Vae) -> Origin:
    return origin(vae, images=True)
