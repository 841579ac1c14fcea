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
from server.diffusion.sampling import guidance as guiding
from server.diffusion.sampling import images, masking, noise, schedules
from server.diffusion.sampling.guiders import Guiders
from server.diffusion.sampling.masking import Kept
from server.diffusion.sampling.solver_table import AUTO
from server.diffusion.sampling.solvers import Solver
from server.diffusion.sampling.speed import quickened
from server.diffusion.types import Conditioning, Guidance, Latent, Model, Speed

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
    spacing: str = AUTO,
    strength: float = 1.0,
    start_step: int = 0,
    end_step: int | None = None,
    guidance: Guidance | None = None,
    guidance_scale_2: float | None = None,
    true_cfg_scale: float = 1.0,
    boundary: float | None = None,
    speed: Speed | None = None,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
    device: str = "auto",
    residency: Residency | None = None,
) -> Latent:
    """Remove noise from a latent, guided by conditioning.

    An empty latent is filled with noise. A clean one is noised to the level where the run begins. One that an earlier
    run left half denoised goes on from where it is.

    Args:
        model: The denoiser.
        positive: What to show.
        negative: What to avoid; None stands for an empty prompt. Images that it lacks are the positive's.
        latent: Samples, "video" shaped (batch, channels, frames, height, width).
        seed: Of the noise, 0 to 2**64 - 1; the same on every device.
        steps: Length of the whole schedule, 1 or more.
        guidance_scale: 1 or less follows the prompt alone, with one forward a step. A model with embedded guidance is
            told it, and takes one forward in any case.
        solver: One of `solver_table.NAMES`; "auto" is the model's own.
        shift: Shift of the sigmas, above 0; None keeps the model's own.
        spacing: One of `solver_table.SPACINGS`: how the sigmas are spread.
        strength: Above 0, up to 1: how much of a clean latent may change.
        start_step: First step to run, counted from 0.
        end_step: Step to stop before, leaving noise for a later run; None runs to the end.
        guidance: How the predictions with and without the prompt become one; None is plain guidance at every step.
        guidance_scale_2: Of the low-noise expert; None is the model's own, or else the same as `guidance_scale`.
        true_cfg_scale: Above 1, guidance away from the negative for a model with embedded guidance: two forwards.
        boundary: Share of the training timesteps below which the low-noise expert runs; None keeps the model's own.
        speed: What to do to be faster at the cost of exactness.
        progress: Called after each step; see `Progress`.
        notice: Told, in words, when memory ran out and the run goes on with less of it.
        device: Where to run.
        residency: Where weights are kept; the process's own unless told otherwise.

    Returns:
        The latent, shaped as `latent`, on the CPU.

    Raises:
        SamplingError: The settings contradict each other, or latent, conditioning and model do not belong together.
        BudgetError: The model does not fit its device's budget.
    """
    _check(model, positive, negative, latent)
    device = memory.pick_device(device)
    source = noise.generator(seed)
    solution = _solver(
        model, latent, solver=solver, shift=shift, spacing=spacing, steps=steps, device=device, source=source
    )
    covered = _span(model, solution, latent, steps=steps, strength=strength, start_step=start_step, end_step=end_step)
    scales = guiding.Scales.of(model.capabilities, guidance_scale, guidance_scale_2, true_cfg_scale)
    family = families.get(model.family)
    settled = family.settle(positive.tensors, source)
    unconditional = {**positive.empty, **({} if negative is None else negative.tensors), **settled}
    run = _Run(
        family=family,
        solver=solution,
        positive=_moved({**positive.tensors, **settled}, device),
        negative=_moved(unconditional, device) if scales.guided else None,
        scales=scales,
        guiders=None if guidance is None or guidance == Guidance() else Guiders(guidance),
        latent=latent,
        speed=speed,
        progress=progress,
        notice=notice,
        covered=covered,
    )
    position = run.start(source, device)
    for expert, part in _stages(model, solution, covered, boundary):
        # Each expert is in use for its own steps alone, so that a tight budget needs to hold one of them only.
        run.stage(expert, part.end, position, residency=residency or memory.shared(), device=device)
    # Some schedules end a hair above zero; the run is over all the same.
    left = solution.sigma(covered.end) if covered.end < solution.total else 0.0
    return replace(latent, samples=run.end(position.samples), noise_level=left, mask=None)


@dataclass(slots=True)
class _Position:
    """How far a run is: the next step to take, the packed samples before it, and what a mask keeps of them."""

    index: int
    samples: Tensors
    kept: Kept | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What stays the same over the steps of one run."""

    family: Family
    solver: Solver
    positive: Tensors
    negative: Tensors | None
    scales: guiding.Scales
    guiders: Guiders | None
    latent: Latent
    speed: Speed | None
    progress: Progress | None
    notice: Callable[[str], None] | None
    covered: schedules.Span

    def start(self, source: torch.Generator, device: str) -> _Position:
        """Return where the run begins."""
        latent, begin = self.latent, self.covered.begin
        self.solver.begin(begin)
        samples = {name: sample.to(device, torch.float32) for name, sample in latent.samples.items()}
        clean = samples = self.family.pack(samples)
        drawn: Tensors | None = None
        if latent.empty or latent.noise_level <= 0.0:
            drawn = noise.draw({name: tuple(sample.shape) for name, sample in samples.items()}, source)
            drawn = _moved(drawn, device)
            if latent.empty:
                samples = self.family.begin(self.solver.from_noise(drawn), self.positive, source)
            else:
                samples = self.solver.add_noise(samples, drawn, begin)
        kept = masking.kept(latent, self.family, clean, drawn)
        return _Position(begin, self._pinned(samples, begin, samples), kept)

    def stage(self, expert: Model, end: int, position: _Position, *, residency: Residency, device: str) -> None:
        """Take the steps of one expert; where memory runs out, go on from the same step with less of it."""
        second = expert.expert == expert.capabilities.experts[-1]
        while position.index < end:
            with residency.use(expert, device) as denoiser, quickened(denoiser, self.speed, self.solver.total):
                whole = self._loop(denoiser, end, position, second)
            if not whole:
                held = residency.ease(expert, device)
                if self.notice is not None:
                    self.notice(f"Memory ran out at step {position.index + 1}; {expert.name} goes on {held}.")

    def _loop(self, denoiser: Denoiser, end: int, position: _Position, second: bool) -> bool:
        """Step to `end`; returns whether memory sufficed. The position is that of the last step that was taken."""
        first, last, kept = self.covered.begin, self.covered.end, position.kept
        while position.index < end:
            index, before = position.index, position.samples
            try:
                prediction = self._predict(denoiser, before, index, second)
            except torch.OutOfMemoryError:
                return False
            samples = self._pinned(self.solver.step(prediction, index, before), index, before)
            if kept is not None:
                samples = kept.put_back(samples, self.solver, index + 1)
            position.index, position.samples = index + 1, samples
            if self.progress is not None:
                self.progress(index + 1 - first, last - first, self._preview(prediction, index, before, kept))
        return True

    def end(self, samples: Tensors) -> Tensors:
        """Return packed samples as a latent's, on the CPU."""
        return _moved(self.family.unpack(self.family.end(samples, self.positive)), "cpu")

    def _pinned(self, samples: Tensors, index: int, before: Tensors) -> Tensors:
        return self.family.pin(samples, self.positive, before=before, sigma=self.solver.sigma(index))

    def _predict(self, denoiser: Denoiser, samples: Tensors, index: int, second: bool) -> Tensors:
        solver, latent = self.solver, self.latent
        step = Step(
            index,
            solver.total,
            solver.timestep(index),
            solver.sigma(index),
            "cond",
            fps=float(latent.fps),
            guidance_scale=self.scales.embedded,
        )
        return guiding.guided_prediction(
            self.family,
            denoiser,
            solver.scale(samples, index),
            step,
            positive=self.positive,
            negative=self.negative,
            guidance_scale=self.family.guidance(self.scales.second if second else self.scales.first, samples),
            batched=self.scales.batched,
            guiders=self.guiders,
        )

    def _preview(self, prediction: Tensors, index: int, samples: Tensors, kept: Kept | None) -> Callable[[], Latent]:
        def supply() -> Latent:
            estimate = self._pinned(self.solver.estimate(prediction, index, samples), index, samples)
            if kept is not None:
                estimate = kept.cover(estimate)
            return replace(self.latent, samples=self.end(estimate), noise_level=0.0)

        return supply


def _solver(
    model: Model,
    latent: Latent,
    *,
    solver: str,
    shift: float | None,
    spacing: str,
    steps: int,
    device: str,
    source: torch.Generator,
) -> Solver:
    config = model.source.config("scheduler")
    return Solver(
        config,
        solver=solver,
        shift=shift,
        spacing=spacing,
        steps=steps,
        device=device,
        samples=tuple(latent.samples),
        options=families.get(model.family).schedule_options(config, steps, latent.samples),
        generator=source,
    )


def _stages(
    model: Model, solver: Solver, covered: schedules.Span, boundary: float | None
) -> list[tuple[Model, schedules.Span]]:
    """Return who takes which steps: the one denoiser all of them, or each expert its side of the boundary."""
    able = model.capabilities
    if len(able.experts) == 1:
        return [(model, covered)]
    share = able.boundary if boundary is None else boundary
    steps = range(covered.begin, covered.end)
    change = next((index for index in steps if solver.below(index, share)), covered.end)
    parts = (schedules.Span(covered.begin, change), schedules.Span(change, covered.end))
    experts = (replace(model, expert=expert) for expert in able.experts)
    return [(expert, part) for expert, part in zip(experts, parts, strict=True) if part.begin < part.end]


def _moved(tensors: Tensors, device: str) -> Tensors:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _span(
    model: Model,
    solver: Solver,
    latent: Latent,
    *,
    steps: int,
    strength: float,
    start_step: int,
    end_step: int | None,
) -> schedules.Span:
    """Return the steps to run; refuse those that the latent cannot begin or end with."""
    span = schedules.span(
        steps,
        total=solver.total,
        strength=strength,
        rounds_up=model.capabilities.strength_rounds_up,
        start_step=start_step,
        end_step=end_step,
    )
    if latent.mask is not None and span.end < solver.total:
        raise SamplingError("A masked run forgets what it keeps when it stops early.", "Set end_step to 0.")
    if latent.empty and span.begin > 0:
        raise SamplingError(
            "An empty latent holds nothing to begin with in the middle of the schedule.",
            "Set strength to 1 and start_step to 0, or connect a latent that holds a clip.",
        )
    if 0.0 < latent.noise_level < 1.0:
        schedules.check_level(latent.noise_level, solver.sigma(span.begin), span.begin)
    return span


def _check(model: Model, positive: Conditioning, negative: Conditioning | None, latent: Latent) -> None:
    for name, value in (("positive", positive), ("negative", negative), ("latent", latent)):
        if value is not None and value.family != model.family:
            raise SamplingError(
                f"The {name} input was made for the {value.family} family, but the model is {model.family}.",
                "Connect the text encoder and the latent of the same model.",
            )
    able = model.capabilities
    channels = able.latent_channels
    if latent.video.shape[1] != channels:
        raise SamplingError(
            f"The latent has {latent.video.shape[1]} channels where {model.name} takes {channels}.",
            "Make or encode the latent with this model's own nodes.",
        )
    images.check(able, positive, latent)
