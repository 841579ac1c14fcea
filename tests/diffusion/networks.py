"""Tiny networks of every architecture, with the sizes that their configurations derive from shapes."""

from __future__ import annotations

from typing import Any

import torch

CLASSES = {
    "wan": "WanTransformer3DModel",
    "wan_vae": "AutoencoderKLWan",
    "ltx": "LTXVideoTransformer3DModel",
    "ltx_vae": "AutoencoderKLLTXVideo",
    "hunyuan": "HunyuanVideoTransformer3DModel",
    "hunyuan_vae": "AutoencoderKLHunyuanVideo",
    "cogvideox": "CogVideoXTransformer3DModel",
    "cogvideox_vae": "AutoencoderKLCogVideoX",
    "flux": "FluxTransformer2DModel",
    "svd": "UNetSpatioTemporalConditionModel",
    "sd": "UNet2DConditionModel",
    "sdxl": "UNet2DConditionModel",
    "image_vae": "AutoencoderKL",
    "temporal_vae": "AutoencoderKLTemporalDecoder",
}

WAN = {"num_attention_heads": 1, "text_dim": 16, "freq_dim": 32, "ffn_dim": 48, "num_layers": 2}
WAN_IMAGE = WAN | {"in_channels": 36, "image_dim": 16, "added_kv_proj_dim": 128, "pos_embed_seq_len": 10}
_WAN_VAE = {"base_dim": 8, "z_dim": 16, "dim_mult": [1, 2, 4, 4]}
WAN_VAE_21 = _WAN_VAE | {"num_res_blocks": 2}
WAN_VAE_22 = _WAN_VAE | {
    "z_dim": 48,
    "num_res_blocks": 2,
    "is_residual": True,
    "decoder_base_dim": 12,
    "in_channels": 12,
    "out_channels": 12,
    "patch_size": 2,
    "scale_factor_spatial": 16,
}
LTX = {"in_channels": 8, "out_channels": 8, "num_attention_heads": 2, "attention_head_dim": 64, "num_layers": 2}
LTX |= {"cross_attention_dim": 128, "caption_channels": 16}
_LTX_VAE = {"latent_channels": 8, "block_out_channels": (8, 16, 16, 16), "layers_per_block": (2, 1, 1, 1, 2)}
LTX_VAE = _LTX_VAE | {
    "decoder_block_out_channels": (8, 16, 16, 16),
    "decoder_layers_per_block": (2, 1, 1, 1, 2),
}
LTX_VAE_091 = _LTX_VAE | {
    "decoder_block_out_channels": (16, 32, 64),
    "decoder_layers_per_block": (1, 2, 1, 2),
    "decoder_spatio_temporal_scaling": (True, True, True),
    "decoder_inject_noise": (False, True, True, True),
    "upsample_residual": (True, True, True),
    "upsample_factor": (2, 2, 2),
    "timestep_conditioning": True,
}
LTX_VAE_095 = LTX_VAE_091 | {
    "block_out_channels": (8, 16, 32, 64, 128),
    "layers_per_block": (1, 2, 2, 1, 1),
    "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "spatio_temporal_scaling": (True, True, True, True),
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
    "decoder_inject_noise": (False, False, False, False),
    "spatial_compression_ratio": 32,
    "temporal_compression_ratio": 8,
}
HUNYUAN = {"in_channels": 16, "out_channels": 16, "num_attention_heads": 1, "attention_head_dim": 128, "num_layers": 1}
HUNYUAN |= {"num_single_layers": 1, "num_refiner_layers": 1, "text_embed_dim": 16, "pooled_projection_dim": 16}
HUNYUAN_VAE = {"latent_channels": 16, "block_out_channels": (32, 32, 64, 64), "layers_per_block": 1}
COGVIDEOX = {"num_attention_heads": 2, "time_embed_dim": 32, "text_embed_dim": 16, "num_layers": 2}
COGVIDEOX |= {"use_rotary_positional_embeddings": True, "in_channels": 16}
COGVIDEOX_IMAGE = COGVIDEOX | {"in_channels": 32, "use_learned_positional_embeddings": True}
COGVIDEOX_15 = COGVIDEOX | {"patch_size_t": 2, "patch_bias": False, "sample_width": 170, "sample_height": 96}
COGVIDEOX_15 |= {"sample_frames": 81, "max_text_seq_length": 224, "in_channels": 32, "ofs_embed_dim": 32}
COGVIDEOX_VAE = {
    "block_out_channels": (32, 32, 64, 64),
    "layers_per_block": 1,
    "down_block_types": ("CogVideoXDownBlock3D",) * 4,
    "up_block_types": ("CogVideoXUpBlock3D",) * 4,
    "scaling_factor": 0.7,
}
FLUX = {"in_channels": 16, "num_layers": 1, "num_single_layers": 1, "num_attention_heads": 1, "attention_head_dim": 128}
FLUX |= {"joint_attention_dim": 16, "pooled_projection_dim": 16, "guidance_embeds": True, "out_channels": 16}
SD = {
    "block_out_channels": (32, 64),
    "layers_per_block": 2,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "cross_attention_dim": 64,
    "sample_size": 64,
}
SDXL = SD | {
    "block_out_channels": (64, 128),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": [1, 2],
    "attention_head_dim": [1, 2],
    "cross_attention_dim": 128,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 6 * 256 + 64,
    "sample_size": 128,
}
SVD = {
    "block_out_channels": (64, 64),
    "layers_per_block": 1,
    "num_attention_heads": [1, 1],
    "cross_attention_dim": 16,
    "projection_class_embeddings_input_dim": 768,
    "down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
    "up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
    "sample_size": 96,
}
IMAGE_VAE = {
    "block_out_channels": (32, 64),
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "latent_channels": 4,
}
FLUX_VAE = IMAGE_VAE | {"use_quant_conv": False, "use_post_quant_conv": False}
TEMPORAL_VAE = {"block_out_channels": (32, 64), "down_block_types": ("DownEncoderBlock2D",) * 2, "layers_per_block": 1}
TEMPORAL_VAE |= {"sample_size": 768}


def make(architecture: str, config: dict[str, Any]) -> Any:
    """Return a random network; what is zero at the start is random too, so that nothing can be mixed up unnoticed."""
    import diffusers

    torch.manual_seed(0)
    network = getattr(diffusers, CLASSES[architecture])(**config)
    return randomized(network)


def with_random_parameters(network: Any) -> Any:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0.0, 0.2)
    return network.eval()


def randomized(network: Any) -> Any:
    with_random_parameters(network)
    with torch.no_grad():
        saved = network.state_dict()
        for name, buffer in network.named_buffers():
            if name in saved and buffer.dim() > 0:
                buffer.normal_(1.0, 0.2)
    return network.float().eval()


def make_text(kind: str) -> Any:
    """Return a random text or image encoder of transformers."""
    import transformers as t

    torch.manual_seed(0)
    t5 = {"vocab_size": 150, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
    t5 |= {"feed_forward_proj": "gated-gelu"}
    clip = {"vocab_size": 64, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    clip |= {"num_attention_heads": 1, "projection_dim": 24, "eos_token_id": 2, "bos_token_id": 0}
    vision = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 1}
    vision |= {"image_size": 32, "patch_size": 8, "projection_dim": 16}
    llama = {"vocab_size": 64, "hidden_size": 128, "intermediate_size": 64, "num_hidden_layers": 4}
    llama |= {"num_attention_heads": 1, "num_key_value_heads": 1, "rms_norm_eps": 1e-5}
    makers = {
        "t5": lambda: t.T5EncoderModel(t.T5Config(**t5)),
        "umt5": lambda: t.UMT5EncoderModel(t.UMT5Config(**t5)),
        "clip": lambda: t.CLIPTextModel(t.CLIPTextConfig(**clip)),
        "clip with projection": lambda: t.CLIPTextModelWithProjection(t.CLIPTextConfig(**clip)),
        "clip_vision": lambda: t.CLIPVisionModel(t.CLIPVisionConfig(**vision)),
        "clip_vision with projection": lambda: t.CLIPVisionModelWithProjection(t.CLIPVisionConfig(**vision)),
        "clip as wide": lambda: t.CLIPTextModelWithProjection(t.CLIPTextConfig(**clip | {"projection_dim": 64})),
        "clip_vision alone at 224": lambda: t.CLIPVisionModel(
            t.CLIPVisionConfig(**vision | {"image_size": 224, "patch_size": 56})
        ),
        "clip_vision at 224": lambda: t.CLIPVisionModelWithProjection(
            t.CLIPVisionConfig(**vision | {"image_size": 224, "patch_size": 56})
        ),
        "llama": lambda: t.LlamaModel(
            t.LlamaConfig(**llama, rope_parameters={"rope_theta": 5e5, "rope_type": "default"})
        ),
    }
    return randomized(makers[kind]())
