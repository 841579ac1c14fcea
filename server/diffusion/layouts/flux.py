"""FLUX.1's transformer. Names as in the original repository (flux/model.py), which ComfyUI's files keep."""

from __future__ import annotations

from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.naming import Naming, Shapes, count, split, swapped

_BLOCK, _SINGLE = "transformer_blocks.#", "single_transformer_blocks.#"
_MLP_RATIO = 4

NAMES = Naming(
    {
        "img_in": "x_embedder",
        "txt_in": "context_embedder",
        "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
        "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
        "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
        "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
        "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
        "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
        "double_blocks.#.img_mod.lin": f"{_BLOCK}.norm1.linear",
        "double_blocks.#.txt_mod.lin": f"{_BLOCK}.norm1_context.linear",
        "double_blocks.#.img_attn.qkv": split(*(f"{_BLOCK}.attn.to_{part}" for part in "qkv")),
        "double_blocks.#.txt_attn.qkv": split(*(f"{_BLOCK}.attn.add_{part}_proj" for part in "qkv")),
        "double_blocks.#.img_attn.norm.query_norm.scale": f"{_BLOCK}.attn.norm_q.weight",
        "double_blocks.#.img_attn.norm.key_norm.scale": f"{_BLOCK}.attn.norm_k.weight",
        "double_blocks.#.txt_attn.norm.query_norm.scale": f"{_BLOCK}.attn.norm_added_q.weight",
        "double_blocks.#.txt_attn.norm.key_norm.scale": f"{_BLOCK}.attn.norm_added_k.weight",
        "double_blocks.#.img_attn.proj": f"{_BLOCK}.attn.to_out.0",
        "double_blocks.#.txt_attn.proj": f"{_BLOCK}.attn.to_add_out",
        "double_blocks.#.img_mlp.0": f"{_BLOCK}.ff.net.0.proj",
        "double_blocks.#.img_mlp.2": f"{_BLOCK}.ff.net.2",
        "double_blocks.#.txt_mlp.0": f"{_BLOCK}.ff_context.net.0.proj",
        "double_blocks.#.txt_mlp.2": f"{_BLOCK}.ff_context.net.2",
        "single_blocks.#.modulation.lin": f"{_SINGLE}.norm.linear",
        "single_blocks.#.linear1": split(
            *(f"{_SINGLE}.attn.to_{part}" for part in "qkv"), f"{_SINGLE}.proj_mlp", parts=(1, 1, 1, _MLP_RATIO)
        ),
        "single_blocks.#.linear2": f"{_SINGLE}.proj_out",
        "single_blocks.#.norm.query_norm.scale": f"{_SINGLE}.attn.norm_q.weight",
        "single_blocks.#.norm.key_norm.scale": f"{_SINGLE}.attn.norm_k.weight",
        "final_layer.adaLN_modulation.1": swapped("norm_out.linear"),
        "final_layer.linear": "proj_out",
    }
)


def _config(shapes: Shapes) -> dict[str, Any]:
    width, channels = shapes["x_embedder.weight"]
    head = shapes["transformer_blocks.0.attn.norm_q.weight"][0]
    return {
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0],
        "num_layers": count(shapes, "transformer_blocks."),
        "num_single_layers": count(shapes, "single_transformer_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": shapes["context_embedder.weight"][1],
        "pooled_projection_dim": shapes["time_text_embed.text_embedder.linear_1.weight"][1],
        "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in shapes,
        "axes_dims_rope": [head // 8, head * 7 // 16, head * 7 // 16],
    }


TRANSFORMER = Architecture(
    name="flux",
    role="denoiser",
    title="FLUX.1",
    layouts=(
        Layout("flux", ("img_in.weight", "txt_in.weight", "double_blocks.0.img_attn.qkv.weight"), lambda _: NAMES),
        Layout(
            "flux/diffusers",
            ("x_embedder.weight", "context_embedder.weight", "single_transformer_blocks.0.attn.to_q.weight"),
        ),
    ),
    config=_config,
)
