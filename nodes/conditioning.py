"""Nodes that add images to what guides a denoiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from nodes import Advanced, Conditioning, Context, Image, Latent, NodeInputError, Seed, Slider, Vae, node
from nodes.blame import blaming

if TYPE_CHECKING:
    from server.media.types import Array

Fit = Literal["fill", "stretch"]


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
    if latent.family != vae.family:
        message = f"the latent is of the {latent.family} family, but the autoencoder is {vae.family}"
        raise NodeInputError("vae", message, "connect the autoencoder of the model that will denoise")
    given = {0: first, -1: last}
    images = {index: _pixels(image, latent, fit) for index, image in given.items() if image is not None}
    with blaming("first" if first is not None else "last"):
        return condition_on_images(
            vae,
            positive,
            latent,
            images,
            options=ImageOptions(noise_aug_strength=noise, motion_bucket_id=motion, seed=noise_seed),
            device=ctx.device,
        )


def _pixels(image: Image, latent: Latent, fit: Fit) -> Array:
    """Return a picture's pixels at the latent's size, (height, width, 3) float32 in [0, 1]."""
    from server.media.colors import convert_dtype
    from server.media.resize import resize_image

    width, height = latent.width, latent.height
    if (image.width, image.height) != (width, height):
        if fit == "fill":
            image = _cropped(image, width, height)
        image = resize_image(image, width, height)
    return convert_dtype(image.pixels, "float32")


def _cropped(image: Image, width: int, height: int) -> Image:
    """Return the largest middle part of a picture that has the shape width x height."""
    scale = min(image.width / width, image.height / height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    return Image(image.pixels[top : top + high, left : left + wide])
