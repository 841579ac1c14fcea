"""Our functions against diffusers' pipelines over the same folder: equal to the last bit on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from server.diffusion import vae, weights
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text

PROMPT, NEGATIVE = "A red boat &amp;  drifts left across the sea", "blurry dark"
STEPS, SEED, SIZE = 4, 7, 32


def pipeline_frames(folder: Path, solver: str, negative: str | None, guidance: float, frames: int) -> np.ndarray:
    from diffusers import UniPCMultistepScheduler, WanPipeline

    pipeline = WanPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    if solver == "unipc":
        pipeline.scheduler = UniPCMultistepScheduler(
            use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0
        )
    return pipeline(
        PROMPT,
        negative_prompt=negative,
        width=SIZE,
        height=SIZE,
        num_frames=frames,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        max_sequence_length=16,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
    ).frames[0]


def our_frames(
    folder: Path, residency: Residency, solver: str, negative: str | None, guidance: float, frames: int
) -> np.ndarray:
    model, encoder, autoencoder = weights.describe(folder)
    where = {"device": "cpu", "residency": residency}
    latent = denoise(
        model,
        encode_text(encoder, PROMPT, **where),
        None if negative is None else encode_text(encoder, negative, **where),
        empty_latent(model.capabilities, width=SIZE, height=SIZE, frames=frames),
        seed=SEED,
        steps=STEPS,
        guidance_scale=guidance,
        solver=solver,
        **where,
    )
    return vae.decode(autoencoder, latent, **where)


@pytest.mark.parametrize(("temporal_scale", "frames", "asked"), [(4, 5, 5), (4, 9, 9), (1, 5, 4)])
@pytest.mark.parametrize("solver", ["auto", "euler", "unipc"])
@pytest.mark.parametrize(("negative", "guidance"), [(None, 1.0), (None, 4.0), (NEGATIVE, 4.0)])
def test_the_frames_equal_the_pipelines_bit_for_bit(
    wan_folder: Callable[..., Path],
    residency: Residency,
    temporal_scale: int,
    frames: int,
    asked: int,
    solver: str,
    negative: str | None,
    guidance: float,
) -> None:
    # With temporal scale 1 the pipeline adds a frame to what it is asked for.
    folder = wan_folder(temporal_scale)
    theirs = pipeline_frames(folder, solver, negative, guidance, asked)
    ours = our_frames(folder, residency, solver, negative, guidance, frames)
    assert ours.shape == (frames, SIZE, SIZE, 3)
    assert np.array_equal(ours, theirs)
    assert ours.std() > 0.001, "a picture of one color would make equality easy"


def test_a_folder_with_unipc_runs_it_by_itself(wan_folder: Callable[..., Path], residency: Residency) -> None:
    folder = wan_folder(4, "unipc")
    theirs = pipeline_frames(folder, "auto", NEGATIVE, 4.0, 5)
    assert np.array_equal(our_frames(folder, residency, "auto", NEGATIVE, 4.0, 5), theirs)
