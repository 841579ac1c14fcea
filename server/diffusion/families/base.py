"""The seam between the shared code and a model family: what an adapter has to provide.

The denoising loop, residency, guidance, solvers and storage are shared and know only this Protocol. Whatever differs
between families (layouts, normalisation, conditioning, how a forward is called) belongs in an adapter, and nothing
else does. Samples and conditioning are dicts of named tensors, so that sound or control signals can ride along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from server.diffusion.source import Source
from server.diffusion.types import Capabilities, Latent, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Tensors: TypeAlias = "Mapping[str, Tensor]"
"""Tensors by name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluation of the denoiser within a run.

    Attributes:
        index: Position in the whole schedule, from 0.
        total: Steps of the whole schedule.
        timestep: Scalar tensor as the scheduler made it.
        sigma: Noise level before the step, 0 to 1.
        branch: "cond", "uncond" or, both in one batch, "cond_uncond": caches of features keep the branches apart.
        fps: Frames a second of the clip, for families that place frames in time by it.
        guidance_scale: What a network with embedded guidance is told.
    """

    index: int
    total: int
    timestep: Tensor
    sigma: float
    branch: str
    fps: float = 0.0
    guidance_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Denoiser:
    """A loaded denoiser.

    Attributes:
        modules: The network by component name; of several experts, the one that was asked for.
        dtype: Precision of the network's inputs. Kept here because a diffusers model walks its parameters to tell.
        options: What model_index.json says beside the components, such as "expand_timesteps".
    """

    modules: Mapping[str, torch.nn.Module]
    dtype: torch.dtype
    options: Mapping[str, Any]

    @property
    def module(self) -> torch.nn.Module:
        """The network that predicts."""
        return next(iter(self.modules.values()))


@dataclass(frozen=True, slots=True)
class TextStack:
    """A loaded text encoder.

    Attributes:
        tokenizer: A transformers tokenizer.
        modules: Networks by component name.
        tokenizer_2: The tokenizer of a second text encoder.
        processor: What brings a picture to the size and range of a text encoder that sees.
        options: What model_index.json says beside the components.
    """

    tokenizer: Any
    modules: Mapping[str, torch.nn.Module]
    tokenizer_2: Any = None
    processor: Any = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ImageStack:
    """A loaded image encoder.

    Attributes:
        processor: What brings pictures to the encoder's size and range.
        modules: Networks by component name.
    """

    processor: Any
    modules: Mapping[str, torch.nn.Module]


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """What else a model that starts from an image can be told.

    Attributes:
        strength: Of the images, 0 to 1: how little they may change, for models that hold them so far.
        noise_aug_strength: Noise on the image, from 0; more moves further away from it.
        motion_bucket_id: How much motion, 1 to 255.
        seed: Of the noise on the image.
    """

    strength: float = 1.0
    noise_aug_strength: float = 0.02
    motion_bucket_id: int = 127
    seed: int = 0


class Family(Protocol):
    """What a family's adapter provides."""

    @property
    def name(self) -> str:
        """The family's name, as `Capabilities.family` carries it."""
        ...

    @property
    def pipelines(self) -> frozenset[str]:
        """Class names in model_index.json that this adapter takes."""
        ...

    @property
    def denoiser(self) -> str:
        """Class name of the denoising network, as its configuration carries it."""
        ...

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the components that make up a description of this kind; none where the variant has no such part.

        Args:
            kind: The kind of description.
            named: Components that the pipeline is said to have.
        """
        ...

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make; loads no weights.

        Raises:
            WeightsError: It is a variant that this adapter cannot run.
        """
        ...

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack`, an `ImageStack` or an autoencoder module."""
        ...

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt, padded or cut to `tokens`; the tensors stay on the encoder's device."""
        ...

    def encode_text_about(self, stack: TextStack, prompt: str, tokens: int, picture: Tensor) -> Tensors:
        """Encode one prompt with the (1, 3, height, width) picture in [0, 1] that the clip will begin with."""
        ...

    def without_prompt(self, stack: TextStack, tensors: Tensors) -> Tensors | None:
        """Return what guidance starts from without a negative prompt; None is what an empty prompt encodes to."""
        ...

    def latent_shapes(
        self, capabilities: Capabilities, *, width: int, height: int, frames: int
    ) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of every named latent for a clip, batch included."""
        ...

    def embed_images(self, stack: ImageStack, pictures: list[Tensor]) -> Tensors:
        """Describe (1, 3, height, width) pictures in [0, 1] to the denoiser; a row of the result for each."""
        ...

    def encode_images(
        self,
        vae: torch.nn.Module,
        images: Mapping[int, Tensor],
        latent: Latent,
        able: Capabilities,
        *,
        options: ImageOptions,
    ) -> Tensors:
        """Encode images by pixel frame, (1, 3, height, width) in [-1, 1], as conditioning for a latent's clip."""
        ...

    def without_images(self, tensors: Tensors) -> Tensors:
        """Return what stands for image conditioning in the branch that guidance moves away from."""
        ...

    def pack(self, samples: Tensors) -> Tensors:
        """Bring samples to the layout in which the family's noise is drawn and its steps are taken."""
        ...

    def unpack(self, samples: Tensors) -> Tensors:
        """Undo `pack`."""
        ...

    def begin(self, samples: Tensors, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Return what a run on an empty latent begins with, made of packed noise; more may be drawn, and added."""
        ...

    def settle(self, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Draw what conditioning leaves to chance, before the run's noise is drawn; returns what changed."""
        ...

    def pin(self, samples: Tensors, conditioning: Tensors, *, before: Tensors, sigma: float) -> Tensors:
        """Put back, before the first step and after each, what conditioning holds fixed; packed samples.

        Args:
            samples: After the step.
            conditioning: Of the run.
            before: The samples before the step.
            sigma: The noise level before the step, 0 to 1.
        """
        ...

    def end(self, samples: Tensors, conditioning: Tensors) -> Tensors:
        """Leave out of packed samples what `begin` added to them."""
        ...

    def schedule_options(self, config: Mapping[str, Any], steps: int, samples: Tensors) -> Mapping[str, Any]:
        """Return what else the scheduler's `set_timesteps` wants for samples of this shape."""
        ...

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the denoiser once on packed samples; returns its prediction by sample name, packed."""
        ...

    def guidance(self, scale: float, samples: Tensors) -> float | Tensor:
        """Return the strength of guidance for packed samples: the scale itself, or one that differs by frame."""
        ...

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip of a latent, in order, as (frames, 3, height, width) blocks in [-1, 1]."""
        ...

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1] to normalised latents, without padding."""
        ...

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory, in bytes, that decoding the latent untiled takes."""
        ...
