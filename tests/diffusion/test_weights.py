"""Model folders: what is recognised, what is refused and with which words, and what digests depend on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from server.diffusion import families, folders, memory, weights
from server.diffusion.errors import WeightsError
from server.diffusion.types import Model, TextEncoder, Vae

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(wan_folder: Callable[..., Path], tmp_path: Path) -> Path:
    return shutil.copytree(wan_folder(4), tmp_path / "model")


def edit(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")


def test_a_folder_becomes_three_descriptions(folder: Path) -> None:
    model, encoder, vae = weights.describe(folder)
    assert (type(model), type(encoder), type(vae)) == (Model, TextEncoder, Vae)
    assert len({model.digest, encoder.digest, vae.digest}) == 3
    assert model.name == "tiny"
    assert model.family == "wan"
    capabilities = model.capabilities
    assert (capabilities.latent_channels, capabilities.spatial_scale, capabilities.temporal_scale) == (4, 8, 4)
    assert (capabilities.size_multiple, capabilities.prompt_tokens) == (16, 16)
    assert weights.vae_of(model) == vae


def test_the_manifest_sets_the_preferred_settings(folder: Path) -> None:
    edit(folder / weights.MANIFEST, title="Tiny boats", defaults={"frames": 17, "fps": "24000/1001", "steps": 8})
    model = weights.describe(folder).model
    assert model.name == "Tiny boats"
    assert (model.capabilities.default_frames, model.capabilities.default_steps) == (17, 8)
    assert model.capabilities.default_fps == Fraction(24000, 1001)


def test_without_a_manifest_the_familys_own_settings_hold(folder: Path) -> None:
    (folder / weights.MANIFEST).unlink()
    model = weights.describe(folder).model
    assert model.name == "model"
    assert (model.capabilities.prompt_tokens, model.capabilities.default_frames) == (512, 81)


def test_the_digest_follows_the_content_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    before = weights.describe(folder)
    elsewhere = shutil.copytree(folder, tmp_path / "elsewhere")
    assert weights.fingerprint(folders.read(elsewhere)) == weights.fingerprint(folders.read(folder))
    fingerprint = weights.fingerprint(folders.read(folder))
    path = folder / TRANSFORMER
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    after = weights.describe(folder)
    assert after.model.digest != before.model.digest
    assert after.vae.digest == before.vae.digest
    assert weights.fingerprint(folders.read(folder)) != fingerprint


def test_the_fingerprint_follows_the_manifest(folder: Path) -> None:
    fingerprint = weights.fingerprint(folders.read(folder))
    (folder / "vae" / ".DS_Store").write_bytes(b"a hidden file")
    assert weights.fingerprint(folders.read(folder)) == fingerprint
    edit(folder / weights.MANIFEST, defaults={"steps": 9})
    assert weights.fingerprint(folders.read(folder)) != fingerprint


def cut(folder: Path) -> None:
    path = folder / TRANSFORMER
    path.write_bytes(path.read_bytes()[:-10])


def cut_in_header(folder: Path) -> None:
    path = folder / TRANSFORMER
    path.write_bytes(path.read_bytes()[:100])


def empty(folder: Path) -> None:
    (folder / TRANSFORMER).write_bytes(b"")


def no_safetensors(folder: Path) -> None:
    (folder / TRANSFORMER).write_bytes(b"\x10\0\0\0\0\0\0\0" + b"[1, 2, 3]       ")


def pickled(folder: Path) -> None:
    (folder / TRANSFORMER).rename(folder / "transformer" / "diffusion_pytorch_model.bin")


def without_weights(folder: Path) -> None:
    (folder / TRANSFORMER).unlink()


def without_a_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "vae" / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def without_vae(folder: Path) -> None:
    shutil.rmtree(folder / "vae")


def without_config(folder: Path) -> None:
    (folder / "vae" / "config.json").unlink()


def broken_config(folder: Path) -> None:
    (folder / "vae" / "config.json").write_text("{", encoding="utf-8")


def without_index(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def of_another_family(folder: Path) -> None:
    edit(folder / "model_index.json", _class_name="MochiPipeline")


def with_two_experts(folder: Path) -> None:
    edit(folder / "model_index.json", transformer_2=["diffusers", "WanTransformer3DModel"])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "transformer/diffusion_pytorch_model.safetensors is .* bytes long where its header promises"),
        (cut_in_header, "is cut short"),
        (empty, "is empty"),
        (no_safetensors, "damaged header"),
        (pickled, "diffusion_pytorch_model.bin, a pickle, which could run code"),
        (without_weights, "transformer has no .safetensors file"),
        (without_a_shard, "vae lacks 2 of its 2 shards: model-00001-of-00002"),
        (without_vae, "lacks the folder vae"),
        (without_config, "vae/config.json is missing"),
        (broken_config, "vae/config.json cannot be read"),
        (without_index, "no model_index.json"),
        (of_another_family, "a MochiPipeline, which no family here can run. These can be run: .*WanPipeline"),
        (with_two_experts, "lacks the folder transformer_2"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(damage: Callable[[Path], None], words: str, folder: Path) -> None:
    damage(folder)
    with pytest.raises(WeightsError, match=words) as caught:
        weights.describe(folder)
    assert caught.value.hint


def foreign_tensor(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    tensors["blocks.0.weight_scale"] = tensors.popitem()[1]
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.parametrize(
    "file", [TRANSFORMER, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"]
)
def test_tensors_that_are_missing_or_unknown_are_not_papered_over(file: str, folder: Path) -> None:
    foreign_tensor(folder / file)
    described = dict(zip(("transformer", "text_encoder", "vae"), weights.describe(folder), strict=True))
    damaged = described[Path(file).parts[0]]
    with pytest.raises(WeightsError, match="do not fit its config"):
        memory.load_component(damaged, "cpu")


@pytest.mark.parametrize(("component", "change"), [("transformer", {"ffn_dim": 64}), ("text_encoder", {"d_ff": 64})])
def test_tensors_of_another_shape_are_refused(component: str, change: dict[str, int], folder: Path) -> None:
    edit(folder / component / "config.json", **change)
    model, encoder, _ = weights.describe(folder)
    with pytest.raises(WeightsError, match=f"{component} cannot be loaded"):
        memory.load_component(model if component == "transformer" else encoder, "cpu")


@pytest.mark.parametrize(
    "manifest", [{"defaults": {"fps": "fast"}}, {"defaults": [1]}, {"defaults": {"guidance_scale": "much"}}]
)
def test_a_manifest_that_makes_no_sense_is_refused(manifest: dict[str, object], folder: Path) -> None:
    edit(folder / weights.MANIFEST, **manifest)
    with pytest.raises(WeightsError, match="holds a value that makes no sense"):
        weights.describe(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no model folder absent"):
        weights.describe(tmp_path / "absent")


def test_an_unknown_precision_lists_the_known_ones(folder: Path) -> None:
    with pytest.raises(WeightsError, match="float32, bfloat16, float16"):
        weights.describe(folder, dtype="int3")


def test_an_unknown_family_lists_the_known_ones() -> None:
    with pytest.raises(WeightsError, match="The families are: wan, ltx, cogvideox, hunyuan, svd, animatediff, sd"):
        families.get("unheard")


def test_every_pipeline_class_belongs_to_one_family_and_is_diffusers_own() -> None:
    import diffusers

    owners = {name: families.get(name).pipelines for name in families.names()}
    classes = [pipeline for pipelines in owners.values() for pipeline in pipelines]
    assert len(classes) == len(set(classes)) >= 11
    for name, pipelines in owners.items():
        assert families.get(name).name == name
        for pipeline in pipelines:
            assert hasattr(diffusers, pipeline)
            assert families.for_pipeline(pipeline) is families.get(name)


def without_an_expert(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    expert = folder / "transformer_2"
    expert.mkdir()
    (expert / "config.json").write_text("{}", encoding="utf-8")
    (expert / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def test_the_second_experts_shards_are_checked_as_well(folder: Path) -> None:
    with_two_experts(folder)
    without_an_expert(folder)
    with pytest.raises(WeightsError, match="transformer_2 lacks 2 of its 2 shards"):
        weights.describe(folder)


def test_a_folder_that_claims_to_be_another_family_says_what_it_lacks(folder: Path) -> None:
    for claimed, lacking in (("StableVideoDiffusionPipeline", "unet"), ("FluxPipeline", "text_encoder_2")):
        edit(folder / "model_index.json", _class_name=claimed)
        with pytest.raises(WeightsError, match=f"lacks the folder {lacking}"):
            weights.describe(folder)


def test_a_network_of_another_family_than_the_folder_claims_is_named(folder: Path) -> None:
    edit(folder / "model_index.json", _class_name="LTXPipeline")
    with pytest.raises(WeightsError, match="of the ltx family, but its transformer is a WanTransformer3DModel"):
        weights.describe(folder)


def test_describing_a_model_loads_no_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from server.diffusion import families, folders, weights, types, store; "
        "[families.get(name) for name in families.names()]; "
        "weights.describe(Path(sys.argv[1])); weights.fingerprint(folders.read(Path(sys.argv[1]))); "
        "sys.exit(str([m for m in ('torch', 'diffusers', 'transformers', 'numpy') if m in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_loading_writes_nothing_to_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for description in weights.describe(folder):
        memory.load_component(description, "cpu")
    written = capfd.readouterr()
    assert (written.out, written.err) == ("", "")
