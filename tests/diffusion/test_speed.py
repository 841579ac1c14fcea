"""Faster runs: each way skips what it says, stays near the exact result, and leaves no trace on the network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from server.diffusion import weights
from server.diffusion.errors import SamplingError
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.types import Speed
from server.diffusion.weights import Descriptions
from tests.diffusion.tiny import make_wan

STEPS = 12
RATIOS = (1.0,) * STEPS


class Bench:
    """A tiny Wan of four blocks, and how often its last block runs."""

    def __init__(self, parts: Descriptions) -> None:
        self.parts = parts
        self.residency = Residency({"cpu": 2**30})
        self.where: dict[str, Any] = {"device": "cpu", "residency": self.residency}
        self.calls = 0
        with self.residency.use(parts.model, "cpu") as denoiser:
            denoiser.module.blocks[-1].attn1.to_q.register_forward_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.calls += 1

    def run(self, speed: Speed | None, guidance_scale: float = 1.0) -> torch.Tensor:
        self.calls = 0
        model = self.parts.model
        prompt = encode_text(self.parts.text_encoder, "a red boat", **self.where)
        latent = empty_latent(model.capabilities, width=32, height=32, frames=5)
        settings = {"seed": 1, "steps": STEPS, "guidance_scale": guidance_scale, "speed": speed}
        return denoise(model, prompt, None, latent, **settings, **self.where).video


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(weights.describe(make_wan(tmp_path_factory.mktemp("wan"), transformer={"num_layers": 4})))


WAYS = {
    "first_block": Speed(cache="first_block", threshold=0.3),
    "sea": Speed(cache="sea", threshold=0.5, warmup=1),
    "taylor": Speed(cache="taylor", interval=3, warmup=3),
    "mag": Speed(cache="mag", threshold=0.3, warmup=2, ratios=RATIOS),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("guidance_scale", [1.0, 3.0])
def test_a_cache_skips_work_stays_near_and_leaves_no_trace(way: str, guidance_scale: float, bench: Bench) -> None:
    exact = bench.run(None, guidance_scale)
    whole = bench.calls
    assert whole == STEPS * (1 if guidance_scale == 1 else 2)
    faster = bench.run(WAYS[way], guidance_scale)
    assert 0 < bench.calls < whole
    assert torch.equal(bench.run(WAYS[way], guidance_scale), faster), "a second run begins with nothing kept"
    error = (faster - exact).pow(2).mean() / exact.pow(2).mean()
    assert 0 < error < 0.2
    assert torch.equal(bench.run(None, guidance_scale), exact)


def test_a_threshold_of_zero_is_the_exact_run(bench: Bench) -> None:
    assert torch.equal(bench.run(Speed(cache="first_block", threshold=0.0)), bench.run(None))


def test_the_native_kernel_is_the_default_one_and_an_absent_one_breaks_nothing(bench: Bench) -> None:
    exact = bench.run(None)
    assert torch.equal(bench.run(Speed(attention="native")), exact)
    for name in ("flash", "sage", "nonsense"):
        with pytest.raises(SamplingError, match=f"attention kernel {name} does not run"):
            bench.run(Speed(attention=name))
    assert torch.equal(bench.run(None), exact)


@pytest.mark.parametrize(
    ("speed", "words"), [(Speed(cache="magic"), "no cache 'magic'"), (Speed(cache="mag"), "needs ratios")]
)
def test_what_cannot_be_is_refused(speed: Speed, words: str, bench: Bench) -> None:
    with pytest.raises(SamplingError, match=words):
        bench.run(speed)
