"""Tiny models with random weights, in the layout of diffusers: the parts that families share, and Wan's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from server.diffusion import weights

WORDS = ("a", "red", "blue", "boat", "drifts", "left", "across", "the", "sea", "cat", "runs", "blurry", "dark")


def make_wan(
    folder: Path,
    *,
    temporal_scale: int = 4,
    scheduler: str = "euler",
    seed: int = 0,
    pipeline: str = "WanPipeline",
    transformer: dict[str, Any] | None = None,
    image_encoder: bool = False,
    **options: Any,
) -> Path:
    """Save a random Wan pipeline of a few thousand parameters.

    Args:
        folder: Where to save it.
        temporal_scale: 4 with an up-sampling VAE, or 1 with a flat one.
        scheduler: "euler" or "unipc".
        seed: Of the weights.
        pipeline: Name of the pipeline's class.
        transformer: Changes to the transformer's configuration.
        image_encoder: Whether there is one.
        options: Of the pipeline: with `boundary_ratio` there are two transformers.
    """
    import diffusers
    from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler
    from transformers import CLIPImageProcessorPil, UMT5Config, UMT5EncoderModel

    torch.manual_seed(seed)
    encoder = UMT5EncoderModel(
        UMT5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0)
    )
    flow = (
        FlowMatchEulerDiscreteScheduler(shift=3.0)
        if scheduler == "euler"
        else UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
    )
    if image_encoder:
        size = {"height": 16, "width": 16}
        options["image_encoder"] = make_clip_vision()
        options["image_processor"] = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=size)
    if "boundary_ratio" in options:
        options["transformer_2"] = _wan_transformer(transformer)
    getattr(diffusers, pipeline)(
        tokenizer=make_tokenizer(),
        text_encoder=encoder.eval(),
        vae=_wan_vae(temporal_scale),
        scheduler=flow,
        transformer=_wan_transformer(transformer),
        **options,
    ).save_pretrained(folder)
    (folder / weights.MANIFEST).write_text('{"name": "tiny", "max_sequence_length": 16}', encoding="utf-8")
    return folder


def _wan_vae(temporal_scale: int) -> Any:
    from diffusers import AutoencoderKLWan

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
    return AutoencoderKLWan(
        base_dim=4,
        z_dim=4,
        num_res_blocks=1,
        latents_mean=[0.1, -0.2, 0.3, 0.0],
        latents_std=[1.5, 0.7, 1.1, 2.3],
        scale_factor_temporal=temporal_scale,
        scale_factor_spatial=8,
        **layout,
    )


def _wan_transformer(changes: dict[str, Any] | None) -> Any:
    from diffusers import WanTransformer3DModel

    usual = {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 4,
        "out_channels": 4,
        "text_dim": 16,
        "freq_dim": 32,
        "ffn_dim": 32,
        "num_layers": 2,
        "rope_max_seq_len": 32,
    }
    return WanTransformer3DModel(**(usual | (changes or {})))


def make_tokenizer(**options: Any) -> object:
    """Return a closed word-level tokenizer over `WORDS`; options are the fast tokenizer's."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {word: index + 3 for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        padding_side="right",
        **options,
    )


def make_t5() -> object:
    """Return a random T5 encoder, 16 wide."""
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0)
    return T5EncoderModel(config).eval()


def make_clip_vision(*, projection: int | None = None) -> object:
    """Return a random CLIP image encoder, 16 wide, five tokens for a picture of 16 pixels."""
    from transformers import CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
        **({} if projection is None else {"projection_dim": projection}),
    )
    return (CLIPVisionModel if projection is None else CLIPVisionModelWithProjection)(config).eval()


def make_clip_text(*, projection: int | None = None) -> object:
    """Return a random CLIP text encoder, 16 wide, over the tokenizer's words."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=2,
        eos_token_id=1,
        pad_token_id=0,
        **({} if projection is None else {"projection_dim": projection}),
    )
    return (CLIPTextModel if projection is None else CLIPTextModelWithProjection)(config).eval()
