"""Images as conditioning: what a clip begins with, ends with, or shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from server.diffusion import families, memory, weights
from server.diffusion.errors import SamplingError, SizeError
from server.diffusion.families.base import ImageOptions, Tensors
from server.diffusion.memory import Residency
from server.diffusion.text import SEEN
from server.diffusion.types import Capabilities, Conditioning, ImageEncoder, Latent, Vae

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMAGE = "image_"
"""Begins the names of all tensors that come from images."""


@torch.no_grad()
def condition_on_images(
    vae: Vae,
    positive: Conditioning | None,
    latent: Latent,
    images: Mapping[int, NDArray[np.float32]],
    *,
    image_encoder: ImageEncoder | None = None,
    options: ImageOptions | None = None,
    device: str = "auto",
    residency: Residency | None = None,
) -> Conditioning:
    """Add images that a clip has to show at given frames to conditioning.

    Args:
        vae: The autoencoder of the model that will denoise.
        positive: The encoded prompt; None for a model that takes no prompt.
        latent: The latent that will be denoised: it says the clip's size and length. Its samples are not read.
        images: By pixel frame, counted from the end when negative; (height, width, 3) in 0 to 1, of the clip's size.
        image_encoder: For models that want one; the one in the autoencoder's folder unless told otherwise.
        options: Of models that are told about motion, and see the image under noise; others do not look at them.
        device: Where to run; the result is on the CPU in any case.
        residency: Where weights are kept; the process's own unless told otherwise.

    Returns:
        The conditioning, with tensors whose names begin with "image_" beside those of the prompt.

    Raises:
        SizeError: An image is not of the clip's size, or lies outside its length.
        SamplingError: The model does not take images at these frames, or not without others; or the prompt was encoded
            for another family.
    """
    able = vae.capabilities
    if positive is not None and positive.family != able.family:
        raise SamplingError(
            f"The prompt was encoded for the {positive.family} family, but the autoencoder is {able.family}.",
            "Connect the text encoder and the autoencoder of the same model.",
        )
    placed = _placed(able, latent, images)
    family, residency, device = families.get(able.family), residency or memory.shared(), memory.pick_device(device)
    encoder = image_encoder or weights.image_encoder_of(vae)
    # Batched before it is permuted, as by diffusers: strides choose between convolutions, which differ in the last bit.
    pictures = {index: torch.from_numpy(image[None]).permute(0, 3, 1, 2) for index, image in placed.items()}
    tensors: dict[str, torch.Tensor] = {}
    if encoder is not None:
        with residency.use(encoder, device) as stack:
            tensors |= family.embed_images(stack, list(pictures.values()))
    with residency.use(vae, device) as module:
        pixels = {index: picture * 2.0 - 1.0 for index, picture in pictures.items()}
        tensors |= family.encode_images(module, pixels, latent, able, options=options or ImageOptions())
    prompt = positive or Conditioning(family=able.family, text="", tensors={})
    return Conditioning(
        family=able.family,
        text=prompt.text,
        tensors={**prompt.tensors, **_on_cpu(tensors)},
        empty={**prompt.empty, **_on_cpu(family.without_images(tensors))},
    )


def check(able: Capabilities, positive: Conditioning, latent: Latent) -> None:
    """Refuse conditioning that lacks the images that a model needs, or was made for a clip of another size.

    Raises:
        SamplingError: It does.
    """
    if able.prompt_image and SEEN not in positive.tensors:
        raise SamplingError(
            "This model's text encoder has to see the picture that the video begins with, and did not.",
            "Connect the picture to the node that encodes the prompt, too.",
        )
    given = {name: tensor for name, tensor in positive.tensors.items() if name.startswith(IMAGE)}
    if able.keyframes and given and not latent.empty:
        raise SamplingError(
            "This model takes pictures for a clip that it makes from noise, and the latent holds one.",
            "Connect an empty latent, or leave the pictures away.",
        )
    if able.required_images and not given:
        raise SamplingError(
            f"This model makes a video from its {_listed(able.required_images)}, and got none.",
            "Connect conditioning that an image was added to.",
        )
    for tensor in given.values():
        if tensor.ndim == 5 and tensor.shape[-2:] != latent.video.shape[-2:]:
            raise SamplingError(
                "The images were encoded for a clip of another width or height than the latent's.",
                "Connect the same latent to the image conditioning and to the denoiser.",
            )
    if any(t.ndim == 5 and t.shape[2] not in {1, latent.video.shape[2]} for t in given.values()):
        raise SamplingError(
            "The images were encoded for a clip of another length than the latent's.",
            "Connect the same latent to the image conditioning and to the denoiser.",
        )


def _placed(
    able: Capabilities, latent: Latent, images: Mapping[int, NDArray[np.float32]]
) -> dict[int, NDArray[np.float32]]:
    """Return the images by frame, in order, counted from the start."""
    for image in images.values():
        height, width = image.shape[:2]
        if (width, height) != (latent.width, latent.height):
            raise SizeError(
                f"An image is {width} x {height} where the clip is {latent.width} x {latent.height}.",
                f"Resize it to {latent.width} x {latent.height}.",
            )
    outside = [index for index in images if not -latent.frames <= index < latent.frames]
    if outside:
        raise SizeError(
            f"Frame {outside[0]} lies outside the clip, which has {latent.frames} frames.",
            f"Try {latent.frames - 1}, the last one.",
        )
    placed = {index % latent.frames: image for index, image in sorted(images.items(), key=lambda item: item[0] < 0)}
    names = {0: "first", latent.frames - 1: "last"}
    wrong = [index for index in placed if names.get(index) not in able.images and not able.keyframes]
    if wrong or len(placed) < len(images):
        takes = f"images at these frames alone: {_listed(able.images)}" if able.images else "no images"
        raise SamplingError(f"This model takes {takes}.", "Use an image-to-video model, or leave the image away.")
    missing = [name for name in able.required_images if name not in {names.get(index) for index in placed}]
    if missing:
        raise SamplingError(f"This model needs an image of the {_listed(tuple(missing))}, too.", "Connect it.")
    return dict(sorted(placed.items()))


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(f"{name} frame" for name in names)


def _on_cpu(tensors: Tensors) -> Tensors:
    return {name: tensor.cpu() for name, tensor in tensors.items()}
