"""What most families do alike. An adapter inherits it and says only where its family differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from server.diffusion.errors import SamplingError
from server.diffusion.families.base import ImageOptions, ImageStack, Tensors, TextStack
from server.diffusion.types import MAIN, Capabilities, ImageEncoder, Latent, Model, TextEncoder, Vae, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Adapter:
    """Defaults: one denoiser, one text encoder, samples (batch, channels, frames, height, width), no images."""

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the components that make up a description of this kind; none where the variant has no such part."""
        del named
        parts: Mapping[type[Weights], tuple[str, ...]] = {
            Model: ("transformer", "scheduler"),
            TextEncoder: ("text_encoder", "tokenizer"),
            Vae: ("vae",),
            ImageEncoder: (),
        }
        return parts[kind]

    def encode_text_about(self, stack: TextStack, prompt: str, tokens: int, picture: Tensor) -> Tensors:
        """Refuse: the family's text encoders see no picture."""
        raise SamplingError("This model's text encoder sees no picture.", "Leave the picture unconnected.")

    def without_prompt(self, stack: TextStack, tensors: Tensors) -> Tensors | None:
        """Return None: an empty prompt stands for a negative one that is not given."""
        del stack, tensors
        return None

    def latent_shapes(
        self, capabilities: Capabilities, *, width: int, height: int, frames: int
    ) -> Mapping[str, tuple[int, ...]]:
        """Return the one shape (1, channels, latent frames, height, width)."""
        scale = capabilities.spatial_scale
        latent_frames = capabilities.padded_frames(capabilities.latent_frames(frames))
        return {MAIN: (1, capabilities.latent_channels, latent_frames, height // scale, width // scale)}

    def embed_images(self, stack: ImageStack, pictures: list[Tensor]) -> Tensors:
        """Refuse: the family has no image encoder."""
        raise SamplingError("This model has no image encoder.", "Leave the image encoder unconnected.")

    def encode_images(
        self,
        vae: torch.nn.Module,
        images: Mapping[int, Tensor],
        latent: Latent,
        able: Capabilities,
        *,
        options: ImageOptions,
    ) -> Tensors:
        """Refuse: the family takes no images."""
        raise SamplingError("This model takes no images.", "Use an image-to-video model.")

    def without_images(self, tensors: Tensors) -> Tensors:
        """Return the same: most families guide by the prompt, with the images in both branches."""
        return tensors

    def pack(self, samples: Tensors) -> Tensors:
        """Return the samples as they are."""
        return samples

    def unpack(self, samples: Tensors) -> Tensors:
        """Return the samples as they are."""
        return samples

    def begin(self, samples: Tensors, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Return the noise as it is."""
        del conditioning, generator
        return samples

    def settle(self, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Return nothing: no conditioning is left to chance."""
        del conditioning, generator
        return {}

    def pin(self, samples: Tensors, conditioning: Tensors, *, before: Tensors, sigma: float) -> Tensors:
        """Return the samples as they are."""
        del conditioning, before, sigma
        return samples

    def end(self, samples: Tensors, conditioning: Tensors) -> Tensors:
        """Return the samples as they are."""
        del conditioning
        return samples

    def schedule_options(self, config: Mapping[str, Any], steps: int, samples: Tensors) -> Mapping[str, Any]:
        """Return nothing: the schedule depends on the number of steps and the shift alone."""
        del config, steps, samples
        return {}

    def guidance(self, scale: float, samples: Tensors) -> float | Tensor:
        """Return the scale."""
        del samples
        return scale


class FrameFirst(Adapter):
    """Defaults for a family whose samples run (batch, frames, channels, height, width)."""

    def pack(self, samples: Tensors) -> Tensors:
        """Swap channels and frames."""
        return {name: sample.transpose(1, 2) for name, sample in samples.items()}

    def unpack(self, samples: Tensors) -> Tensors:
        """Swap channels and frames."""
        return self.pack(samples)
