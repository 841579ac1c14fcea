"""Every family's denoiser in scaled fp8 and in GGUF: it loads to the reference formula, and runs while compressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
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
from tests.diffusion.single_files import ALL
from tests.diffusion.test_packed import write_gguf, write_scaled

pytestmark = [
    # diffusers' Euler scheduler hands a tensor to numpy in a way that numpy 2 frowns upon.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.parametrize("name", ALL),
]


Files = dict[str, Path]
Write = Callable[[dict[str, Tensor], Path], dict[str, Tensor]]


def compressed(name: str, files: Files, folder: Path, suffix: str, write: Write) -> tuple[Files, Files]:
    """Write each denoiser under its maker's names: compressed, and what that stands for; returns both by choice."""
    packed: Files = {}
    plain: Files = {}
    (folder / "plain").mkdir()
    for piece in ALL[name].pieces:
        if piece.name in ("transformer", "transformer_2", "unet"):
            held = load_file(files[piece.choice])
            state = {k.removeprefix(piece.prefix): v for k, v in held.items() if k.startswith(piece.prefix)}
            packed[piece.choice] = folder / f"{piece.choice}{suffix}"
            plain[piece.choice] = folder / "plain" / f"{piece.choice}.safetensors"
            expected = write(state, packed[piece.choice])
            save_file({key: tensor.contiguous().clone() for key, tensor in expected.items()}, plain[piece.choice])
    return packed, plain


def beside(name: str, denoisers: Files, files: Files, dtype: str = "auto") -> Descriptions:
    """Describe a model of other files of its denoisers, and its companions where they are."""
    chosen = {choice: file for choice, file in files.items() if choice != "model"} | denoisers
    for piece in ALL[name].pieces[1:]:
        if piece.choice == "model":
            chosen[piece.name] = files["model"]
    source = weights.open_source(chosen, roots=[files["model"].parent])
    return weights.describe_source(source, dtype=dtype)


def networks_of(described: Descriptions) -> list[torch.nn.Module]:
    """Load each expert."""
    model = described.model
    return [load_component(replace(model, expert=name), "cpu").module for name in model.capabilities.experts]


def assert_near(made: torch.nn.Module, expected: torch.nn.Module) -> None:
    ours, theirs = made.state_dict(), expected.state_dict()
    assert set(ours) == set(theirs)
    for key, tensor in theirs.items():
        assert torch.allclose(ours[key], tensor, rtol=1e-3, atol=1e-6), key


def test_scaled_fp8_loads_to_its_formula_and_runs_compressed(
    name: str, model_files: Callable[[str], Files], residency: Residency, tmp_path: Path
) -> None:
    files = model_files(name)
    packed, plain = compressed(name, files, tmp_path, ".safetensors", partial(write_scaled, convention="new"))
    kept, loose = beside(name, packed, files), beside(name, packed, files, "float32")
    for made, expected in zip(networks_of(loose), networks_of(beside(name, plain, files)), strict=True):
        assert_near(made, expected)
    for network in networks_of(kept):
        assert any(isinstance(layer, PackedLinear) for layer in network.modules())
    given = inputs(kept, name, residency)
    run: dict[str, Any] = given.settings | {"device": "cpu", "residency": Residency({"cpu": 2**30})}
    made = [denoise(parts.model, *given[:3], **run).video for parts in (kept, loose)]
    assert torch.isfinite(made[0]).all()
    assert torch.equal(*made)


def test_gguf_loads_to_what_its_library_reads(name: str, model_files: Callable[[str], Files], tmp_path: Path) -> None:
    files = model_files(name)
    packed, plain = compressed(name, files, tmp_path, ".gguf", partial(write_gguf, kind="Q8_0"))
    loose = networks_of(beside(name, packed, files, "float32"))
    for made, expected in zip(loose, networks_of(beside(name, plain, files)), strict=True):
        assert_near(made, expected)
    for network in networks_of(beside(name, packed, files)):
        assert any(isinstance(layer, PackedLinear) for layer in network.modules())
