"""The U-Nets of Stable Diffusion 1 and XL, of Stable Video Diffusion, and AnimateDiff's motion modules.

Names as in the original repositories (ldm/modules/diffusionmodules/openaimodel.py, sgm/modules/diffusionmodules/
video_model.py, animatediff/models/motion_module.py).
"""

from __future__ import annotations

from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.naming import Naming, Rule, Shapes, count

_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_BLOCK = (
    *(f"{attention}.{part}" for attention in ("attn1", "attn2") for part in ("to_q", "to_k", "to_v", "to_out.0")),
    *("ff.net.0.proj", "ff.net.2", "norm1", "norm2", "norm3"),
)
_TEMPORAL_BLOCK = (*_BLOCK, "norm_in", "ff_in.net.0.proj", "ff_in.net.2")
_ENDS: dict[str, Rule] = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
_HEAD_DIM, _HEADS = 64, 8  # XL and SVD have heads of one width, Stable Diffusion 1 has as many everywhere
_TIME_DIM = 256


def _resnet(old: str, new: str, temporal: bool) -> dict[str, Rule]:
    if not temporal:
        return {f"{old}.{a}": f"{new}.{b}" for a, b in _RESNET.items()}
    spatial: dict[str, Rule] = {f"{old}.{a}": f"{new}.spatial_res_block.{b}" for a, b in _RESNET.items()}
    stacked: dict[str, Rule] = {f"{old}.time_stack.{a}": f"{new}.temporal_res_block.{b}" for a, b in _RESNET.items()}
    return spatial | stacked | {f"{old}.time_mixer.mix_factor": f"{new}.time_mixer.mix_factor"}


def _attention(old: str, new: str, temporal: bool) -> dict[str, Rule]:
    rules: dict[str, Rule] = {f"{old}.{part}": f"{new}.{part}" for part in ("norm", "proj_in", "proj_out")}
    rules |= {f"{old}.transformer_blocks.#.{part}": f"{new}.transformer_blocks.#.{part}" for part in _BLOCK}
    if temporal:
        stacked = f"{new}.temporal_transformer_blocks.#"
        rules |= {f"{old}.time_stack.#.{part}": f"{stacked}.{part}" for part in _TEMPORAL_BLOCK}
        rules |= {f"{old}.time_pos_embed.{2 * index}": f"{new}.time_pos_embed.linear_{index + 1}" for index in (0, 1)}
        rules[f"{old}.time_mixer.mix_factor"] = f"{new}.time_mixer.mix_factor"
    return rules


def _names(shapes: Shapes) -> Naming:
    """Walk the flat lists of blocks, which leave it to the reader where one level ends and the next begins."""
    temporal = "middle_block.0.time_stack.in_layers.0.weight" in shapes
    rules = dict(_ENDS)
    level = resnet = 0
    for index in range(1, count(shapes, "input_blocks.")):
        old = f"input_blocks.{index}"
        if f"{old}.0.op.weight" in shapes:
            rules[f"{old}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
            level, resnet = level + 1, 0
            continue
        rules |= _resnet(f"{old}.0", f"down_blocks.{level}.resnets.{resnet}", temporal)
        rules |= _attention(f"{old}.1", f"down_blocks.{level}.attentions.{resnet}", temporal)
        resnet += 1
    rules |= _resnet("middle_block.0", "mid_block.resnets.0", temporal)
    rules |= _attention("middle_block.1", "mid_block.attentions.0", temporal)
    rules |= _resnet("middle_block.2", "mid_block.resnets.1", temporal)
    level = resnet = 0
    for index in range(count(shapes, "output_blocks.")):
        old = f"output_blocks.{index}"
        rules |= _resnet(f"{old}.0", f"up_blocks.{level}.resnets.{resnet}", temporal)
        rules |= _attention(f"{old}.1", f"up_blocks.{level}.attentions.{resnet}", temporal)
        rules |= {f"{old}.{place}.conv": f"up_blocks.{level}.upsamplers.0.conv" for place in (1, 2)}
        resnet += 1
        if any(f"{old}.{place}.conv.weight" in shapes for place in (1, 2)):
            level, resnet = level + 1, 0
    return Naming(rules)


def skeleton(shapes: Shapes) -> Shapes:
    """Return as much of the original tensors' names as their table is made from, out of those of diffusers."""
    levels, layers = count(shapes, "down_blocks."), count(shapes, "down_blocks.0.resnets.")
    step = layers + 1
    names = [f"input_blocks.{index}.0.in_layers.0.weight" for index in range(levels * step)]
    names += [f"input_blocks.{level * step}.0.op.weight" for level in range(1, levels)]
    names += [f"output_blocks.{index}.0.in_layers.0.weight" for index in range(levels * step)]
    names += [f"output_blocks.{level * step - 1}.1.conv.weight" for level in range(1, levels)]
    if "mid_block.resnets.0.temporal_res_block.norm1.weight" in shapes:
        names.append("middle_block.0.time_stack.in_layers.0.weight")
    return dict.fromkeys(names, ())


def _config(shapes: Shapes, *, conv: str = "conv2", suffix: str = "2D") -> dict[str, Any]:
    levels = count(shapes, "down_blocks.")
    downs = [f"down_blocks.{index}" for index in range(levels)]
    ups = [f"up_blocks.{index}" for index in range(levels)]
    widths = [shapes[f"{place}.resnets.0.{conv}.weight"][0] for place in downs]
    attends = {place: f"{place}.attentions.0.proj_in.weight" in shapes for place in (*downs, *ups)}
    depths = [count(shapes, f"{place}.attentions.0.transformer_blocks.") or 1 for place in downs]
    return {
        "sample_size": 128 if "add_embedding.linear_1.weight" in shapes else 64,
        "in_channels": shapes["conv_in.weight"][1],
        "out_channels": shapes["conv_out.weight"][0],
        "down_block_types": [f"CrossAttnDownBlock{suffix}" if attends[p] else f"DownBlock{suffix}" for p in downs],
        "up_block_types": [f"CrossAttnUpBlock{suffix}" if attends[p] else f"UpBlock{suffix}" for p in ups],
        "block_out_channels": widths,
        "layers_per_block": count(shapes, "down_blocks.0.resnets."),
        "cross_attention_dim": shapes["mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"][1],
        "transformer_layers_per_block": depths[0] if len(set(depths)) == 1 else depths,
    }


def _image_config(shapes: Shapes) -> dict[str, Any]:
    config = _config(shapes)
    linear = len(shapes["mid_block.attentions.0.proj_in.weight"]) == 2
    added = shapes.get("add_embedding.linear_1.weight")
    widths = config["block_out_channels"]
    heads = _HEADS if added is None else [width // _HEAD_DIM for width in widths]
    config |= {"use_linear_projection": linear, "attention_head_dim": heads}
    if added is not None:
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": _TIME_DIM,
            "projection_class_embeddings_input_dim": added[1],
        }
    return config


def _video_config(shapes: Shapes) -> dict[str, Any]:
    config = _config(shapes, conv="spatial_res_block.conv2", suffix="SpatioTemporal")
    return config | {
        "sample_size": 96,
        "num_attention_heads": [width // _HEAD_DIM for width in config["block_out_channels"]],
        "addition_time_embed_dim": _TIME_DIM,
        "projection_class_embeddings_input_dim": shapes["add_embedding.linear_1.weight"][1],
    }


_LDM = ("input_blocks.0.0.weight", "middle_block.0.in_layers.0.weight", "out.2.weight")
_DIFFUSERS = ("conv_in.weight", "down_blocks.0.resnets.0.norm1.weight", "time_embedding.linear_1.weight")
_STACKED, _LABELS = "middle_block.0.time_stack.in_layers.0.weight", "label_emb.0.0.weight"
_ADDED, _MOTION = "add_embedding.linear_1.weight", "down_blocks.0.motion_modules.0.proj_in.weight"

SD = Architecture(
    name="sd",
    role="denoiser",
    title="Stable Diffusion 1",
    layouts=(
        Layout("sd", _LDM, _names, without=(_STACKED, _LABELS)),
        Layout("sd/diffusers", _DIFFUSERS, without=(_ADDED, _MOTION)),
    ),
    config=_image_config,
)
SDXL = Architecture(
    name="sdxl",
    role="denoiser",
    title="Stable Diffusion XL",
    layouts=(
        Layout("sdxl", (*_LDM, _LABELS), _names, without=(_STACKED,)),
        Layout("sdxl/diffusers", (*_DIFFUSERS, _ADDED), without=(_MOTION,)),
    ),
    config=_image_config,
)
SVD = Architecture(
    name="svd",
    role="denoiser",
    title="Stable Video Diffusion",
    layouts=(
        Layout("svd", (*_LDM, _STACKED), _names),
        Layout("svd/diffusers", ("conv_in.weight", "down_blocks.0.resnets.0.spatial_res_block.norm1.weight")),
    ),
    config=_video_config,
)


def _motion_names() -> Naming:
    rules: dict[str, Rule] = {}
    for place in _PLACES:
        old, block = f"{place}.temporal_transformer", f"{place}.temporal_transformer.transformer_blocks.#"
        new = f"{place}.transformer_blocks.#"
        rules |= {f"{old}.{part}": f"{place}.{part}" for part in ("norm", "proj_in", "proj_out")}
        rules |= {f"{block}.ff.net.{part}": f"{new}.ff.net.{part}" for part in ("0.proj", "2")}
        rules |= {f"{block}.norms.{index}": f"{new}.norm{index + 1}" for index in (0, 1)}
        rules |= {f"{block}.ff_norm": f"{new}.norm3"}
        # Both attentions have the same positions, which diffusers keeps once.
        rules |= {f"{block}.attention_blocks.0.pos_encoder.pe": f"{new}.pos_embed.pe"}
        rules |= {
            f"{block}.attention_blocks.{index}.{part}": f"{new}.attn{index + 1}.{part}"
            for index in (0, 1)
            for part in ("to_q", "to_k", "to_v", "to_out.0")
        }
    dropped = [
        f"{place}.temporal_transformer.transformer_blocks.#.attention_blocks.1.pos_encoder.pe" for place in _PLACES
    ]
    return Naming(rules, dropped=tuple(dropped))


_PLACES = ("down_blocks.#.motion_modules.#", "up_blocks.#.motion_modules.#", "mid_block.motion_modules.#")
_PE = "down_blocks.0.motion_modules.0.transformer_blocks.0.pos_embed.pe"


def _motion_config(shapes: Shapes) -> dict[str, Any]:
    positions = shapes.get(_PE)
    return {
        "motion_max_seq_length": 32 if positions is None else positions[1],
        "use_motion_mid_block": any(name.startswith("mid_block.") for name in shapes),
    }


MOTION = Architecture(
    name="animatediff",
    role="motion module",
    title="AnimateDiff's motion module",
    layouts=(
        Layout(
            "animatediff",
            ("down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight",),
            lambda _: _motion_names(),
        ),
        Layout("animatediff/diffusers", (_MOTION,), without=("conv_in.weight",)),
    ),
    config=_motion_config,
)


def with_motion(unet: dict[str, Any], motion: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the U-Net that a motion module makes of one for images."""
    kinds = {
        name: [kind.replace("2D", "Motion") for kind in unet[name]] for name in ("down_block_types", "up_block_types")
    }
    heads = unet["attention_head_dim"]
    kept = {name: value for name, value in unet.items() if name != "attention_head_dim"}
    return kept | kinds | motion | {"num_attention_heads": heads}
