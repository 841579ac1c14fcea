"""Guidance beyond the plain formula, by diffusers' guiders: intervals, CFG-Zero*, APG, skipped layers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers import guiders
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer
from diffusers.hooks import HookRegistry, LayerSkipConfig
from diffusers.hooks.layer_skip import apply_layer_skip

from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Tensors
from server.diffusion.types import Guidance

# They say at every construction that their interface may change; the parity tests would tell.
logging.getLogger("diffusers.guiders.guider_utils").setLevel(logging.ERROR)

_SKIP_HOOK = "layer_skip_hook"  # diffusers' name for what apply_layer_skip hangs on a network

_Make = Callable[[Guidance, float], Any]


class Guiders:
    """The guiders of one run: one for each strength and sample, since some of them remember earlier steps."""

    def __init__(self, guidance: Guidance) -> None:
        """Check that there is such a method.

        Raises:
            SamplingError: There is not, or it lacks what it needs.
        """
        if guidance.method not in _METHODS:
            raise SamplingError(
                f"There is no guidance method {guidance.method!r}.", f"Use one of {', '.join(_METHODS)}."
            )
        if guidance.method == "skip_layer" and not guidance.layers:
            raise SamplingError("Skip-layer guidance was given no layers to skip.", "Name at least one, such as 9.")
        self._guidance = guidance
        self._made: dict[tuple[str, float], Any] = {}

    def needs_negative(self, index: int, total: int) -> bool:
        """Return whether a step's prediction without the prompt is used at all."""
        begin, end = int(self._guidance.start * total), int(self._guidance.stop * total)
        return begin <= index < end

    def skips_layers(self, index: int, total: int) -> bool:
        """Return whether a step wants a third prediction, with layers left out."""
        if self._guidance.method != "skip_layer":
            return False
        begin, end = int(self._guidance.layer_start * total), int(self._guidance.layer_stop * total)
        return begin < index < end

    @contextmanager
    def without_layers(self, network: torch.nn.Module) -> Generator[None]:
        """Leave the chosen layers out of a network for the length of a `with` block.

        Raises:
            SamplingError: The network has no such layers.
        """
        layers = list(self._guidance.layers)
        registry = HookRegistry.check_if_exists_or_initialize(network)
        try:
            apply_layer_skip(network, LayerSkipConfig(layers, fqn="auto"))
            yield
        except ValueError as error:
            raise SamplingError(
                f"This model has no layers {', '.join(map(str, layers))} that could be skipped.",
                "Name layers that it has, or use another guidance method.",
            ) from error
        finally:
            registry.remove_hook(_SKIP_HOOK, recurse=True)

    def merge(
        self,
        scale: float,
        index: int,
        total: int,
        *,
        with_prompt: Tensors,
        without: Tensors | None,
        skipped: Tensors | None,
    ) -> Tensors:
        """Make one prediction of a step's two or three."""
        merged: dict[str, torch.Tensor] = {}
        for name, prediction in with_prompt.items():
            guider = self._guider(name, scale)
            guider.set_state(step=index, num_inference_steps=total, timestep=torch.tensor(0))
            others = () if skipped is None else (skipped[name],)
            merged[name] = guider.forward(prediction, None if without is None else without[name], *others).pred
        return merged

    def _guider(self, name: str, scale: float) -> Any:
        key = (name, scale)
        if key not in self._made:
            self._made[key] = _METHODS[self._guidance.method](self._guidance, scale)
        return self._made[key]


def _usual(guidance: Guidance, scale: float) -> dict[str, Any]:
    return {
        "guidance_scale": scale,
        "guidance_rescale": guidance.rescale,
        "start": guidance.start,
        "stop": guidance.stop,
    }


def _cfg(guidance: Guidance, scale: float) -> Any:
    return guiders.ClassifierFreeGuidance(**_usual(guidance, scale))


def _cfg_zero_star(guidance: Guidance, scale: float) -> Any:
    return guiders.ClassifierFreeZeroStarGuidance(zero_init_steps=guidance.zero_steps, **_usual(guidance, scale))


def _apg(guidance: Guidance, scale: float) -> Any:
    guider = guiders.AdaptiveProjectedGuidance(
        adaptive_projected_guidance_rescale=guidance.norm, eta=guidance.eta, **_usual(guidance, scale)
    )
    if guidance.momentum:  # kept from the first step that is run, which need not be the schedule's first
        guider.momentum_buffer = MomentumBuffer(guidance.momentum)
    return guider


def _skip_layer(guidance: Guidance, scale: float) -> Any:
    return guiders.SkipLayerGuidance(
        skip_layer_guidance_layers=list(guidance.layers),
        skip_layer_guidance_scale=guidance.layer_scale,
        skip_layer_guidance_start=guidance.layer_start,
        skip_layer_guidance_stop=guidance.layer_stop,
        **_usual(guidance, scale),
    )


_METHODS: dict[str, _Make] = {"cfg": _cfg, "cfg_zero_star": _cfg_zero_star, "apg": _apg, "skip_layer": _skip_layer}
