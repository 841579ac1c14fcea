"""The node that turns noise into a latent video."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from nodes import (
    Advanced,
    Conditioning,
    Context,
    Guidance,
    InputProblem,
    Latent,
    Model,
    Number,
    Seed,
    Slider,
    Speed,
    node,
)
from nodes.blame import blaming
from nodes.origins import Origin, denoising_problems, origin

Solver = Literal["auto", "euler", "euler_ancestral", "ddim", "unipc", "dpm++", "dpm++_sde", "deis", "lcm"]

_PREVIEW_SHARE = 0.01
"""Most of a run's time that previews may take."""

_PREVIEW_PAUSE_S = 1.0


@node(category="sampling", uses="gpu", aliases=("sampler", "KSampler", "generate", "diffusion"))
def denoise(
    model: Model,
    positive: Conditioning,
    latent: Latent,
    negative: Conditioning | None = None,
    guidance: Guidance | None = None,
    speed: Speed | None = None,
    *,
    seed: Annotated[int, Seed()] = 0,
    steps: Annotated[int, Slider(1, 100)] = 30,
    guidance_scale: Annotated[float, Slider(1.0, 20.0, step=0.1)] = 5.0,
    solver: Solver = "auto",
    strength: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 1.0,
    shift: Annotated[float, Slider(0.0, 20.0, step=0.1), Advanced()] = 0.0,
    spacing: Annotated[Literal["auto", "karras", "exponential"], Advanced()] = "auto",
    start_step: Annotated[int, Number(min=0, max=100), Advanced()] = 0,
    end_step: Annotated[int, Number(min=0, max=100), Advanced()] = 0,
    guidance_scale_2: Annotated[float, Slider(0.0, 20.0, step=0.1), Advanced()] = 0.0,
    boundary: Annotated[float, Slider(0.0, 1.0, step=0.005), Advanced()] = 0.0,
    true_cfg_scale: Annotated[float, Slider(1.0, 20.0, step=0.1), Advanced()] = 1.0,
    ctx: Context,
) -> Latent:
    """Remove noise from a latent, guided by conditioning.

    An empty latent is filled with noise from the seed. One that holds a clip is changed as far as `strength` allows.
    With `end_step` the run stops early, and a second denoise node, begun at that step, goes on from there.

    Args:
        model: The denoiser.
        positive: What to show.
        latent: An empty latent, or one to change, shaped (batch, channels, frames, height, width).
        negative: What to avoid; nothing in particular when it is not connected.
        guidance: Another way to guide than the plain one, from a guidance node.
        speed: What to do to be faster, from a speed node.
        seed: Of the noise; the same seed and settings give the same video.
        steps: Solver evaluations; more is slower and finer.
        guidance_scale: How strictly to follow the prompt; 1 does without the negative prompt and is twice as fast.
        solver: How to take a step; `auto` is the model's own.
        strength: How much of a clip may change, from 0 to 1 (all).
        shift: More than 1 spends more of the steps on coarse shapes and motion; 0 keeps the model's own.
        spacing: How the noise levels are spread over the steps; `auto` is the model's own way.
        start_step: First step to run, counted from 0.
        end_step: Step to stop before, leaving noise for a later run; 0 runs to the end.
        guidance_scale_2: Of a second expert, which takes over at low noise; 0 is the model's own.
        boundary: Share of the noise at which a second expert takes over; 0 is the model's own.
        true_cfg_scale: More than 1 lets a model that is told its guidance scale avoid the negative prompt, too.

    Returns:
        The denoised latent, shaped as `latent`.
    """
    from server.diffusion.errors import BudgetError, WeightsError
    from server.diffusion.sampling import denoise as sampling

    # Which of the wires does not belong to the others is in the message; the latent is the one that they meet at.
    with blaming("latent"), blaming("model", BudgetError, WeightsError):
        return sampling.denoise(
            model,
            positive,
            negative,
            latent,
            seed=seed,
            steps=steps,
            guidance_scale=guidance_scale,
            solver=solver,
            shift=shift or None,
            spacing=spacing,
            strength=strength,
            start_step=start_step,
            end_step=end_step or None,
            guidance=guidance,
            guidance_scale_2=guidance_scale_2 or None,
            boundary=boundary or None,
            true_cfg_scale=true_cfg_scale,
            speed=speed,
            progress=_reporter(model, ctx),
            notice=lambda message: ctx.warn(message, hint="close other programs, or make a smaller clip"),
            device=ctx.device,
        )


@denoise.check
def _check_settings(
    model: Model,
    steps: int,
    solver: str,
    shift: float,
    spacing: str,
    strength: float,
    start_step: int,
    end_step: int,
    *,
    positive: Origin | None = None,
    negative: Origin | None = None,
    latent: Origin | None = None,
) -> Iterator[InputProblem]:
    from server.diffusion.errors import SamplingError
    from server.diffusion.sampling import schedules, solver_table

    yield from denoising_problems(model, positive, negative, latent)
    try:
        solver_table.stepper(model.source.config("scheduler"), solver, shift=shift or None, spacing=spacing)
    except SamplingError as error:
        blamed = next((name for name in ("shift", "spacing") if f"no {name}" in error.message), "solver")
        yield InputProblem(blamed, error.message, error.hint)
    try:
        solver_table.check_steps(model.source.config("scheduler"), steps)
    except SamplingError as error:
        yield InputProblem("steps", error.message, error.hint)
    if end_step > steps:
        yield InputProblem("end_step", f"end_step {end_step} is beyond the {steps} steps", f"try {steps}, or 0")
        return
    try:
        rounds_up = model.capabilities.strength_rounds_up
        schedules.span(steps, strength=strength, rounds_up=rounds_up, start_step=start_step, end_step=end_step or None)
    except SamplingError as error:
        yield InputProblem("start_step" if start_step else "strength", error.message, error.hint)


@denoise.foretell
def _same_model(model: Model) -> Origin:
    return origin(model)


def _reporter(model: Model, ctx: Context) -> Callable[[int, int, Callable[[], Latent]], None]:
    """Return what the sampling loop calls after each step: it reports, and shows previews while they cost little."""
    due = time.monotonic() + _PREVIEW_PAUSE_S

    def report(done: int, total: int, supply: Callable[[], Latent]) -> None:
        nonlocal due
        ctx.report(done, total, "step")
        began = time.monotonic()
        if began < due or done == total:
            return
        ctx.preview(_moving_picture(supply(), model, ctx.device), "image/webp")
        ended = time.monotonic()
        due = ended + max(_PREVIEW_PAUSE_S, (ended - began) / _PREVIEW_SHARE)

    return report


def _moving_picture(latent: Latent, model: Model, device: str) -> bytes:
    from server.diffusion import preview, weights
    from server.media.preview import encode_moving_preview

    frames = preview.frames(latent, weights.vae_of(model), device=device)
    return encode_moving_preview(frames, latent.frames / float(latent.fps))
