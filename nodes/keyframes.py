"""The node that lets a video show a picture at any frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from nodes import Conditioning, Context, Image, InputProblem, Latent, NodeInputError, Number, Slider, Vae, node
from nodes.blame import blaming
from nodes.fitting import Fit, check_family, fitted_pixels
from nodes.origins import Origin, origin, prompt_problems, vae_problems


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
    check_family(vae, latent)
    if not -latent.frames <= frame < latent.frames:
        message = f"frame {frame} lies outside the clip, which has {latent.frames} frames"
        raise NodeInputError("frame", message, f"try {latent.frames - 1}, the last one, or make the clip longer")
    with blaming("image"):
        return condition_on_images(
            vae,
            positive,
            latent,
            {frame: fitted_pixels(image, latent, fit)},
            options=ImageOptions(strength=strength),
            device=ctx.device,
        )


@add_keyframe.check
def _check_keyframe(vae: Vae, *, latent: Origin | None, positive: Origin | None) -> Iterator[InputProblem]:
    yield from _keyframe_problems(vae)
    yield from vae_problems(vae, latent)
    yield from prompt_problems(vae, "autoencoder", positive)


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
