"""Wan 2.1 and 2.2: the transformer and both autoencoders.

Names as in the original repository (wan/modules/model.py, vae2_1.py, vae2_2.py), which ComfyUI's files keep.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.naming import Naming, Rule, Shapes, count

_HEAD_DIM = 128  # of all published sizes

_ATTENTION = {
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "o": "to_out.0",
    "norm_q": "norm_q",
    "norm_k": "norm_k",
    "k_img": "add_k_proj",
    "v_img": "add_v_proj",
    "norm_k_img": "norm_added_k",
}

TRANSFORMER_NAMES = Naming(
    {
        "patch_embedding": "patch_embedding",
        "time_embedding.0": "condition_embedder.time_embedder.linear_1",
        "time_embedding.2": "condition_embedder.time_embedder.linear_2",
        "time_projection.1": "condition_embedder.time_proj",
        "text_embedding.0": "condition_embedder.text_embedder.linear_1",
        "text_embedding.2": "condition_embedder.text_embedder.linear_2",
        "img_emb.emb_pos": "condition_embedder.image_embedder.pos_embed",
        "img_emb.proj.0": "condition_embedder.image_embedder.norm1",
        "img_emb.proj.1": "condition_embedder.image_embedder.ff.net.0.proj",
        "img_emb.proj.3": "condition_embedder.image_embedder.ff.net.2",
        "img_emb.proj.4": "condition_embedder.image_embedder.norm2",
        **{f"blocks.#.self_attn.{old}": f"blocks.#.attn1.{new}" for old, new in _ATTENTION.items()},
        **{f"blocks.#.cross_attn.{old}": f"blocks.#.attn2.{new}" for old, new in _ATTENTION.items()},
        "blocks.#.norm3": "blocks.#.norm2",
        "blocks.#.ffn.0": "blocks.#.ffn.net.0.proj",
        "blocks.#.ffn.2": "blocks.#.ffn.net.2",
        "blocks.#.modulation": "blocks.#.scale_shift_table",
        "head.modulation": "scale_shift_table",
        "head.head": "proj_out",
    },
    dropped=("freqs",),
)

_RESIDUAL = {
    "residual.0": "norm1",
    "residual.2": "conv1",
    "residual.3": "norm2",
    "residual.6": "conv2",
    "shortcut": "conv_shortcut",
}


def _transformer_config(shapes: Shapes) -> dict[str, Any]:
    width, channels, *patch = shapes["patch_embedding.weight"]
    image = shapes.get("condition_embedder.image_embedder.norm1.weight")
    positions = shapes.get("condition_embedder.image_embedder.pos_embed")
    cells = patch[0] * patch[1] * patch[2]
    return {
        "patch_size": patch,
        "num_attention_heads": width // _HEAD_DIM,
        "attention_head_dim": _HEAD_DIM,
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0] // cells,
        "text_dim": shapes["condition_embedder.text_embedder.linear_1.weight"][1],
        "freq_dim": shapes["condition_embedder.time_embedder.linear_1.weight"][1],
        "ffn_dim": shapes["blocks.0.ffn.net.0.proj.weight"][0],
        "num_layers": count(shapes, "blocks."),
        "cross_attn_norm": "blocks.0.norm2.weight" in shapes,
        "image_dim": None if image is None else image[0],
        "added_kv_proj_dim": width if "blocks.0.attn2.add_k_proj.weight" in shapes else None,
        "pos_embed_seq_len": None if positions is None else positions[1],
    }


TRANSFORMER = Architecture(
    name="wan",
    role="denoiser",
    title="Wan",
    layouts=(
        Layout(
            "wan",
            ("patch_embedding.weight", "blocks.0.self_attn.q.weight", "head.modulation"),
            lambda _: TRANSFORMER_NAMES,
        ),
        Layout("wan/diffusers", ("patch_embedding.weight", "blocks.0.attn1.to_q.weight", "scale_shift_table")),
    ),
    config=_transformer_config,
)


def _vae_names(shapes: Shapes) -> Naming:
    rules: dict[str, Rule] = {
        "conv1": "quant_conv",
        "conv2": "post_quant_conv",
        "encoder.conv1": "encoder.conv_in",
        "decoder.conv1": "decoder.conv_in",
    }
    for side in ("encoder", "decoder"):
        rules |= {
            f"{side}.head.0": f"{side}.norm_out",
            f"{side}.head.2": f"{side}.conv_out",
            f"{side}.middle.1.norm": f"{side}.mid_block.attentions.0.norm",
            f"{side}.middle.1.to_qkv": f"{side}.mid_block.attentions.0.to_qkv",
            f"{side}.middle.1.proj": f"{side}.mid_block.attentions.0.proj",
        }
        for old, new in ((0, 0), (2, 1)):
            rules |= {f"{side}.middle.{old}.{a}": f"{side}.mid_block.resnets.{new}.{b}" for a, b in _RESIDUAL.items()}
    residual = any(name.startswith("encoder.downsamples.0.downsamples.") for name in shapes)
    return Naming(rules | (_blocks_22() if residual else _blocks_21(shapes)))


def _blocks_22() -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for side, old, new, sampler in (
        ("encoder", "downsamples", "down_blocks", "downsampler"),
        ("decoder", "upsamples", "up_blocks", "upsampler"),
    ):
        inner = f"{side}.{old}.#.{old}.#"
        rules |= {f"{inner}.{a}": f"{side}.{new}.#.resnets.#.{b}" for a, b in _RESIDUAL.items()}
        for part in ("resample.1", "time_conv"):
            # The second number goes: a block has one sampler, at its end.
            rules |= {f"{side}.{old}.#.{old}.{index}.{part}": f"{side}.{new}.#.{sampler}.{part}" for index in range(8)}
    return rules


def _blocks_21(shapes: Shapes) -> dict[str, Rule]:
    rules: dict[str, Rule] = {f"encoder.downsamples.#.{a}": f"encoder.down_blocks.#.{b}" for a, b in _RESIDUAL.items()}
    rules |= {f"encoder.downsamples.#.{part}": f"encoder.down_blocks.#.{part}" for part in ("resample.1", "time_conv")}
    block = resnet = 0
    for index in range(count(shapes, "decoder.upsamples.")):
        place = f"decoder.upsamples.{index}"
        if f"{place}.resample.1.weight" in shapes:
            target = f"decoder.up_blocks.{block}.upsamplers.0"
            rules |= {f"{place}.{part}": f"{target}.{part}" for part in ("resample.1", "time_conv")}
            block, resnet = block + 1, 0
        else:
            rules |= {f"{place}.{a}": f"decoder.up_blocks.{block}.resnets.{resnet}.{b}" for a, b in _RESIDUAL.items()}
            resnet += 1
    return rules


def _vae_config(shapes: Shapes) -> dict[str, Any]:
    residual = "encoder.down_blocks.0.resnets.0.conv1.weight" in shapes
    base = shapes["encoder.conv_in.weight"][0]
    channels = shapes["encoder.conv_in.weight"][1]
    outputs = shapes["decoder.conv_out.weight"][0]
    levels, per_level, downs = _levels_22(shapes) if residual else _levels_21(shapes)
    depth = shapes["decoder.conv_in.weight"][1]
    patch = {12: 2, 48: 4}.get(outputs)
    return {
        "base_dim": base,
        "decoder_base_dim": shapes["decoder.norm_out.gamma"][0],
        "z_dim": depth,
        "dim_mult": [level // base for level in levels],
        "num_res_blocks": per_level,
        "temperal_downsample": downs,
        "is_residual": residual,
        "in_channels": channels,
        "out_channels": outputs,
        "patch_size": patch,
        "scale_factor_temporal": 2 ** sum(downs),
        "scale_factor_spatial": 2 ** len(downs) * (patch or 1),
        **_statistics(depth),
    }


def _levels_22(shapes: Shapes) -> tuple[list[int], int, list[bool]]:
    blocks = count(shapes, "encoder.down_blocks.")
    per_level = count(shapes, "encoder.down_blocks.0.resnets.")
    levels = [shapes[f"encoder.down_blocks.{index}.resnets.0.conv2.weight"][0] for index in range(blocks)]
    names = [f"encoder.down_blocks.{index}.downsampler.time_conv.weight" for index in range(blocks - 1)]
    return levels, per_level, [name in shapes for name in names]


def _levels_21(shapes: Shapes) -> tuple[list[int], int, list[bool]]:
    levels: list[int] = []
    downs: list[bool] = []
    resnets = 0
    for index in range(count(shapes, "encoder.down_blocks.")):
        place = f"encoder.down_blocks.{index}"
        if f"{place}.resample.1.weight" in shapes:
            downs.append(f"{place}.time_conv.weight" in shapes)
        else:
            resnets += 1
            del levels[len(downs) :]
            levels.append(shapes[f"{place}.conv2.weight"][0])
    return levels, resnets // len(levels), downs


VAE = Architecture(
    name="wan_vae",
    role="vae",
    title="Wan's autoencoder",
    layouts=(
        Layout("wan_vae", ("conv1.weight", "encoder.middle.0.residual.0.gamma", "decoder.head.0.gamma"), _vae_names),
        Layout("wan_vae/diffusers", ("encoder.mid_block.resnets.0.norm1.gamma", "decoder.norm_out.gamma")),
    ),
    config=_vae_config,
)


@cache
def _statistics(channels: int) -> dict[str, list[float]]:
    """Return mean and standard deviation of latents, as published beside the checkpoints of Wan 2.1 and 2.2."""
    table = json.loads((Path(__file__).parent / "wan_latents.json").read_text(encoding="utf-8"))
    return table.get(str(channels), {"latents_mean": [0.0] * channels, "latents_std": [1.0] * channels})
