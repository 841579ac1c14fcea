"""HunyuanVideo's tiny image-to-video models: in single files, as published, and as a folder of diffusers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from server.diffusion import vocabularies
from server.diffusion.source import Source
from tests.diffusion import networks, originals
from tests.diffusion.networks import make, make_text
from tests.diffusion.single_files import write_tokenizers
from tests.diffusion.test_parity_hunyuan_image import KINDS, make_seeing_tokenizer

CHANNELS = {"latent_concat": 33, "token_replace": 16}
NAMES = {"latent_concat": "hunyuan_video", "token_replace": "hunyuan_video_v2_replace_image_to_video"}


def make_llava(image_token: int) -> Any:
    """Return a random LLaVA, 128 wide, to which a picture of 48 pixels is 576 tokens."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=1,
        image_size=48,
        patch_size=2,
        projection_dim=128,
    )
    language = LlamaConfig(
        vocab_size=64,
        hidden_size=128,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=1,
        num_key_value_heads=1,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_theta": 5e5, "rope_type": "default"},
    )
    config = LlavaConfig(vision_config=vision, text_config=language, image_token_index=image_token, pad_token_id=0)
    return networks.randomized(LlavaForConditionalGeneration(config))


def parts_of(kind: str) -> dict[str, Any]:
    """Return the networks of a model that takes the image in one of the two ways."""
    transformer = networks.HUNYUAN | {"text_embed_dim": 128, "pooled_projection_dim": 64}
    told = {"in_channels": CHANNELS[kind], "guidance_embeds": KINDS[kind], "image_condition_type": kind}
    return {
        "transformer": make("hunyuan", transformer | told),
        "text_encoder": make_llava(make_seeing_tokenizer().convert_tokens_to_ids("<image>")),
        "text_encoder_2": make_text("clip"),
        "vae": make("hunyuan_vae", networks.HUNYUAN_VAE | {"scaling_factor": 0.476986}),
    }


def write_files(home: Path, kind: str, parts: dict[str, Any]) -> dict[str, Path]:
    """Save the networks as their makers and ComfyUI do; returns files by choice."""
    llava = {name.removeprefix("model."): tensor for name, tensor in parts["text_encoder"].state_dict().items()}
    language = {f"model.{k.removeprefix('language_model.')}": t for k, t in llava.items() if k.startswith("language")}
    vision = {
        k.replace("vision_tower", "vision_model"): t
        for k, t in llava.items()
        if k.startswith(("vision", "multi_modal"))
    }
    states = {
        "model": originals.hunyuan(parts["transformer"].state_dict(), comfyui=False),
        "text_encoder": language | {"lm_head.weight": llava["lm_head.weight"]},
        "image_encoder": vision,
        "text_encoder_2": {f"text_model.{k}": t for k, t in parts["text_encoder_2"].state_dict().items()},
        "vae": originals.ldm_vae(parts["vae"].state_dict(), 4, dimensions=5),
    }
    files = {choice: home / f"{choice}.safetensors" for choice in states} | {
        "model": home / f"{NAMES[kind]}.safetensors"
    }
    home.mkdir(parents=True)
    for choice, state in states.items():
        save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, files[choice])
    write_tokenizers(home)
    backend = make_seeing_tokenizer().backend_tokenizer
    backend.save(str(home / "tokenizers" / "llama" / "tokenizer.json"))
    return files


def write_folder(folder: Path, parts: dict[str, Any], source: Source) -> Path:
    """Save the networks as a folder of diffusers; processor and tokenizers are the source's."""
    import diffusers
    from transformers import CLIPImageProcessorPil

    diffusers.HunyuanVideoImageToVideoPipeline(
        **parts,
        tokenizer=vocabularies.load(source.part("tokenizer")),
        tokenizer_2=vocabularies.load(source.part("tokenizer_2")),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        image_processor=CLIPImageProcessorPil(**source.config("image_processor")),
    ).save_pretrained(folder)
    return folder
