"""What step caches cost on the starter model: time over the exact run in pairs, and how far the frames move from it."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import server.diffusion
from benchmarks.table import Table, spread
from server.diffusion import vae, weights
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.types import Speed

STEPS, GUIDANCE = 20, 2.0
PROMPTS = (
    "a red ball drifts right across a green meadow",
    "a blue star spins in the night sky",
    "a yellow boat drifts left across the sea",
    "a green heart grows on a beach at sunset",
)
WAYS = {
    "first_block, threshold 0.05": Speed(cache="first_block", threshold=0.05),
    "first_block, threshold 0.1": Speed(cache="first_block", threshold=0.1),
    "first_block, threshold 0.2": Speed(cache="first_block", threshold=0.2),
    "sea, threshold 0.25": Speed(cache="sea", threshold=0.25),
    "taylor, every 2nd step": Speed(cache="taylor", interval=2),
    "taylor, every 3rd step": Speed(cache="taylor", interval=3),
}


def run() -> Table:
    """Run every way beside the exact run, prompt by prompt."""
    torch.set_num_threads(1)
    parts = weights.describe(Path(server.diffusion.__file__).parent / "starter" / "text_to_video")
    _frames(parts, PROMPTS[0], None)  # loads
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for prompt in PROMPTS:
        for name, way in WAYS.items():
            exact, exact_s = _frames(parts, prompt, None)
            faster, faster_s = _frames(parts, prompt, way)
            figures[name].append((faster_s / exact_s, _psnr(exact, faster)))
    rows = [
        [name, spread([ratio for ratio, _ in pairs]), f"{statistics.median(psnr for _, psnr in pairs):.1f} dB"]
        for name, pairs in figures.items()
    ]
    note = (
        f"Denoising with the starter model, {STEPS} steps, guidance {GUIDANCE:g}, {len(PROMPTS)} prompts: time over "
        "the exact run beside it, median (smallest to largest), and the median PSNR of the frames against it. MagCache "
        "needs ratios measured for a model, and is not in the table."
    )
    return Table("Step caches", note, ["way", "time over the exact run", "PSNR against it"], rows)


def _frames(parts: Any, prompt: str, speed: Speed | None) -> tuple[Any, float]:
    able = parts.model.capabilities
    positive = encode_text(parts.text_encoder, prompt)
    latent = empty_latent(
        able, width=able.default_width, height=able.default_height, frames=able.legal_frames(able.default_frames)
    )
    began = time.perf_counter()
    done = denoise(parts.model, positive, None, latent, seed=1, steps=STEPS, guidance_scale=GUIDANCE, speed=speed)
    taken = time.perf_counter() - began
    return vae.decode(parts.vae, done), taken


def _psnr(one: Any, other: Any) -> float:
    error = float(np.mean((one - other) ** 2))
    return 10 * float(np.log10(1 / max(error, 1e-12)))
