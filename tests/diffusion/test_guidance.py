"""Guidance methods against diffusers' modular Wan pipeline with the same guider: equal bits on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.hooks import LayerSkipConfig

from server.diffusion import weights
from server.diffusion.errors import SamplingError
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from server.diffusion.types import Guidance
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline

STEPS, SIZE, FRAMES, SCALE = 6, 32, 5, 4.0
SHAPE = (1, 4, 2, 4, 4)  # of the latent, which a modular pipeline without its decoder cannot tell

METHODS: dict[str, tuple[Guidance, str, dict[str, Any]]] = {
    "an interval": (
        Guidance(start=0.2, stop=0.7),
        "ClassifierFreeGuidance",
        {"start": 0.2, "stop": 0.7},
    ),
    "a rescale": (Guidance(rescale=0.7), "ClassifierFreeGuidance", {"guidance_rescale": 0.7}),
    "CFG-Zero*": (Guidance(method="cfg_zero_star"), "ClassifierFreeZeroStarGuidance", {"zero_init_steps": 1}),
    "APG": (
        Guidance(method="apg", momentum=-0.5, norm=2.5, eta=0.3),
        "AdaptiveProjectedGuidance",
        {"adaptive_projected_guidance_momentum": -0.5, "adaptive_projected_guidance_rescale": 2.5, "eta": 0.3},
    ),
    "skipped layers": (
        Guidance(method="skip_layer", layers=(1,), layer_scale=1.5, layer_stop=0.6),
        "SkipLayerGuidance",
        # As a configuration: given as plain numbers, diffusers 0.42 asks an int for its length.
        {
            "skip_layer_config": LayerSkipConfig([1], fqn="auto"),
            "skip_layer_guidance_scale": 1.5,
            "skip_layer_guidance_stop": 0.6,
        },
    ),
}


@pytest.fixture(scope="module")
def modular(wan_folder: Callable[..., Path], residency: Residency) -> Callable[[str, dict[str, Any]], torch.Tensor]:
    """Return a maker of latents by diffusers' modular pipeline with a guider."""
    from diffusers import guiders
    from diffusers.modular_pipelines.wan import WanBlocks

    def run(kind: str, config: dict[str, Any]) -> torch.Tensor:
        whole = load_pipeline("WanPipeline", wan_folder(4))
        blocks = WanBlocks()
        for part in ("text_encoder", "decode"):  # its cleaning of prompts fails where ftfy is not installed
            blocks.sub_blocks.pop(part)
        pipe = blocks.init_pipeline()
        guider = getattr(guiders, kind)(guidance_scale=SCALE, **config)
        pipe.update_components(
            transformer=whole.transformer,
            scheduler=whole.scheduler,
            guider=guider,
        )
        pipe.set_progress_bar_config(disable=True)
        encoder = weights.describe(wan_folder(4)).text_encoder
        texts = (encode_text(encoder, text, device="cpu", residency=residency) for text in (PROMPT, NEGATIVE))
        embeds = [text.tensors["embeds"] for text in texts]
        return pipe(
            prompt_embeds=embeds[0],
            negative_prompt_embeds=embeds[1],
            height=SIZE,
            width=SIZE,
            num_frames=FRAMES,
            num_inference_steps=STEPS,
            latents=torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(SEED)),
            output="latents",
        )

    return run


def run(folder: Path, residency: Residency, guidance: Guidance | None, **settings: Any) -> torch.Tensor:
    model, encoder, _ = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    latent = denoise(
        model,
        encode_text(encoder, PROMPT, **where),
        encode_text(encoder, NEGATIVE, **where),
        empty_latent(model.capabilities, width=SIZE, height=SIZE, frames=FRAMES),
        seed=SEED,
        steps=STEPS,
        guidance=guidance,
        **({"guidance_scale": SCALE} | settings),
        **where,
    )
    return latent.video


@pytest.mark.parametrize("name", METHODS)
def test_a_method_equals_the_modular_pipeline_with_that_guider(
    name: str, modular: Callable[..., torch.Tensor], wan_folder: Callable[..., Path], residency: Residency
) -> None:
    guidance, kind, config = METHODS[name]
    found = run(wan_folder(4), residency, guidance)
    assert torch.equal(found, modular(kind, config))
    assert not torch.equal(found, run(wan_folder(4), residency, None))


def test_the_plain_method_over_all_steps_is_the_usual_run(
    wan_folder: Callable[..., Path], residency: Residency
) -> None:
    assert torch.equal(run(wan_folder(4), residency, Guidance()), run(wan_folder(4), residency, None))


def test_skipped_layers_are_back_after_the_run(wan_folder: Callable[..., Path], residency: Residency) -> None:
    before = run(wan_folder(4), residency, None)
    run(wan_folder(4), residency, METHODS["skipped layers"][0])
    assert torch.equal(run(wan_folder(4), residency, None), before)


@pytest.mark.parametrize(
    ("guidance", "words"),
    [
        (Guidance(method="magic"), "no guidance method 'magic'"),
        (Guidance(method="skip_layer"), "no layers to skip"),
        (Guidance(method="skip_layer", layers=(99,), layer_stop=1.0), "no layers 99"),
    ],
)
def test_guidance_that_cannot_be_is_refused(
    guidance: Guidance, words: str, wan_folder: Callable[..., Path], residency: Residency
) -> None:
    with pytest.raises(SamplingError, match=words):
        run(wan_folder(4), residency, guidance)
