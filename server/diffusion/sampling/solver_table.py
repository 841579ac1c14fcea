"""Which solvers there are, by name, and which scheduler of diffusers takes their steps. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.diffusion.errors import SamplingError

AUTO = "auto"
SPACINGS = (AUTO, "karras", "exponential")
"""How sigmas are spread: the model's own, evenly in sigma to the power of 1/7 (Karras et al. 2022), or in their log."""

_OWN_ONLY = "CogVideoX"  # its schedulers shift the signal-to-noise ratio, which no other does


@dataclass(frozen=True, slots=True)
class Stepper:
    """A scheduler's class, and the configuration that makes it this solver."""

    scheduler: str
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])


_SIGMAS = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
_SDE = {"algorithm_type": "sde-dpmsolver++"}

FLOW: Mapping[str, Stepper] = {
    "euler": Stepper("FlowMatchEulerDiscreteScheduler"),
    "unipc": Stepper("UniPCMultistepScheduler", _SIGMAS),
    "dpm++": Stepper("DPMSolverMultistepScheduler", _SIGMAS),
    "dpm++_sde": Stepper("DPMSolverMultistepScheduler", _SIGMAS | _SDE),
    "deis": Stepper("DEISMultistepScheduler", _SIGMAS),
    "lcm": Stepper("FlowMatchLCMScheduler"),
}
"""For models that predict a flow's velocity."""

DIFFUSION: Mapping[str, Stepper] = {
    "euler": Stepper("EulerDiscreteScheduler"),
    "euler_ancestral": Stepper("EulerAncestralDiscreteScheduler"),
    "ddim": Stepper("DDIMScheduler"),
    "unipc": Stepper("UniPCMultistepScheduler"),
    "dpm++": Stepper("DPMSolverMultistepScheduler"),
    "dpm++_sde": Stepper("DPMSolverMultistepScheduler", _SDE),
    "deis": Stepper("DEISMultistepScheduler"),
    "lcm": Stepper("LCMScheduler"),
}
"""For models that predict noise or v."""

NAMES = (AUTO, *dict.fromkeys([*FLOW, *DIFFUSION]))
"""All solvers' names; "auto" is the model's own."""

SHIFT_FIELD: Mapping[str, str] = {
    "FlowMatchEulerDiscreteScheduler": "shift",
    "FlowMatchLCMScheduler": "shift",
    "UniPCMultistepScheduler": "flow_shift",
    "DPMSolverMultistepScheduler": "flow_shift",
    "DEISMultistepScheduler": "flow_shift",
}
"""What a scheduler of a flow calls its shift."""

_WITHOUT_SPACING = frozenset({"EulerAncestralDiscreteScheduler", "DDIMScheduler", "LCMScheduler"})


def is_flow(config: Mapping[str, Any]) -> bool:
    """Return whether a scheduler's configuration is that of a flow, with sigmas from 1 to 0."""
    named = str(config.get("_class_name", ""))
    return named.startswith("FlowMatch") or bool(config.get("use_flow_sigmas")) or "shift" in config


def stepper(
    config: Mapping[str, Any], solver: str = AUTO, *, shift: float | None = None, spacing: str = AUTO
) -> Stepper:
    """Return which scheduler runs a model with a solver, a shift and a spacing of sigmas.

    Args:
        config: The model's own scheduler configuration, with `_class_name`.
        solver: One of `NAMES`.
        shift: Whether the sigmas are to be shifted; None keeps the model's own.
        spacing: One of `SPACINGS`.

    Raises:
        SamplingError: There is no such solver or spacing, or they do not belong to the model's kind.
    """
    own = str(config["_class_name"])
    for name, value, known in (("solver", solver, NAMES), ("spacing", spacing, SPACINGS)):
        if value not in known:
            raise SamplingError(f"There is no {name} {value!r}.", f"Use one of {', '.join(known)}.")
    flow = is_flow(config)
    fitting = FLOW if flow else DIFFUSION
    if solver not in (AUTO, *fitting):
        kind = "that predict a flow" if flow else "that predict noise"
        raise SamplingError(f"The solver {solver} is not made for models {kind}.", f"Use one of {', '.join(fitting)}.")
    found = Stepper(own) if solver == AUTO else fitting[solver]
    changed = found.scheduler != own or spacing != AUTO
    if changed and own.startswith(_OWN_ONLY):
        raise SamplingError(f"This model runs with its own solver only, {own}.", f"Set solver and spacing to {AUTO}.")
    if spacing != AUTO and found.scheduler in _WITHOUT_SPACING:
        raise SamplingError(f"The solver {solver} knows no other spacing.", f"Set spacing to {AUTO}, or use euler.")
    if shift is not None and not (flow and found.scheduler in SHIFT_FIELD):
        raise SamplingError(f"The model's solver, {found.scheduler}, has no shift.", "Leave shift at the model's own.")
    return found


def check_steps(config: Mapping[str, Any], steps: int) -> None:
    """Refuse a single step of a schedule that is stretched between its first level and a last one above zero.

    Raises:
        SamplingError: It is one.
    """
    if steps < _LEAST_STRETCHED and config.get("use_dynamic_shifting") and config.get("shift_terminal"):
        raise SamplingError("This model's schedule cannot be made of one step.", f"Take {_LEAST_STRETCHED} or more.")


_LEAST_STRETCHED = 2
