"""Whose a latent or conditioning will be, as nodes foretell it, so that what does not belong together is found first.

No nodes here. What the library refuses at run time is refused here before anything loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nodes import InputProblem, Model, TextEncoder, Vae


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The model that a latent or conditioning is made for.

    Attributes:
        family: Its family.
        model: Its name, for people.
        channels: Of its latents.
        images: Of conditioning: whether there are images in it.
    """

    family: str
    model: str
    channels: int
    images: bool = False


def origin(part: Model | TextEncoder | Vae, *, images: bool = False) -> Origin:
    """Return the origin of what a part of a model makes."""
    able = part.capabilities
    return Origin(family=part.family, model=part.name, channels=able.latent_channels, images=images)


def vae_problems(vae: Vae, latent: Origin | None) -> Iterator[InputProblem]:
    """Yield what is wrong with a latent and an autoencoder that meet; nothing while the latent's origin is unknown."""
    if latent is None:
        return
    hint = f"connect the autoencoder of {latent.model}, which the latent is made for"
    if latent.family != vae.family:
        message = f"the latent is of the {latent.family} family, but the autoencoder is {vae.family}"
        yield InputProblem("vae", message, hint, "wrong_family")
    elif latent.channels != vae.capabilities.latent_channels:
        counts = f"{latent.channels} channels, but the autoencoder's have {vae.capabilities.latent_channels}"
        yield InputProblem("vae", f"the latent has {counts}", hint, "wrong_family")


def prompt_problems(
    part: Model | Vae, wanted: str, conditioning: Origin | None, name: str = "positive"
) -> Iterator[InputProblem]:
    """Yield what is wrong with a prompt that meets a model; `wanted` says what the model's part is, for people."""
    if conditioning is not None and conditioning.family != part.family:
        message = f"the prompt was encoded for the {conditioning.family} family, but the {wanted} is {part.family}"
        yield InputProblem(name, message, f"encode it by the text encoder of {part.name}", "wrong_family")


def denoising_problems(
    model: Model, positive: Origin | None, negative: Origin | None, latent: Origin | None
) -> Iterator[InputProblem]:
    """Yield which of the wires that meet at a denoiser were made for another one."""
    yield from prompt_problems(model, "model", positive)
    yield from prompt_problems(model, "model", negative, "negative")
    able = model.capabilities
    if able.required_images and positive is not None and positive.family == model.family and not positive.images:
        frames = " and ".join(able.required_images)
        message = f"{model.name} makes a video from its {frames} frame, and got none"
        yield InputProblem("positive", message, "put Image to video between the prompt and this input", "missing_image")
    if latent is None:
        return
    hint = f"make or encode the latent by the model or the autoencoder of {model.name}"
    if latent.family != model.family:
        message = f"the latent is of the {latent.family} family, but the model is {model.family}"
        yield InputProblem("latent", message, hint, "wrong_family")
    elif latent.channels != able.latent_channels:
        message = f"the latent has {latent.channels} channels where {model.name} takes {able.latent_channels}"
        yield InputProblem("latent", message, hint, "wrong_family")
