"""Tiny Wan models with random weights, in the layout of diffusers, made once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from server.diffusion import weights
from server.diffusion.memory import Residency
from server.diffusion.weights import Descriptions

WORDS = ("a", "red", "blue", "boat", "drifts", "left", "across", "the", "sea", "cat", "runs", "blurry", "dark")

torch.set_num_threads(1)


def make_wan(folder: Path, *, temporal_scale: int, scheduler: str = "euler", seed: int = 0) -> Path:
    """Save a random Wan pipeline of a few thousand parameters.

    Args:
        folder: Where to save it.
        temporal_scale: 4 with an up-sampling VAE, or 1 with a flat one.
        scheduler: "euler" or "unipc".
        seed: Of the weights.
    """
    from diffusers import (
        AutoencoderKLWan,
        FlowMatchEulerDiscreteScheduler,
        UniPCMultistepScheduler,
        WanPipeline,
        WanTransformer3DModel,
    )
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(seed)
    layout = (
        {"dim_mult": [1, 1, 1, 1], "temperal_downsample": [False, True, True]}
        if temporal_scale == 4
        else {
            "dim_mult": [1, 1],
            "temperal_downsample": [False],
            "patch_size": 4,
            "in_channels": 48,
            "out_channels": 48,
        }
    )
    vae = AutoencoderKLWan(
        base_dim=4,
        z_dim=4,
        num_res_blocks=1,
        latents_mean=[0.1, -0.2, 0.3, 0.0],
        latents_std=[1.5, 0.7, 1.1, 2.3],
        scale_factor_temporal=temporal_scale,
        scale_factor_spatial=8,
        **layout,
    )
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=4,
        out_channels=4,
        text_dim=16,
        freq_dim=32,
        ffn_dim=32,
        num_layers=2,
        rope_max_seq_len=32,
    )
    encoder = UMT5EncoderModel(
        UMT5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0)
    )
    flow = (
        FlowMatchEulerDiscreteScheduler(shift=3.0)
        if scheduler == "euler"
        else UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
    )
    WanPipeline(
        tokenizer=make_tokenizer(), text_encoder=encoder.eval(), vae=vae, scheduler=flow, transformer=transformer
    ).save_pretrained(folder)
    (folder / weights.MANIFEST).write_text('{"name": "tiny", "max_sequence_length": 16}', encoding="utf-8")
    return folder


def make_tokenizer() -> object:
    """Return a closed word-level tokenizer over `WORDS`."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {word: index + 3 for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", padding_side="right"
    )


@pytest.fixture(scope="session")
def wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str], Path]:
    """Return a maker of tiny Wan folders by temporal scale and scheduler, each made once."""
    made: dict[tuple[int, str], Path] = {}

    def get(temporal_scale: int, scheduler: str = "euler") -> Path:
        key = (temporal_scale, scheduler)
        if key not in made:
            folder = tmp_path_factory.mktemp(f"wan-{temporal_scale}-{scheduler}")
            made[key] = make_wan(folder, temporal_scale=temporal_scale, scheduler=scheduler)
        return made[key]

    return get


@pytest.fixture
def tiny(wan_folder: Callable[..., Path]) -> Descriptions:
    """Return the descriptions of a tiny Wan model with temporal scale 4 and the Euler scheduler."""
    return weights.describe(wan_folder(4))


@pytest.fixture(scope="session")
def residency() -> Residency:
    """Return a residency that the tests share, so that each folder loads once."""
    return Residency({"cpu": 2**30})
