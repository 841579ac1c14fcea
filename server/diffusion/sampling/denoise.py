"""The denoising loop that all families share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch

from server.diffusion import families, memory
from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Denoiser, Family, Step, Tensors
from server.diffusion.memory import Residency
from server.diffusion.sampling import noise, schedules
from server.diffusion.sampling.guidance import guided_prediction
from server.diffusion.sampling.solvers import AUTO, Solver
from server.diffusion.types import Conditioning, Latent, Model

Progress: TypeAlias = Callable[[int, int, Callable[[], Latent]], None]
"""Called after each step with the steps done, the steps to do, and a supplier of the clean latent as it looks now.
Raising from it ends the run."""


@torch.no_grad()
def denoise(
    model: Model,
    positive: Conditioning,
    negative: Conditioning | None,
    latent: Latent,
    *,
    seed: int,
    steps: int,
    guidance_scale: float,
    solver: str = AUTO,
    shift: float | None = None,
    strength: float = 1.0,
    start_step: int = 0,
    end_step: int | None = None,
    progress: Progress | None = None,
    device: str = "auto",
    residency: Residency | None = None,
) -> Latent:
    """Remove noise from a latent, guided by conditioning.

    An empty latent is filled with noise. A clean one is noised to the level where the run begins. One that an earlier
    run left half denoised goes on from where it is.

    Args:
        model: The denoiser.
        positive: What to show.
        negative: What to avoid; None stands for an empty prompt.
        latent: Samples, "video" shaped (batch, channels, frames, height, width).
        seed: Of the noise, 0 to 2**64 - 1; the same on every device.
        steps: Length of the whole schedule, 1 or more.
        guidance_scale: 1 or less follows the prompt alone, with one forward a step.
        solver: "auto" (the model's own), "euler" or "unipc".
        shift: Shift of the sigmas, above 0; None keeps the model's own.
        strength: Above 0, up to 1: how much of a clean latent may change.
        start_step: First step to run, counted from 0.
        end_step: Step to stop before, leaving noise for a later run; None runs to the end.
        progress: Called after each step; see `Progress`.
        device: Where to run.
        residency: Where weights are kept; the process's own unless told otherwise.

    Returns:
        The latent, shaped as `latent`, on the CPU.

    Raises:
        SamplingError: The settings contradict each other, or latent, conditioning and model do not belong together.
        BudgetError: The model does not fit its device's budget.
    """
    _check(model, positive, negative, latent)
    covered = schedules.span(steps, strength=strength, start_step=start_step, end_step=end_step)
    if latent.empty and covered.begin > 0:
        raise SamplingError(
            "An empty latent holds nothing to begin with in the middle of the schedule.",
            "Set strength to 1 and start_step to 0, or connect a latent that holds a clip.",
        )
    family = families.get(model.family)
    device = memory.pick_device(device)
    with (residency or memory.shared()).use(model, device) as denoiser:
        schedule = Solver(
            denoiser.scheduler_config,
            solver=solver,
            shift=shift,
            steps=steps,
            device=device,
            samples=tuple(latent.samples),
            options=family.schedule_options(latent.samples),
        )
        schedule.begin(covered.begin)
        unconditional = positive.empty if negative is None else negative.tensors
        run = _Run(
            family=family,
            denoiser=denoiser,
            solver=schedule,
            covered=covered,
            positive=_moved(positive.tensors, device),
            negative=_moved(unconditional, device) if guidance_scale > 1.0 else None,
            guidance_scale=guidance_scale,
            batched=model.capabilities.batched_cfg,
        )
        samples = run.loop(_start(latent, schedule, covered.begin, seed, device), latent, progress)
    # Some schedules end a hair above zero; the run is over all the same.
    left = schedule.sigma(covered.end) if covered.end < steps else 0.0
    return replace(latent, samples=_moved(samples, "cpu"), noise_level=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What stays the same over the steps of one run."""

    family: Family
    denoiser: Denoiser
    solver: Solver
    covered: schedules.Span
    positive: Tensors
    negative: Tensors | None
    guidance_scale: float
    batched: bool

    def loop(self, samples: Tensors, latent: Latent, progress: Progress | None) -> Tensors:
        """Take every step of the span."""
        begin, end = self.covered.begin, self.covered.end
        for index in range(begin, end):
            prediction = self._predict(samples, index)
            before, samples = samples, self.solver.step(prediction, index, samples)
            if progress is not None:
                progress(index + 1 - begin, end - begin, self._preview(latent, prediction, index, before))
        return samples

    def _predict(self, samples: Tensors, index: int) -> Tensors:
        solver = self.solver
        return guided_prediction(
            self.family,
            self.denoiser,
            samples,
            Step(index, solver.total, solver.timestep(index), solver.sigma(index), "cond"),
            positive=self.positive,
            negative=self.negative,
            guidance_scale=self.guidance_scale,
            batched=self.batched,
        )

    def _preview(self, latent: Latent, prediction: Tensors, index: int, samples: Tensors) -> Callable[[], Latent]:
        def supply() -> Latent:
            estimate = self.solver.estimate(prediction, index, samples)
            return replace(latent, samples=_moved(estimate, "cpu"), noise_level=0.0)

        return supply


def _moved(tensors: Tensors, device: str) -> Tensors:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _start(latent: Latent, run: Solver, begin: int, seed: int, device: str) -> Tensors:
    samples = {name: sample.to(device, torch.float32) for name, sample in latent.samples.items()}
    if 0.0 < latent.noise_level < 1.0:
        schedules.check_level(latent.noise_level, run.sigma(begin), begin)
        return samples
    drawn = noise.draw({name: tuple(sample.shape) for name, sample in samples.items()}, seed)
    drawn = _moved(drawn, device)
    return drawn if latent.empty else run.add_noise(samples, drawn, begin)


def _check(model: Model, positive: Conditioning, negative: Conditioning | None, latent: Latent) -> None:
    for name, value in (("positive", positive), ("negative", negative), ("latent", latent)):
        if value is not None and value.family != model.family:
            raise SamplingError(
                f"The {name} input was made for the {value.family} family, but the model is {model.family}.",
                "Connect the text encoder and the latent of the same model.",
            )
    channels = model.capabilities.latent_channels
    if latent.video.shape[1] != channels:
        raise SamplingError(
            f"The latent has {latent.video.shape[1]} channels where {model.name} takes {channels}.",
            "Make or encode the latent with this model's own nodes.",
        )
