"""From diffusers' tensor names back to the original ones, written down independently of the tables under test."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import Tensor

State = dict[str, Tensor]


def renamed(state: State, *changes: tuple[str, str]) -> State:
    """Apply regular expressions to every name, in order."""
    result: State = {}
    for name, tensor in state.items():
        new = name
        for pattern, replacement in changes:
            new = re.sub(pattern, replacement, new)
        result[new] = tensor
    assert len(result) == len(state)
    return result


def fused(state: State, parts: Iterable[str], whole: str) -> State:
    """Join the rows of tensors that differ in one part of their names, such as q, k and v.

    Args:
        state: Tensors.
        parts: Regular expressions of names without suffix, whose first group is what the names share.
        whole: Name of what they become, with `\\1` for the group.
    """
    patterns = [re.compile(part + r"\.(weight|bias)$") for part in parts]
    groups: dict[str, list[Tensor | None]] = {}
    result = dict(state)
    for index, pattern in enumerate(patterns):
        for name, tensor in state.items():
            match = pattern.match(name)
            if match:
                key = match.expand(whole) + "." + match.group(match.lastindex or 0)
                groups.setdefault(key, [None] * len(patterns))[index] = tensor
                del result[name]
    for key, tensors in groups.items():
        assert all(tensor is not None for tensor in tensors), key
        result[key] = torch.cat([tensor for tensor in tensors if tensor is not None])
    return result


def swapped_halves(state: State, name: str, new: str) -> State:
    """Swap shift and scale of the last modulation, which the originals have the other way round."""
    result = dict(state)
    for kind in ("weight", "bias"):
        scale, shift = result.pop(f"{name}.{kind}").chunk(2)
        result[f"{new}.{kind}"] = torch.cat([shift, scale])
    return result


def wan(state: State) -> State:
    return renamed(
        state,
        (r"^condition_embedder\.time_embedder\.linear_1", "time_embedding.0"),
        (r"^condition_embedder\.time_embedder\.linear_2", "time_embedding.2"),
        (r"^condition_embedder\.time_proj", "time_projection.1"),
        (r"^condition_embedder\.text_embedder\.linear_1", "text_embedding.0"),
        (r"^condition_embedder\.text_embedder\.linear_2", "text_embedding.2"),
        (r"^condition_embedder\.image_embedder\.pos_embed", "img_emb.emb_pos"),
        (r"^condition_embedder\.image_embedder\.norm1", "img_emb.proj.0"),
        (r"^condition_embedder\.image_embedder\.ff\.net\.0\.proj", "img_emb.proj.1"),
        (r"^condition_embedder\.image_embedder\.ff\.net\.2", "img_emb.proj.3"),
        (r"^condition_embedder\.image_embedder\.norm2", "img_emb.proj.4"),
        (r"\.attn1\.", ".self_attn."),
        (r"\.attn2\.", ".cross_attn."),
        (r"\.add_([kv])_proj\.", r".\1_img."),
        (r"\.norm_added_k\.", ".norm_k_img."),
        (r"\.to_out\.0\.", ".o."),
        (r"\.to_([qkv])\.", r".\1."),
        (r"\.ffn\.net\.0\.proj", ".ffn.0"),
        (r"\.ffn\.net\.2", ".ffn.2"),
        (r"(blocks\.\d+)\.norm2\.", r"\1.norm3."),
        (r"(blocks\.\d+)\.scale_shift_table", r"\1.modulation"),
        (r"^scale_shift_table", "head.modulation"),
        (r"^proj_out", "head.head"),
    )


_WAN_RESNET = (
    (r"\.norm1\.gamma", ".residual.0.gamma"),
    (r"\.conv1\.", ".residual.2."),
    (r"\.norm2\.gamma", ".residual.3.gamma"),
    (r"\.conv2\.", ".residual.6."),
    (r"\.conv_shortcut\.", ".shortcut."),
)
_WAN_MIDDLE = (
    (r"\.mid_block\.resnets\.0", ".middle.0"),
    (r"\.mid_block\.attentions\.0", ".middle.1"),
    (r"\.mid_block\.resnets\.1", ".middle.2"),
    *_WAN_RESNET,
    (r"\.norm_out\.gamma", ".head.0.gamma"),
    (r"\.conv_out\.", ".head.2."),
    (r"\.conv_in\.", ".conv1."),
    (r"^quant_conv", "conv1"),
    (r"^post_quant_conv", "conv2"),
)


def wan_vae_21(state: State, per_block: int) -> State:
    """Number the decoder's blocks in one list: resnets of a block, then its sampler."""
    result: State = {}
    for name, tensor in state.items():
        match = re.match(r"decoder\.up_blocks\.(\d+)\.(resnets|upsamplers)\.(\d+)\.(.*)", name)
        if match:
            start = int(match[1]) * (per_block + 1)
            index = start + (int(match[3]) if match[2] == "resnets" else per_block)
            result[f"decoder.upsamples.{index}.{match[4]}"] = tensor
        else:
            result[name] = tensor
    return renamed(result, (r"^encoder\.down_blocks", "encoder.downsamples"), *_WAN_MIDDLE)


def wan_vae_22(state: State, resnets: int) -> State:
    return renamed(
        state,
        (r"^encoder\.down_blocks\.(\d+)\.resnets", r"encoder.downsamples.\1.downsamples"),
        (r"^encoder\.down_blocks\.(\d+)\.downsampler", rf"encoder.downsamples.\1.downsamples.{resnets}"),
        (r"^decoder\.up_blocks\.(\d+)\.resnets", r"decoder.upsamples.\1.upsamples"),
        (r"^decoder\.up_blocks\.(\d+)\.upsampler", rf"decoder.upsamples.\1.upsamples.{resnets + 1}"),
        *_WAN_MIDDLE,
    )


def ltx(state: State) -> State:
    return renamed(
        state,
        (r"^proj_in", "patchify_proj"),
        (r"^time_embed", "adaln_single"),
        (r"\.norm_q\.", ".q_norm."),
        (r"\.norm_k\.", ".k_norm."),
    )


def ltx_vae(state: State, encoder: list[str], decoder: list[str]) -> State:
    """Number the blocks of either side in one list.

    Args:
        state: Tensors.
        encoder: What each of the original encoder's blocks is in diffusers, in order.
        decoder: The same of the decoder.
    """
    order = {f"encoder.{name}": f"encoder.down_blocks.{index}" for index, name in enumerate(encoder)}
    order |= {f"decoder.{name}": f"decoder.up_blocks.{index}" for index, name in enumerate(decoder)}
    result: State = {}
    for name, tensor in state.items():
        places = [place for place in order if name.startswith(f"{place}.")]
        place = max(places, key=len, default="")
        result[order.get(place, "") + name.removeprefix(place)] = tensor
    return renamed(
        result,
        (r"\.resnets\.", ".res_blocks."),
        (r"\.conv_shortcut\.conv\.", ".conv_shortcut."),
        (r"\.norm3\.", ".norm3.norm."),
        (r"^latents_mean", "per_channel_statistics.mean-of-means"),
        (r"^latents_std", "per_channel_statistics.std-of-means"),
        (r"^decoder\.time_embedder", "decoder.last_time_embedder"),
        (r"^decoder\.scale_shift_table", "decoder.last_scale_shift_table"),
    )


def flux(state: State) -> State:
    state = fused(
        state,
        [rf"single_transformer_blocks\.(\d+)\.{part}" for part in (*_QKV, "proj_mlp")],
        r"single_blocks.\1.linear1",
    )
    state = fused(state, [rf"transformer_blocks\.(\d+)\.{part}" for part in _QKV], r"double_blocks.\1.img_attn.qkv")
    state = fused(state, [rf"transformer_blocks\.(\d+)\.{part}" for part in _ADDED], r"double_blocks.\1.txt_attn.qkv")
    state = swapped_halves(state, "norm_out.linear", "final_layer.adaLN_modulation.1")
    return renamed(
        state,
        (r"^x_embedder", "img_in"),
        (r"^context_embedder", "txt_in"),
        *_embedders("time_text_embed.", ("in_layer", "out_layer")),
        (r"^single_transformer_blocks\.(\d+)\.norm\.linear", r"single_blocks.\1.modulation.lin"),
        (r"^single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
        (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
        (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
        *_double(mod="lin", attention=r"\2_attn.", norm=r".norm.\3_norm.scale", mlp=("0", "2")),
        (r"^proj_out", "final_layer.linear"),
    )


_QKV = (r"attn\.to_q", r"attn\.to_k", r"attn\.to_v")
_ADDED = (r"attn\.add_q_proj", r"attn\.add_k_proj", r"attn\.add_v_proj")


def _embedders(place: str, layers: tuple[str, str]) -> list[tuple[str, str]]:
    changes: list[tuple[str, str]] = []
    for index, layer in enumerate(layers, start=1):
        for new, old in (("timestep", "time_in"), ("guidance", "guidance_in"), ("text", "vector_in")):
            changes.append((rf"^{re.escape(place)}{new}_embedder\.linear_{index}", f"{old}.{layer}"))
    return changes


def _double(*, mod: str, attention: str, norm: str, mlp: tuple[str, str]) -> list[tuple[str, str]]:
    changes: list[tuple[str, str]] = []
    for new, old in (("norm1_context", "txt"), ("norm1", "img")):
        changes.append((rf"^transformer_blocks\.(\d+)\.{new}\.linear", rf"double_blocks.\1.{old}_mod.{mod}"))
    for added, old in (("added_", "txt"), ("", "img")):
        for short, long in (("q", "query"), ("k", "key")):
            target = norm.replace(r"\3", long).replace(r"\4", short)
            place = attention.replace(r"\2", old)
            source = rf"^transformer_blocks\.(\d+)\.attn\.norm_{added}{short}\.weight"
            changes.append((source, rf"double_blocks.\1.{place}".rstrip("._") + target))
    for new, old in ((r"to_out\.0", "img"), ("to_add_out", "txt")):
        place = attention.replace(r"\2", old)
        changes.append((rf"^transformer_blocks\.(\d+)\.attn\.{new}", rf"double_blocks.\1.{place}proj"))
    for new, old in (("ff_context", "txt"), ("ff", "img")):
        changes.append((rf"^transformer_blocks\.(\d+)\.{new}\.net\.0\.proj", rf"double_blocks.\1.{old}_mlp.{mlp[0]}"))
        changes.append((rf"^transformer_blocks\.(\d+)\.{new}\.net\.2", rf"double_blocks.\1.{old}_mlp.{mlp[1]}"))
    return changes


def hunyuan(state: State, *, comfyui: bool) -> State:
    qkv, proj = (".qkv", ".proj") if comfyui else ("_qkv", "_proj")
    attn = "_attn" + qkv
    refiner = r"txt_in.individual_token_refiner.blocks.\1"
    state = fused(
        state,
        [rf"single_transformer_blocks\.(\d+)\.{part}" for part in (*_QKV, "proj_mlp")],
        r"single_blocks.\1.linear1",
    )
    state = fused(state, [rf"transformer_blocks\.(\d+)\.{part}" for part in _QKV], rf"double_blocks.\1.img{attn}")
    state = fused(state, [rf"transformer_blocks\.(\d+)\.{part}" for part in _ADDED], rf"double_blocks.\1.txt{attn}")
    blocks = r"context_embedder\.token_refiner\.refiner_blocks\.(\d+)"
    state = fused(state, [rf"{blocks}\.{part}" for part in _QKV], rf"{refiner}.self_attn{qkv}")
    state = swapped_halves(state, "norm_out.linear", "final_layer.adaLN_modulation.1")
    inner = ("in_layer", "out_layer") if comfyui else ("mlp.0", "mlp.2")
    vector = ("in_layer", "out_layer")
    text = ("in_layer", "out_layer") if comfyui else ("linear_1", "linear_2")
    mlp = ("0", "2") if comfyui else ("fc1", "fc2")
    changes = [(r"^x_embedder", "img_in")]
    for index in (0, 1):
        place, refined = rf"_embedder\.linear_{index + 1}", r"^context_embedder\.time_text_embed\."
        changes += [
            (rf"^time_text_embed\.timestep{place}", f"time_in.{inner[index]}"),
            (rf"^time_text_embed\.guidance{place}", f"guidance_in.{inner[index]}"),
            (rf"^time_text_embed\.text{place}", f"vector_in.{vector[index]}"),
            (rf"{refined}timestep{place}", f"txt_in.t_embedder.{inner[index]}"),
            (rf"{refined}text{place}", f"txt_in.c_embedder.{text[index]}"),
            (rf"^{blocks}\.ff\.net\.{('0.proj', '2')[index]}", rf"{refiner}.mlp.{mlp[index]}"),
        ]
    changes += [
        (r"^context_embedder\.proj_in", "txt_in.input_embedder"),
        (rf"^{blocks}\.attn\.to_out\.0", rf"{refiner}.self_attn{proj}"),
        (rf"^{blocks}\.norm_out\.linear", rf"{refiner}.adaLN_modulation.1"),
        (rf"^{blocks}", refiner),
        (r"^single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
        (r"^proj_out", "final_layer.linear"),
    ]
    single = r"^single_transformer_blocks\.(\d+)"
    if comfyui:
        changes += [
            (rf"{single}\.norm\.linear", r"single_blocks.\1.modulation.lin"),
            (rf"{single}\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
            (rf"{single}\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
            *_double(mod="lin", attention=r"\2_attn.", norm=r".norm.\3_norm.scale", mlp=("0", "2")),
        ]
    else:
        changes += [
            (rf"{single}\.norm\.linear", r"single_blocks.\1.modulation.linear"),
            (rf"{single}\.attn\.norm_q", r"single_blocks.\1.q_norm"),
            (rf"{single}\.attn\.norm_k", r"single_blocks.\1.k_norm"),
            *_double(mod="linear", attention=r"\2_attn_", norm=r"_\4_norm.weight", mlp=("fc1", "fc2")),
        ]
    return renamed(state, *changes)


def cogvideox(state: State) -> State:
    result = fused(
        state,
        [rf"transformer_blocks\.(\d+)\.attn1\.to_{part}" for part in "qkv"],
        r"transformer.layers.\1.attention.query_key_value",
    )
    for name in [name for name in result if re.search(r"\.norm1\.linear\.", name)]:
        layer, kind = name.split(".")[1], name.split(".")[-1]
        first = result.pop(name).chunk(6)
        second = result.pop(name.replace("norm1", "norm2")).chunk(6)
        parts = [*first[:3], *second[:3], *first[3:], *second[3:]]
        result[f"mixins.adaln_layer.adaLN_modulations.{layer}.1.{kind}"] = torch.cat(parts)
    return renamed(
        result,
        (r"^patch_embed\.pos_embedding", "mixins.pos_embed.pos_embedding"),
        (r"^patch_embed", "mixins.patch_embed"),
        (r"^time_embedding\.linear_1", "time_embed.0"),
        (r"^time_embedding\.linear_2", "time_embed.2"),
        (r"^ofs_embedding\.linear_1", "ofs_embed.0"),
        (r"^ofs_embedding\.linear_2", "ofs_embed.2"),
        (r"^norm_final", "transformer.final_layernorm"),
        (r"^norm_out\.linear", "mixins.final_layer.adaLN_modulation.1"),
        (r"^norm_out\.norm", "mixins.final_layer.norm_final"),
        (r"^proj_out", "mixins.final_layer.linear"),
        (r"^transformer_blocks\.(\d+)\.attn1\.norm_q", r"mixins.adaln_layer.query_layernorm_list.\1"),
        (r"^transformer_blocks\.(\d+)\.attn1\.norm_k", r"mixins.adaln_layer.key_layernorm_list.\1"),
        (r"^transformer_blocks\.(\d+)\.norm1\.norm", r"transformer.layers.\1.input_layernorm"),
        (r"^transformer_blocks\.(\d+)\.norm2\.norm", r"transformer.layers.\1.post_attention_layernorm"),
        (r"^transformer_blocks\.(\d+)\.attn1\.to_out\.0", r"transformer.layers.\1.attention.dense"),
        (r"^transformer_blocks\.(\d+)\.ff\.net\.0\.proj", r"transformer.layers.\1.mlp.dense_h_to_4h"),
        (r"^transformer_blocks\.(\d+)\.ff\.net\.2", r"transformer.layers.\1.mlp.dense_4h_to_h"),
    )


def ldm_vae(state: State, levels: int, dimensions: int = 4) -> State:
    """Names of latent diffusion's autoencoder; attention's linear layers become convolutions again."""
    result: State = {}
    for name, tensor in state.items():
        match = re.match(r"decoder\.up_blocks\.(\d+)\.(.*)", name)
        new = f"decoder.up.{levels - 1 - int(match[1])}.{match[2]}" if match else name
        kernel = ".attentions.0.to_" in name and name.endswith("weight")
        result[new] = tensor.reshape(*tensor.shape, *(1,) * (dimensions - 2)) if kernel else tensor
    return renamed(
        result,
        (r"^encoder\.down_blocks\.", "encoder.down."),
        (r"\.resnets\.(\d+)\.spatial_res_block\.", r".resnets.\1."),
        (r"\.resnets\.(\d+)\.temporal_res_block\.norm1", r".resnets.\1.time_stack.in_layers.0"),
        (r"\.resnets\.(\d+)\.temporal_res_block\.conv1", r".resnets.\1.time_stack.in_layers.2"),
        (r"\.resnets\.(\d+)\.temporal_res_block\.norm2", r".resnets.\1.time_stack.out_layers.0"),
        (r"\.resnets\.(\d+)\.temporal_res_block\.conv2", r".resnets.\1.time_stack.out_layers.3"),
        (r"\.resnets\.(\d+)\.time_mixer\.mix_factor", r".resnets.\1.mix_factor"),
        (r"^decoder\.time_conv_out", "decoder.conv_out.time_mix_conv"),
        (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
        (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
        (r"\.mid_block\.attentions\.0\.group_norm", ".mid.attn_1.norm"),
        (r"\.mid_block\.attentions\.0\.to_([qkv])", r".mid.attn_1.\1"),
        (r"\.mid_block\.attentions\.0\.to_out\.0", ".mid.attn_1.proj_out"),
        (r"\.(down|up)\.(\d+)\.resnets\.", r".\1.\2.block."),
        (r"\.downsamplers\.0\.", ".downsample."),
        (r"\.upsamplers\.0\.", ".upsample."),
        (r"\.conv_shortcut\.", ".nin_shortcut."),
        (r"\.conv_norm_out\.", ".norm_out."),
    )


def ldm_unet(state: State, levels: int, layers: int) -> State:
    """Number the blocks of a U-Net of latent diffusion in one list for each side."""
    down = (
        (r"^down_blocks\.(\d+)\.resnets\.(\d+)\.", lambda b, r: f"input_blocks.{1 + b * (layers + 1) + r}.0."),
        (r"^down_blocks\.(\d+)\.attentions\.(\d+)\.", lambda b, r: f"input_blocks.{1 + b * (layers + 1) + r}.1."),
        (
            r"^down_blocks\.(\d+)\.downsamplers\.(\d+)\.conv\.",
            lambda b, _: f"input_blocks.{(b + 1) * (layers + 1)}.0.op.",
        ),
        (r"^up_blocks\.(\d+)\.resnets\.(\d+)\.", lambda b, r: f"output_blocks.{b * (layers + 1) + r}.0."),
        (r"^up_blocks\.(\d+)\.attentions\.(\d+)\.", lambda b, r: f"output_blocks.{b * (layers + 1) + r}.1."),
    )
    attends = {int(name.split(".")[1]) for name in state if re.match(r"up_blocks\.\d+\.attentions", name)}
    result: State = {}
    for name, tensor in state.items():
        new = name
        for pattern, target in down:
            match = re.match(pattern, name)
            if match:
                new = target(int(match[1]), int(match[2])) + name[match.end() :]
        match = re.match(r"^up_blocks\.(\d+)\.upsamplers\.0\.", name)
        if match:
            block = int(match[1])
            place = 2 if block in attends else 1
            new = f"output_blocks.{block * (layers + 1) + layers}.{place}." + name[match.end() :]
        result[new] = tensor
    spatial = r"((?:input|output)_blocks\.\d+\.0|middle_block\.[02])\."
    changes: list[tuple[str, str]] = [
        (r"^mid_block\.resnets\.0\.", "middle_block.0."),
        (r"^mid_block\.attentions\.0\.", "middle_block.1."),
        (r"^mid_block\.resnets\.1\.", "middle_block.2."),
        (spatial + r"spatial_res_block\.", r"\1."),
        (spatial + r"temporal_res_block\.", r"\1.time_stack."),
        (r"\.temporal_transformer_blocks\.", ".time_stack."),
        (r"\.time_pos_embed\.linear_1", ".time_pos_embed.0"),
        (r"\.time_pos_embed\.linear_2", ".time_pos_embed.2"),
        (r"^time_embedding\.linear_1", "time_embed.0"),
        (r"^time_embedding\.linear_2", "time_embed.2"),
        (r"^add_embedding\.linear_1", "label_emb.0.0"),
        (r"^add_embedding\.linear_2", "label_emb.0.2"),
        (r"^conv_in\.", "input_blocks.0.0."),
        (r"^conv_norm_out\.", "out.0."),
        (r"^conv_out\.", "out.2."),
    ]
    for new, old in (("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1")):
        changes.append((spatial + rf"(time_stack\.)?{new}\.", rf"\1.\2{old}."))
    for new, old in (("norm2", "out_layers.0"), ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection")):
        changes.append((spatial + rf"(time_stack\.)?{new}\.", rf"\1.\2{old}."))
    assert levels > 1
    return renamed(result, *changes)


def motion(state: State) -> State:
    result = renamed(
        state,
        (r"\.motion_modules\.(\d+)\.", r".motion_modules.\1.temporal_transformer."),
        (r"\.transformer_blocks\.(\d+)\.attn1\.", r".transformer_blocks.\1.attention_blocks.0."),
        (r"\.transformer_blocks\.(\d+)\.attn2\.", r".transformer_blocks.\1.attention_blocks.1."),
        (r"\.transformer_blocks\.(\d+)\.norm1\.", r".transformer_blocks.\1.norms.0."),
        (r"\.transformer_blocks\.(\d+)\.norm2\.", r".transformer_blocks.\1.norms.1."),
        (r"\.transformer_blocks\.(\d+)\.norm3\.", r".transformer_blocks.\1.ff_norm."),
        (r"\.pos_embed\.pe$", ".attention_blocks.0.pos_encoder.pe"),
    )
    second = {
        n.replace("blocks.0.pos_encoder", "blocks.1.pos_encoder"): t for n, t in result.items() if n.endswith("pe")
    }
    return result | second


def wan_t5(state: State) -> State:
    kept = {name: tensor for name, tensor in state.items() if name != "encoder.embed_tokens.weight"}
    return renamed(
        kept,
        (r"^shared", "token_embedding"),
        (r"^encoder\.final_layer_norm", "norm"),
        (r"^encoder\.block", "blocks"),
        (r"\.layer\.0\.layer_norm", ".norm1"),
        (r"\.layer\.1\.layer_norm", ".norm2"),
        (r"\.layer\.0\.SelfAttention\.relative_attention_bias", ".pos_embedding.embedding"),
        (r"\.layer\.0\.SelfAttention\.", ".attn."),
        (r"\.layer\.1\.DenseReluDense\.wi_0", ".ffn.gate.0"),
        (r"\.layer\.1\.DenseReluDense\.wi_1", ".ffn.fc1"),
        (r"\.layer\.1\.DenseReluDense\.wo", ".ffn.fc2"),
    )


def open_clip(state: State, root: str) -> State:
    """Names of OpenCLIP, of a text encoder ("text_model") or an image encoder ("vision_model")."""
    blocks = rf"{root}\.encoder\.layers\.(\d+)"
    result = dict(state)
    for kind in ("weight", "bias"):
        names = [name for name in state if re.match(rf"{blocks}\.self_attn\.q_proj\.{kind}", name)]
        for name in names:
            parts = [result.pop(name.replace("q_proj", f"{part}_proj")) for part in "qkv"]
            number = name.split(".layers.")[1].split(".")[0]
            result[f"transformer.resblocks.{number}.attn.in_proj_{kind}"] = torch.cat(parts)
    for name, new in (("text_projection.weight", "text_projection"), ("visual_projection.weight", "proj")):
        if name in result:
            result[new] = result.pop(name).T.contiguous()
    return renamed(
        result,
        (rf"^{blocks}\.self_attn\.out_proj", r"transformer.resblocks.\1.attn.out_proj"),
        (rf"^{blocks}\.layer_norm1", r"transformer.resblocks.\1.ln_1"),
        (rf"^{blocks}\.layer_norm2", r"transformer.resblocks.\1.ln_2"),
        (rf"^{blocks}\.mlp\.fc1", r"transformer.resblocks.\1.mlp.c_fc"),
        (rf"^{blocks}\.mlp\.fc2", r"transformer.resblocks.\1.mlp.c_proj"),
        (rf"^{root}\.embeddings\.token_embedding", "token_embedding"),
        (rf"^{root}\.embeddings\.position_embedding\.weight", "positional_embedding"),
        (rf"^{root}\.embeddings\.class_embedding", "class_embedding"),
        (rf"^{root}\.embeddings\.patch_embedding", "conv1"),
        (rf"^{root}\.final_layer_norm", "ln_final"),
        (rf"^{root}\.pre_layrnorm", "ln_pre"),
        (rf"^{root}\.post_layernorm", "ln_post"),
    )
