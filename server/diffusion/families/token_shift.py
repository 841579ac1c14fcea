"""The sigma schedule of flows whose shift grows with the number of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def options(config: Mapping[str, Any], steps: int, tokens: int) -> Mapping[str, Any]:
    """Return what such a scheduler's `set_timesteps` wants: even sigmas from 1 to 1 / steps, and the shift.

    Args:
        config: The scheduler's configuration, which says the shift for few tokens and for many.
        steps: Length of the schedule.
        tokens: How many the denoiser will take.
    """
    import numpy as np

    few, many = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    slope = (high - low) / (many - few)
    return {"sigmas": np.linspace(1.0, 1 / steps, steps), "mu": tokens * slope + (low - slope * few)}
