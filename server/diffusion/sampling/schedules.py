"""Which part of a schedule a run covers: denoise strength, start and end step."""

from __future__ import annotations

from dataclasses import dataclass

from server.diffusion.errors import SamplingError

_TOLERANCE = 1e-4  # sigmas of the same settings agree far closer; those of the next step differ far more


@dataclass(frozen=True, slots=True)
class Span:
    """The steps of a schedule that a run covers: from `begin`, up to but not including `end`."""

    begin: int
    end: int


def span(
    steps: int,
    *,
    total: int | None = None,
    strength: float = 1.0,
    rounds_up: bool = False,
    start_step: int = 0,
    end_step: int | None = None,
) -> Span:
    """Return the steps to run.

    Args:
        steps: What was asked for.
        total: Length of the whole schedule where it is another: some solvers take a first step in two.
        strength: Share of the schedule's end that is run; 1 runs all of it.
        rounds_up: Whether a step that the strength covers in part is run.
        start_step: First step, counted from 0; not together with a strength below 1.
        end_step: The step to stop before; None runs to the end.

    Raises:
        SamplingError: The settings contradict each other or leave no step.
    """
    total = steps if total is None else total
    end = total if end_step is None else min(end_step, total)
    if strength < 1.0 and start_step > 0:
        raise SamplingError("strength and start_step both say where to begin.", "Set strength to 1 or start_step to 0.")
    begin = start_step if strength >= 1.0 else _begin(steps, strength, rounds_up)
    if begin >= end:
        raise SamplingError(
            f"No step is left to run: they begin at {begin} and end before {end} of {total}.",
            "Raise strength, steps or end_step, or lower start_step.",
        )
    return Span(begin, end)


def _begin(steps: int, strength: float, rounds_up: bool) -> int:
    # Operation by operation as diffusers' pipelines count, so that a share that floats miss by a hair falls alike.
    return int(steps - steps * strength) if rounds_up else steps - int(steps * strength)


def check_level(noise_level: float, sigma: float, start_step: int) -> None:
    """Refuse to go on with a half-denoised latent at another noise level than its own.

    Raises:
        SamplingError: The schedule's sigma at the first step is not the latent's noise level.
    """
    if abs(noise_level - sigma) > _TOLERANCE:
        raise SamplingError(
            f"The latent was left at a noise level of {noise_level:.4f}, but step {start_step} of this schedule begins "
            f"at {sigma:.4f}.",
            "Use the same steps, solver and shift as in the first part, and its end_step as start_step.",
        )
