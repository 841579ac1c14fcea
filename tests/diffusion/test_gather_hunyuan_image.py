"""HunyuanVideo from an image, gathered from single files, makes the same frames as the folder with the same weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from server.diffusion import vae, vocabularies, weights
from server.diffusion.gather import ChoiceError
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.source import Source
from server.diffusion.text import encode_text
from server.diffusion.weights import Descriptions
from tests.diffusion import networks, originals
from tests.diffusion.networks import make, make_text
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, picture
from tests.diffusion.single_files import write_tokenizers
from tests.diffusion.test_gather import aligned
from tests.diffusion.test_parity_hunyuan_image import KINDS, make_seeing_tokenizer

WIDTH, HEIGHT = 32, 32
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


def frames(described: Descriptions) -> np.ndarray:
    model, encoder, autoencoder = described
    where: dict[str, Any] = {"device": "cpu", "residency": Residency({"cpu": 2**31}, load=aligned)}
    image = picture(WIDTH, HEIGHT).astype(np.float32) / 255
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=5)
    positive = encode_text(encoder, PROMPT, image, **where)
    positive = condition_on_images(autoencoder, positive, latent, {0: image}, **where)
    negative = encode_text(encoder, NEGATIVE, **where)
    result = denoise(model, positive, negative, latent, seed=SEED, steps=2, guidance_scale=3.0, **where)
    return vae.decode(autoencoder, result, **where)


def described(files: dict[str, Path]) -> Descriptions:
    return weights.describe_source(weights.open_source(files, roots=[files["model"].parent]))


@pytest.mark.parametrize("kind", KINDS)
def test_files_make_the_same_frames_as_the_folder(kind: str, tmp_path: Path) -> None:
    parts = parts_of(kind)
    files = write_files(tmp_path / "files", kind, parts)
    gathered = described(files)
    source = gathered.model.source
    assert source.config("image_processor")["crop_size"] == {"height": 48, "width": 48}
    folder = weights.describe(write_folder(tmp_path / "folder", parts, source))
    assert gathered.model.capabilities == folder.model.capabilities
    ours = frames(gathered)
    assert ours.std() > 0.01
    assert np.array_equal(ours, frames(folder))


def test_what_the_files_of_llava_lack_is_said(tmp_path: Path) -> None:
    files = write_files(tmp_path / "files", "latent_concat", parts_of("latent_concat"))
    without = {choice: file for choice, file in files.items() if choice != "image_encoder"}
    with pytest.raises(ChoiceError, match=r"needs LLaVA's image encoder .* of projection dim 128") as caught:
        described(without)
    assert caught.value.choice == "image_encoder"
    plain = files["model"].parent / "tokenizers" / "llama" / "tokenizer.json"
    shutil.copy(files["model"].parent / "tokenizers" / "clip" / "tokenizer.json", plain)
    with pytest.raises(ChoiceError, match="has no token <image>") as lacking:
        described(files)
    assert lacking.value.choice == "text_encoder"
    assert "HunyuanVideo-I2V" in lacking.value.hint
