"""Nodes that add images to what guides a denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from nodes import (
    Advanced,
    Conditioning,
    Context,
    Image,
    InputProblem,
    Latent,
    NodeInputError,
    Number,
    Seed,
    Slider,
    Vae,
    node,
)
from nodes.blame import blaming
from nodes.origins import Origin, origin, prompt_problems, vae_problems

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
    _check_family(vae, latent)
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


@node(
    category="conditioning",
    uses="gpu",
    aliases=("keyframe", "guide frame", "middle frame", "image at frame", "i2v", "LTXVAddGuide"),
)
def add_keyframe(
    vae: Vae,
    latent: Latent,
    image: Image,
    positive: Conditioning,
    *,
    frame: Annotated[int, Number(min=-10_000, max=10_000)] = 0,
    strength: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 1.0,
    fit: Fit = "fill",
    ctx: Context,
) -> Conditioning:
    """Let a video show a picture at any one of its frames. Several in a row hold several pictures.

    For models that take keyframes, which are LTX-Video's from 0.9.5 on; others take pictures by Image to video.

    Args:
        vae: The autoencoder of the model that will denoise.
        latent: The empty latent that will be denoised; the picture is brought to its size.
        image: The picture.
        positive: The encoded prompt, with the keyframes that it has already; one at the same frame is replaced.
        frame: Which frame shows it, counted from 0; -1 is the last one, -2 the one before.
        strength: How closely the frame follows the picture: 1 keeps it, less leaves the model free in the last steps.
        fit: `fill` crops what is too wide or too high; `stretch` keeps all of the picture.

    Returns:
        The conditioning, for `positive` of a denoise node or of the next keyframe.
    """
    from server.diffusion.families.base import ImageOptions
    from server.diffusion.sampling.images import condition_on_images

    for problem in _keyframe_problems(vae):
        raise NodeInputError(problem.input, problem.message, problem.hint)
    _check_family(vae, latent)
    if not -latent.frames <= frame < latent.frames:
        message = f"frame {frame} lies outside the clip, which has {latent.frames} frames"
        raise NodeInputError("frame", message, f"try {latent.frames - 1}, the last one, or make the clip longer")
    with blaming("image"):
        return condition_on_images(
            vae,
            positive,
            latent,
            {frame: _pixels(image, latent, fit)},
            options=ImageOptions(strength=strength),
            device=ctx.device,
        )


@image_to_video.check
def _check_images(vae: Vae, *, latent: Origin | None, positive: Origin | None) -> Iterator[InputProblem]:
    if not vae.capabilities.images:
        yield InputProblem("vae", f"{vae.name} takes no pictures", "use a model that makes video from images")
    yield from vae_problems(vae, latent)
    yield from prompt_problems(vae, "autoencoder", positive)


@add_keyframe.check
def _check_keyframe(vae: Vae, *, latent: Origin | None, positive: Origin | None) -> Iterator[InputProblem]:
    yield from _keyframe_problems(vae)
    yield from vae_problems(vae, latent)
    yield from prompt_problems(vae, "autoencoder", positive)


@image_to_video.foretell
@add_keyframe.foretell
def _with_images(vae: Vae) -> Origin:
    return origin(vae, images=True)


def _keyframe_problems(vae: Vae) -> Iterator[InputProblem]:
    able = vae.capabilities
    if able.keyframes:
        return
    message = f"{vae.name} takes no pictures at frames of one's choice"
    if able.images:
        places = " and ".join(able.images)
        yield InputProblem("vae", message, f"use Image to video, for its {places} frame")
    else:
        yield InputProblem("vae", message, "use a model that makes video from images")


def _check_family(vae: Vae, latent: Latent) -> None:
    if latent.family != vae.family:
        message = f"the latent is of the {latent.family} family, but the autoencoder is {vae.family}"
        raise NodeInputError("vae", message, "connect the autoencoder of the model that will denoise")


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
