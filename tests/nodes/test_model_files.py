"""Single files through the nodes: companions are found, and what is wrong is said at the knob before anything runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.diffusion.single_files import FAMILIES, write_files
from tests.nodes.workbench import Workbench


@pytest.fixture(scope="module")
def wan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tiny Wan in ComfyUI's layout, and a LoRA for it."""
    home = tmp_path_factory.mktemp("wan")
    files = write_files(FAMILIES["wan"], home)
    for choice, category in (("model", "diffusion_models"), ("text_encoder", "text_encoders"), ("vae", "vae")):
        (home / category).mkdir()
        files[choice].rename(home / category / f"{choice}.safetensors")
    generator = torch.Generator().manual_seed(0)
    down, up = torch.randn(4, 128, generator=generator), torch.randn(128, 4, generator=generator)
    (home / "loras").mkdir()
    name = "diffusion_model.blocks.0.self_attn.q"
    save_file({f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}, home / "loras" / "style.safetensors")
    save_file(
        {"double_blocks.0.img_attn.qkv.lora_A.weight": down, "double_blocks.0.img_attn.qkv.lora_B.weight": up},
        home / "loras" / "of_flux.safetensors",
    )
    return home


@pytest.fixture
def bench(wan: Path, tmp_path: Path) -> Iterator[Workbench]:
    shutil.copytree(wan, tmp_path / "models")
    bench = Workbench(tmp_path)
    yield bench
    bench.close()


MODEL = "diffusion_models/model"


def document(lora: dict[str, Any] | None = None, **inputs: str) -> dict[str, Any]:
    model = {"link": ["lora" if lora else "models", "model"]}
    nodes: dict[str, Any] = {
        "models": {
            "type": "load_model",
            "version": 2,
            "inputs": {"model": "diffusion_models/model.safetensors", **inputs},
        },
        "size": {
            "type": "empty_latent_video",
            "version": 1,
            "inputs": {"model": {"link": ["models", "model"]}, "width": 64, "height": 64, "frames": 5},
        },
        "text": {
            "type": "encode_text",
            "version": 1,
            "inputs": {"encoder": {"link": ["models", "text_encoder"]}, "text": "a red boat"},
        },
        "denoise": {
            "type": "denoise",
            "version": 1,
            "inputs": {
                "model": model,
                "positive": {"link": ["text", "conditioning"]},
                "latent": {"link": ["size", "latent"]},
                "steps": 1,
                "guidance_scale": 1.0,
            },
        },
    }
    if lora:
        nodes["lora"] = {
            "type": "apply_lora",
            "version": 1,
            "inputs": {"model": {"link": ["models", "model"]}, **lora},
        }
    return {"kinegraph": 1, "outputs": {"latent": {"node": "denoise", "output": "latent"}}, "nodes": nodes}


def test_companions_are_found_and_a_lora_changes_the_result(bench: Workbench) -> None:
    assert bench.problems(document()) == []
    plain = bench.run(document()).outputs["latent"].video
    changed = bench.run(document({"file": "loras/style.safetensors", "strength": 1.0})).outputs["latent"].video
    without = bench.run(document({"file": "loras/style.safetensors", "strength": 0.0})).outputs["latent"].video
    assert torch.isfinite(plain).all()
    assert not torch.equal(changed, plain)
    assert torch.equal(without, plain)


def test_an_old_document_names_a_folder(bench: Workbench) -> None:
    from nodes.models import STARTERS
    from server.graph import from_json
    from server.graph.migrate import migrate
    from tests.nodes.workbench import CATALOGUE

    shutil.copytree(STARTERS / "text_to_video", bench.folders.models / "boat")
    old = document()
    old["nodes"]["models"] = {"type": "load_model", "version": 1, "inputs": {"folder": "boat"}}
    workflow, changes = migrate(from_json(old), CATALOGUE)
    assert len(changes) == 1
    assert workflow.nodes["models"].inputs == {"model": "boat"}


def cut(folder: Path) -> None:
    file = folder / "diffusion_models" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def pickled(folder: Path) -> None:
    (folder / "diffusion_models" / "model.safetensors").write_bytes(b"\x80\x02")
    (folder / "diffusion_models" / "model.safetensors").rename(folder / "diffusion_models" / "model.ckpt")


def without_encoder(folder: Path) -> None:
    (folder / "text_encoders" / "text_encoder.safetensors").unlink()


def two_encoders(folder: Path) -> None:
    shutil.copy(folder / "text_encoders" / "text_encoder.safetensors", folder / "text_encoders" / "other.safetensors")


def without_shards(folder: Path) -> None:
    place = folder / "diffusion_models"
    (place / "model.safetensors").rename(place / "model-00001-of-00003.safetensors")


def unknown_variant(folder: Path) -> None:
    file = folder / "diffusion_models" / "model.safetensors"
    save_file({**load_file(file), "model.diffusion_model.vace_blocks.0.after_proj.bias": torch.zeros(3)}, file)


def replaced(content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / "diffusion_models" / "model.safetensors").write_bytes(content) and None


def folder_with_another_network(folder: Path) -> None:
    from nodes.models import STARTERS

    shutil.copytree(STARTERS / "text_to_video", folder / "boat")
    (vae,) = (folder / "boat" / "vae").glob("*.safetensors")
    (transformer,) = (folder / "boat" / "transformer").glob("*.safetensors")
    shutil.copy(vae, transformer)


def nothing(folder: Path) -> None:
    del folder


@pytest.mark.parametrize(
    ("damage", "inputs", "knob", "words"),
    [
        (cut, {}, "model", "bytes long where its header promises"),
        (pickled, {"model": f"{MODEL}.ckpt"}, "model", "is a pickle, which could run code"),
        (replaced(b"<!DOCTYPE html><title>Access denied</title>"), {}, "model", "is a web page"),
        (replaced(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n"), {}, "model", "a pointer of Git LFS"),
        (replaced(b"PK\x03\x04 and so on, as torch saves"), {}, "model", "is a pickle with another ending"),
        (replaced(b"GGUF\x03\0\0\0 and so on"), {}, "model", "is a GGUF file .* Name it .gguf"),
        (replaced(b""), {}, "model", "is empty"),
        (folder_with_another_network, {"model": "boat"}, "model", "in the folder transformer, which holds Wan's"),
        (nothing, {"model": "diffusion_models/none.safetensors"}, "model", "There is no model"),
        (nothing, {"model": "../outside.safetensors"}, "model", "lies outside the models folder"),
        (
            without_shards,
            {"model": f"{MODEL}-00001-of-00003.safetensors"},
            "model",
            "2 of them are missing: .*-00002",
        ),
        (unknown_variant, {}, "model", "a variant of Wan that cannot be run: it holds vace_blocks"),
        (nothing, {"model": "vae/vae.safetensors"}, "model", "it holds Wan's autoencoder"),
        (nothing, {"model": "loras/style.safetensors"}, "model", "is a LoRA, not a model"),
        (without_encoder, {}, "text_encoder", "needs a UMT5 encoder .* no file that fits was found"),
        (two_encoders, {}, "text_encoder", "Choose one of other.safetensors, text_encoder.safetensors"),
        (
            nothing,
            {"vae": "text_encoders/text_encoder.safetensors"},
            "vae",
            "does not belong to this model: it holds UMT5",
        ),
        (nothing, {"text_encoder_2": "vae/vae.safetensors"}, "text_encoder_2", "Wan has no text encoder 2"),
        (nothing, {"motion_module": "vae/vae.safetensors"}, "motion_module", "is no motion module"),
        (nothing, {"low_noise_model": "vae/vae.safetensors"}, "low_noise_model", "is no model"),
    ],
)
def test_what_is_wrong_is_said_at_its_knob_before_anything_runs(
    damage: Callable[[Path], None], inputs: dict[str, str], knob: str, words: str, bench: Workbench
) -> None:
    import re

    damage(bench.folders.models)
    problems = bench.problems(document(**inputs))
    assert {problem.path for problem in problems} == {f"/nodes/models/inputs/{knob}"}
    text = " ".join(f"{problem.message} {problem.hint}" for problem in problems)
    assert re.search(words, text), text
    assert all(problem.hint for problem in problems)


@pytest.mark.parametrize(
    ("lora", "knob", "words"),
    [
        ({"file": "loras/of_flux.safetensors"}, "file", "fits nothing in this model"),
        ({"file": "vae/vae.safetensors"}, "file", "is no LoRA"),
        ({"file": "loras/none.safetensors"}, "file", "There is no model"),
        ({"file": "loras/style.safetensors", "expert": "low noise"}, "expert", "has one expert"),
    ],
)
def test_a_lora_that_does_not_fit_is_said_at_its_knob(
    lora: dict[str, str], knob: str, words: str, bench: Workbench
) -> None:
    problems = bench.problems(document(lora))
    assert {problem.path for problem in problems} == {f"/nodes/lora/inputs/{knob}"}
    assert words in " ".join(problem.message for problem in problems)


def test_checking_files_and_loras_loads_no_torch(bench: Workbench, tmp_path: Path) -> None:
    import json
    import subprocess
    import sys

    code = (
        "import json, sys; from pathlib import Path; from server.engine.check import check_graph; "
        "from server.graph import from_json, validate; from server.kit import Folders; "
        "from server.kit.catalogue import load_catalogue; home = Path(sys.argv[1]); "
        "folders = Folders(home / 'uploads', home / 'outputs', home / 'models'); catalogue = load_catalogue(); "
        "graph = validate(from_json(json.loads(sys.argv[2])), catalogue).graph; "
        "assert check_graph(graph, folders) == (), check_graph(graph, folders); "
        "print([m for m in ('torch', 'diffusers', 'transformers', 'numpy', 'gguf') if m in sys.modules])"
    )
    text = json.dumps(document({"file": "loras/style.safetensors", "strength": 0.5}))
    arguments = [sys.executable, "-c", code, str(tmp_path), text]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
