"""Solvers by name, over diffusers' schedulers. A scheduler holds state, so every run builds its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import schedulers

from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Tensors

AUTO = "auto"
_CLASSES: Mapping[str, str] = {"euler": "FlowMatchEulerDiscreteScheduler", "unipc": "UniPCMultistepScheduler"}
_SHIFT_FIELD: Mapping[str, str] = {
    "FlowMatchEulerDiscreteScheduler": "shift",
    "UniPCMultistepScheduler": "flow_shift",
}
_FLOW: Mapping[str, Mapping[str, Any]] = {
    "UniPCMultistepScheduler": {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
}


def names() -> tuple[str, ...]:
    """Return the solvers' names; "auto" is the model's own."""
    return (AUTO, *_CLASSES)


class Solver:
    """The schedulers of one run, one for each named sample, in step with each other."""

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        solver: str = AUTO,
        shift: float | None = None,
        steps: int,
        device: str,
        samples: tuple[str, ...],
        options: Mapping[str, Any],
    ) -> None:
        """Build the schedule.

        Args:
            config: The model folder's scheduler configuration.
            solver: One of `names()`.
            shift: Shift of the sigmas, above 0; None keeps the model's own.
            steps: Length of the whole schedule, 1 or more.
            device: Where the samples are.
            samples: Their names.
            options: What else the family passes to `set_timesteps`.

        Raises:
            SamplingError: There is no such solver, or the model's scheduler cannot be shifted.
        """
        self._schedulers = {name: build(config, solver, shift) for name in samples}
        for scheduler in self._schedulers.values():
            scheduler.set_timesteps(steps, device=device, **options)
        self._first = next(iter(self._schedulers.values()))
        self.total = len(self._first.timesteps)

    def begin(self, index: int) -> None:
        """Start at a step of the schedule."""
        for scheduler in self._schedulers.values():
            scheduler.set_begin_index(index)

    def timestep(self, index: int) -> torch.Tensor:
        """Return a step's timestep, as the denoiser takes it."""
        return self._first.timesteps[index]

    def sigma(self, index: int) -> float:
        """Return the noise level before a step; `index` = total gives the level at the very end."""
        return float(self._first.sigmas[index])

    def add_noise(self, samples: Tensors, noise: Tensors, index: int) -> Tensors:
        """Bring clean samples to the noise level before a step."""
        return {name: self._noised(name, samples[name], noise[name], index) for name in samples}

    def step(self, prediction: Tensors, index: int, samples: Tensors) -> Tensors:
        """Go from a step's noise level to the next."""
        timestep = self._first.timesteps[index]
        return {
            name: scheduler.step(prediction[name], timestep, samples[name], return_dict=False)[0]
            for name, scheduler in self._schedulers.items()
        }

    def estimate(self, prediction: Tensors, index: int, samples: Tensors) -> Tensors:
        """Return the clean samples that a velocity points at from a step's noise level."""
        sigma = self.sigma(index)
        return {name: samples[name] - sigma * prediction[name].float() for name in samples}

    def _noised(self, name: str, sample: torch.Tensor, noise: torch.Tensor, index: int) -> torch.Tensor:
        scheduler = self._schedulers[name]
        timestep = scheduler.timesteps[index : index + 1].repeat(sample.shape[0])
        if hasattr(scheduler, "add_noise"):
            return scheduler.add_noise(sample, noise, timestep)
        return scheduler.scale_noise(sample, timestep, noise)


def build(config: Mapping[str, Any], solver: str = AUTO, shift: float | None = None) -> Any:
    """Build a scheduler.

    Args:
        config: The model folder's scheduler configuration, with `_class_name`.
        solver: One of `names()`.
        shift: Replaces the configuration's shift.

    Raises:
        SamplingError: There is no such solver, or the scheduler cannot be shifted.
    """
    own = str(config["_class_name"])
    if solver not in names():
        raise SamplingError(f"There is no solver {solver!r}.", f"Use one of {', '.join(names())}.")
    wanted = own if solver == AUTO else _CLASSES[solver]
    changes: dict[str, Any] = {}
    if wanted != own:
        changes |= _FLOW.get(wanted, {})
        shift = config.get(_SHIFT_FIELD.get(own, ""), 1.0) if shift is None else shift
    if shift is not None:
        if wanted not in _SHIFT_FIELD:
            raise SamplingError(f"The model's own solver, {wanted}, has no shift.", "Leave shift at the model's own.")
        changes[_SHIFT_FIELD[wanted]] = shift
    kept = {key: value for key, value in config.items() if not key.startswith("_")} if wanted == own else {}
    return getattr(schedulers, wanted)(**{**kept, **changes})
