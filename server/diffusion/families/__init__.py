"""The families by name. An adapter's module, and torch with it, loads when it is first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from server.diffusion.errors import WeightsError
from server.diffusion.families.base import Family

_ADAPTERS = {
    "wan": "server.diffusion.families.wan:Wan",
    "ltx": "server.diffusion.families.ltx:LTXVideo",
    "cogvideox": "server.diffusion.families.cogvideox:CogVideoX",
    "hunyuan": "server.diffusion.families.hunyuan:HunyuanVideo",
    "svd": "server.diffusion.families.svd:StableVideoDiffusion",
    "animatediff": "server.diffusion.families.stable_diffusion:AnimateDiff",
    "sd": "server.diffusion.families.stable_diffusion:StableDiffusion",
    "sdxl": "server.diffusion.families.stable_diffusion:StableDiffusionXL",
    "flux": "server.diffusion.families.flux:Flux",
}


def names() -> tuple[str, ...]:
    """Return the names of all families."""
    return tuple(_ADAPTERS)


@cache
def get(name: str) -> Family:
    """Return a family's adapter.

    Raises:
        WeightsError: There is no such family.
    """
    if name not in _ADAPTERS:
        raise WeightsError(f"There is no model family {name!r}.", f"The families are: {', '.join(_ADAPTERS)}.")
    module, _, attribute = _ADAPTERS[name].partition(":")
    return cast("Family", getattr(import_module(module), attribute)())


def for_pipeline(class_name: str) -> Family:
    """Return the adapter that takes a pipeline class named in model_index.json.

    Raises:
        WeightsError: No family takes it.
    """
    for name in _ADAPTERS:
        if class_name in get(name).pipelines:
            return get(name)
    known = sorted(pipeline for name in _ADAPTERS for pipeline in get(name).pipelines)
    raise WeightsError(
        f"The folder holds a {class_name or 'model without a pipeline class'}, which no family here can run.",
        f"These can be run: {', '.join(known)}.",
    )
