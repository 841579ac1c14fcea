"""CogVideoX's transformer and autoencoder.

Names as in the original checkpoints (SwissArmyTransformer), which come as pickles and circulate converted, and those of
diffusers, which the single files for ComfyUI keep.
"""

from __future__ import annotations

from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.naming import Cut, Naming, Rule, Shapes, Target, count, split

_HEAD_DIM = 64
_BLOCK, _OLD = "transformer_blocks.#", "transformer.layers.#"
_SMALL = (1920, 30)  # width and layers of the 2B model, which alone has no rotary positions

TRANSFORMER_NAMES = Naming(
    {
        "mixins.patch_embed.proj": "patch_embed.proj",
        "mixins.patch_embed.text_proj": "patch_embed.text_proj",
        "time_embed.0": "time_embedding.linear_1",
        "time_embed.2": "time_embedding.linear_2",
        "ofs_embed.0": "ofs_embedding.linear_1",
        "ofs_embed.2": "ofs_embedding.linear_2",
        f"{_OLD}.input_layernorm": f"{_BLOCK}.norm1.norm",
        f"{_OLD}.post_attention_layernorm": f"{_BLOCK}.norm2.norm",
        f"{_OLD}.attention.query_key_value": split(*(f"{_BLOCK}.attn1.to_{part}" for part in "qkv")),
        f"{_OLD}.attention.dense": f"{_BLOCK}.attn1.to_out.0",
        f"{_OLD}.mlp.dense_h_to_4h": f"{_BLOCK}.ff.net.0.proj",
        f"{_OLD}.mlp.dense_4h_to_h": f"{_BLOCK}.ff.net.2",
        # Shift, scale and gate of video and text, before attention and before the feed-forward, in one layer.
        "mixins.adaln_layer.adaLN_modulations.#.1": (
            Target(f"{_BLOCK}.norm1.linear", (Cut(0, 3, 12), Cut(6, 9, 12))),
            Target(f"{_BLOCK}.norm2.linear", (Cut(3, 6, 12), Cut(9, 12, 12))),
        ),
        "mixins.adaln_layer.query_layernorm_list.#": f"{_BLOCK}.attn1.norm_q",
        "mixins.adaln_layer.key_layernorm_list.#": f"{_BLOCK}.attn1.norm_k",
        "transformer.final_layernorm": "norm_final",
        "mixins.final_layer.adaLN_modulation.1": "norm_out.linear",
        "mixins.final_layer.norm_final": "norm_out.norm",
        "mixins.final_layer.linear": "proj_out",
        "mixins.pos_embed.pos_embedding": "patch_embed.pos_embedding",
    },
    dropped=("mixins.pos_embed.freqs_sin", "mixins.pos_embed.freqs_cos", "transformer.word_embeddings.weight"),
)


def _transformer_config(shapes: Shapes) -> dict[str, Any]:
    width = shapes["transformer_blocks.0.attn1.to_q.weight"][0]
    layers = count(shapes, "transformer_blocks.")
    patches = shapes["patch_embed.proj.weight"]
    newer = len(patches) == 2
    outputs = shapes["proj_out.weight"][0]
    cells = 8 if newer else 4  # of a patch: two frames high and wide in 1.5, one frame before
    offsets = shapes.get("ofs_embedding.linear_1.weight")
    return {
        "num_attention_heads": width // _HEAD_DIM,
        "attention_head_dim": _HEAD_DIM,
        "in_channels": patches[1] // cells if newer else patches[1],
        "out_channels": outputs // cells,
        "time_embed_dim": shapes["time_embedding.linear_1.weight"][0],
        "ofs_embed_dim": None if offsets is None else offsets[1],
        "text_embed_dim": shapes["patch_embed.text_proj.weight"][1],
        "num_layers": layers,
        "sample_width": 170 if newer else 90,
        "sample_height": 96 if newer else 60,
        "sample_frames": 81 if newer else 49,
        "patch_size": 2,
        "patch_size_t": 2 if newer else None,
        "patch_bias": not newer,  # of the convolution, which 1.5 has not
        "max_text_seq_length": 224 if newer else 226,
        "use_rotary_positional_embeddings": (width, layers) != _SMALL,
        "use_learned_positional_embeddings": "patch_embed.pos_embedding" in shapes,
    }


TRANSFORMER = Architecture(
    name="cogvideox",
    role="denoiser",
    title="CogVideoX",
    layouts=(
        Layout(
            "cogvideox",
            ("mixins.patch_embed.proj.weight", "transformer.layers.0.attention.query_key_value.weight"),
            lambda _: TRANSFORMER_NAMES,
        ),
        Layout("cogvideox/diffusers", ("patch_embed.text_proj.weight", "transformer_blocks.0.norm1.linear.weight")),
    ),
    config=_transformer_config,
)

_RESNET = {
    "norm1": "norm1",
    "norm2": "norm2",
    "conv1": "conv1",
    "conv2": "conv2",
    "nin_shortcut": "conv_shortcut",
    "conv1.conv": "conv1.conv",
    "conv2.conv": "conv2.conv",
    **{
        f"{norm}.{part}": f"{norm}.{part}"
        for norm in ("norm1", "norm2")
        for part in ("norm_layer", "conv_y.conv", "conv_b.conv")
    },
}


def _vae_names(shapes: Shapes) -> Naming:
    rules: dict[str, Rule] = {}
    ends = (
        "conv_in.conv",
        "conv_out.conv",
        "norm_out",
        "norm_out.norm_layer",
        "norm_out.conv_y.conv",
        "norm_out.conv_b.conv",
    )
    for side in ("encoder", "decoder"):
        rules |= {f"{side}.{end}": f"{side}.{end}" for end in ends}
        for index in (1, 2):
            old, new = f"{side}.mid.block_{index}", f"{side}.mid_block.resnets.{index - 1}"
            rules |= {f"{old}.{a}": f"{new}.{b}" for a, b in _RESNET.items()}
    rules |= {f"encoder.down.#.block.#.{a}": f"encoder.down_blocks.#.resnets.#.{b}" for a, b in _RESNET.items()}
    rules["encoder.down.#.downsample.conv"] = "encoder.down_blocks.#.downsamplers.0.conv"
    levels = count(shapes, "decoder.up.")
    for level in range(levels):  # counted from the pixels inwards, where diffusers counts the way that it runs
        old, new = f"decoder.up.{level}", f"decoder.up_blocks.{levels - 1 - level}"
        rules |= {f"{old}.block.#.{a}": f"{new}.resnets.#.{b}" for a, b in _RESNET.items()}
        rules[f"{old}.upsample.conv"] = f"{new}.upsamplers.0.conv"
    return Naming(rules)


def _vae_config(shapes: Shapes) -> dict[str, Any]:
    levels = count(shapes, "encoder.down_blocks.")
    widths = [shapes[f"encoder.down_blocks.{index}.resnets.0.conv2.conv.weight"][0] for index in range(levels)]
    return {
        "in_channels": shapes["encoder.conv_in.conv.weight"][1],
        "out_channels": shapes["decoder.conv_out.conv.weight"][0],
        "down_block_types": ["CogVideoXDownBlock3D"] * levels,
        "up_block_types": ["CogVideoXUpBlock3D"] * levels,
        "block_out_channels": widths,
        "latent_channels": shapes["decoder.conv_in.conv.weight"][1],
        "layers_per_block": count(shapes, "encoder.down_blocks.0.resnets."),
        "temporal_compression_ratio": 4,
        "scaling_factor": 0.7,
    }


VAE = Architecture(
    name="cogvideox_vae",
    role="vae",
    title="CogVideoX's autoencoder",
    layouts=(
        Layout(
            "cogvideox_vae",
            ("encoder.conv_in.conv.weight", "decoder.mid.block_1.norm1.conv_y.conv.weight"),
            _vae_names,
        ),
        Layout("cogvideox_vae/diffusers", ("decoder.mid_block.resnets.0.norm1.conv_y.conv.weight",)),
    ),
    config=_vae_config,
)
