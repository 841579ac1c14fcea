"""The shipped starter model: whole, described truly, and obedient on prompts that it never saw."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from diffusers import WanPipeline

from server.diffusion.scenes.render import Renderer
from server.diffusion.train.detect import Detector, accuracy
from server.diffusion.train.evaluate import Sampling, load_pipeline, sample
from server.diffusion.train.export import MANIFEST
from server.diffusion.train.prompts import held_out_prompts

STARTER = Path(__file__).parents[3] / "server" / "diffusion" / "starter" / "text_to_video"
MANIFEST_ENTRIES = json.loads((STARTER / MANIFEST).read_text(encoding="utf-8"))
WORDS = MANIFEST_ENTRIES["vocabulary"]["words"]


@pytest.fixture(scope="module")
def pipeline() -> WanPipeline:
    return load_pipeline(STARTER)


def test_the_manifest_lists_every_weight_file_with_its_digest():
    on_disk = {path.relative_to(STARTER).as_posix(): path for path in STARTER.rglob("*.safetensors")}
    assert set(on_disk) == set(MANIFEST_ENTRIES["files"])
    for name, path in on_disk.items():
        entry = MANIFEST_ENTRIES["files"][name]
        assert entry["bytes"] == path.stat().st_size
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_folder_is_small_and_its_shards_are_smaller():
    sizes = [path.stat().st_size for path in STARTER.rglob("*") if path.is_file()]
    assert sum(sizes) < 20_000_000
    assert max(sizes) < 15_000_000


def test_the_vocabulary_in_the_manifest_is_the_tokenizers(pipeline: WanPipeline):
    known = pipeline.tokenizer.get_vocab()
    assert set(WORDS) == {word for word in known if word.isalpha()}
    for sentence in MANIFEST_ENTRIES["examples"]:
        assert "<unk>" not in pipeline.tokenizer.tokenize(sentence)


def test_the_manifest_says_how_the_model_was_trained(pipeline: WanPipeline):
    defaults = MANIFEST_ENTRIES["defaults"]
    assert defaults["shift"] == pipeline.scheduler.config.shift
    assert defaults["width"] % MANIFEST_ENTRIES["spatial_multiple"] == 0
    assert pipeline.vae.config.scale_factor_temporal == MANIFEST_ENTRIES["temporal_compression"]
    assert pipeline.tokenizer.model_max_length == MANIFEST_ENTRIES["max_sequence_length"]


@torch.no_grad()
def test_the_shipped_vae_returns_rendered_clips(pipeline: WanPipeline):
    clips = Renderer()([scene for scene, _ in held_out_prompts(4, seed=5, words=WORDS)], [0, 4, 8, 12, 16])
    decoded = pipeline.vae.decode(pipeline.vae.encode(clips).latent_dist.mode()).sample
    assert (10 * torch.log10(4 / (decoded - clips).square().mean())) > 29


def test_held_out_prompts_get_their_color_and_setting(pipeline: WanPipeline):
    pairs = held_out_prompts(6, seed=77, words=WORDS)
    clips = sample(pipeline, [prompt for _, prompt in pairs], MANIFEST_ENTRIES, Sampling(seed=77))
    detector = Detector()
    scores = accuracy([detector.read(clip) for clip in clips], [scene for scene, _ in pairs])
    assert clips.shape == (6, 3, 17, 64, 64)
    assert scores["color"] >= 5 / 6
    assert scores["setting"] == 1.0
