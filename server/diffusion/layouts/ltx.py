"""LTX-Video's transformer and autoencoder. Names as in the original repository's checkpoints, which hold both."""

from __future__ import annotations

from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.naming import Naming, Rule, Shapes, count

_HEADS = 32  # of the 2B and the 13B model

TRANSFORMER_NAMES = Naming(
    {
        "patchify_proj": "proj_in",
        "adaln_single.linear": "time_embed.linear",
        "adaln_single.emb.timestep_embedder.linear_1": "time_embed.emb.timestep_embedder.linear_1",
        "adaln_single.emb.timestep_embedder.linear_2": "time_embed.emb.timestep_embedder.linear_2",
        "caption_projection.linear_1": "caption_projection.linear_1",
        "caption_projection.linear_2": "caption_projection.linear_2",
        "scale_shift_table": "scale_shift_table",
        "proj_out": "proj_out",
        "transformer_blocks.#.scale_shift_table": "transformer_blocks.#.scale_shift_table",
        "transformer_blocks.#.ff.net.0.proj": "transformer_blocks.#.ff.net.0.proj",
        "transformer_blocks.#.ff.net.2": "transformer_blocks.#.ff.net.2",
        **{
            f"transformer_blocks.#.{attention}.{old}": f"transformer_blocks.#.{attention}.{new}"
            for attention in ("attn1", "attn2")
            for old, new in (
                ("to_q", "to_q"),
                ("to_k", "to_k"),
                ("to_v", "to_v"),
                ("to_out.0", "to_out.0"),
                ("q_norm", "norm_q"),
                ("k_norm", "norm_k"),
            )
        },
    }
)


def _transformer_config(shapes: Shapes) -> dict[str, Any]:
    width, channels = shapes["proj_in.weight"]
    heads = _HEADS if width % (_HEADS * 64) == 0 else width // 64
    return {
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0],
        "num_attention_heads": heads,
        "attention_head_dim": width // heads,
        "cross_attention_dim": shapes["transformer_blocks.0.attn2.to_k.weight"][1],
        "num_layers": count(shapes, "transformer_blocks."),
        "caption_channels": shapes["caption_projection.linear_1.weight"][1],
    }


TRANSFORMER = Architecture(
    name="ltx",
    role="denoiser",
    title="LTX-Video",
    layouts=(
        Layout(
            "ltx",
            (
                "patchify_proj.weight",
                "transformer_blocks.0.scale_shift_table",
                "transformer_blocks.0.attn1.q_norm.weight",
            ),
            lambda _: TRANSFORMER_NAMES,
        ),
        Layout(
            "ltx/diffusers",
            ("proj_in.weight", "transformer_blocks.0.scale_shift_table", "transformer_blocks.0.attn1.norm_q.weight"),
        ),
    ),
    config=_transformer_config,
)

_PARTS = {"conv_shortcut": "conv_shortcut.conv", "norm3.norm": "norm3"}
_OTHER_STATISTICS = ("channel", "mean-of-stds", "mean-of-stds_over_std-of-means")
_KEPT = ("conv1.conv", "conv2.conv", "per_channel_scale1", "per_channel_scale2", "scale_shift_table")


def _resnet(old: str, new: str) -> dict[str, Rule]:
    rules: dict[str, Rule] = {f"{old}.{part}": f"{new}.{part}" for part in _KEPT}
    rules |= {f"{old}.{a}": f"{new}.{b}" for a, b in _PARTS.items()}
    return rules


def _stage(old: str, new: str) -> dict[str, Rule]:
    embedder = "time_embedder.timestep_embedder.linear_"
    embedders: dict[str, Rule] = {f"{old}.{embedder}{index}": f"{new}.{embedder}{index}" for index in (1, 2)}
    embedders |= _resnet(f"{old}.res_blocks.#", f"{new}.resnets.#")
    return embedders


def _vae_names(shapes: Shapes) -> Naming:
    """Walk the flat list of blocks of either side: stages of resnets, samplers, and single resnets that widen."""
    rules: dict[str, Rule] = {
        "per_channel_statistics.mean-of-means": "latents_mean",
        "per_channel_statistics.std-of-means": "latents_std",
        "decoder.last_scale_shift_table": "decoder.scale_shift_table",
        "decoder.timestep_scale_multiplier": "decoder.timestep_scale_multiplier",
        "decoder.last_time_embedder.timestep_embedder.linear_1": "decoder.time_embedder.timestep_embedder.linear_1",
        "decoder.last_time_embedder.timestep_embedder.linear_2": "decoder.time_embedder.timestep_embedder.linear_2",
    }
    rules |= {
        f"{side}.{end}.conv": f"{side}.{end}.conv" for side in ("encoder", "decoder") for end in ("conv_in", "conv_out")
    }
    rules |= _encoder_blocks(shapes) | _decoder_blocks(shapes)
    return Naming(
        rules,
        dropped=tuple(
            f"per_channel_statistics.{name}" for name in ("channel", "mean-of-stds", "mean-of-stds_over_std-of-means")
        ),
    )


def _encoder_blocks(shapes: Shapes) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    total = count(shapes, "encoder.down_blocks.")
    block = -1
    for index in range(total):
        old = f"encoder.down_blocks.{index}"
        if any(name.startswith(f"{old}.res_blocks.") for name in shapes):
            block += 1
            last = index == total - 1
            rules |= _stage(old, "encoder.mid_block" if last else f"encoder.down_blocks.{block}")
        elif f"{old}.conv.weight" in shapes or f"{old}.conv.conv.weight" in shapes:
            new = f"encoder.down_blocks.{block}.downsamplers.0"
            rules |= {f"{old}.conv": f"{new}.conv", f"{old}.conv.conv": f"{new}.conv.conv"}
        else:
            rules |= _resnet(old, f"encoder.down_blocks.{block}.conv_out")
    return rules


def _decoder_blocks(shapes: Shapes) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    block = -1
    opened = False  # whether the block that comes next has begun already, with its widening resnet or its sampler
    for index in range(count(shapes, "decoder.up_blocks.")):
        old = f"decoder.up_blocks.{index}"
        stage = any(name.startswith(f"{old}.res_blocks.") for name in shapes)
        if stage and index == 0:
            rules |= _stage(old, "decoder.mid_block")
            continue
        if not opened:
            block, opened = block + 1, True
        new = f"decoder.up_blocks.{block}"
        if stage:
            rules |= _stage(old, new)
            opened = False
        elif f"{old}.conv.conv.weight" in shapes:
            rules |= {f"{old}.conv.conv": f"{new}.upsamplers.0.conv.conv"}
        else:
            rules |= _resnet(old, f"{new}.conv_in")
    return rules


def _vae_config(shapes: Shapes) -> dict[str, Any]:
    patch_area = shapes["encoder.conv_in.conv.weight"][1] // _PIXEL
    newer = "encoder.down_blocks.0.downsamplers.0.conv.conv.weight" in shapes
    downs, ups = count(shapes, "encoder.down_blocks."), count(shapes, "decoder.up_blocks.")
    encoder = [f"encoder.down_blocks.{index}" for index in range(downs)]
    decoder = ["decoder.mid_block", *(f"decoder.up_blocks.{index}" for index in range(ups))]
    widths = [_width(shapes, stage) for stage in encoder]
    factors = [_factor(shapes, stage) for stage in decoder[1:]]
    config: dict[str, Any] = {
        "in_channels": _PIXEL,
        "out_channels": _PIXEL,
        "latent_channels": shapes["decoder.conv_in.conv.weight"][1],
        "block_out_channels": [*widths, _width(shapes, "encoder.mid_block")] if newer else widths,
        "down_block_types": ["LTXVideo095DownBlock3D" if newer else "LTXVideoDownBlock3D"] * downs,
        "layers_per_block": [_layers(shapes, stage) for stage in (*encoder, "encoder.mid_block")],
        "spatio_temporal_scaling": [_samples(shapes, stage, "downsamplers") for stage in encoder],
        # What the decoder is told of its stages counts from the pixels inwards, though it runs the other way.
        "decoder_block_out_channels": [
            _width(shapes, stage) * factor for stage, factor in zip(decoder[1:], factors, strict=True)
        ][::-1],
        "decoder_layers_per_block": [_layers(shapes, stage) for stage in decoder][::-1],
        "decoder_spatio_temporal_scaling": [_samples(shapes, stage, "upsamplers") for stage in decoder[1:]][::-1],
        "decoder_inject_noise": [f"{stage}.resnets.0.per_channel_scale1" in shapes for stage in decoder][::-1],
        "upsample_residual": [factor > 1 for factor in factors][::-1],
        "upsample_factor": factors[::-1],
        "timestep_conditioning": "decoder.time_embedder.timestep_embedder.linear_1.weight" in shapes,
        "patch_size": round(patch_area**0.5),
        "patch_size_t": 1,
    }
    if newer:
        config |= {"downsample_type": _DOWNSAMPLE_TYPES[:downs]}
        config |= {"spatial_compression_ratio": 32, "temporal_compression_ratio": 8}
    return config


_PIXEL = 3  # channels
_DOWNSAMPLE_TYPES = ["spatial", "temporal", "spatiotemporal", "spatiotemporal"]  # of 0.9.5 and later


def _width(shapes: Shapes, stage: str) -> int:
    return shapes[f"{stage}.resnets.0.conv1.conv.weight"][0]


def _layers(shapes: Shapes, stage: str) -> int:
    return count(shapes, f"{stage}.resnets.")


def _samples(shapes: Shapes, stage: str, sampler: str) -> bool:
    return any(name.startswith(f"{stage}.{sampler}.") for name in shapes)


def _factor(shapes: Shapes, stage: str) -> int:
    """Return by how much an upsampler narrows: it makes eight cells of one, each as wide over this factor."""
    shape = shapes.get(f"{stage}.upsamplers.0.conv.conv.weight")
    return 1 if shape is None else 8 * shape[1] // shape[0]


VAE = Architecture(
    name="ltx_vae",
    role="vae",
    title="LTX-Video's autoencoder",
    layouts=(
        Layout(
            "ltx_vae",
            ("encoder.down_blocks.0.res_blocks.0.conv1.conv.weight", "per_channel_statistics.mean-of-means"),
            _vae_names,
        ),
        Layout("ltx_vae/diffusers", ("encoder.down_blocks.0.resnets.0.conv1.conv.weight", "latents_mean")),
    ),
    config=_vae_config,
)
