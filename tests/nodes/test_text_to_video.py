"""The nodes from prompt to file, called as the plain functions that they are, on the starter model."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from nodes import Canceled, NodeInputError
from nodes.clip import interpolate_frames, upscale_clip
from nodes.latent import empty_latent_video
from nodes.models import STARTERS, Parts, load_starter
from nodes.sampling import denoise
from nodes.text import encode_text
from nodes.vae import vae_decode, vae_encode
from nodes.video import save_video
from server.media.probe import probe
from tests.nodes.context import FakeContext

PROMPT = "a red boat drifts left across the sea"


@pytest.fixture(scope="module")
def parts() -> Parts:
    return load_starter()


def frames_of(clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


def test_the_nodes_make_what_the_bare_pipeline_makes_bit_for_bit(parts: Parts, ctx: FakeContext) -> None:
    from diffusers import WanPipeline

    latent = denoise(
        parts.model,
        encode_text(parts.text_encoder, text=PROMPT, ctx=ctx),
        empty_latent_video(parts.model, frames=5, ctx=ctx),
        encode_text(parts.text_encoder, text="dark", ctx=ctx),
        seed=7,
        steps=3,
        guidance_scale=2.0,
        ctx=ctx,
    )
    ours = frames_of(vae_decode(parts.vae, latent, ctx=ctx))

    pipeline = WanPipeline.from_pretrained(STARTERS / "text_to_video", dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        PROMPT,
        negative_prompt="dark",
        width=64,
        height=64,
        num_frames=4,  # at a temporal scale of 1 the pipeline makes one more
        num_inference_steps=3,
        guidance_scale=2.0,
        max_sequence_length=32,
        generator=torch.Generator("cpu").manual_seed(7),
        output_type="np",
    ).frames[0]

    assert ours.shape == (5, 64, 64, 3)
    np.testing.assert_array_equal(ours, theirs)


def test_a_sentence_becomes_a_file_that_carries_its_workflow(parts: Parts, ctx: FakeContext) -> None:
    latent = denoise(
        parts.model,
        encode_text(parts.text_encoder, text=PROMPT, ctx=ctx),
        empty_latent_video(parts.model, seconds=0.5, ctx=ctx),
        steps=1,
        guidance_scale=1.0,
        ctx=ctx,
    )
    large = upscale_clip(vae_decode(parts.vae, latent, ctx=ctx), factor=2.0, ctx=ctx)
    clip = interpolate_frames(large, factor=2, ctx=ctx)
    artifact = save_video(clip, filename="boats/red", ctx=ctx)

    info = probe(ctx.folders.outputs / artifact.path)
    assert info.video is not None
    assert (info.video.width, info.video.height, info.video.frame_count) == (128, 128, 10)
    assert info.video.fps == 16
    assert info.workflow == ctx.workflow
    assert artifact.media_type == "video/mp4"
    assert not ctx.warnings


def test_words_that_the_model_does_not_know_are_named(parts: Parts, ctx: FakeContext) -> None:
    encode_text(parts.text_encoder, text="a red zeppelin drifts left, quixotically", ctx=ctx)
    [(message, input_name, hint)] = ctx.warnings
    assert message.endswith("does not know and leaves out: zeppelin, quixotically")
    assert input_name == "text"
    assert PROMPT in hint
    assert "it knows ball" in hint
    assert "boat" in hint


def test_a_prompt_that_is_cut_off_is_no_secret(parts: Parts, ctx: FakeContext) -> None:
    encode_text(parts.text_encoder, text="a red boat " * 20, ctx=ctx)
    [(message, input_name, _)] = ctx.warnings
    assert "has 61 tokens" in message
    assert "reads 32" in message
    assert input_name == "text"


def test_a_size_beyond_the_training_is_warned_about(parts: Parts, ctx: FakeContext) -> None:
    empty_latent_video(parts.model, width=64, height=64, frames=17, ctx=ctx)
    assert ctx.warnings == []
    empty_latent_video(parts.model, width=128, height=64, frames=17, ctx=ctx)
    [(message, _, hint)] = ctx.warnings
    assert "trained at 64x64 pixels and 17 frames" in message
    assert hint


def test_denoise_reports_each_step_and_stops_when_canceled(parts: Parts, ctx: FakeContext) -> None:
    ctx.cancel_after = 2
    positive = encode_text(parts.text_encoder, text=PROMPT, ctx=ctx)
    with pytest.raises(Canceled):
        denoise(parts.model, positive, empty_latent_video(parts.model, frames=1, ctx=ctx), steps=5, ctx=ctx)
    assert ctx.reports == [(1, 5, "step"), (2, 5, "step"), (3, 5, "step")]


def test_denoise_shows_moving_previews_between_the_steps(
    parts: Parts, ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.sampling._PREVIEW_PAUSE_S", 0.0)
    monkeypatch.setattr("nodes.sampling._PREVIEW_SHARE", 1e9)
    positive = encode_text(parts.text_encoder, text=PROMPT, ctx=ctx)
    latent = empty_latent_video(parts.model, frames=5, ctx=ctx)
    denoise(parts.model, positive, latent, steps=3, guidance_scale=1.0, ctx=ctx)
    assert [media_type for _, media_type in ctx.previews] == ["image/webp"] * 2  # the last step's result is the latent
    for data, _ in ctx.previews:
        picture = PilImage.open(io.BytesIO(data))
        assert getattr(picture, "n_frames", 1) == latent.video.shape[2] > 1


def test_two_denoise_nodes_that_share_a_schedule_equal_one(parts: Parts, ctx: FakeContext) -> None:
    positive = encode_text(parts.text_encoder, text=PROMPT, ctx=ctx)
    empty = empty_latent_video(parts.model, frames=1, ctx=ctx)
    settings = {"seed": 3, "steps": 4, "guidance_scale": 2.0, "ctx": ctx}
    whole = denoise(parts.model, positive, empty, **settings)
    first = denoise(parts.model, positive, empty, end_step=2, **settings)
    second = denoise(parts.model, positive, first, start_step=2, **settings)
    assert 0 < first.noise_level < 1
    assert torch.equal(second.video, whole.video)


def test_a_clip_survives_the_way_through_the_vae(parts: Parts, ctx: FakeContext) -> None:
    from server.media.pattern import pattern_clip

    clip = pattern_clip(64, 64, fps=8, frame_count=3)
    latent = vae_encode(parts.vae, clip, ctx=ctx)
    assert (latent.width, latent.height, latent.frames, latent.fps) == (64, 64, 3, 8)
    back = frames_of(vae_decode(parts.vae, latent, ctx=ctx))
    error = np.abs(back - frames_of(clip) / 255).mean()
    assert error < 0.06


def test_a_weaker_denoise_stays_nearer_to_the_clip(parts: Parts, ctx: FakeContext) -> None:
    from server.media.pattern import pattern_clip

    positive = encode_text(parts.text_encoder, text=PROMPT, ctx=ctx)
    clean = vae_encode(parts.vae, pattern_clip(64, 64, fps=8, frame_count=2), ctx=ctx)
    changes = [
        (denoise(parts.model, positive, clean, steps=10, strength=strength, ctx=ctx).video - clean.video).abs().mean()
        for strength in (0.2, 0.9)
    ]
    assert 0 < changes[0] < changes[1] / 2


def test_latents_and_models_of_two_families_are_not_mixed(parts: Parts, ctx: FakeContext) -> None:
    from dataclasses import replace

    foreign = replace(empty_latent_video(parts.model, frames=1, ctx=ctx), family="other")
    positive = encode_text(parts.text_encoder, text=PROMPT, ctx=ctx)
    with pytest.raises(NodeInputError, match="other family") as caught:
        denoise(parts.model, positive, foreign, steps=1, ctx=ctx)
    assert caught.value.input_name == "latent"
    with pytest.raises(NodeInputError, match="other family") as caught:
        vae_decode(parts.vae, replace(foreign, noise_level=0.0), ctx=ctx)
    assert caught.value.input_name == "vae"


def test_a_model_that_does_not_fit_its_budget_blames_the_model(
    parts: Parts, ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.diffusion import memory

    small = memory.Residency({"cpu": 1000})
    latent = empty_latent_video(parts.model, frames=1, ctx=ctx)
    positive = encode_text(parts.text_encoder, text=PROMPT, ctx=ctx)
    monkeypatch.setattr(memory, "shared", lambda: small)
    with pytest.raises(NodeInputError, match="budget") as caught:
        denoise(parts.model, positive, latent, steps=1, ctx=ctx)
    assert caught.value.input_name == "model"


def test_a_clip_of_a_wrong_size_is_refused_with_the_nearest_one(parts: Parts, ctx: FakeContext) -> None:
    from server.media.pattern import pattern_clip

    with pytest.raises(NodeInputError, match="width 70") as caught:
        vae_encode(parts.vae, pattern_clip(70, 64, frame_count=1), ctx=ctx)
    assert caught.value.input_name == "clip"
    assert "64" in caught.value.hint


def test_an_empty_latent_cannot_be_decoded(parts: Parts, ctx: FakeContext) -> None:
    with pytest.raises(NodeInputError, match="holds no picture"):
        vae_decode(parts.vae, empty_latent_video(parts.model, ctx=ctx), ctx=ctx)


def test_an_empty_latent_takes_what_is_not_said_from_the_model(parts: Parts, ctx: FakeContext) -> None:
    latent = empty_latent_video(parts.model, ctx=ctx)
    assert (latent.width, latent.height, latent.frames, latent.fps) == (64, 64, 17, 8)
    assert latent.empty


@pytest.mark.parametrize(
    ("given", "input_name", "hint"),
    [
        ({"width": 850}, "width", "try 848"),
        ({"height": 17}, "height", "try 16"),
        ({"width": 10_000_000}, "width", "and enlarge the video afterwards"),
        ({"frames": 10_000_000}, "frames", "try "),
        ({"seconds": 10_000_000.0}, "seconds", "or less"),
    ],
)
def test_a_size_that_the_model_cannot_make_is_a_problem_with_a_hint(
    parts: Parts, ctx: FakeContext, given: dict[str, float], input_name: str, hint: str
) -> None:
    check = empty_latent_video.definition.check
    assert check is not None
    settings = {"width": 0, "height": 0, "seconds": 2.0, "fps": 0.0, "frames": 0} | given
    [problem] = check(parts.model, **settings)
    assert problem.input == input_name
    assert hint in problem.hint
    with pytest.raises(NodeInputError):
        empty_latent_video(parts.model, **given, ctx=ctx)


def test_every_hint_of_a_size_is_itself_taken(parts: Parts) -> None:
    check = empty_latent_video.definition.check
    assert check is not None
    settings = {"width": 850, "height": 0, "seconds": 1e6, "fps": 0.0, "frames": 0}
    for problem in check(parts.model, **settings):
        number = next(word for word in problem.hint.replace(",", "").split() if word[0].isdigit())
        settings[problem.input] = type(settings[problem.input])(float(number))
    assert list(check(parts.model, **settings)) == []


def test_broadcast_rates_are_exact(parts: Parts, ctx: FakeContext) -> None:
    assert empty_latent_video(parts.model, fps=23.976, frames=1, ctx=ctx).fps == Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("steps", "strength", "start_step", "end_step", "input_name"),
    [
        (10, 1.0, 0, 20, "end_step"),
        (10, 0.0, 0, 0, "strength"),
        (10, 0.5, 3, 0, "start_step"),
        (10, 1.0, 5, 5, "start_step"),
    ],
)
def test_steps_that_contradict_each_other_are_a_problem(
    *, steps: int, strength: float, start_step: int, end_step: int, input_name: str, parts: Parts
) -> None:
    check = denoise.definition.check
    assert check is not None
    usual = {"model": parts.model, "solver": "auto", "shift": 0.0, "spacing": "auto"}
    [problem] = check(steps=steps, strength=strength, start_step=start_step, end_step=end_step, **usual)
    assert problem.input == input_name
    assert problem.hint
