"""A model gathered from single files makes the same frames as its folder of diffusers; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import weights
from server.diffusion.memory import Residency, load_component
from server.diffusion.source import Source
from server.diffusion.types import Weights
from server.diffusion.weights import Descriptions
from tests.diffusion.runs import made
from tests.diffusion.single_files import FAMILIES, animated, write_folder

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def opened(files: dict[str, Path]) -> Source:
    return weights.open_source(files, roots=[files["model"].parent])


def aligned(description: Weights, device: str) -> Any:
    """Load a component, and copy its parameters: kernels differ in the last bit by where in memory a weight begins.

    A folder's weights are maps of their files, and begin anywhere.
    """
    component = load_component(description, device)
    for module in component.modules.values() if hasattr(component.modules, "values") else [component]:
        for parameter in module.parameters():
            parameter.data = parameter.data.clone()
    return component


def frames(described: Descriptions, name: str) -> np.ndarray:
    """Return the decoded frames of one run."""
    residency = Residency({"cpu": 2**31}, load=aligned)
    return made(described, name, residency)


@pytest.mark.parametrize("name", FAMILIES)
def test_files_make_the_same_frames_as_the_folder(
    name: str, model_files: Callable[[str], dict[str, Path]], tmp_path: Path
) -> None:
    source = opened(model_files(name))
    gathered = weights.describe_source(source)
    folder = weights.describe(write_folder(FAMILIES[name], tmp_path / "folder", source))
    assert gathered.model.capabilities == folder.model.capabilities
    ours = frames(gathered, name)
    assert np.isfinite(ours).all()
    assert ours.std() > 0.01
    assert np.array_equal(ours, frames(folder, name))


def test_a_motion_module_makes_a_clip_of_an_image_model(model_files: Callable[[str], dict[str, Path]]) -> None:
    source = opened(model_files("animatediff"))
    model, *_ = described = weights.describe_source(source)
    assert (model.family, model.capabilities.max_frames) == ("animatediff", 8)
    unet, expected = load_component(model, "cpu").module, animated()
    assert type(unet) is type(expected)
    state = expected.state_dict()
    assert set(unet.state_dict()) == set(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in unet.state_dict().items())
    for name, value in expected.config.items():
        ours = unet.config.get(name, value)
        assert name.startswith("_") or list(np.ravel(ours)) == list(np.ravel(value)), name
    assert frames(described, "animatediff").shape == (3, 32, 32, 3)


def test_ltx_is_told_by_its_autoencoder(model_files: Callable[[str], dict[str, Path]]) -> None:
    older, newer = (
        weights.describe_source(opened(model_files(name))).model.capabilities for name in ("ltx", "ltx 0.9.5")
    )
    assert (older.keyframes, newer.keyframes) == (False, True)


def test_another_motion_module_is_another_model(model_files: Callable[[str], dict[str, Path]], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    files = model_files("animatediff")
    other = tmp_path / "other.safetensors"
    save_file({name: tensor * 0.5 for name, tensor in load_file(files["motion_module"]).items()}, other)
    first, second = (
        weights.describe_source(opened(files | {"motion_module": m})) for m in (files["motion_module"], other)
    )
    assert first.model != second.model
    assert first.vae == second.vae
    assert weights.fingerprint(first.model.source) != weights.fingerprint(second.model.source)


def test_both_experts_come_from_their_files(model_files: Callable[[str], dict[str, Path]], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    files = model_files("wan")
    low = tmp_path / "low_noise.safetensors"
    save_file({name: tensor * 0.5 for name, tensor in load_file(files["model"]).items()}, low)
    model = weights.describe_source(opened(files | {"low_noise_model": low})).model
    assert model.capabilities.experts == ("transformer", "transformer_2")
    assert model.capabilities.boundary == 0.875
    loaded = [load_component(replace(model, expert=name), "cpu").module for name in model.capabilities.experts]
    first, second = (network.patch_embedding.weight for network in loaded)
    assert torch.equal(first * 0.5, second)
