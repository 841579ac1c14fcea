"""Text encoders: T5, UMT5, CLIP and Llama, and CLIP's image encoder.

Names as transformers has them, as OpenCLIP has them, and as the original Wan repository has them (wan/modules/t5.py).
"""

from __future__ import annotations

from typing import Any

from server.diffusion.layouts.architecture import Architecture, Layout
from server.diffusion.layouts.naming import Naming, Rule, Shapes, Target, count, split

_SECOND_BIAS = "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight"
_T5 = ("encoder.block.0.layer.0.SelfAttention.q.weight", "encoder.final_layer_norm.weight")
_ATTENTION, _FEED = "encoder.block.#.layer.0", "encoder.block.#.layer.1"

_WAN_NAMES = Naming(
    {
        "token_embedding": "shared",
        "norm": "encoder.final_layer_norm",
        "blocks.#.norm1": f"{_ATTENTION}.layer_norm",
        **{f"blocks.#.attn.{part}": f"{_ATTENTION}.SelfAttention.{part}" for part in "qkvo"},
        "blocks.#.pos_embedding.embedding": f"{_ATTENTION}.SelfAttention.relative_attention_bias",
        "blocks.#.norm2": f"{_FEED}.layer_norm",
        "blocks.#.ffn.gate.0": f"{_FEED}.DenseReluDense.wi_0",
        "blocks.#.ffn.fc1": f"{_FEED}.DenseReluDense.wi_1",
        "blocks.#.ffn.fc2": f"{_FEED}.DenseReluDense.wo",
    }
)

_GGUF_NAMES = Naming(
    {
        "token_embd": "shared",
        "enc.output_norm": "encoder.final_layer_norm",
        "enc.blk.#.attn_norm": f"{_ATTENTION}.layer_norm",
        **{f"enc.blk.#.attn_{part}": f"{_ATTENTION}.SelfAttention.{part}" for part in "qkvo"},
        "enc.blk.#.attn_rel_b": f"{_ATTENTION}.SelfAttention.relative_attention_bias",
        "enc.blk.#.ffn_norm": f"{_FEED}.layer_norm",
        "enc.blk.#.ffn_gate": f"{_FEED}.DenseReluDense.wi_0",
        "enc.blk.#.ffn_up": f"{_FEED}.DenseReluDense.wi_1",
        "enc.blk.#.ffn_down": f"{_FEED}.DenseReluDense.wo",
    }
)


def _t5_config(shapes: Shapes) -> dict[str, Any]:
    buckets, heads = shapes["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    inner, width = shapes["encoder.block.0.layer.0.SelfAttention.q.weight"]
    gated = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight" in shapes
    embeddings = shapes.get("shared.weight") or shapes["encoder.embed_tokens.weight"]
    return {
        "vocab_size": embeddings[0],
        "d_model": width,
        "d_kv": inner // heads,
        "d_ff": shapes["encoder.block.0.layer.1.DenseReluDense.wo.weight"][1],
        "num_layers": count(shapes, "encoder.block."),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "relative_attention_max_distance": 128,
        "feed_forward_proj": "gated-gelu" if gated else "relu",
    }


_TIED = {"encoder.embed_tokens.weight": "shared.weight"}
_NOT_ENCODER = ("decoder.", "lm_head.")

T5 = Architecture(
    name="t5",
    role="text encoder",
    title="T5",
    layouts=(
        Layout("t5", _T5, without=(_SECOND_BIAS,), ignored=_NOT_ENCODER),
        Layout(
            "t5/gguf",
            ("enc.blk.0.attn_q.weight", "token_embd.weight"),
            lambda _: _GGUF_NAMES,
            without=("enc.blk.1.attn_rel_b.weight",),
        ),
    ),
    config=_t5_config,
    tied=_TIED,
)
UMT5 = Architecture(
    name="umt5",
    role="text encoder",
    title="UMT5",
    layouts=(
        Layout("umt5", (*_T5, _SECOND_BIAS), ignored=_NOT_ENCODER),
        Layout(
            "umt5/wan",
            ("token_embedding.weight", "blocks.0.attn.q.weight", "blocks.0.pos_embedding.embedding.weight"),
            lambda _: _WAN_NAMES,
        ),
        Layout(
            "umt5/gguf",
            ("enc.blk.0.attn_q.weight", "token_embd.weight", "enc.blk.1.attn_rel_b.weight"),
            lambda _: _GGUF_NAMES,
        ),
    ),
    config=_t5_config,
    tied=_TIED,
)

_CLIP_PARTS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}


def _open_clip_blocks(old: str, new: str) -> dict[str, Rule]:
    rules: dict[str, Rule] = {f"{old}.{a}": f"{new}.{b}" for a, b in _CLIP_PARTS.items()}
    for kind in ("weight", "bias"):
        rules[f"{old}.attn.in_proj_{kind}"] = split(*(f"{new}.self_attn.{part}_proj.{kind}" for part in "qkv"))
    return rules


_OPEN_CLIP_NAMES = Naming(
    {
        "token_embedding": "text_model.embeddings.token_embedding",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "ln_final": "text_model.final_layer_norm",
        "text_projection": (Target("text_projection.weight", form="transposed"),),
        **_open_clip_blocks("transformer.resblocks.#", "text_model.encoder.layers.#"),
    },
    dropped=("logit_scale",),
)


def _clip_config(shapes: Shapes) -> dict[str, Any]:
    vocabulary, width = shapes["text_model.embeddings.token_embedding.weight"]
    projection = shapes.get("text_projection.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes["text_model.encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": count(shapes, "text_model.encoder.layers."),
        "num_attention_heads": width // 64,
        "max_position_embeddings": shapes["text_model.embeddings.position_embedding.weight"][0],
        # OpenAI's models have the approximation, LAION's have not.
        "hidden_act": "gelu" if width >= _WIDTH_OF_G else "quick_gelu",
        "projection_dim": width if projection is None else projection[0],
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,  # as in the published configurations: the pooled token is the one of the largest id
    }


_WIDTH_OF_G = 1024
_TEXT = ("text_model.embeddings.token_embedding.weight", "text_model.encoder.layers.0.mlp.fc1.weight")
_IGNORED = ("text_model.embeddings.position_ids", "logit_scale", "vision_model.", "visual_projection.")

CLIP_TEXT = Architecture(
    name="clip",
    role="text encoder",
    title="CLIP",
    layouts=(
        Layout("clip", _TEXT, ignored=_IGNORED),
        Layout(
            "clip/open_clip",
            ("token_embedding.weight", "positional_embedding", "transformer.resblocks.0.attn.in_proj_weight"),
            lambda _: _OPEN_CLIP_NAMES,
        ),
    ),
    config=_clip_config,
    root="text_model.",
    surplus=("text_projection.weight",),
)


def _llama_config(shapes: Shapes) -> dict[str, Any]:
    vocabulary, width = shapes["embed_tokens.weight"]
    queries, keys = (shapes[f"layers.0.self_attn.{part}_proj.weight"][0] for part in "qk")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes["layers.0.mlp.gate_proj.weight"][0],
        "num_hidden_layers": count(shapes, "layers."),
        "num_attention_heads": queries // _LLAMA_HEAD,
        "num_key_value_heads": keys // _LLAMA_HEAD,
        "head_dim": _LLAMA_HEAD,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"},
        "bos_token_id": 128000,
        "eos_token_id": 128001,
    }


_LLAMA_HEAD = 128

LLAMA = Architecture(
    name="llama",
    role="text encoder",
    title="Llama 3",
    layouts=(
        Layout(
            "llama",
            ("embed_tokens.weight", "layers.0.self_attn.q_proj.weight", "layers.0.mlp.gate_proj.weight"),
            ignored=("lm_head.",),
        ),
    ),
    config=_llama_config,
    place="language_model.",
)

_VISION_ROOT = "vision_model"
_VISION = ("vision_model.embeddings.patch_embedding.weight", "vision_model.encoder.layers.0.mlp.fc1.weight")
_PROJECTOR = "multi_modal_projector.linear_1.weight"
_OPEN_CLIP_VISION_NAMES = Naming(
    {
        "class_embedding": f"{_VISION_ROOT}.embeddings.class_embedding",
        "positional_embedding": f"{_VISION_ROOT}.embeddings.position_embedding.weight",
        "conv1": f"{_VISION_ROOT}.embeddings.patch_embedding",
        "ln_pre": f"{_VISION_ROOT}.pre_layrnorm",
        "ln_post": f"{_VISION_ROOT}.post_layernorm",
        "proj": (Target("visual_projection.weight", form="transposed"),),
        **_open_clip_blocks("transformer.resblocks.#", f"{_VISION_ROOT}.encoder.layers.#"),
    }
)


def _vision_config(shapes: Shapes, root: str = _VISION_ROOT) -> dict[str, Any]:
    width, _, patch, _ = shapes[f"{root}.embeddings.patch_embedding.weight"]
    cells = shapes[f"{root}.embeddings.position_embedding.weight"][0] - 1
    projection = shapes.get("visual_projection.weight")
    return {
        "hidden_size": width,
        "intermediate_size": shapes[f"{root}.encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": count(shapes, f"{root}.encoder.layers."),
        "num_attention_heads": width // (80 if width == _WIDTH_OF_H else 64),
        "image_size": round(cells**0.5) * patch,
        "patch_size": patch,
        "hidden_act": "gelu" if width >= _WIDTH_OF_H else "quick_gelu",
        "projection_dim": width if projection is None else projection[0],
    }


_WIDTH_OF_H = 1280

CLIP_VISION = Architecture(
    name="clip_vision",
    role="image encoder",
    title="CLIP's image encoder",
    layouts=(
        Layout(
            "clip_vision",
            _VISION,
            without=(_PROJECTOR,),
            ignored=("vision_model.embeddings.position_ids", "logit_scale", "text_model.", "text_projection."),
        ),
        Layout(
            "clip_vision/open_clip",
            ("conv1.weight", "class_embedding", "transformer.resblocks.0.attn.in_proj_weight"),
            lambda _: _OPEN_CLIP_VISION_NAMES,
        ),
    ),
    config=_vision_config,
    root="vision_model.",
    surplus=("visual_projection.weight",),
)

_TOWER = "vision_tower"


def _llava_names(shapes: Shapes) -> Naming:
    return Naming({name: name.replace(_VISION_ROOT, _TOWER) for name in shapes})


def _llava_vision_config(shapes: Shapes) -> dict[str, Any]:
    wide = shapes["multi_modal_projector.linear_2.weight"][0]
    return _vision_config(shapes, _TOWER) | {"projection_dim": wide}


LLAVA_VISION = Architecture(
    name="llava_vision",
    role="image encoder",
    title="LLaVA's image encoder",
    layouts=(
        Layout("llava_vision", (*_VISION, _PROJECTOR), _llava_names, ignored=("vision_model.embeddings.position_ids",)),
    ),
    config=_llava_vision_config,
)
"""CLIP's image encoder, and what brings its words to the width of a language model: the other part of LLaVA."""
