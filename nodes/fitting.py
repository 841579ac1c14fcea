"""Pictures for a latent: of its family's model, and brought to its size. No nodes here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nodes import Image, Latent, NodeInputError, Vae

if TYPE_CHECKING:
    from server.media.types import Array

Fit = Literal["fill", "stretch"]


def check_family(vae: Vae, latent: Latent) -> None:
    """Refuse a latent of another family than the autoencoder's, which the checks could not foresee.

    Raises:
        NodeInputError: It is one.
    """
    if latent.family != vae.family:
        message = f"the latent is of the {latent.family} family, but the autoencoder is {vae.family}"
        raise NodeInputError("vae", message, "connect the autoencoder of the model that will denoise")


def fitted_pixels(image: Image, latent: Latent, fit: Fit) -> Array:
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
