"""Faster runs at the cost of exactness: step caches, attention kernels, compiled blocks. All by diffusers' hooks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers import hooks
from diffusers.models.attention_dispatch import attention_backend, dispatch_attention_fn

from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Denoiser
from server.diffusion.families.loading import module_device
from server.diffusion.types import Speed

_AUTO, _NONE = "auto", "none"
_LAYERS = r"(\w+_)?blocks\.\d+\.(attn\d*|ffn|ff|ff_context)"
"""The layers that a series stands for. Diffusers' own pattern has to match whole names, and so misses Wan's `attn1`."""

_COMPILED = "blocks_are_compiled"


@contextmanager
def quickened(denoiser: Denoiser, speed: Speed | None, steps: int) -> Generator[None]:
    """Run a denoiser faster for the length of a `with` block; afterwards it is as it was, but for compiled blocks.

    Args:
        denoiser: What runs.
        speed: What to do; None does nothing.
        steps: Length of the schedule.

    Raises:
        SamplingError: The network, or this machine, cannot do it.
    """
    if speed is None:
        yield
        return
    network: Any = denoiser.module
    with ExitStack() as stack:
        if speed.attention != _AUTO:
            _check_attention(speed.attention, module_device(network), denoiser.dtype)
            # Never the process-wide setter alone: a kernel that fails would stay chosen for every later run.
            stack.enter_context(attention_backend(speed.attention))
        if speed.cache != _NONE:
            _enable_cache(network, speed, steps)
            stack.callback(network.disable_cache)
        if speed.compile:
            _compile(network)
        yield


def _enable_cache(network: Any, speed: Speed, steps: int) -> None:
    if not hasattr(network, "enable_cache"):
        raise SamplingError("Step caches are made for transformers, and this model is none.", "Set cache to none.")
    if speed.cache not in _CACHES:
        raise SamplingError(f"There is no cache {speed.cache!r}.", f"Use one of {', '.join((_NONE, *_CACHES))}.")
    try:
        network.enable_cache(_CACHES[speed.cache](speed, steps))
    except ValueError as error:
        raise SamplingError(f"The cache {speed.cache} does not fit this model: {error}", "Use another.") from error


def _first_block(speed: Speed, steps: int) -> Any:
    del steps
    return hooks.FirstBlockCacheConfig(threshold=speed.threshold)


def _sea(speed: Speed, steps: int) -> Any:
    del steps
    return hooks.SeaCacheConfig(
        threshold=speed.threshold, retention_steps=speed.warmup, raw_vision_callback=_picture_of
    )


def _taylor(speed: Speed, steps: int) -> Any:
    del steps
    return hooks.TaylorSeerCacheConfig(
        cache_interval=speed.interval,
        max_order=speed.order,
        disable_cache_before_step=speed.warmup,
        cache_identifiers=[_LAYERS],
        taylor_factors_dtype=torch.float32,
    )


def _mag(speed: Speed, steps: int) -> Any:
    if not speed.ratios:
        raise SamplingError(
            "MagCache needs ratios that were measured for the model, and was given none.",
            "Write them into ratios, or use first_block, which measures while it runs.",
        )
    return hooks.MagCacheConfig(
        threshold=speed.threshold,
        retention_ratio=min(speed.warmup / steps, 1.0),
        num_inference_steps=steps,
        mag_ratios=list(speed.ratios),
    )


_CACHES: dict[str, Callable[[Speed, int], Any]] = {
    "first_block": _first_block,
    "sea": _sea,
    "taylor": _taylor,
    "mag": _mag,
}


def _picture_of(network: torch.nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> list[torch.Tensor] | None:
    """Return a transformer's latents as (channels, frames, height, width), one for each of the batch."""
    del network
    latents = keywords.get("hidden_states", args[0] if args else None)
    if latents is None or latents.ndim != 5:  # tokens, whose places are not told
        return None
    return list(latents)


def _check_attention(name: str, device: torch.device, dtype: torch.dtype) -> None:
    """Refuse a kernel that does not run here, before it is used by a model."""
    query = torch.zeros(1, 8, 2, 64, device=device, dtype=dtype)
    try:
        with attention_backend(name):
            dispatch_attention_fn(query, query, query)
    except Exception as error:
        raise SamplingError(
            f"The attention kernel {name} does not run on {device} in {dtype}: {error}",
            f"Set attention to {_AUTO}, or install what it needs.",
        ) from error


def _compile(network: Any) -> None:
    if getattr(network, _COMPILED, False):
        return
    if not getattr(network, "_repeated_blocks", None):
        raise SamplingError("This model has no repeated blocks that could be compiled.", "Set compile to off.")
    network.compile_repeated_blocks(fullgraph=True)
    network.__dict__[_COMPILED] = True
