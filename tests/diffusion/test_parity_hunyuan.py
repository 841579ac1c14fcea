"""HunyuanVideo against diffusers' pipeline over the same folder: equal to the last bit on the CPU."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import families, vae, weights
from server.diffusion.memory import Residency
from server.diffusion.sampling import noise
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from tests.diffusion.memory_use import peak_bytes
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, our_frames
from tests.diffusion.tiny import make_clip_text, make_tokenizer

SIZE = {"width": 32, "height": 16, "frames": 9}
STEPS = 3


def make_hunyuan_from_text(place: Path) -> Path:
    """Save a random HunyuanVideo pipeline."""
    import diffusers
    from transformers import LlamaConfig, LlamaModel

    torch.manual_seed(0)
    language = LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=1,
    )
    diffusers.HunyuanVideoPipeline(
        text_encoder=LlamaModel(language).eval(),
        tokenizer=make_tokenizer(),
        transformer=diffusers.HunyuanVideoTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=10,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            text_embed_dim=16,
            pooled_projection_dim=16,
            rope_axes_dim=(2, 4, 4),
        ),
        vae=diffusers.AutoencoderKLHunyuanVideo(
            latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder_2=make_clip_text(),
        tokenizer_2=make_tokenizer(),
    ).save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_hunyuan_from_text(tmp_path_factory.mktemp("hunyuan"))


def pipeline_frames(folder: Path, *, guidance: float, true_cfg: float, frames: int) -> np.ndarray:
    return load_pipeline("HunyuanVideoPipeline", folder)(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        width=SIZE["width"],
        height=SIZE["height"],
        num_frames=frames,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        true_cfg_scale=true_cfg,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
    ).frames[0]


@pytest.mark.parametrize(
    ("guidance", "true_cfg", "frames"), [(1.0, 1.0, 5), (6.0, 1.0, 9), (6.0, 3.0, 9), (6.0, 1.0, 21)]
)
def test_the_frames_equal_the_pipelines_bit_for_bit(
    guidance: float, true_cfg: float, frames: int, folder: Path, residency: Residency
) -> None:
    size = SIZE | {"frames": frames}
    ours = our_frames(folder, residency, steps=STEPS, guidance_scale=guidance, true_cfg_scale=true_cfg, **size)
    assert ours.shape == (frames, 16, 32, 3)
    assert ours.std() > 0.01
    assert np.array_equal(ours, pipeline_frames(folder, guidance=guidance, true_cfg=true_cfg, frames=frames))


def test_the_scale_and_the_prompt_both_reach_the_network(folder: Path, residency: Residency) -> None:
    def run(**settings: Any) -> np.ndarray:
        return our_frames(folder, residency, **(SIZE | {"steps": 2, "guidance_scale": 6.0} | settings))

    assert not np.array_equal(run(), run(guidance_scale=2.0))
    assert not np.array_equal(run(), run(prompt="the dark sea"))
    assert np.array_equal(run(), run(negative=None)), "without true guidance the negative prompt is not looked at"


def test_both_encoders_speak_and_the_template_is_cut_off(folder: Path, residency: Residency) -> None:
    encoder = weights.describe(folder).text_encoder
    tensors = encode_text(encoder, PROMPT, device="cpu", residency=residency).tensors
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {
        "embeds": (1, 256, 16),
        "mask": (1, 256),
        "pooled": (1, 16),
    }


def test_a_clip_survives_encode_and_decode_in_shape(folder: Path, residency: Residency) -> None:
    autoencoder = weights.describe(folder).vae
    clip = np.random.default_rng(1).random((9, 16, 32, 3), dtype=np.float32)
    latent = vae.encode(autoencoder, clip, Fraction(24), device="cpu", residency=residency)
    assert latent.video.shape == (1, 4, 3, 2, 4)
    for tiling in ("never", "always"):
        decoded = vae.decode(autoencoder, latent, tiling=tiling, device="cpu", residency=residency)
        assert decoded.shape == clip.shape


def test_expected_working_memory_is_near_what_decoding_takes(folder: Path, residency: Residency) -> None:
    description = weights.describe(folder).vae
    latent = empty_latent(description.capabilities, width=64, height=48, frames=9)
    drawn = noise.draw({"video": tuple(latent.video.shape)}, noise.generator(0))
    latent = replace(latent, samples=drawn, noise_level=0.0)
    with residency.use(description, "cpu") as module:
        expected = families.get("hunyuan").decode_bytes(module, latent)
    peak = peak_bytes(lambda: vae.decode(description, latent, tiling="never", device="cpu", residency=residency))
    assert 0.4 * expected < peak < 1.6 * expected
