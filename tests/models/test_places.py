"""Models are found where they are, under one name, and nothing outside is reached."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from server.models import catalog, places
from server.models.errors import ModelError
from server.models.hashes import Hashes


def weights(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({"a": torch.zeros(2)}, file)
    return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "models").mkdir()
    return tmp_path


def names(home: Path) -> list[str]:
    return [entry.name for entry in catalog.entries(home / "models")]


def test_files_folders_and_the_first_of_shards_are_listed(home: Path) -> None:
    models = home / "models"
    weights(models / "vae" / "wan.safetensors")
    for index in (1, 2):
        weights(models / "big" / f"model-0000{index}-of-00002.safetensors")
    weights(models / ".hidden" / "no.safetensors")
    (models / "old.ckpt").write_bytes(b"x")
    weights(models / "boat" / "vae" / "diffusion_pytorch_model.safetensors")
    (models / "boat" / "model_index.json").write_text("{}")
    found = {entry.name: entry for entry in catalog.entries(models)}
    assert set(found) == {"vae/wan.safetensors", "big/model-00001-of-00002.safetensors", "old.ckpt", "boat"}
    assert {entry.kind for entry in found.values()} == {"file", "folder", "pickle"}
    sharded = found["big/model-00001-of-00002.safetensors"]
    assert sharded.size_bytes == 2 * found["vae/wan.safetensors"].size_bytes


PATHS = """
comfyui:
    base_path: {base}
    is_default: true
    checkpoints: models/checkpoints/
    unet: models/unet
    text_encoders: |
        models/text_encoders/
        models/clip/
other:
    vae: {base}/elsewhere
"""


def test_comfyuis_folders_are_used_in_place(home: Path) -> None:
    base = home / "ComfyUI"
    (home / "models" / "extra_model_paths.yaml").write_text(PATHS.format(base=base.as_posix()), encoding="utf-8")
    weights(base / "models" / "unet" / "wan.safetensors")
    weights(base / "models" / "clip" / "umt5.safetensors")
    vae = weights(base / "elsewhere" / "sub" / "vae.safetensors")
    assert names(home) == [
        "diffusion_models/wan.safetensors",
        "text_encoders/umt5.safetensors",
        "vae/sub/vae.safetensors",
    ]
    assert places.resolve(home / "models", "vae/sub/vae.safetensors") == vae
    for name in ("diffusion_models/wan.safetensors", "unet/wan.safetensors"):
        assert places.resolve(home / "models", name).name == "wan.safetensors"
    own = weights(home / "models" / "diffusion_models" / "wan.safetensors")
    assert places.resolve(home / "models", "unet/wan.safetensors") == own


@pytest.mark.parametrize(
    "text", ["[1, 2]", "a: [1]", "a: {b: &x {c: d}}\nx: !!python/object:os.system {}", "{", "\x00"]
)
def test_a_file_of_paths_that_makes_no_sense_is_refused(text: str, home: Path) -> None:
    (home / "models" / "extra_model_paths.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        catalog.entries(home / "models")
    assert caught.value.hint


def test_the_hugging_face_cache_is_used_in_place(home: Path) -> None:
    repo = home / "hub" / "models--Wan-AI--Wan2.1"
    snapshot = repo / "snapshots" / "abc"
    blob = weights(repo / "blobs" / "123")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    snapshot.mkdir(parents=True)
    try:
        (snapshot / "wan.safetensors").symlink_to(blob)
    except OSError:
        pytest.skip("this system lets no ordinary user make links")
    name = "huggingface/Wan-AI/Wan2.1/wan.safetensors"
    assert names(home) == [name]
    assert places.resolve(home / "models", name).resolve() == blob.resolve()
    (snapshot / "model_index.json").write_text("{}")
    assert names(home) == ["huggingface/Wan-AI/Wan2.1"]
    assert places.resolve(home / "models", "huggingface/Wan-AI/Wan2.1") == snapshot


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "a\\..\\b", ""])
def test_a_name_that_leads_outside_is_refused(name: str, home: Path) -> None:
    with pytest.raises(ModelError, match="lies outside"):
        places.resolve(home / "models", name)


def test_a_link_that_leads_outside_is_refused_until_its_target_is_named(home: Path) -> None:
    secret = weights(home / "secret" / "x.safetensors")
    try:
        (home / "models" / "link.safetensors").symlink_to(secret)
    except OSError:
        pytest.skip("this system lets no ordinary user make links")
    with pytest.raises(ModelError, match="through a link"):
        places.resolve(home / "models", "link.safetensors")
    (home / "models" / "extra_model_paths.yaml").write_text(f"mine:\n  vae: {secret.parent.as_posix()}\n")
    assert places.resolve(home / "models", "link.safetensors").resolve() == secret.resolve()


def test_what_is_not_there_says_where_to_put_it(home: Path) -> None:
    with pytest.raises(ModelError, match="Put it into"):
        places.resolve(home / "models", "vae/none.safetensors")


def test_a_hash_is_computed_once_until_the_file_changes(home: Path) -> None:
    import hashlib

    file = weights(home / "models" / "x.safetensors")
    store = home / "hashes.json"
    seen: list[tuple[int, int]] = []
    first = Hashes(store)
    assert first.known(file) is None
    assert (
        first.of(file, lambda done, total: seen.append((done, total))) == hashlib.sha256(file.read_bytes()).hexdigest()
    )
    assert seen == [(file.stat().st_size, file.stat().st_size)]
    again = Hashes(store)
    assert again.of(file, lambda *_: pytest.fail("it was hashed again")) == again.known(file)
    entry = catalog.entries(home / "models")[0]
    assert again.find(str(again.known(file)), [entry]) == entry
    os.utime(file, ns=(1, 1))
    assert again.known(file) is None
    store.write_text("{broken")
    assert Hashes(store).known(file) is None
