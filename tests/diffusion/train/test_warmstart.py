"""A new run that starts from an exported model: it means the same by its latents and by the words that both know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from server.diffusion.scenes.render import Renderer
from server.diffusion.scenes.scene import Scene
from server.diffusion.train.codec import PatchCode, build_vae
from server.diffusion.train.export import export_model, load_starter
from server.diffusion.train.loop import TrainConfig, train
from server.diffusion.train.model import ModelSize
from server.diffusion.train.runfile import load_run
from server.diffusion.train.warmstart import read_code, read_size, take_weights

TINY = ModelSize(heads=1, layers=1, feed_forward=64, text_width=32, text_layers=1, latent_channels=8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run, folder = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("model")
    train(TrainConfig(out=run, steps=2, size=TINY, resolution=32, frames=5))
    return export_model(run, folder)


def test_the_patch_code_is_read_back_out_of_the_vae(code: PatchCode, tmp_path: Path):
    build_vae(code).save_pretrained(tmp_path / "vae")
    found, clips = read_code(tmp_path), Renderer(64, 17)([Scene("fish", "red", "still", "sea")], [0, 8])
    assert torch.allclose(found.encode(clips), code.encode(clips), atol=1e-4)


def test_a_run_takes_size_weights_and_code(model: Path, tmp_path: Path):
    assert read_size(model) == TINY
    trainer = train(TrainConfig(out=tmp_path, steps=0, resolution=32, frames=5, start_from=model))
    _, exported = load_starter(tmp_path)
    known = dict(trainer.modules.named_parameters())
    assert torch.equal(exported.transformer.proj_out.bias, known["transformer.proj_out.bias"])
    stored = read_code(model)
    assert torch.allclose(trainer.starter.code.directions, stored.directions)


def test_known_words_keep_what_they_learned_and_new_ones_are_added(model: Path, tmp_path: Path):
    for part in ("transformer", "text_encoder", "tokenizer"):
        (tmp_path / part).mkdir()
        for path in (model / part).iterdir():
            (tmp_path / part / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "tokenizer" / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokens = tokenizer["model"]["vocab"]
    tokens["wagon"] = tokens.pop("rocket")  # an older model, which did not know rockets
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    run = load_run(tmp_path)
    assert run is None
    _, fresh = load_starter(_run_of(tmp_path))
    before = fresh.text_encoder.get_input_embeddings().weight.clone()
    assert take_weights(fresh, tmp_path) == len(tokens) - 1
    after, ids = fresh.text_encoder.get_input_embeddings().weight, fresh.tokenizer.get_vocab()
    assert not torch.equal(after[ids["boat"]], before[ids["boat"]])
    assert not torch.equal(after[ids["rocket"]], after[ids["boat"]])


def _run_of(folder: Path) -> Path:
    run = folder / "run"
    train(TrainConfig(out=run, steps=1, size=TINY, resolution=32, frames=5, seed=9))
    return run


def test_a_run_with_other_words_is_refused(tmp_path: Path):
    train(TrainConfig(out=tmp_path, steps=1, size=TINY, resolution=32, frames=5))
    settings = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    settings["words"] = settings["words"][1:]
    (tmp_path / "run.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(ValueError, match="--start-from"):
        train(TrainConfig(out=tmp_path, steps=2), resume=True)
