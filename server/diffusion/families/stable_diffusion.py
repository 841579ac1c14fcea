"""Stable Diffusion 1 and XL, which make one image, and AnimateDiff, which makes a clip with a motion module within.

Order of operations is kept as in diffusers' pipelines wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from server.diffusion.families.adapter import Adapter
from server.diffusion.families.base import Denoiser, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module, load_tokenizer, module_device, tiled_copy
from server.diffusion.source import Source
from server.diffusion.types import MAIN, Capabilities, Latent, Model, TextEncoder, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LONGEST_SIDE = 2048
_CHUNK = 16  # frames decoded at a time
_FEATURES = 10  # of each frame at full size, alive at the peak of decoding; measured on the CPU


class StableDiffusion(Adapter):
    """Adapter of Stable Diffusion 1.x: one image from a prompt."""

    name = "sd"
    pipelines = frozenset({"StableDiffusionPipeline"})
    denoiser = "UNet2DConditionModel"

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the components that make up a description of this kind; none where the variant has no such part."""
        return ("unet", "scheduler") if kind is Model else super().components(kind, named)

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make."""
        vae = source.config("vae")
        unet = source.config("unet")
        text = source.config("text_encoder")
        spatial = 2 ** (len(vae.get("block_out_channels", (128, 256, 512, 512))) - 1)
        side = (unet.get("sample_size") or 64) * spatial
        most = self._most_frames(unet)
        manifest = source.about()
        defaults = manifest.get("defaults", {})
        return Capabilities(
            family=self.name,
            latent_channels=vae.get("latent_channels", 4),
            spatial_scale=spatial,
            temporal_scale=1,
            size_multiple=spatial,
            max_size=_LONGEST_SIDE,
            max_frames=most,
            prompt_tokens=text.get("max_position_embeddings", 77),
            batched_cfg=True,
            experts=("unet",),
            default_width=defaults.get("width", side),
            default_height=defaults.get("height", side),
            default_frames=defaults.get("frames", min(16, most)),
            default_fps=Fraction(str(defaults.get("fps", 8))),
            default_steps=defaults.get("steps", 50),
            default_guidance_scale=float(defaults.get("guidance_scale", 7.5)),
            default_shift=1.0,
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack` or an AutoencoderKL."""
        from diffusers import models

        source = weights.source
        if isinstance(weights, Model):
            module = load_module(getattr(models, self.denoiser), source.part("unet"), device, dtype)
            options = {"spatial_scale": weights.capabilities.spatial_scale}
            return Denoiser(modules={"unet": module}, dtype=dtype, options=options)
        if isinstance(weights, TextEncoder):
            return self._load_text(source, device, dtype)
        return load_module(models.AutoencoderKL, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt by CLIP's last layer; padding is not masked."""
        encoder: Any = stack.modules["text_encoder"]
        ids = _ids(stack.tokenizer, prompt, tokens)
        return {"embeds": encoder(ids.to(module_device(encoder)), attention_mask=None)[0]}

    def pack(self, samples: Tensors) -> Tensors:
        """Leave out the frames' dimension: there is one."""
        return {name: sample.squeeze(2) for name, sample in samples.items()}

    def unpack(self, samples: Tensors) -> Tensors:
        """Put the frames' dimension back."""
        return {name: sample.unsqueeze(2) for name, sample in samples.items()}

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the U-Net once; the prediction is noise or v, as the scheduler's configuration says."""
        unet: Any = denoiser.module
        latents = samples[MAIN]
        prediction = unet(
            latents.to(denoiser.dtype),
            step.timestep,
            encoder_hidden_states=conditioning["embeds"].to(latents.device, denoiser.dtype),
            added_cond_kwargs=self._added(denoiser, latents, conditioning),
            return_dict=False,
        )[0]
        return {MAIN: prediction.float()}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip, some frames at a time; one at a time, in tiles, when memory is short."""
        module = tiled_copy(vae, tiled)
        z = self._unscaled(module, latent.video[:1].to(module_device(vae), module.dtype))
        for chunk in z[0].transpose(0, 1).contiguous().split(1 if tiled else _CHUNK):
            yield module.decode(chunk, return_dict=False)[0]

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1], some at a time, to the posterior's mode, scaled."""
        import torch

        module = tiled_copy(vae, tiled)
        frames = pixels[0].transpose(0, 1).to(module_device(vae), module.dtype)
        # As many at a time as diffusers takes, and split, not indexed: batch and strides choose between convolutions,
        # which differ in the last bit.
        encoded = [module.encode(frame).latent_dist.mode().float() for frame in frames.split(1 if tiled else _CHUNK)]
        return {MAIN: torch.cat(encoded).transpose(0, 1)[None] * module.config.scaling_factor}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of decoding a chunk of frames."""
        module: Any = vae
        cells = min(latent.frames, _CHUNK) * latent.width * latent.height
        return cells * module.config.block_out_channels[0] * _FEATURES * module.dtype.itemsize

    def _most_frames(self, unet: Mapping[str, Any]) -> int:
        del unet
        return 1

    def _load_text(self, source: Source, device: str, dtype: torch.dtype) -> TextStack:
        from transformers import CLIPTextModel

        encoder = load_module(CLIPTextModel, source.part("text_encoder"), device, dtype)
        return TextStack(tokenizer=load_tokenizer(source.part("tokenizer")), modules={"text_encoder": encoder})

    def _added(self, denoiser: Denoiser, latents: Tensor, conditioning: Tensors) -> dict[str, Tensor] | None:
        del denoiser, latents, conditioning
        return None

    def _unscaled(self, vae: Any, latents: Tensor) -> Tensor:
        return latents / vae.config.scaling_factor


class AnimateDiff(StableDiffusion):
    """Adapter of AnimateDiff over Stable Diffusion 1.x: a clip from a prompt."""

    name = "animatediff"
    pipelines = frozenset({"AnimateDiffPipeline"})
    denoiser = "UNetMotionModel"

    def pack(self, samples: Tensors) -> Tensors:
        """Return the samples as they are: frames are a dimension of their own."""
        return samples

    def unpack(self, samples: Tensors) -> Tensors:
        """Return the samples as they are."""
        return samples

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the U-Net once, with the prompt repeated for every frame."""
        repeated = conditioning["embeds"].repeat_interleave(samples[MAIN].shape[2], dim=0)
        return super().predict(denoiser, samples, {**conditioning, "embeds": repeated}, step)

    def _most_frames(self, unet: Mapping[str, Any]) -> int:
        return int(unet.get("motion_max_seq_length", 32))

    def _unscaled(self, vae: Any, latents: Tensor) -> Tensor:
        return 1 / vae.config.scaling_factor * latents


class StableDiffusionXL(StableDiffusion):
    """Adapter of Stable Diffusion XL: one image from a prompt, read by two encoders."""

    name = "sdxl"
    pipelines = frozenset({"StableDiffusionXLPipeline"})

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the components that make up a description of this kind; none where the variant has no such part."""
        if kind is TextEncoder:
            return ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")
        return super().components(kind, named)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt by the last but one layer of both encoders, and as one vector by the second."""
        import torch

        first: Any = stack.modules["text_encoder"]
        second: Any = stack.modules["text_encoder_2"]
        device = module_device(first)
        one = first(_ids(stack.tokenizer, prompt, tokens).to(device), output_hidden_states=True)
        two = second(_ids(stack.tokenizer_2, prompt, tokens).to(device), output_hidden_states=True)
        embeds = torch.concat([one.hidden_states[-2], two.hidden_states[-2]], dim=-1)
        return {"embeds": embeds, "pooled": two[0]}

    def without_prompt(self, stack: TextStack, tensors: Tensors) -> Tensors | None:
        """Return zeros where the model was trained so, which an empty prompt's embedding is not."""
        if not stack.options.get("force_zeros_for_empty_prompt"):
            return None
        return {name: tensor.new_zeros(tensor.shape) for name, tensor in tensors.items()}

    def _load_text(self, source: Source, device: str, dtype: torch.dtype) -> TextStack:
        from transformers import CLIPTextModel, CLIPTextModelWithProjection

        first, second = source.part("text_encoder"), source.part("text_encoder_2")
        return TextStack(
            tokenizer=load_tokenizer(source.part("tokenizer")),
            tokenizer_2=load_tokenizer(source.part("tokenizer_2")),
            modules={
                "text_encoder": load_module(CLIPTextModel, first, device, dtype),
                "text_encoder_2": load_module(CLIPTextModelWithProjection, second, device, dtype),
            },
            options=source.all_options(),
        )

    def _added(self, denoiser: Denoiser, latents: Tensor, conditioning: Tensors) -> dict[str, Tensor]:
        import torch

        scale = denoiser.options["spatial_scale"]
        size = [extent * scale for extent in latents.shape[-2:]]
        # Original size, what was cropped, target size: an image that was never resized or cropped.
        times = torch.tensor([[*size, 0, 0, *size]], dtype=denoiser.dtype).repeat(latents.shape[0], 1)
        pooled = conditioning["pooled"].to(latents.device, denoiser.dtype)
        return {"text_embeds": pooled, "time_ids": times.to(latents.device)}


def _ids(tokenizer: Any, prompt: str, tokens: int) -> Tensor:
    return tokenizer([prompt], padding="max_length", max_length=tokens, truncation=True, return_tensors="pt").input_ids
