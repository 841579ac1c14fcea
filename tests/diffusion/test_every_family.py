"""What holds in every family, with tiny models in single files: inpainting, less memory than the model takes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from server.diffusion import offload, vae, weights
from server.diffusion.memory import Residency, expected_bytes, load_component
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.masking import with_mask
from server.diffusion.text import encode_text
from server.diffusion.types import Latent, Model, Weights
from server.diffusion.weights import Descriptions
from tests.diffusion.pipelines import PROMPT
from tests.diffusion.runs import Inputs, inputs
from tests.diffusion.single_files import EVERY

# diffusers' Euler scheduler hands a tensor to numpy in a way that numpy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
every = pytest.mark.parametrize("name", EVERY)


class Plain(NamedTuple):
    """A family's tiny model, what a run of it takes, and what that makes with all the memory it wants."""

    parts: Descriptions
    given: Inputs
    latents: torch.Tensor


@pytest.fixture(scope="module")
def plains(model_files: Callable[[str], dict[str, Path]], residency: Residency) -> Callable[[str], Plain]:
    found: dict[str, Plain] = {}

    def get(name: str) -> Plain:
        if name not in found:
            files = model_files(name)
            parts = weights.describe_source(weights.open_source(files, roots=[files["model"].parent]))
            given = inputs(parts, name, residency)
            found[name] = Plain(parts, given, run(parts, given, given.latent, residency))
        return found[name]

    return get


@pytest.fixture
def plain(name: str, plains: Callable[[str], Plain]) -> Plain:
    return plains(name)


def clean(parts: Descriptions, latent: Latent, residency: Residency) -> Latent:
    """Return a clip of noise as a latent."""
    shape = (latent.frames, latent.height, latent.width, 3)
    clip = np.random.default_rng(3).random(shape, dtype=np.float32)
    return vae.encode(parts.vae, clip, latent.fps, device="cpu", residency=residency)


def run(parts: Descriptions, given: Inputs, latent: Latent, residency: Residency, **more: Any) -> torch.Tensor:
    settings = given.settings | {"device": "cpu", "residency": residency} | more
    return denoise(parts.model, given.positive, given.negative, latent, **settings).video


@every
def test_inpainting_keeps_what_it_shall_and_makes_the_rest(plain: Plain, residency: Residency) -> None:
    parts, given, _ = plain
    source, able = clean(parts, given.latent, residency), parts.model.capabilities
    mask = np.zeros((source.height, source.width), np.float32)
    mask[:, source.width // 2 :] = 1
    middle = source.video.shape[-1] // 2
    result = run(parts, given, with_mask(source, able, [mask]), residency, strength=0.7)
    assert torch.equal(result[..., :middle], source.video[..., :middle])
    assert (result[..., middle:] - source.video[..., middle:]).abs().mean() > 0.001
    whole = run(parts, given, with_mask(source, able, [np.ones_like(mask)]), residency, strength=0.7)
    assert torch.equal(whole, run(parts, given, source, residency, strength=0.7))


class Watched(Residency):
    """A residency that notes the most bytes of weights that it ever had on its device."""

    most = 0

    @contextmanager
    def use(self, description: Weights, device: str = "auto") -> Generator[Any]:
        with super().use(description, device) as component:
            yield component
            self.most = max(self.most, sum(max(entry.nbytes, entry.peak) for entry in self.residents()))


@every
def test_a_model_larger_than_the_budget_runs_within_it_with_the_same_result(plain: Plain) -> None:
    parts, given, latents = plain
    tight = Watched({"cpu": int(expected_bytes(parts.model, "cpu") * 0.9)})
    assert torch.equal(run(parts, given, given.latent, tight), latents)
    held = [entry for entry in tight.residents() if isinstance(entry.weights, Model)]
    assert all(entry.level > offload.RESIDENT for entry in held)
    assert 0 < tight.most <= tight.budget("cpu")


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"svd"}))  # which reads no prompt
def test_a_text_encoder_larger_than_the_budget_encodes_the_same_within_it(plain: Plain) -> None:
    encoder, expected = plain.parts.text_encoder, plain.given.positive.tensors
    tight = Watched({"cpu": int(expected_bytes(encoder, "cpu") * 0.9)})
    tensors = encode_text(encoder, PROMPT, device="cpu", residency=tight).tensors
    assert tensors
    assert all(torch.equal(tensor, expected[name]) for name, tensor in tensors.items())
    assert 0 < tight.most <= tight.budget("cpu")


@every
def test_a_budget_for_one_component_at_a_time_makes_the_same_latents(name: str, plain: Plain) -> None:
    parts = plain.parts
    sizes = {part: expected_bytes(part, "cpu") for part in parts}
    tight = Watched({"cpu": max(sizes[parts.vae], int(sizes[parts.model] * 0.9)) + 1024})
    given = inputs(parts, name, tight)
    result = replace(given.latent, samples={"video": run(parts, given, given.latent, tight)}, noise_level=0.0)
    assert torch.equal(result.video, plain.latents)
    assert np.isfinite(vae.decode(parts.vae, result, tiling="always", device="cpu", residency=tight)).all()
    assert 0 < tight.most <= tight.budget("cpu") < sum(sizes.values())


@pytest.mark.parametrize("levels", [(offload.BLOCKS,), (offload.BLOCKS, offload.LAYERS)], ids=["once", "twice"])
@every
def test_a_run_that_runs_out_of_memory_goes_on_with_less(levels: tuple[int, ...], plain: Plain) -> None:
    parts, given, latents = plain
    forwards = 0

    def strike(*_: Any) -> None:
        nonlocal forwards
        forwards += 1
        if 2 <= forwards < 2 + len(levels):
            raise torch.OutOfMemoryError

    def load(description: Weights, device: str) -> Any:
        component = load_component(description, device)
        component.module.register_forward_pre_hook(strike)
        return component

    notices: list[str] = []
    ours = run(parts, given, given.latent, Residency({"cpu": 2**30}, load), notice=notices.append)
    assert torch.equal(ours, latents)
    assert [notice.rpartition("goes on ")[2] for notice in notices] == [f"{offload.NAMES[level]}." for level in levels]
