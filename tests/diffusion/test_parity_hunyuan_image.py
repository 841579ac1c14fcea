"""HunyuanVideo from an image against diffusers' pipeline over the same folder: equal to the last bit on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from server.diffusion import vae, weights
from server.diffusion.errors import SamplingError
from server.diffusion.memory import Residency
from server.diffusion.sampling.denoise import denoise
from server.diffusion.sampling.images import condition_on_images
from server.diffusion.sampling.noise import empty_latent
from server.diffusion.text import encode_text
from tests.diffusion.pipelines import NEGATIVE, PROMPT, SEED, load_pipeline, picture
from tests.diffusion.tiny import make_clip_text, make_tokenizer

WIDTH, HEIGHT, STEPS = 32, 16, 3
KINDS = {"latent_concat": False, "token_replace": True}
"""Ways to take the image, and whether the network is told the guidance scale, as in the published models."""
MARKS = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>"]


def make_hunyuan(folder: Path, kind: str) -> Path:
    """Save a random HunyuanVideo pipeline that starts from an image."""
    import diffusers
    from transformers import CLIPImageProcessorPil

    torch.manual_seed(0)
    size = {"height": 48, "width": 48}
    tokenizer = make_seeing_tokenizer()
    diffusers.HunyuanVideoImageToVideoPipeline(
        text_encoder=make_llava(tokenizer.convert_tokens_to_ids("<image>")),
        tokenizer=tokenizer,
        transformer=diffusers.HunyuanVideoTransformer3DModel(
            in_channels=9 if kind == "latent_concat" else 4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=10,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            text_embed_dim=16,
            pooled_projection_dim=16,
            rope_axes_dim=(2, 4, 4),
            guidance_embeds=KINDS[kind],
            image_condition_type=kind,
        ),
        vae=diffusers.AutoencoderKLHunyuanVideo(
            latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder_2=make_clip_text(),
        tokenizer_2=make_tokenizer(),
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size=size),
    ).save_pretrained(folder)
    return folder


def make_seeing_tokenizer() -> Any:
    """Return a tokenizer to which the picture is the sixth token, as to the model's own."""
    from tokenizers import processors

    tokenizer: Any = make_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
    unknown = [("<unk>", 2), ("</s>", 1)]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<unk> <unk> $A </s>", special_tokens=unknown
    )
    return tokenizer


def make_llava(image_token: int) -> Any:
    """Return a random LLaVA, 16 wide, to which a picture is 576 tokens."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=48,
        patch_size=2,
    )
    language = LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=1,
    )
    config = LlavaConfig(vision_config=vision, text_config=language, image_token_index=image_token, pad_token_id=0)
    return LlavaForConditionalGeneration(config).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def get(kind: str) -> Path:
        if kind not in made:
            made[kind] = make_hunyuan(tmp_path_factory.mktemp(kind), kind)
        return made[kind]

    return get


def our_frames(
    folder: Path, residency: Residency, *, prompt: str = PROMPT, seen: np.ndarray | None = None, **settings: Any
) -> np.ndarray:
    model, encoder, autoencoder = weights.describe(folder)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    image = picture(WIDTH, HEIGHT).astype(np.float32) / 255
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=9)
    positive = encode_text(encoder, prompt, image if seen is None else seen, **where)
    positive = condition_on_images(autoencoder, positive, latent, {0: image}, **where)
    negative = encode_text(encoder, NEGATIVE, **where)
    result = denoise(model, positive, negative, latent, seed=SEED, steps=STEPS, **settings, **where)
    return vae.decode(autoencoder, result, **where)


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_equal_the_pipelines_bit_for_bit(
    kind: str, guided: bool, folder: Callable[[str], Path], residency: Residency
) -> None:
    from PIL import Image

    told = {"guidance_scale": 6.0, "true_cfg_scale": 3.0 if guided else 1.0}
    ours = our_frames(folder(kind), residency, **(told if KINDS[kind] else {"guidance_scale": told["true_cfg_scale"]}))
    theirs = load_pipeline("HunyuanVideoImageToVideoPipeline", folder(kind))(
        image=Image.fromarray(picture(WIDTH, HEIGHT)),
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        width=WIDTH,
        height=HEIGHT,
        num_frames=13 if kind == "latent_concat" else 9,  # of which it drops the first four
        num_inference_steps=STEPS,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="np",
        **told,
    ).frames[0]
    assert ours.shape == (9, HEIGHT, WIDTH, 3)
    assert ours.std() > 0.01
    assert np.array_equal(ours, theirs)


def test_a_prompt_too_long_for_the_model_equals_the_pipelines(
    folder: Callable[[str], Path], residency: Residency
) -> None:
    from PIL import Image

    prompt = "a red boat drifts left across the sea " * 50
    encoder = weights.describe(folder("token_replace")).text_encoder
    pixels = picture(WIDTH, HEIGHT)
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    ours = encode_text(encoder, prompt, pixels.astype(np.float32) / 255, **where).tensors
    pipe = load_pipeline("HunyuanVideoImageToVideoPipeline", folder("token_replace"))
    embeds, pooled, mask = pipe.encode_prompt(Image.fromarray(pixels), prompt, image_embed_interleave=4)
    assert torch.equal(ours["embeds"], embeds)
    assert torch.equal(ours["mask"], mask)
    assert torch.equal(ours["pooled"], pooled)


def test_the_encoder_sees_the_picture(folder: Callable[[str], Path], residency: Residency) -> None:
    run = {"guidance_scale": 1.0}
    other = picture(WIDTH, HEIGHT, 1).astype(np.float32) / 255
    place = folder("token_replace")
    assert not np.array_equal(our_frames(place, residency, **run), our_frames(place, residency, seen=other, **run))


def test_a_prompt_that_was_read_without_the_picture_is_refused(
    folder: Callable[[str], Path], wan_folder: Callable[..., Path], residency: Residency
) -> None:
    model, encoder, autoencoder = weights.describe(folder("token_replace"))
    where: dict[str, Any] = {"device": "cpu", "residency": residency}
    image = picture(WIDTH, HEIGHT).astype(np.float32) / 255
    latent = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=9)
    blind = condition_on_images(autoencoder, encode_text(encoder, PROMPT, **where), latent, {0: image}, **where)
    run = {"seed": SEED, "steps": STEPS, "guidance_scale": 1.0} | where
    with pytest.raises(SamplingError, match="has to see the picture"):
        denoise(model, blind, None, latent, **run)
    with pytest.raises(SamplingError, match="makes a video from its first frame"):
        denoise(model, encode_text(encoder, PROMPT, image, **where), None, latent, **run)
    with pytest.raises(SamplingError, match="reads prompts without a picture"):
        encode_text(weights.describe(wan_folder(4)).text_encoder, PROMPT, image, **where)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_keeps_its_frames_through_encode_and_decode(
    kind: str, folder: Callable[[str], Path], residency: Residency
) -> None:
    model, _, autoencoder = weights.describe(folder(kind))
    clip = np.random.default_rng(1).random((9, HEIGHT, WIDTH, 3), dtype=np.float32)
    latent = vae.encode(autoencoder, clip, Fraction(24), device="cpu", residency=residency)
    empty = empty_latent(model.capabilities, width=WIDTH, height=HEIGHT, frames=9)
    assert latent.video.shape == empty.video.shape
    decoded = vae.decode(autoencoder, latent, device="cpu", residency=residency)
    plain = replace(latent, samples={"video": latent.video[:, :, -3:]})
    assert decoded.shape == clip.shape
    assert vae.decode(autoencoder, plain, device="cpu", residency=residency).shape == clip.shape
