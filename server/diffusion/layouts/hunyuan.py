"""HunyuanVideo's transformer and autoencoder.

Names as in the original repository (hyvideo/modules/models.py), and in the spelling that ComfyUI saves.
"""

from __future__ import annotations

from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.autoencoder import ldm_names
from server.diffusion.layouts.naming import Naming, Rule, Shapes, count, split, swapped

_BLOCK, _SINGLE = "transformer_blocks.#", "single_transformer_blocks.#"
_REFINER, _REFINED = "txt_in.individual_token_refiner.blocks.#", "context_embedder.token_refiner.refiner_blocks.#"
_TIME, _TEXT_TIME = "time_text_embed", "context_embedder.time_text_embed"
_MLP_RATIO = 4


def _shared() -> dict[str, Rule]:
    return {
        "img_in.proj": "x_embedder.proj",
        "vector_in.in_layer": f"{_TIME}.text_embedder.linear_1",
        "vector_in.out_layer": f"{_TIME}.text_embedder.linear_2",
        "txt_in.input_embedder": "context_embedder.proj_in",
        f"{_REFINER}.norm1": f"{_REFINED}.norm1",
        f"{_REFINER}.norm2": f"{_REFINED}.norm2",
        f"{_REFINER}.adaLN_modulation.1": f"{_REFINED}.norm_out.linear",
        "single_blocks.#.linear1": split(
            *(f"{_SINGLE}.attn.to_{part}" for part in "qkv"), f"{_SINGLE}.proj_mlp", parts=(1, 1, 1, _MLP_RATIO)
        ),
        "single_blocks.#.linear2": f"{_SINGLE}.proj_out",
        "final_layer.adaLN_modulation.1": swapped("norm_out.linear"),
        "final_layer.linear": "proj_out",
    }


def _double(stream: str, *, mod: str, attn: str, mlp: tuple[str, str]) -> dict[str, Rule]:
    """Return the names within a block of one of its two streams, "img" or "txt"."""
    text = stream == "txt"
    place = f"double_blocks.#.{stream}"
    queries = [f"{_BLOCK}.attn.add_{part}_proj" if text else f"{_BLOCK}.attn.to_{part}" for part in "qkv"]
    feed = f"{_BLOCK}.ff_context" if text else f"{_BLOCK}.ff"
    return {
        f"{place}_mod.{mod}": f"{_BLOCK}.norm1_context.linear" if text else f"{_BLOCK}.norm1.linear",
        f"{place}{attn}qkv": split(*queries),
        f"{place}{attn}proj": f"{_BLOCK}.attn.to_add_out" if text else f"{_BLOCK}.attn.to_out.0",
        f"{place}_mlp.{mlp[0]}": f"{feed}.net.0.proj",
        f"{place}_mlp.{mlp[1]}": f"{feed}.net.2",
    }


def _embedders(inner: str, layers: tuple[str, str]) -> dict[str, Rule]:
    return {
        f"{old}.{inner}{layer}": f"{new}.linear_{index}"
        for old, new in (
            ("time_in", f"{_TIME}.timestep_embedder"),
            ("guidance_in", f"{_TIME}.guidance_embedder"),
            ("txt_in.t_embedder", f"{_TEXT_TIME}.timestep_embedder"),
        )
        for index, layer in enumerate(layers, start=1)
    }


NAMES = Naming(
    _shared()
    | _embedders("mlp.", ("0", "2"))
    | _double("img", mod="linear", attn="_attn_", mlp=("fc1", "fc2"))
    | _double("txt", mod="linear", attn="_attn_", mlp=("fc1", "fc2"))
    | {
        "txt_in.c_embedder.linear_1": f"{_TEXT_TIME}.text_embedder.linear_1",
        "txt_in.c_embedder.linear_2": f"{_TEXT_TIME}.text_embedder.linear_2",
        f"{_REFINER}.self_attn_qkv": split(*(f"{_REFINED}.attn.to_{part}" for part in "qkv")),
        f"{_REFINER}.self_attn_proj": f"{_REFINED}.attn.to_out.0",
        f"{_REFINER}.mlp.fc1": f"{_REFINED}.ff.net.0.proj",
        f"{_REFINER}.mlp.fc2": f"{_REFINED}.ff.net.2",
        "double_blocks.#.img_attn_q_norm": f"{_BLOCK}.attn.norm_q",
        "double_blocks.#.img_attn_k_norm": f"{_BLOCK}.attn.norm_k",
        "double_blocks.#.txt_attn_q_norm": f"{_BLOCK}.attn.norm_added_q",
        "double_blocks.#.txt_attn_k_norm": f"{_BLOCK}.attn.norm_added_k",
        "single_blocks.#.modulation.linear": f"{_SINGLE}.norm.linear",
        "single_blocks.#.q_norm": f"{_SINGLE}.attn.norm_q",
        "single_blocks.#.k_norm": f"{_SINGLE}.attn.norm_k",
    }
)

COMFYUI_NAMES = Naming(
    _shared()
    | _embedders("", ("in_layer", "out_layer"))
    | _double("img", mod="lin", attn="_attn.", mlp=("0", "2"))
    | _double("txt", mod="lin", attn="_attn.", mlp=("0", "2"))
    | {
        "txt_in.c_embedder.in_layer": f"{_TEXT_TIME}.text_embedder.linear_1",
        "txt_in.c_embedder.out_layer": f"{_TEXT_TIME}.text_embedder.linear_2",
        f"{_REFINER}.self_attn.qkv": split(*(f"{_REFINED}.attn.to_{part}" for part in "qkv")),
        f"{_REFINER}.self_attn.proj": f"{_REFINED}.attn.to_out.0",
        f"{_REFINER}.mlp.0": f"{_REFINED}.ff.net.0.proj",
        f"{_REFINER}.mlp.2": f"{_REFINED}.ff.net.2",
        "double_blocks.#.img_attn.norm.query_norm.scale": f"{_BLOCK}.attn.norm_q.weight",
        "double_blocks.#.img_attn.norm.key_norm.scale": f"{_BLOCK}.attn.norm_k.weight",
        "double_blocks.#.txt_attn.norm.query_norm.scale": f"{_BLOCK}.attn.norm_added_q.weight",
        "double_blocks.#.txt_attn.norm.key_norm.scale": f"{_BLOCK}.attn.norm_added_k.weight",
        "single_blocks.#.modulation.lin": f"{_SINGLE}.norm.linear",
        "single_blocks.#.norm.query_norm.scale": f"{_SINGLE}.attn.norm_q.weight",
        "single_blocks.#.norm.key_norm.scale": f"{_SINGLE}.attn.norm_k.weight",
    }
)


def _config(shapes: Shapes) -> dict[str, Any]:
    width, channels, patch_t, patch, _ = shapes["x_embedder.proj.weight"]
    head = shapes["transformer_blocks.0.attn.norm_q.weight"][0]
    return {
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0] // (patch_t * patch * patch),
        "num_attention_heads": width // head,
        "attention_head_dim": head,
        "num_layers": count(shapes, "transformer_blocks."),
        "num_single_layers": count(shapes, "single_transformer_blocks."),
        "num_refiner_layers": count(shapes, "context_embedder.token_refiner.refiner_blocks."),
        "patch_size": patch,
        "patch_size_t": patch_t,
        "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in shapes,
        "text_embed_dim": shapes["context_embedder.proj_in.weight"][1],
        "pooled_projection_dim": shapes["time_text_embed.text_embedder.linear_1.weight"][1],
        "rope_axes_dim": [head // 8, head * 7 // 16, head * 7 // 16],
    }


_REFINER_NORM = "txt_in.individual_token_refiner.blocks.0.norm1.weight"

TRANSFORMER = Architecture(
    name="hunyuan",
    role="denoiser",
    title="HunyuanVideo",
    layouts=(
        Layout("hunyuan", (_REFINER_NORM, "double_blocks.0.img_attn_qkv.weight"), lambda _: NAMES),
        Layout("hunyuan/comfyui", (_REFINER_NORM, "double_blocks.0.img_attn.qkv.weight"), lambda _: COMFYUI_NAMES),
        Layout(
            "hunyuan/diffusers",
            ("context_embedder.token_refiner.refiner_blocks.0.norm1.weight", "x_embedder.proj.weight"),
        ),
    ),
    config=_config,
)


def _comfyui_vae_names(shapes: Shapes) -> Naming:
    """Return the names of a file that ComfyUI saved: those of the older image autoencoders."""
    return ldm_names(shapes, conv=".conv")


def _vae_config(shapes: Shapes) -> dict[str, Any]:
    levels = count(shapes, "encoder.down_blocks.")
    outs = [shapes[f"encoder.down_blocks.{index}.resnets.0.conv2.conv.weight"][0] for index in range(levels)]
    return {
        "in_channels": shapes["encoder.conv_in.conv.weight"][1],
        "out_channels": shapes["decoder.conv_out.conv.weight"][0],
        "latent_channels": shapes["decoder.conv_in.conv.weight"][1],
        "block_out_channels": outs,
        "layers_per_block": count(shapes, "encoder.down_blocks.0.resnets."),
        "scaling_factor": 0.476986,
    }


VAE = Architecture(
    name="hunyuan_vae",
    role="vae",
    title="HunyuanVideo's autoencoder",
    layouts=(
        Layout(
            "hunyuan_vae",
            ("encoder.conv_in.conv.weight", "encoder.mid.block_1.conv1.conv.weight"),
            _comfyui_vae_names,
            without=("decoder.mid.block_1.norm1.conv_y.conv.weight",),
        ),
        Layout(
            "hunyuan_vae/diffusers",
            ("encoder.mid_block.attentions.0.to_q.weight", "encoder.down_blocks.0.resnets.0.conv1.conv.weight"),
        ),
    ),
    config=_vae_config,
)
