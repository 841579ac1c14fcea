"""Wan beyond text to video with one transformer, against diffusers' pipelines over the same folder: equal bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import vae, weights
from server.diffusion.errors import SamplingError, SizeError
from server.diffusion.memory import Residency, expected_bytes
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from tests.diffusion.tiny import make_wan

TEXTS = PROMPT, NEGATIVE = "A red boat drifts left", "blurry dark"
STEPS, SEED, FRAMES, WIDTH, HEIGHT = 4, 7, 5, 48, 32
CLIP = {"image_dim": 16, "added_kv_proj_dim": 24}


@dataclass(frozen=True)
class Variant:
    """A kind of Wan model, how to make a tiny one, and what it is given."""

    make: dict[str, Any]
    pipeline: str
    images: tuple[int, ...] = ()
    settings: dict[str, float] = field(default_factory=dict)


BESIDE = {"in_channels": 12}
VARIANTS = {
    "2.1 image": Variant(
        {"pipeline": "WanImageToVideoPipeline", "transformer": BESIDE | CLIP, "image_encoder": True},
        "WanImageToVideoPipeline",
        (0,),
    ),
    "2.1 first and last": Variant(
        {
            "pipeline": "WanImageToVideoPipeline",
            "transformer": BESIDE | CLIP | {"pos_embed_seq_len": 10},
            "image_encoder": True,
        },
        "WanImageToVideoPipeline",
        (0, -1),
    ),
    "2.2 A14B text": Variant({"boundary_ratio": 0.875}, "WanPipeline", settings={"guidance_scale_2": 2.0}),
    "2.2 A14B text, one scale": Variant(
        {"boundary_ratio": 0.875, "scheduler": "unipc"}, "WanPipeline", settings={"guidance_scale_2": 3.0}
    ),
    "2.2 A14B image": Variant(
        {"pipeline": "WanImageToVideoPipeline", "transformer": BESIDE, "boundary_ratio": 0.9},
        "WanImageToVideoPipeline",
        (0,),
        {"guidance_scale_2": 1.5},
    ),
    "2.2 A14B first and last": Variant(
        {"pipeline": "WanImageToVideoPipeline", "transformer": BESIDE, "boundary_ratio": 0.9},
        "WanImageToVideoPipeline",
        (0, -1),
        {"guidance_scale_2": 1.5},
    ),
    "2.2 5B text": Variant({"expand_timesteps": True}, "WanPipeline"),
    "2.2 5B image": Variant({"expand_timesteps": True}, "WanImageToVideoPipeline", (0,)),
    "2.2 5B image, unipc": Variant({"expand_timesteps": True, "scheduler": "unipc"}, "WanImageToVideoPipeline", (0,)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a maker of a variant's folder; what is made alike is made once."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        key = str(VARIANTS[name].make)
        if key not in made:
            made[key] = make_wan(tmp_path_factory.mktemp("wan"), **VARIANTS[name].make)
        return made[key]

    return get


def pictures(variant: Variant) -> dict[int, np.ndarray]:
    generator = np.random.default_rng(0)
    return {index: generator.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for index in variant.images}


def pipeline_frames(folder: Path, variant: Variant, residency: Residency) -> np.ndarray:
    import diffusers
    from PIL import Image

    pipeline = getattr(diffusers, variant.pipeline).from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    given = {index: Image.fromarray(picture) for index, picture in pictures(variant).items()}
    images = {"image": given.get(0), "last_image": given.get(-1)} if given else {}
    encoder = weights.describe(folder).text_encoder
    # The image pipeline fails on text where ftfy is not installed; test_parity.py compares the embeddings.
    embeds = [encode_text(encoder, text, device="cpu", residency=residency).tensors["embeds"] for text in TEXTS]
    return pipeline(
        prompt_embeds=embeds[0],
        negative_prompt_embeds=embeds[1],
        width=WIDTH,
        height=HEIGHT,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        max_sequence_length=16,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
        **images,
        **variant.settings,
    ).frames[0]


def our_frames(folder: Path, variant: Variant, residency: Residency) -> np.ndarray:
    model, encoder, autoencoder = weights.describe(folder)
    where = {"device": "cpu", "residency": residency}
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    positive = encode_text(encoder, PROMPT, **where)
    negative = encode_text(encoder, NEGATIVE, **where)
    given = {index: picture.astype(np.float32) / 255 for index, picture in pictures(variant).items()}
    if given:
        positive = condition_on_images(autoencoder, positive, latent, given, **where)
    result = denoise(
        model, positive, negative, latent, seed=SEED, steps=STEPS, guidance_scale=3.0, **variant.settings, **where
    )
    return vae.decode(autoencoder, result, **where)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_frames_equal_the_pipelines_bit_for_bit(
    name: str, folder: Callable[[str], Path], residency: Residency
) -> None:
    ours = our_frames(folder(name), VARIANTS[name], residency)
    assert ours.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    assert np.array_equal(ours, pipeline_frames(folder(name), VARIANTS[name], residency))


def test_two_experts_take_their_turns_within_a_budget_for_one(folder: Callable[[str], Path]) -> None:
    model, encoder, _ = weights.describe(folder("2.2 A14B text"))
    roomy = Residency({"cpu": 2**30})
    prompt = encode_text(encoder, PROMPT, device="cpu", residency=roomy)
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)

    def run(residency: Residency, **settings: Any) -> torch.Tensor:
        where = {"device": "cpu", "residency": residency}
        return denoise(
            model, prompt, None, latent, seed=SEED, steps=STEPS, guidance_scale=3.0, **settings, **where
        ).video

    tight = Residency({"cpu": int(expected_bytes(model, "cpu") * 1.5)})
    assert torch.equal(run(tight), run(roomy))
    assert [entry.weights.expert for entry in tight.residents()] == ["transformer_2"]
    experts = {entry.weights.expert for entry in roomy.residents() if hasattr(entry.weights, "expert")}
    assert experts == {"transformer", "transformer_2"}
    assert not torch.equal(run(roomy, boundary=0.0), run(roomy, boundary=1.0))
    assert not torch.equal(run(roomy), run(roomy, guidance_scale_2=1.5))


def test_two_parts_of_a_run_with_two_experts_equal_the_whole(
    folder: Callable[[str], Path], residency: Residency
) -> None:
    model, encoder, _ = weights.describe(folder("2.2 A14B text"))
    where = {"device": "cpu", "residency": residency}
    prompt = encode_text(encoder, PROMPT, **where)
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    run = {"seed": SEED, "steps": STEPS, "guidance_scale": 3.0} | where
    whole = denoise(model, prompt, None, latent, **run)
    for cut in (1, 2, 3):
        first = denoise(model, prompt, None, latent, end_step=cut, **run)
        assert torch.equal(denoise(model, prompt, None, first, start_step=cut, **run).video, whole.video)


def test_the_first_frame_of_the_small_model_is_the_image(folder: Callable[[str], Path], residency: Residency) -> None:
    model, encoder, autoencoder = weights.describe(folder("2.2 5B image"))
    where = {"device": "cpu", "residency": residency}
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    picture = np.full((HEIGHT, WIDTH, 3), 0.7, np.float32)
    prompt = encode_text(encoder, PROMPT, **where)
    positive = condition_on_images(autoencoder, prompt, latent, {0: picture}, **where)
    seen: list[torch.Tensor] = []
    result = denoise(
        model,
        positive,
        None,
        latent,
        seed=SEED,
        steps=2,
        guidance_scale=3.0,
        progress=lambda done, total, preview: seen.append(preview().video),
        **where,
    )
    encoded = vae.encode(autoencoder, picture[None], model.capabilities.default_fps, **where).video
    for video in (*seen, result.video):
        assert torch.equal(video[:, :, :1], encoded)


@pytest.mark.parametrize(
    ("name", "images", "words"),
    [
        ("2.1 image", {}, "needs an image of the first frame"),
        ("2.1 image", {0: 1.0, -1: 1.0}, "at these frames alone: first frame"),
        ("2.1 first and last", {0: 1.0}, "needs an image of the last frame"),
        ("2.2 A14B image", {0: 1.0, 2: 1.0}, "first frame and last frame"),
        ("2.2 A14B text", {0: 1.0}, "takes no images"),
    ],
)
def test_images_that_a_model_cannot_use_are_refused_at_once(
    name: str, images: dict[int, float], words: str, folder: Callable[[str], Path], residency: Residency
) -> None:
    model, _, autoencoder = weights.describe(folder(name))
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    given = {index: np.full((HEIGHT, WIDTH, 3), value, np.float32) for index, value in images.items()}
    with pytest.raises(SamplingError, match=words):
        condition_on_images(autoencoder, None, latent, given, device="cpu", residency=residency)


def test_conditioning_that_does_not_fit_the_latent_is_refused(
    folder: Callable[[str], Path], residency: Residency
) -> None:
    model, encoder, autoencoder = weights.describe(folder("2.2 A14B image"))
    where = {"device": "cpu", "residency": residency}
    run = {"seed": SEED, "steps": STEPS, "guidance_scale": 3.0} | where
    prompt = encode_text(encoder, PROMPT, **where)
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=FRAMES)
    with pytest.raises(SamplingError, match="makes a video from its first frame"):
        denoise(model, prompt, None, latent, **run)
    with pytest.raises(SizeError, match=f"Resize it to {WIDTH} x {HEIGHT}"):
        condition_on_images(autoencoder, prompt, latent, {0: np.zeros((16, 16, 3), np.float32)}, **where)
    positive = condition_on_images(autoencoder, prompt, latent, {0: np.zeros((HEIGHT, WIDTH, 3), np.float32)}, **where)
    for other in ({"width": 32, "frames": FRAMES}, {"width": WIDTH, "frames": 9}):
        with pytest.raises(SamplingError, match="encoded for a clip of another"):
            denoise(model, positive, None, empty_latent(model.capabilities, height=HEIGHT, **other), **run)
