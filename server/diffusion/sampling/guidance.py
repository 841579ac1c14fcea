"""Guidance: how the predictions with and without the prompt become one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch

from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Denoiser, Family, Step, Tensors
from server.diffusion.sampling.guiders import Guiders
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
    guiders: Guiders | None = None,
) -> Tensors:
    """Predict with guidance, or plainly when there is no negative.

    Args:
        family: The model's adapter.
        denoiser: The loaded denoiser.
        samples: Noisy samples by name.
        step: Where in the schedule they are.
        positive: Conditioning to follow.
        negative: Conditioning to move away from; None runs one forward.
        guidance_scale: Strength of the guidance, broadcast over the samples.
        batched: Both branches in one forward, as some families are run, which differs from two in the last bits.
        guiders: How the predictions are merged; None is classifier-free guidance over the whole run.

    Raises:
        SamplingError: The model guides each frame by a strength of its own, which only plain guidance knows, or lacks
            the layers that guidance shall skip.
    """
    if negative is None:
        return family.predict(denoiser, samples, positive, step)
    call = partial(_both, family, denoiser, samples, step, batched=batched)
    if guiders is None:
        with_prompt, without = call(positive=positive, negative=negative)
        return {name: without[name] + guidance_scale * (with_prompt[name] - without[name]) for name in with_prompt}
    if isinstance(guidance_scale, torch.Tensor):
        raise SamplingError(
            "This model guides each frame by a strength of its own, which goes with plain guidance alone.",
            "Leave the guidance input unconnected.",
        )
    without, skipped = None, None
    if guiders.needs_negative(step.index, step.total):
        with_prompt, without = call(positive=positive, negative=negative)
    else:
        with_prompt = family.predict(denoiser, samples, positive, step)
    if guiders.skips_layers(step.index, step.total):
        with guiders.without_layers(denoiser.module):
            skipped = family.predict(denoiser, samples, positive, replace(step, branch="skip"))
    return guiders.merge(
        guidance_scale, step.index, step.total, with_prompt=with_prompt, without=without, skipped=skipped
    )


def _both(
    family: Family,
    denoiser: Denoiser,
    samples: Tensors,
    step: Step,
    *,
    positive: Tensors,
    negative: Tensors,
    batched: bool,
) -> tuple[Tensors, Tensors]:
    """Return the predictions with the prompt and without it."""
    if batched:
        both = family.predict(
            denoiser, _stack(samples, samples), _stack(negative, positive), replace(step, branch="cond_uncond")
        )
        without, with_prompt = _halves(both)
        return with_prompt, without
    with_prompt = family.predict(denoiser, samples, positive, step)
    return with_prompt, family.predict(denoiser, samples, negative, replace(step, branch="uncond"))


def _stack(first: Tensors, second: Tensors) -> Tensors:
    return {name: torch.cat([first[name], second[name]]) for name in first}


def _halves(both: Tensors) -> tuple[Tensors, Tensors]:
    split = {name: tensor.chunk(2) for name, tensor in both.items()}
    return {name: half[0] for name, half in split.items()}, {name: half[1] for name, half in split.items()}
