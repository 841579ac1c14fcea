"""Guidance: how the predictions with and without the prompt become one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from server.diffusion.families.base import Denoiser, Family, Step, Tensors
from server.diffusion.types import Capabilities


@dataclass(frozen=True, slots=True)
class Scales:
    """How strongly a run is guided.

    Attributes:
        first: Strength of classifier-free guidance; with several experts, the high-noise one's.
        second: The low-noise expert's.
        embedded: What a network with embedded guidance is told.
        guided: Whether the branch without the prompt runs at all.
        batched: Whether both branches run in one forward.
    """

    first: float
    second: float
    embedded: float
    guided: bool
    batched: bool

    @classmethod
    def of(cls, able: Capabilities, scale: float, scale_2: float | None, true_cfg: float) -> Scales:
        """Return the scales of a run of a model, from the settings of `denoise`."""
        plain = true_cfg if able.embedded_guidance else scale
        if scale_2 is None:
            scale_2 = able.default_guidance_scale_2
        second = plain if len(able.experts) == 1 or scale_2 is None else scale_2
        return cls(plain, second, scale, plain > 1.0, able.batched_cfg)


def guided_prediction(
    family: Family,
    denoiser: Denoiser,
    samples: Tensors,
    step: Step,
    *,
    positive: Tensors,
    negative: Tensors | None,
    guidance_scale: float | torch.Tensor,
    batched: bool = False,
) -> Tensors:
    """Predict with classifier-free guidance, or plainly when there is no negative.

    Args:
        family: The model's adapter.
        denoiser: The loaded denoiser.
        samples: Noisy samples by name.
        step: Where in the schedule they are.
        positive: Conditioning to follow.
        negative: Conditioning to move away from; None runs one forward.
        guidance_scale: Strength of the guidance, broadcast over the samples.
        batched: Both branches in one forward, as some families are run, which differs from two in the last bits.
    """
    if negative is None:
        return family.predict(denoiser, samples, positive, step)
    if batched:
        both = family.predict(
            denoiser, _stack(samples, samples), _stack(negative, positive), replace(step, branch="cond_uncond")
        )
        without, with_prompt = _halves(both)
    else:
        with_prompt = family.predict(denoiser, samples, positive, step)
        without = family.predict(denoiser, samples, negative, replace(step, branch="uncond"))
    return {name: without[name] + guidance_scale * (with_prompt[name] - without[name]) for name in with_prompt}


def _stack(first: Tensors, second: Tensors) -> Tensors:
    return {name: torch.cat([first[name], second[name]]) for name in first}


def _halves(both: Tensors) -> tuple[Tensors, Tensors]:
    split = {name: tensor.chunk(2) for name, tensor in both.items()}
    return {name: half[0] for name, half in split.items()}, {name: half[1] for name, half in split.items()}
