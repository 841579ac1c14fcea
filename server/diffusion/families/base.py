"""The seam between the shared code and a model family: what an adapter has to provide.

The denoising loop, residency, guidance, solvers and storage are shared and know only this Protocol. Whatever differs
between families (layouts, normalisation, conditioning, how a forward is called) belongs in an adapter, and nothing
else does. Samples and conditioning are dicts of named tensors, so that sound or control signals can ride along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

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
        branch: "cond" or "uncond": caches of features keep the branches apart.
    """

    index: int
    total: int
    timestep: Tensor
    sigma: float
    branch: str


@dataclass(frozen=True, slots=True)
class Denoiser:
    """A loaded denoiser.

    Attributes:
        modules: Networks by component name; most families have one, "transformer".
        scheduler_config: The folder's own scheduler configuration, with `_class_name`.
        dtype: Precision of the networks' inputs. Kept here because a diffusers model walks its parameters to tell.
    """

    modules: Mapping[str, torch.nn.Module]
    scheduler_config: Mapping[str, Any]
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class TextStack:
    """A loaded text encoder.

    Attributes:
        tokenizer: A transformers tokenizer.
        modules: Networks by component name.
    """

    tokenizer: Any
    modules: Mapping[str, torch.nn.Module]


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

    def components(self, kind: type[Weights]) -> tuple[str, ...]:
        """Return the subfolders that make up a description of this kind."""
        ...

    def capabilities(self, folder: Path, manifest: Mapping[str, Any]) -> Capabilities:
        """Read from the folder's configurations what the model can make; loads no weights.

        Raises:
            WeightsError: The folder holds a variant that this adapter cannot run.
        """
        ...

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack` or an autoencoder module."""
        ...

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt, padded or cut to `tokens`; the tensors stay on the encoder's device."""
        ...

    def latent_shapes(
        self, capabilities: Capabilities, *, width: int, height: int, frames: int
    ) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of every named latent for a clip, batch included."""
        ...

    def schedule_options(self, samples: Tensors) -> Mapping[str, Any]:
        """Return what else the scheduler's `set_timesteps` wants for samples of this shape."""
        ...

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the denoiser once; returns its prediction by sample name."""
        ...

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip of a latent, in order, as (frames, 3, height, width) blocks in [-1, 1]."""
        ...

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1] to normalised latents."""
        ...

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory, in bytes, that decoding the latent untiled takes."""
        ...
