"""Solvers by name, over diffusers' schedulers. A scheduler holds state, so every run builds its own."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import schedulers

from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Tensors
from server.diffusion.sampling.solver_table import AUTO, SHIFT_FIELD, check_steps, is_flow, stepper

_DYNAMIC = ("use_dynamic_shifting", "time_shift_type", "shift_terminal")  # of a flow's shift by the number of tokens


class Solver:
    """The schedulers of one run, one for each named sample, in step with each other."""

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        solver: str = AUTO,
        shift: float | None = None,
        spacing: str = AUTO,
        steps: int,
        device: str,
        samples: tuple[str, ...],
        options: Mapping[str, Any],
        generator: torch.Generator,
    ) -> None:
        """Build the schedule.

        Args:
            config: The model folder's scheduler configuration.
            solver: One of `solver_table.NAMES`.
            shift: Shift of the sigmas, above 0; None keeps the model's own.
            spacing: How the sigmas are spread, one of `solver_table.SPACINGS`.
            steps: Length of the whole schedule, 1 or more.
            device: Where the samples are.
            samples: Their names.
            options: What else the family passes to `set_timesteps`; what a scheduler does not know is left out.
            generator: What a stochastic solver draws from.

        Raises:
            SamplingError: There is no such solver, or it does not belong to the model's kind.
        """
        check_steps(config, steps)
        self._schedulers = {name: build(config, solver, shift, spacing) for name in samples}
        for scheduler in self._schedulers.values():
            known = inspect.signature(scheduler.set_timesteps).parameters
            given = {key: options[key] for key in options if key in known}
            try:
                scheduler.set_timesteps(steps, device=device, **given)
            except ValueError as error:  # such as more steps than a distilled schedule has
                raise SamplingError(f"{solver} cannot take {steps} steps: {error}", "Take fewer.") from error
        self._first = next(iter(self._schedulers.values()))
        self._flow = is_flow(self._first.config)
        self._generator = generator
        self._old: dict[str, Any] = {}  # of a scheduler that leaves keeping the last estimate to its caller
        self.total = len(self._first.timesteps)

    def begin(self, index: int) -> None:
        """Start at a step of the schedule."""
        for scheduler in self._schedulers.values():
            if hasattr(scheduler, "set_begin_index"):
                scheduler.set_begin_index(index)

    def timestep(self, index: int) -> torch.Tensor:
        """Return a step's timestep, as the denoiser takes it."""
        return self._first.timesteps[index]

    def below(self, index: int, share: float) -> bool:
        """Return whether a step's timestep lies below a share of the training timesteps."""
        return bool(self.timestep(index) < share * self._first.config.num_train_timesteps)

    def sigma(self, index: int) -> float:
        """Return the noise level before a step, 0 to 1; `index` = total gives the level at the very end.

        It is the share of noise in a sample that is scaled to keep its variance, or, in a flow, its plain share.
        """
        if not hasattr(self._first, "sigmas"):
            return math.sqrt(1.0 - float(self._signal(index)))
        sigma = float(self._first.sigmas[index])
        return sigma if self._flow else sigma / math.hypot(sigma, 1.0)

    def scale(self, samples: Tensors, index: int) -> Tensors:
        """Scale samples to what the denoiser expects at a step."""
        return {name: self._scaled(name, sample, index) for name, sample in samples.items()}

    def from_noise(self, noise: Tensors) -> Tensors:
        """Return what a run begins with, made of standard normal noise."""
        if not self._scales:
            return noise
        return {name: self._schedulers[name].init_noise_sigma * noise[name] for name in noise}

    def add_noise(self, samples: Tensors, noise: Tensors, index: int) -> Tensors:
        """Bring clean samples to the noise level before a step."""
        return {name: self._noised(name, samples[name], noise[name], index) for name in samples}

    def step(self, prediction: Tensors, index: int, samples: Tensors) -> Tensors:
        """Go from a step's noise level to the next."""
        return {name: self._stepped(name, prediction[name], index, samples[name]) for name in self._schedulers}

    def estimate(self, prediction: Tensors, index: int, samples: Tensors) -> Tensors:
        """Return the clean samples that a prediction points at from a step's noise level."""
        level = self.sigma(index)
        if self._flow:
            return {name: samples[name] - level * prediction[name].float() for name in samples}
        signal = math.sqrt(max(1.0 - level * level, 1e-8))
        kept = signal if self._explodes else 1.0
        if self._first.config.prediction_type == "epsilon":
            return {name: (samples[name] * kept - level * prediction[name].float()) / signal for name in samples}
        return {name: samples[name] * kept * signal - level * prediction[name].float() for name in samples}

    @property
    def _draws(self) -> bool:
        """Whether steps may draw noise."""
        return "generator" in inspect.signature(self._first.step).parameters

    @property
    def _scales(self) -> bool:
        return hasattr(self._first, "init_noise_sigma")

    @property
    def _explodes(self) -> bool:
        """Whether samples are the clean ones plus noise, rather than scaled to keep their variance."""
        return self._scales and float(self._first.init_noise_sigma) > 1.0

    def _signal(self, index: int) -> Any:
        scheduler = self._first
        if index == self.total:
            return scheduler.final_alpha_cumprod
        return scheduler.alphas_cumprod[int(self.timestep(index))]

    def _scaled(self, name: str, sample: torch.Tensor, index: int) -> torch.Tensor:
        scheduler = self._schedulers[name]
        if not hasattr(scheduler, "scale_model_input"):
            return sample
        return scheduler.scale_model_input(sample, self.timestep(index))

    def _stepped(self, name: str, prediction: torch.Tensor, index: int, sample: torch.Tensor) -> torch.Tensor:
        scheduler, timestep = self._schedulers[name], self.timestep(index)
        if type(scheduler).__name__ != "CogVideoXDPMScheduler":
            source = {"generator": self._generator} if self._draws else {}
            return scheduler.step(prediction, timestep, sample, return_dict=False, **source)[0]
        old = self._old.get(name)
        before = None if old is None else self.timestep(index - 1)
        sample, self._old[name] = scheduler.step(
            prediction, old, timestep, before, sample, generator=self._generator, return_dict=False
        )
        return sample

    def _noised(self, name: str, sample: torch.Tensor, noise: torch.Tensor, index: int) -> torch.Tensor:
        scheduler = self._schedulers[name]
        timestep = scheduler.timesteps[index : index + 1].repeat(sample.shape[0])
        if hasattr(scheduler, "add_noise"):
            return scheduler.add_noise(sample, noise, timestep)
        return scheduler.scale_noise(sample, timestep, noise)


def build(config: Mapping[str, Any], solver: str = AUTO, shift: float | None = None, spacing: str = AUTO) -> Any:
    """Build a scheduler.

    Args:
        config: The model folder's scheduler configuration, with `_class_name`.
        solver: One of `solver_table.NAMES`.
        shift: Replaces the configuration's shift.
        spacing: One of `solver_table.SPACINGS`.

    Raises:
        SamplingError: There is no such solver, or it does not belong to the model's kind.
    """
    chosen = stepper(config, solver, shift=shift, spacing=spacing)
    own, wanted, flow = str(config["_class_name"]), chosen.scheduler, is_flow(config)
    changes: dict[str, Any] = dict(chosen.config)
    if wanted != own and flow:
        changes |= {key: config[key] for key in _DYNAMIC if config.get(key)}
        changes[SHIFT_FIELD[wanted]] = config.get(SHIFT_FIELD.get(own, ""), 1.0)
    if shift is not None:
        changes |= {SHIFT_FIELD[wanted]: shift, "use_dynamic_shifting": False}
    if spacing != AUTO:
        changes[f"use_{spacing}_sigmas"] = True
    kind = getattr(schedulers, wanted)
    known = inspect.signature(kind.__init__).parameters
    # A flow's other solver has nothing but the shift in common with the model's own; the rest shares its betas.
    kept = {key: value for key, value in config.items() if key in known} if wanted == own or not flow else {}
    return kind(**{key: value for key, value in {**kept, **changes}.items() if key in known})
