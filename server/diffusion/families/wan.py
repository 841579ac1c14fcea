"""The Wan family: 2.1 and 2.2, from text, from a first image, or between a first and a last one.

Order of operations is kept as in diffusers' pipelines wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Any

from server.diffusion.families import wan_vae
from server.diffusion.families.adapter import Adapter
from server.diffusion.families.base import Denoiser, ImageOptions, ImageStack, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module, load_processor, load_tokenizer, module_device
from server.diffusion.source import Source
from server.diffusion.types import MAIN, Capabilities, ImageEncoder, Latent, Model, TextEncoder, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_BESIDE, _FIRST = "image_latents", "image_first"  # beside the noisy channels, or in place of the first latent frame


class Wan(Adapter):
    """Adapter of the Wan models."""

    name = "wan"
    pipelines = frozenset({"WanPipeline", "WanImageToVideoPipeline"})
    denoiser = "WanTransformer3DModel"

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the components that make up a description of this kind; none where the variant has no such part."""
        if kind is Model:
            return (*_experts(named), "scheduler")
        if kind is ImageEncoder:
            return ("image_encoder", "image_processor") if "image_encoder" in named else ()
        return super().components(kind, named)

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make."""
        vae = source.config("vae")
        experts = _experts([part.name for part in source.parts])
        transformer = source.config(experts[0])
        manifest = source.about()
        scheduler = source.config("scheduler")
        spatial, temporal = vae.get("scale_factor_spatial", 8), vae.get("scale_factor_temporal", 4)
        patch = transformer.get("patch_size", (1, 2, 2))[1]
        positions = transformer.get("rope_max_seq_len", 1024)
        images, required = _images(source, transformer)
        defaults = _defaults(source, required) | manifest.get("defaults", {})
        second = defaults.get("guidance_scale_2")
        return Capabilities(
            family=self.name,
            latent_channels=vae.get("z_dim", 16),
            spatial_scale=spatial,
            temporal_scale=temporal,
            size_multiple=spatial * patch,
            max_size=positions * patch * spatial,
            max_frames=(positions - 1) * temporal + 1,
            prompt_tokens=manifest.get("max_sequence_length", 512),
            images=images,
            required_images=required,
            experts=experts,
            boundary=float(source.option("boundary_ratio") or 0.0),
            default_width=defaults["width"],
            default_height=defaults["height"],
            default_frames=defaults["frames"],
            default_fps=Fraction(str(defaults["fps"])),
            default_steps=defaults["steps"],
            default_guidance_scale=float(defaults["guidance_scale"]),
            default_guidance_scale_2=None if second is None else float(second),
            default_shift=float(scheduler.get("shift", scheduler.get("flow_shift", 1.0))),
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack`, an `ImageStack` or an AutoencoderKLWan."""
        source = weights.source
        if isinstance(weights, Model):
            from diffusers.models import WanTransformer3DModel

            expert = weights.expert or weights.capabilities.experts[0]
            module = load_module(WanTransformer3DModel, source.part(expert), device, dtype)
            return Denoiser(modules={expert: module}, dtype=dtype, options=source.all_options())
        if isinstance(weights, TextEncoder):
            return _load_text(source, device, dtype)
        if isinstance(weights, ImageEncoder):
            return _load_images(source, device, dtype)
        from diffusers.models import AutoencoderKLWan

        return load_module(AutoencoderKLWan, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt; rows past its length are zero, since Wan does not mask padding."""
        import torch

        encoder = stack.modules["text_encoder"]
        inputs = stack.tokenizer(
            [clean_prompt(prompt)],
            padding="max_length",
            max_length=tokens,
            truncation=True,
            add_special_tokens=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        device = module_device(encoder)
        ids, mask = inputs.input_ids.to(device), inputs.attention_mask.to(device)
        hidden = encoder(ids, mask).last_hidden_state[0]
        used = hidden[: int(mask.gt(0).sum())]
        padding = used.new_zeros(tokens - used.size(0), used.size(1))
        return {"embeds": torch.cat([used, padding]).unsqueeze(0)}

    def embed_images(self, stack: ImageStack, pictures: list[Tensor]) -> Tensors:
        """Describe pictures by the last but one layer of CLIP; a row for each."""
        encoder = stack.modules["image_encoder"]
        arrays = [(picture * 255.0).round().byte()[0].permute(1, 2, 0).numpy() for picture in pictures]
        inputs = stack.processor(images=arrays, return_tensors="pt").to(module_device(encoder))
        return {"image_embeds": encoder(**inputs, output_hidden_states=True).hidden_states[-2]}

    def encode_images(
        self,
        vae: torch.nn.Module,
        images: Mapping[int, Tensor],
        latent: Latent,
        able: Capabilities,
        *,
        options: ImageOptions,
    ) -> Tensors:
        """Encode the first image alone where it takes the first frame's place; else a clip that is gray between."""
        import torch

        if not able.required_images:  # the model is told the noise level of each token, and so what is clean already
            return {_FIRST: wan_vae.encode(vae, images[0].unsqueeze(2))}
        clip = images[0].new_zeros(1, 3, latent.frames, latent.height, latent.width)
        for index, image in images.items():
            clip[:, :, index] = image
        encoded = wan_vae.encode(vae, clip)
        shown = torch.zeros(1, 1, latent.frames, *encoded.shape[-2:])
        shown[:, :, list(images)] = 1
        scale = able.temporal_scale
        shown = torch.cat([shown[:, :, :1].repeat_interleave(scale, dim=2), shown[:, :, 1:]], dim=2)
        mask = shown.view(1, -1, scale, *encoded.shape[-2:]).transpose(1, 2).to(encoded.device)
        return {_BESIDE: torch.cat([mask, encoded], dim=1)}

    def pin(self, samples: Tensors, conditioning: Tensors, *, before: Tensors, sigma: float) -> Tensors:
        """Put the image back as the first latent frame, where the model works that way."""
        import torch

        del before, sigma
        if _FIRST not in conditioning:
            return samples
        return {**samples, MAIN: torch.cat([conditioning[_FIRST], samples[MAIN][:, :, 1:]], dim=2)}

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the transformer once; the prediction is the flow's velocity."""
        import torch

        transformer: Any = denoiser.module
        latents = samples[MAIN]
        inputs = torch.cat([latents, conditioning[_BESIDE]], dim=1) if _BESIDE in conditioning else latents
        timestep = step.timestep.expand(latents.shape[0])
        if denoiser.options.get("expand_timesteps"):
            timestep = _token_timesteps(latents, step.timestep, clean_first=_FIRST in conditioning)
        embeds = conditioning.get("image_embeds")
        # The step caches of diffusers read these to know where in the schedule a forward stands.
        with transformer.cache_context(
            step.branch, step_index=step.index, sigma=step.sigma, num_inference_steps=step.total
        ):
            velocity = transformer(
                hidden_states=inputs.to(denoiser.dtype),
                timestep=timestep,
                encoder_hidden_states=conditioning["embeds"].to(latents.device, denoiser.dtype),
                encoder_hidden_states_image=None if embeds is None else embeds.to(latents.device, denoiser.dtype),
                return_dict=False,
            )[0]
        return {MAIN: velocity}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip, a latent frame at a time when untiled, as (frames, 3, height, width) in [-1, 1]."""
        z = wan_vae.denormalize(vae, latent.video[:1])
        blocks = wan_vae.decode_tiled(vae, z) if tiled else wan_vae.decode_stream(vae, z)
        for block in blocks:
            yield block[0].permute(1, 0, 2, 3)

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1] to the mode of the posterior, normalised."""
        return {MAIN: wan_vae.encode(vae, pixels, tiled=tiled)}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of an untiled decode."""
        return wan_vae.decode_bytes(vae, latent)


def clean_prompt(text: str) -> str:
    """Clean a prompt as WanPipeline does: mended Unicode (when ftfy is there), HTML entities and white space."""
    import regex
    from diffusers.utils import is_ftfy_available

    if is_ftfy_available():
        text = import_module("ftfy").fix_text(text)
    text = html.unescape(html.unescape(text)).strip()
    return regex.sub(r"\s+", " ", text).strip()


def _experts(named: Collection[str]) -> tuple[str, ...]:
    found = tuple(name for name in ("transformer", "transformer_2") if name in named)
    return found or ("transformer",)


def _images(source: Source, transformer: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which images a variant takes, and which of them it needs."""
    if source.option("expand_timesteps"):
        return ("first",), ()
    if transformer.get("in_channels", 16) == transformer.get("out_channels", 16):
        return (), ()
    if transformer.get("image_dim") is None:
        return ("first", "last"), ("first",)
    # What CLIP says of two images needs positions to be told apart; a variant without them knows one.
    images = ("first",) if transformer.get("pos_embed_seq_len") is None else ("first", "last")
    return images, images


def _defaults(source: Source, required: tuple[str, ...]) -> dict[str, Any]:
    """Return the settings that a variant was trained for or is commonly run with."""
    usual = {"width": 832, "height": 480, "frames": 81, "fps": 16, "steps": 50, "guidance_scale": 5.0}
    if source.option("expand_timesteps"):
        return usual | {"width": 1280, "height": 704, "frames": 121, "fps": 24}
    if not source.has("transformer_2"):
        return usual
    scales = (3.5, 3.5) if required else (4.0, 3.0)
    return usual | {"steps": 40, "guidance_scale": scales[0], "guidance_scale_2": scales[1]}


def _token_timesteps(latents: Tensor, timestep: Tensor, *, clean_first: bool) -> Tensor:
    """Return a timestep for each token, (batch, tokens): zero in a first frame that holds no noise."""
    import torch

    mask = torch.ones_like(latents[0, 0], dtype=torch.float32)
    if clean_first:
        mask[0] = 0
    return (mask[:, ::2, ::2] * timestep).flatten().unsqueeze(0).expand(latents.shape[0], -1)


def _load_text(source: Source, device: str, dtype: torch.dtype) -> TextStack:
    from transformers import UMT5EncoderModel

    encoder = load_module(UMT5EncoderModel, source.part("text_encoder"), device, dtype)
    tokenizer = load_tokenizer(source.part("tokenizer"))
    return TextStack(tokenizer=tokenizer, modules={"text_encoder": encoder})


def _load_images(source: Source, device: str, dtype: torch.dtype) -> ImageStack:
    from transformers import CLIPImageProcessorPil, CLIPVisionModel

    encoder = load_module(CLIPVisionModel, source.part("image_encoder"), device, dtype)
    processor = load_processor(CLIPImageProcessorPil, source.part("image_processor"))
    return ImageStack(processor=processor, modules={"image_encoder": encoder})
