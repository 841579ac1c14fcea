"""Guidance: how the predictions with and without the prompt become one."""

from __future__ import annotations

from dataclasses import replace

import torch

from server.diffusion.families.base import Denoiser, Family, Step, Tensors


def guided_prediction(
    family: Family,
    denoiser: Denoiser,
    samples: Tensors,
    step: Step,
    *,
    positive: Tensors,
    negative: Tensors | None,
    guidance_scale: float,
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
        guidance_scale: Above 1, strength of the guidance.
        batched: Both branches in one forward, as some families are run, which differs from two in the last bits.
    """
    if negative is None:
        return family.predict(denoiser, samples, positive, step)
    if batched:
        both = family.predict(denoiser, _stack(samples, samples), _stack(negative, positive), step)
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
