"""Every family's denoiser in scaled fp8 and in GGUF: it loads to the reference formula, and runs while compressed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from server.diffusion import weights
from server.diffusion.memory import Residency, load_component
from server.diffusion.packed import PackedLinear
from server.diffusion.sampling.denoise import denoise
from server.diffusion.weights import Descriptions
from tests.diffusion.runs import inputs
from tests.diffusion.single_files import FAMILIES
from tests.diffusion.test_packed import write_gguf, write_scaled

pytestmark = [
    # diffusers' Euler scheduler hands a tensor to numpy in a way that numpy 2 frowns upon.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.parametrize("name", FAMILIES),
]


def denoiser_of(name: str, file: Path) -> dict[str, Tensor]:
    """Return the denoiser's tensors, of a checkpoint that may hold more, under its maker's names."""
    prefix = FAMILIES[name].pieces[0].prefix
    return {k.removeprefix(prefix): tensor for k, tensor in load_file(file).items() if k.startswith(prefix)}


def beside(name: str, denoiser: Path, files: dict[str, Path], dtype: str = "auto") -> Descriptions:
    """Describe a model of another file of its denoiser, and its companions where they are."""
    chosen = {choice: file for choice, file in files.items() if choice != "model"}
    for piece in FAMILIES[name].pieces[1:]:
        if piece.choice == "model":
            chosen[piece.name] = files["model"]
    source = weights.open_source({"model": denoiser, **chosen}, roots=[files["model"].parent])
    return weights.describe_source(source, dtype=dtype)


def assert_near(made: torch.nn.Module, expected: torch.nn.Module) -> None:
    ours, theirs = made.state_dict(), expected.state_dict()
    assert set(ours) == set(theirs)
    for key, tensor in theirs.items():
        assert torch.allclose(ours[key], tensor, rtol=1e-3, atol=1e-6), key


def test_scaled_fp8_loads_to_its_formula_and_runs_compressed(
    name: str, model_files: Callable[[str], dict[str, Path]], residency: Residency, tmp_path: Path
) -> None:
    files = model_files(name)
    file, plain = tmp_path / files["model"].name, tmp_path / "plain" / files["model"].name
    expected = write_scaled(denoiser_of(name, files["model"]), file, "new")
    plain.parent.mkdir()
    save_file({key: tensor.contiguous().clone() for key, tensor in expected.items()}, plain)
    kept, loose = beside(name, file, files), beside(name, file, files, "float32")
    reference = load_component(beside(name, plain, files).model, "cpu").module
    assert_near(load_component(loose.model, "cpu").module, reference)
    assert any(isinstance(layer, PackedLinear) for layer in load_component(kept.model, "cpu").module.modules())
    given = inputs(kept, name, residency)
    run: dict[str, Any] = given.settings | {"steps": 2, "device": "cpu", "residency": Residency({"cpu": 2**30})}
    made = [denoise(parts.model, *given[:3], **run).video for parts in (kept, loose)]
    assert torch.isfinite(made[0]).all()
    assert torch.equal(*made)


def test_gguf_loads_to_what_its_library_reads(
    name: str, model_files: Callable[[str], dict[str, Path]], tmp_path: Path
) -> None:
    files = model_files(name)
    file, plain = tmp_path / f"{name}.gguf", tmp_path / f"{name}.safetensors"
    expected = write_gguf(denoiser_of(name, files["model"]), file, "Q8_0")
    save_file(expected, plain)
    made = load_component(beside(name, file, files, "float32").model, "cpu").module
    assert_near(made, load_component(beside(name, plain, files).model, "cpu").module)
    kept = load_component(beside(name, file, files).model, "cpu").module
    assert any(isinstance(layer, PackedLinear) for layer in kept.modules())
