"""Every solver by name against the diffusers pipeline with the same scheduler: equal bits on the CPU."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import vae, weights
from server.diffusion.errors import SamplingError
from server.diffusion.memory import Residency
from server.diffusion.sampling import solver_table
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.sampling.solvers import build
from server.diffusion.text import encode_text
from tests.diffusion.pipelines import PROMPT, SEED, load_pipeline
from tests.diffusion.test_parity_stable_diffusion import make_stable_diffusion

# Several schedulers hand tensors to numpy in ways that numpy 2 frowns upon.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]

STEPS, SIZE = 4, 32
FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}
FLOW_ORACLES: dict[str, tuple[str, dict[str, Any]]] = {
    "euler": ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
    "unipc": ("UniPCMultistepScheduler", FLOW),
    "dpm++": ("DPMSolverMultistepScheduler", FLOW),
    "dpm++_sde": ("DPMSolverMultistepScheduler", FLOW | {"algorithm_type": "sde-dpmsolver++"}),
    "deis": ("DEISMultistepScheduler", FLOW),
    "lcm": ("FlowMatchLCMScheduler", {"shift": 3.0}),
}
DIFFUSION_ORACLES: dict[str, tuple[str, dict[str, Any]]] = {
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "ddim": ("DDIMScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "dpm++": ("DPMSolverMultistepScheduler", {}),
    "dpm++_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "deis": ("DEISMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
}


@pytest.fixture(scope="module")
def diffusion_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion, which predicts noise."""
    return make_stable_diffusion(tmp_path_factory.mktemp("sd"), "sd", "DDIMScheduler")


def ours(folder: Path, residency: Residency, **settings: Any) -> np.ndarray:
    model, encoder, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    frames = 1 if model.family == "sd" else 5
    latent = denoise(
        model,
        encode_text(encoder, PROMPT, **where),
        None,
        empty_latent(model.capabilities, width=SIZE, height=SIZE, frames=frames),
        seed=SEED,
        **({"steps": STEPS} | settings),
        **where,
    )
    return vae.decode(autoencoder, latent, **where)


def theirs(folder: Path, pipeline: str, scheduler: Any, **settings: Any) -> np.ndarray:
    pipe = load_pipeline(pipeline, folder)
    source = torch.Generator("cpu").manual_seed(SEED)
    if "generator" in inspect.signature(scheduler.step).parameters:
        # WanPipeline lets its scheduler draw from torch's global state; the run's own source makes a seed reproducible.
        scheduler.step = partial(scheduler.step, generator=source)
    pipe.scheduler = scheduler
    result = pipe(
        PROMPT,
        width=SIZE,
        height=SIZE,
        num_inference_steps=STEPS,
        generator=source,
        output_type="np",
        **settings,
    )
    return result.frames[0] if hasattr(result, "frames") else result.images


def flow_frames(folder: Path, scheduler: Any) -> np.ndarray:
    return theirs(folder, "WanPipeline", scheduler, num_frames=5, max_sequence_length=16, guidance_scale=4.0)


def test_the_table_and_these_tests_name_the_same_solvers() -> None:
    assert set(FLOW_ORACLES) == set(solver_table.FLOW)
    assert set(DIFFUSION_ORACLES) == set(solver_table.DIFFUSION)


@pytest.mark.parametrize("solver", FLOW_ORACLES)
def test_a_flows_solver_equals_the_pipeline_with_that_scheduler(
    solver: str, wan_folder: Callable[..., Path], residency: Residency
) -> None:
    from diffusers import schedulers

    kind, config = FLOW_ORACLES[solver]
    expected = flow_frames(wan_folder(4), getattr(schedulers, kind)(**config))
    assert np.array_equal(ours(wan_folder(4), residency, guidance_scale=4.0, solver=solver), expected)


@pytest.mark.parametrize("solver", DIFFUSION_ORACLES)
def test_a_diffusion_solver_equals_the_pipeline_with_that_scheduler(
    solver: str, diffusion_folder: Path, residency: Residency
) -> None:
    from diffusers import schedulers

    kind, config = DIFFUSION_ORACLES[solver]
    own = load_pipeline("StableDiffusionPipeline", diffusion_folder).scheduler.config
    scheduler = getattr(schedulers, kind).from_config(own, **config)
    expected = theirs(diffusion_folder, "StableDiffusionPipeline", scheduler, guidance_scale=7.5)
    assert np.array_equal(ours(diffusion_folder, residency, guidance_scale=7.5, solver=solver), expected)


@pytest.mark.parametrize("spacing", ["karras", "exponential"])
def test_another_spacing_equals_the_scheduler_that_is_told_so(
    spacing: str, wan_folder: Callable[..., Path], residency: Residency
) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0, **{f"use_{spacing}_sigmas": True})
    expected = flow_frames(wan_folder(4), scheduler)
    run = {"guidance_scale": 4.0, "residency": residency}
    assert np.array_equal(ours(wan_folder(4), spacing=spacing, **run), expected)
    assert not np.array_equal(ours(wan_folder(4), **run), expected)


@pytest.mark.parametrize(
    ("config", "settings", "words"),
    [
        ({"_class_name": "DDIMScheduler"}, {"solver": "magic"}, "no solver 'magic'"),
        ({"_class_name": "DDIMScheduler"}, {"shift": 3.0}, "no shift"),
        ({"_class_name": "DDIMScheduler"}, {"spacing": "karras"}, "no other spacing"),
        ({"_class_name": "DDIMScheduler"}, {"spacing": "odd"}, "no spacing 'odd'"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, {"solver": "ddim"}, "not made for models that predict a"),
        ({"_class_name": "CogVideoXDDIMScheduler"}, {"solver": "euler"}, "its own solver only"),
    ],
)
def test_what_does_not_belong_to_a_models_kind_is_refused(
    config: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(SamplingError, match=words):
        build(config, **settings)


def test_more_steps_than_a_distilled_schedule_has_are_refused(diffusion_folder: Path, residency: Residency) -> None:
    with pytest.raises(SamplingError, match="lcm cannot take 80 steps"):
        ours(diffusion_folder, residency, steps=80, guidance_scale=1.0, solver="lcm")
