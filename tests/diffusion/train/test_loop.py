"""The trainer: it learns, what it learns is what the sampler needs, and it goes on where it stopped."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from server.diffusion.scenes.scene import draw_scene, is_held_out
from server.diffusion.train.attention import attention_that_trains_fast
from server.diffusion.train.checkpoint import Progress, latest_checkpoint
from server.diffusion.train.codec import PatchCode
from server.diffusion.train.curriculum import batch_size, draw_frames, draw_training_scene, learning_rate
from server.diffusion.train.loop import Batch, TrainConfig, Trainer, flow_matching_loss, train
from server.diffusion.train.model import SHIFT, ModelSize, build_scheduler, build_starter
from tests.machine import skip_unless

TINY = ModelSize(heads=1, layers=1, feed_forward=64, text_width=32, text_layers=1, latent_channels=8)


def config(out: Path, **changes: object) -> TrainConfig:
    return replace(TrainConfig(out=out, minutes=60.0, size=TINY, resolution=32, frames=5), **changes)


def test_twenty_steps_lower_the_loss(tmp_path: Path):
    trainer = Trainer(config(tmp_path, peak_rate=3e-2))
    batch = trainer.draw_batch()
    before = flow_matching_loss(trainer.starter, batch, torch.Generator().manual_seed(0)).item()
    for _ in range(20):
        trainer.step()
    after = flow_matching_loss(trainer.starter, batch, torch.Generator().manual_seed(0)).item()
    assert after < 0.95 * before


def test_a_run_leaves_a_checkpoint_and_a_log(tmp_path: Path):
    train(config(tmp_path, steps=20))
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoint-00000020"
    record = json.loads((tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert record["step"] == 20
    assert not list(tmp_path.glob("*.part"))


def test_a_resumed_run_ends_as_if_it_had_not_stopped(tmp_path: Path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    straight = train(config(whole, steps=6))
    train(config(halves, steps=3))
    resumed = train(config(halves, steps=6), resume=True)
    assert resumed.progress.step == 6
    for name, value in straight.modules.named_parameters():
        assert torch.allclose(value, dict(resumed.modules.named_parameters())[name], atol=1e-6), name
    for name, value in straight.average.items():
        assert torch.allclose(value, resumed.average[name], atol=1e-6), name


def test_a_run_resumes_without_the_optimizer_state(tmp_path: Path):
    train(config(tmp_path, steps=3))
    (tmp_path / "checkpoint-00000003" / "optimizer.safetensors").unlink()
    trainer = train(config(tmp_path, steps=5), resume=True)
    assert trainer.progress.step == 5


def test_a_half_written_checkpoint_is_not_taken(tmp_path: Path):
    train(config(tmp_path, steps=2))
    (tmp_path / "checkpoint-00000009.part").mkdir()
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoint-00000002"


@pytest.mark.parametrize("first_given", [False, True])
def test_the_loss_is_zero_for_the_velocity_of_the_scheduler(
    first_given: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One Euler step from any noise level with the training target must land on the clean latents."""
    trainer = Trainer(config(tmp_path))
    whole = trainer.starter.code.encode(trainer.renderer([draw_scene(random.Random(n)) for n in range(3)]))
    batch = Batch(whole, ["a red ball"] * 3, list(range(5)), first_given)
    seen: dict[str, torch.Tensor] = {}

    def velocity(noisy: torch.Tensor, timestep: torch.Tensor, text: torch.Tensor, **_: object) -> tuple[torch.Tensor]:
        frames = timestep.view(3, 5, -1)[:, :, 0] if timestep.ndim == 2 else timestep[:, None].expand(3, 5)
        sigma = (frames / 1000).view(3, 1, 5, 1, 1)
        seen.update(timestep=timestep, frames=frames, noisy=noisy)
        return ((noisy - batch.latents) / sigma.clamp(min=1e-6),)

    monkeypatch.setattr(trainer.starter.transformer, "forward", velocity)
    loss = flow_matching_loss(trainer.starter, batch, torch.Generator().manual_seed(0))
    assert loss < 1e-4
    assert (seen["frames"][:, 1:] > 0).all()
    assert (seen["frames"][:, 0] == 0).all() == first_given
    assert torch.equal(seen["noisy"][:, :, 0], batch.latents[:, :, 0]) == first_given
    assert seen["timestep"].max() <= 1000


def test_some_steps_give_the_first_frame_of_several(tmp_path: Path):
    trainer = Trainer(config(tmp_path, given_first=1.0))
    batches = []
    for step in range(12):
        trainer.progress = Progress(step, 3000.0)
        batches.append(trainer.draw_batch())
    assert all(batch.first_given == (len(batch.frames) > 1) for batch in batches)
    assert any(batch.first_given for batch in batches)


def test_a_run_from_a_model_begins_in_the_middle_of_the_curriculum(tmp_path: Path):
    trainer = Trainer(config(tmp_path, begin=0.5))
    assert trainer.share == 0.5
    trainer.progress = Progress(1, 1800.0)
    assert trainer.share == 0.75
    trainer.progress = Progress(1, 3600.0)
    assert trainer.share == 1.0


def test_scenes_that_turn_are_drawn_more_often_and_what_is_round_is_never_asked_to_spin():
    rng = random.Random(0)
    even = [draw_training_scene(rng, turning=0.0) for _ in range(1000)]
    often = [draw_training_scene(rng, turning=0.5) for _ in range(1000)]
    rolls, more_rolls = (sum(scene.action == "roll" for scene in scenes) for scenes in (even, often))
    assert more_rolls > 1.5 * rolls
    assert {scene.action for scene in often} == {scene.action for scene in even}
    assert not any(scene.action == "spin" for scene in often if scene.subject in ("ball", "ring"))
    assert not any(is_held_out(scene.color, scene.subject, scene.setting) for scene in often)


@pytest.mark.parametrize("keys", [272, 32])
def test_training_attention_gives_what_the_fused_one_gives(keys: int):
    drawn = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, 272, 64, generator=drawn, requires_grad=True)
    key, value = (torch.randn(2, 4, keys, 64, generator=drawn, requires_grad=True) for _ in range(2))
    allowed = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    with attention_that_trains_fast("cpu"):
        plain = scaled_dot_product_attention(query, key, value)
    assert torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed() == allowed
    fused = scaled_dot_product_attention(query, key, value)
    assert plain.grad_fn is not None
    assert fused.grad_fn is not None
    assert "Flash" not in plain.grad_fn.name()
    torch.testing.assert_close(plain, fused)
    ways_back = (torch.autograd.grad(found.square().sum(), (query, key, value)) for found in (plain, fused))
    for straight, other in zip(*ways_back, strict=True):
        torch.testing.assert_close(straight, other, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of torch's compiler about its own parts
def test_compiled_blocks_in_bfloat16_give_the_loss_of_plain_ones(tmp_path: Path):
    skip_unless(
        any(shutil.which(name) for name in ("g++", "clang++", "cl")), "there is no C++ compiler to compile with"
    )
    plain = Trainer(config(tmp_path / "plain", resolution=64))
    compiled = Trainer(config(tmp_path / "compiled", resolution=64, half=True, compiled=True))
    losses = [[trainer.step()[0] for _ in range(4)] for trainer in (plain, compiled)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_noise_levels_lie_on_the_scheduler_line():
    scheduler = build_scheduler()
    scheduler.set_timesteps(8)
    sigmas = scheduler.sigmas[:-1]
    line = sigmas / (SHIFT - (SHIFT - 1) * sigmas)
    assert torch.allclose(scheduler.timesteps, sigmas * 1000)
    assert torch.allclose(line.diff(), line.diff()[0].expand(7), atol=1e-4)


@torch.no_grad()
def test_a_subset_of_frames_has_the_positions_of_the_whole_clip(code: PatchCode):
    starter = build_starter(ModelSize(heads=1, layers=1, feed_forward=32, text_width=32, text_layers=1), code)
    latents = torch.randn(1, 32, 9, 4, 4)
    whole = starter.rope(latents)
    starter.rope.frames = [0, 3, 8]
    subset = starter.rope(latents[:, :, [0, 3, 8]])
    for all_positions, some in zip(whole, subset, strict=True):
        assert torch.equal(all_positions.unflatten(1, (9, -1))[:, [0, 3, 8]].flatten(1, 2), some)


def test_the_first_frame_is_always_trained_and_whole_clips_come_last():
    rng = random.Random(0)
    early = [draw_frames(0.0, 17, rng) for _ in range(200)]
    late = [draw_frames(0.99, 17, rng) for _ in range(200)]
    assert all(frames[0] == 0 and frames == sorted(set(frames)) for frames in early + late)
    assert not any(len(frames) == 17 for frames in early)
    assert sum(len(frames) == 17 for frames in late) > 100


def test_a_step_costs_about_the_same_at_any_number_of_frames():
    tokens = [count * batch_size(count) for count in (1, 4, 8, 17)]
    assert max(tokens) <= 3 * min(tokens)


def test_the_learning_rate_warms_up_stays_and_falls():
    assert learning_rate(0.0, 0, peak=1.0) < 0.02
    assert learning_rate(0.4, 1000, peak=1.0) == 1.0
    assert learning_rate(1.0, 9000, peak=1.0) == pytest.approx(0.03)
