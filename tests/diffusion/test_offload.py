"""Networks that are larger than their device's budget: they run in parts, within it, with the same results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from server.diffusion import offload, weights
from server.diffusion.errors import BudgetError
from server.diffusion.memory import Residency, component_bytes, expected_bytes
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.types import Latent
from server.diffusion.weights import Descriptions
from tests.diffusion.tiny import make_wan

LARGE = {"num_layers": 6}


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Descriptions:
    """A tiny Wan of six blocks."""
    return weights.describe(make_wan(tmp_path_factory.mktemp("deep"), transformer=LARGE))


def run(parts: Descriptions, residency: Residency, **settings: Any) -> Latent:
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    prompt = encode_text(parts.text_encoder, "a red boat", **where)
    latent = empty_latent(parts.model.capabilities, width=32, height=32, frames=5)
    return denoise(parts.model, prompt, None, latent, seed=3, steps=4, guidance_scale=3.0, **where, **settings)


def held(residency: Residency, parts: Descriptions) -> Any:
    return next(entry for entry in residency.residents() if entry.weights == parts.model)


def test_a_budget_below_the_model_gives_the_same_result_within_it(deep: Descriptions) -> None:
    whole = Residency({"cpu": 2**30})
    expected = run(deep, whole)
    size = expected_bytes(deep.model, "cpu")
    levels = []
    for share in (0.9, 0.5, 0.3, 0.1):
        tight = Residency({"cpu": int(size * share)})
        assert torch.equal(run(deep, tight).video, expected.video)
        entry = held(tight, deep)
        assert 0 < entry.peak <= entry.nbytes <= tight.budget("cpu")
        levels.append(entry.level)
    assert levels == sorted(levels)
    assert set(levels) == {offload.BLOCKS, offload.LAYERS}


def test_a_budget_below_the_text_encoder_gives_the_same_conditioning(deep: Descriptions) -> None:
    size = expected_bytes(deep.text_encoder, "cpu")

    def encode(budget: int) -> torch.Tensor:
        residency = Residency({"cpu": budget})
        return encode_text(deep.text_encoder, "a red boat", device="cpu", residency=residency).tensors["embeds"]

    assert torch.equal(encode(int(size * 0.7)), encode(2**30))


def test_a_budget_below_the_largest_layer_is_refused_with_both_figures(deep: Descriptions) -> None:
    with pytest.raises(BudgetError, match="whose budget for weights is"):
        run(deep, Residency({"cpu": 2000}))


def test_layers_that_wait_on_disk_go_with_the_network(deep: Descriptions, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    residency = Residency({"cpu": int(expected_bytes(deep.model, "cpu") * 0.5)})
    run(deep, residency)
    assert list(tmp_path.glob("kinegraph-offload-*/*.safetensors"))
    residency.evict()
    assert list(tmp_path.iterdir()) == []


class Exhausted:
    """Makes a network run out of memory, as a device does, at chosen forwards."""

    def __init__(self, *forwards: int) -> None:
        self.forwards = set(forwards)
        self.count = 0

    def load(self, description: Any, device: str) -> Any:
        from server.diffusion.memory import load_component

        component = load_component(description, device)
        if hasattr(component, "module"):
            component.module.patch_embedding.register_forward_pre_hook(self.strike)
        return component

    def strike(self, module: Any, inputs: Any) -> None:
        del module, inputs
        self.count += 1
        if self.count in self.forwards:
            raise torch.OutOfMemoryError("out of memory")


@pytest.mark.parametrize("forward", [1, 4, 8])
def test_a_run_that_runs_out_of_memory_goes_on_from_its_last_step_with_less(forward: int, deep: Descriptions) -> None:
    expected = run(deep, Residency({"cpu": 2**30}))
    fault = Exhausted(forward)
    residency = Residency({"cpu": 2**30}, fault.load)
    steps: list[int] = []
    notices: list[str] = []
    result = run(deep, residency, progress=lambda done, _total, _preview: steps.append(done), notice=notices.append)
    assert torch.equal(result.video, expected.video)
    assert steps == [1, 2, 3, 4]
    assert notices == [f"Memory ran out at step {(forward + 1) // 2}; tiny goes on block by block."]
    assert held(residency, deep).level == offload.BLOCKS
    run(deep, residency, notice=notices.append)
    assert len(notices) == 1, "it is remembered"


def test_a_run_without_a_stricter_way_left_says_what_to_do(deep: Descriptions) -> None:
    fault = Exhausted(*range(1, 99))
    with pytest.raises(BudgetError, match="layer by layer") as caught:
        run(deep, Residency({"cpu": 2**30}, fault.load))
    assert "smaller or shorter clip" in caught.value.hint


def test_plans_take_the_fastest_level_that_fits(wan_folder: Callable[..., Path]) -> None:
    model = weights.describe(wan_folder(4)).model
    with Residency({"cpu": 2**30}).use(model, "cpu") as denoiser:
        size = component_bytes(denoiser)
        modules = list(denoiser.modules.values())
        assert offload.plan(modules, size, device="cpu") == offload.Plan(offload.RESIDENT, 0, size)
        parts = offload.plan(modules, size - 1, device="cpu")
        assert parts is not None
        assert parts.level == offload.BLOCKS
        streamed = offload.plan(modules, parts.nbytes, device="cuda")
        assert streamed is None or streamed.level == offload.LAYERS, "there the next group comes while one computes"
        assert offload.plan(modules, 16, device="cpu") is None
