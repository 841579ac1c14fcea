"""The denoising loop beyond parity: parts of a schedule, seeds, progress, contradictory settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from server.diffusion import families
from server.diffusion.errors import SamplingError, SizeError
from server.diffusion.families.base import Step
from server.diffusion.memory import Residency
from server.diffusion.sampling import noise, solver_table
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.guidance import guided_prediction
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.types import Conditioning, Latent
from server.diffusion.weights import Descriptions

# Several schedulers hand tensors to numpy in a way that numpy 2 frowns upon.
NUMPY_FROWNS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SETTINGS = {"seed": 3, "steps": 6, "guidance_scale": 3.0, "device": "cpu"}


@pytest.fixture
def prompt(tiny: Descriptions, residency: Residency) -> Conditioning:
    return encode_text(tiny.text_encoder, "a red boat", device="cpu", residency=residency)


@pytest.fixture
def start(tiny: Descriptions) -> Latent:
    return empty_latent(tiny.model.capabilities, width=32, height=32, frames=5)


def test_two_parts_of_an_euler_run_equal_the_whole(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    def run(latent: Latent, **part: int) -> Latent:
        return denoise(tiny.model, prompt, None, latent, solver="euler", residency=residency, **(SETTINGS | part))

    whole = run(start)
    first = run(start, end_step=4)
    assert 0 < first.noise_level < 1
    second = run(first, start_step=4, seed=99)  # noise is there already, so the seed no longer matters
    assert second.noise_level == whole.noise_level == 0
    assert torch.equal(second.video, whole.video)


def test_a_part_cannot_go_on_at_another_noise_level(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    first = denoise(tiny.model, prompt, None, start, end_step=4, residency=residency, **SETTINGS)
    with pytest.raises(SamplingError, match="end_step as start_step"):
        denoise(tiny.model, prompt, None, first, start_step=2, residency=residency, **SETTINGS)


def test_the_seed_alone_decides_the_noise(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    def run(seed: int) -> torch.Tensor:
        settings = SETTINGS | {"seed": seed}
        return denoise(tiny.model, prompt, None, start, residency=residency, **settings).video

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))
    generator = torch.Generator("cpu").manual_seed(5)
    assert torch.equal(
        noise.draw({"video": (1, 4, 2, 3, 3)}, noise.generator(5))["video"],
        torch.randn(1, 4, 2, 3, 3, generator=generator),
    )


def test_prompts_change_the_result_only_through_guidance_and_conditioning(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    other = encode_text(tiny.text_encoder, "a dark sea", device="cpu", residency=residency)

    def run(positive: Conditioning, negative: Conditioning | None, scale: float) -> torch.Tensor:
        settings = SETTINGS | {"guidance_scale": scale}
        return denoise(tiny.model, positive, negative, start, residency=residency, **settings).video

    assert not torch.equal(run(prompt, None, 3.0), run(other, None, 3.0))
    assert not torch.equal(run(prompt, other, 3.0), run(prompt, None, 3.0))
    assert torch.equal(run(prompt, other, 1.0), run(prompt, None, 1.0))


def test_less_strength_stays_closer_to_the_clip(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    source = replace(start, samples={"video": torch.ones_like(start.video)}, noise_level=0.0)

    def distance(strength: float) -> float:
        result = denoise(tiny.model, prompt, None, source, strength=strength, residency=residency, **SETTINGS)
        return float((result.video - source.video).pow(2).mean())

    assert distance(0.2) < distance(0.5) < distance(1.0)


def test_start_step_on_a_clean_latent_is_strength_by_another_name(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    source = replace(start, samples={"video": torch.ones_like(start.video)}, noise_level=0.0)
    by_step = denoise(tiny.model, prompt, None, source, start_step=3, residency=residency, **SETTINGS)
    by_strength = denoise(tiny.model, prompt, None, source, strength=0.5, residency=residency, **SETTINGS)
    assert torch.equal(by_step.video, by_strength.video)


def test_progress_counts_the_steps_that_run_and_shows_the_clean_estimate(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    seen: list[tuple[int, int]] = []
    estimates: list[torch.Tensor] = []

    def progress(done: int, total: int, preview) -> None:
        seen.append((done, total))
        estimates.append(preview().video)

    result = denoise(
        tiny.model,
        prompt,
        None,
        start,
        solver="euler",
        end_step=None,
        progress=progress,
        residency=residency,
        **SETTINGS,
    )
    assert seen == [(step, 6) for step in range(1, 7)]
    # From the last step on nothing is left but the estimate itself.
    assert torch.allclose(estimates[-1], result.video, atol=1e-6)
    assert not torch.allclose(estimates[0], result.video, atol=1e-3)


def test_raising_from_progress_ends_the_run_and_lets_the_weights_go(
    tiny: Descriptions, prompt: Conditioning, start: Latent
) -> None:
    class Canceled(Exception):
        pass

    steps = []

    def progress(done: int, total: int, preview) -> None:
        steps.append(done)
        if done == 2:
            raise Canceled

    own = Residency({"cpu": 2**30})
    with pytest.raises(Canceled):
        denoise(tiny.model, prompt, None, start, progress=progress, residency=own, **SETTINGS)
    assert steps == [1, 2]
    assert [entry.in_use for entry in own.residents()] == [False]


@NUMPY_FROWNS
def test_a_shift_changes_the_schedule_and_the_models_own_is_the_default(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    def run(shift: float | None, solver: str = "auto") -> torch.Tensor:
        return denoise(
            tiny.model, prompt, None, start, shift=shift, solver=solver, residency=residency, **SETTINGS
        ).video

    assert tiny.model.capabilities.default_shift == 3.0
    for solver in (solver_table.AUTO, "euler", "unipc", "dpm++", "lcm"):
        assert torch.equal(run(None, solver), run(3.0, solver))
        assert not torch.equal(run(None, solver), run(8.0, solver))


@pytest.fixture
def run(tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency) -> Callable[..., Latent]:
    """Return a run from the empty latent that takes only what differs from the usual settings."""
    return lambda **settings: denoise(tiny.model, prompt, None, start, residency=residency, **(SETTINGS | settings))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strength": 0.5}, "empty latent"),
        ({"start_step": 2}, "empty latent"),
        ({"start_step": 4, "end_step": 4}, "No step is left"),
        ({"strength": 0.5, "start_step": 2}, "both say where to begin"),
        ({"solver": "magic"}, "Use one of auto, euler, unipc, dpm"),
    ],
)
def test_contradictory_settings_say_what_to_change(
    settings: dict[str, object], words: str, run: Callable[..., Latent]
) -> None:
    with pytest.raises(SamplingError, match=words):
        run(**settings)


def test_values_of_another_family_are_refused(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    with pytest.raises(SamplingError, match="positive input was made for the ltx family"):
        denoise(tiny.model, replace(prompt, family="ltx"), None, start, residency=residency, **SETTINGS)
    wide = replace(start, samples={"video": torch.zeros(1, 16, 2, 4, 4)})
    with pytest.raises(SamplingError, match="16 channels where tiny takes 4"):
        denoise(tiny.model, prompt, None, wide, residency=residency, **SETTINGS)
    with pytest.raises(SamplingError, match="prompt was encoded for the ltx family, but the autoencoder is wan"):
        condition_on_images(tiny.vae, replace(prompt, family="ltx"), start, {}, residency=residency)


@pytest.mark.parametrize(
    ("size", "hint"),
    [
        ({"width": 40}, "Try 32"),
        ({"height": 8}, "Try 16"),
        ({"width": 10_000}, "Try 512"),
        ({"frames": 6}, "Try 9"),
        ({"frames": 0}, "Try 1"),
        ({"frames": 1000}, "Try 125"),
    ],
)
def test_an_illegal_size_names_the_nearest_legal_one(tiny: Descriptions, size: dict[str, int], hint: str) -> None:
    with pytest.raises(SizeError) as caught:
        empty_latent(tiny.model.capabilities, **({"width": 32, "height": 32, "frames": 5} | size))
    assert caught.value.hint.startswith(hint)


def test_the_nearest_legal_values_are_legal(tiny: Descriptions) -> None:
    capabilities = tiny.model.capabilities
    for frames in range(-2, 200):
        legal = capabilities.legal_frames(frames)
        assert capabilities.legal_frames(legal) == legal
        assert capabilities.pixel_frames(capabilities.latent_frames(legal)) == legal
    for pixels in range(-5, 700):
        legal = capabilities.legal_size(pixels)
        assert legal % capabilities.size_multiple == 0
        assert capabilities.legal_size(legal) == legal > 0


def test_an_empty_latent_carries_size_and_rate(tiny: Descriptions) -> None:
    latent = empty_latent(tiny.model.capabilities, width=48, height=32, frames=9, fps=Fraction(24000, 1001))
    assert latent.video.shape == (1, 4, 3, 4, 6)
    assert latent.fps == Fraction(24000, 1001)
    assert latent.empty


def test_guidance_in_one_batch_agrees_with_two_forwards(
    tiny: Descriptions, prompt: Conditioning, residency: Residency
) -> None:
    family = families.get("wan")
    samples = noise.draw({"video": (1, 4, 2, 4, 4)}, noise.generator(0))
    step = Step(0, 1, torch.tensor(500.0), 0.5, "cond")
    with torch.no_grad(), residency.use(tiny.model, "cpu") as denoiser:
        split, batched = (
            guided_prediction(
                family,
                denoiser,
                samples,
                step,
                positive=prompt.tensors,
                negative=prompt.empty,
                guidance_scale=4.0,
                batched=batched,
            )["video"]
            for batched in (False, True)
        )
    assert torch.allclose(split, batched, atol=1e-5)


def test_results_hold_no_graph_and_can_be_changed_in_place(
    tiny: Descriptions, prompt: Conditioning, start: Latent, residency: Residency
) -> None:
    result = denoise(tiny.model, prompt, None, start, residency=residency, **SETTINGS).video
    assert not result.requires_grad
    result.add_(1.0)  # a tensor made in inference mode would refuse once it takes part in training
    torch.nn.Parameter(result).sum().backward()
