"""The image autoencoder of Stable Diffusion, XL and FLUX, and that of Stable Video Diffusion with its temporal decoder.

Names as in the original repositories (ldm/modules/diffusionmodules/model.py, sgm/modules/autoencoding/temporal_ae.py).
"""

from __future__ import annotations

from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.naming import Naming, Rule, Shapes, count, flat

_RESNET = {"norm1": "norm1", "norm2": "norm2", "conv1": "conv1", "conv2": "conv2", "nin_shortcut": "conv_shortcut"}
_TEMPORAL = {"in_layers.0": "norm1", "in_layers.2": "conv1", "out_layers.0": "norm2", "out_layers.3": "conv2"}
_ATTENTION = {"q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


def ldm_names(shapes: Shapes, *, conv: str = "") -> Naming:
    """Return the names of an autoencoder of latent diffusion.

    Args:
        shapes: Of the original tensors.
        conv: What stands after a convolution's name: ".conv" where it is wrapped to be causal in time.
    """
    rules: dict[str, Rule] = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}
    levels = count(shapes, "decoder.up.")
    for side in ("encoder", "decoder"):
        middle = f"{side}.mid_block"
        rules |= {f"{side}.{end}{conv}": f"{side}.{end}{conv}" for end in ("conv_in", "conv_out")}
        rules[f"{side}.norm_out"] = f"{side}.conv_norm_out"
        rules[f"{side}.mid.attn_1.norm"] = f"{middle}.attentions.0.group_norm"
        rules |= {f"{side}.mid.attn_1.{a}": flat(f"{middle}.attentions.0.{b}") for a, b in _ATTENTION.items()}
        for index in (1, 2):
            rules |= _resnet(f"{side}.mid.block_{index}", f"{middle}.resnets.{index - 1}", conv)
    rules |= _resnet("encoder.down.#.block.#", "encoder.down_blocks.#.resnets.#", conv)
    rules[f"encoder.down.#.downsample.conv{conv}"] = f"encoder.down_blocks.#.downsamplers.0.conv{conv}"
    for level in range(levels):  # counted from the pixels inwards, where diffusers counts the way that it runs
        old, new = f"decoder.up.{level}", f"decoder.up_blocks.{levels - 1 - level}"
        rules |= _resnet(f"{old}.block.#", f"{new}.resnets.#", conv)
        rules[f"{old}.upsample.conv{conv}"] = f"{new}.upsamplers.0.conv{conv}"
    return Naming(rules)


def _resnet(old: str, new: str, conv: str) -> dict[str, Rule]:
    return {
        f"{old}.{a}{'' if a.startswith('norm') else conv}": f"{new}.{b}{'' if b.startswith('norm') else conv}"
        for a, b in _RESNET.items()
    }


def _temporal_names(shapes: Shapes) -> Naming:
    """Return the names where each resnet of the decoder has a temporal one beside it, and a factor that mixes them."""
    rules: dict[str, Rule] = {"decoder.conv_out.time_mix_conv": "decoder.time_conv_out"}
    for old, rule in ldm_names(shapes).rules.items():
        new = rule if isinstance(rule, str) else rule[0].name
        place, _, part = new.rpartition(".")
        if new.startswith("decoder.") and ".resnets." in new:
            rules[old] = f"{place}.spatial_res_block.{part}"
            block = old.rpartition(".")[0]
            rules |= {f"{block}.time_stack.{a}": f"{place}.temporal_res_block.{b}" for a, b in _TEMPORAL.items()}
            rules[f"{block}.mix_factor"] = f"{place}.time_mixer.mix_factor"
        elif not new.startswith("post_quant_conv"):
            rules[old] = rule
    return Naming(rules)


def _widths(shapes: Shapes) -> list[int]:
    levels = count(shapes, "encoder.down_blocks.")
    return [shapes[f"encoder.down_blocks.{index}.resnets.0.conv2.weight"][0] for index in range(levels)]


def _config(shapes: Shapes) -> dict[str, Any]:
    widths = _widths(shapes)
    return {
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "down_block_types": ["DownEncoderBlock2D"] * len(widths),
        "up_block_types": ["UpDecoderBlock2D"] * len(widths),
        "block_out_channels": widths,
        "layers_per_block": count(shapes, "encoder.down_blocks.0.resnets."),
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
    }


def _temporal_config(shapes: Shapes) -> dict[str, Any]:
    widths = _widths(shapes)
    return {
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "down_block_types": ["DownEncoderBlock2D"] * len(widths),
        "block_out_channels": widths,
        "layers_per_block": count(shapes, "encoder.down_blocks.0.resnets."),
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "sample_size": 768,
        "scaling_factor": 0.18215,
    }


VAE = Architecture(
    name="image_vae",
    role="vae",
    title="An image autoencoder",
    layouts=(
        Layout(
            "image_vae",
            ("encoder.down.0.block.0.norm1.weight", "decoder.up.0.block.0.norm1.weight", "encoder.conv_in.weight"),
            ldm_names,
            without=("decoder.conv_out.time_mix_conv.weight",),
        ),
        Layout(
            "image_vae/diffusers",
            ("encoder.down_blocks.0.resnets.0.conv1.weight", "decoder.mid_block.resnets.0.norm1.weight"),
        ),
    ),
    config=_config,
)

TEMPORAL_VAE = Architecture(
    name="temporal_vae",
    role="vae",
    title="Stable Video Diffusion's autoencoder",
    layouts=(
        Layout(
            "temporal_vae",
            ("encoder.down.0.block.0.norm1.weight", "decoder.conv_out.time_mix_conv.weight"),
            _temporal_names,
        ),
        Layout("temporal_vae/diffusers", ("decoder.time_conv_out.weight", "encoder.conv_in.weight")),
    ),
    config=_temporal_config,
    # The original has no layer there; diffusers' class has, and one that changes nothing is the same.
    optional={"quant_conv.weight": "identity", "quant_conv.bias": "identity"},
)
