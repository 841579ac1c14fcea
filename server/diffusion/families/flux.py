"""FLUX.1: one image from a prompt; the denoiser takes patches of two by two cells as tokens.

Order of operations is kept as in diffusers' pipeline wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from server.diffusion.families import token_shift
from server.diffusion.families.adapter import Adapter
from server.diffusion.families.base import Denoiser, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module, load_tokenizer, module_device, tiled_copy
from server.diffusion.source import Source
from server.diffusion.types import MAIN, Capabilities, Latent, Model, TextEncoder, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LONGEST_SIDE = 2048
_POOLED_TOKENS = 77
_FEATURES = 10  # of the image at full size, alive at the peak of decoding; measured on the CPU


class Flux(Adapter):
    """Adapter of the FLUX.1 text-to-image models, dev and schnell."""

    name = "flux"
    pipelines = frozenset({"FluxPipeline"})
    denoiser = "FluxTransformer2DModel"

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the components that make up a description of this kind; none where the variant has no such part."""
        if kind is TextEncoder:
            return ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")
        return super().components(kind, named)

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make."""
        vae = source.config("vae")
        config = source.config("transformer")
        scheduler = source.config("scheduler")
        spatial = 2 ** (len(vae.get("block_out_channels", (128, 256, 512, 512))) - 1)
        distilled = not config.get("guidance_embeds", False)
        manifest = source.about()
        defaults = manifest.get("defaults", {})
        return Capabilities(
            family=self.name,
            latent_channels=config.get("in_channels", 64) // 4,
            spatial_scale=spatial,
            temporal_scale=1,
            size_multiple=2 * spatial,
            max_size=_LONGEST_SIDE,
            max_frames=1,
            prompt_tokens=manifest.get("max_sequence_length", 256 if distilled else 512),
            strength_rounds_up=True,
            embedded_guidance=True,  # schnell has none, and takes one forward as well
            default_width=defaults.get("width", 1024),
            default_height=defaults.get("height", 1024),
            default_frames=1,
            default_fps=Fraction(1),
            default_steps=defaults.get("steps", 4 if distilled else 28),
            default_guidance_scale=float(defaults.get("guidance_scale", 3.5)),
            default_shift=float(scheduler.get("shift", 1.0)),
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack` or an AutoencoderKL."""
        from diffusers.models import AutoencoderKL, FluxTransformer2DModel

        source = weights.source
        if isinstance(weights, Model):
            module = load_module(FluxTransformer2DModel, source.part("transformer"), device, dtype)
            return Denoiser(modules={"transformer": module}, dtype=dtype, options={})
        if isinstance(weights, TextEncoder):
            return _load_text(source, device, dtype)
        return load_module(AutoencoderKL, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt by T5, and as one vector by CLIP."""
        clip, t5 = stack.modules["text_encoder"], stack.modules["text_encoder_2"]
        device = module_device(clip)
        pooled = clip(_ids(stack.tokenizer_2, prompt, _POOLED_TOKENS).to(device), output_hidden_states=False)
        embeds = t5(_ids(stack.tokenizer, prompt, tokens).to(device), output_hidden_states=False)[0]
        return {"embeds": embeds, "pooled": pooled.pooler_output}

    def pack(self, samples: Tensors) -> Tensors:
        """Leave out the frames' dimension: there is one."""
        return {name: sample.squeeze(2) for name, sample in samples.items()}

    def unpack(self, samples: Tensors) -> Tensors:
        """Put the frames' dimension back."""
        return {name: sample.unsqueeze(2) for name, sample in samples.items()}

    def schedule_options(self, config: Mapping[str, Any], steps: int, samples: Tensors) -> Mapping[str, Any]:
        """Return the family's own sigmas, and the shift that grows with the number of tokens."""
        return token_shift.options(config, steps, samples[MAIN][0, 0].numel() // 4)

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the transformer once; the prediction is the flow's velocity."""
        import torch

        transformer: Any = denoiser.module
        latents, dtype = samples[MAIN], denoiser.dtype
        batch, channels, height, width = latents.shape
        device = latents.device
        tokens = latents.view(batch, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
        embeds = conditioning["embeds"].to(device, dtype)
        told = torch.full([batch], step.guidance_scale, device=device, dtype=torch.float32)
        with transformer.cache_context(
            step.branch, step_index=step.index, sigma=step.sigma, num_inference_steps=step.total
        ):
            velocity = transformer(
                hidden_states=tokens.reshape(batch, -1, channels * 4).to(dtype),
                timestep=step.timestep.expand(batch).to(dtype) / 1000,
                guidance=told if transformer.config.guidance_embeds else None,
                pooled_projections=conditioning["pooled"].to(device, dtype),
                encoder_hidden_states=embeds,
                txt_ids=torch.zeros(embeds.shape[1], 3, device=device, dtype=dtype),
                img_ids=_places(height // 2, width // 2).to(device, dtype),
                return_dict=False,
            )[0]
        patches = velocity.view(batch, height // 2, width // 2, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
        return {MAIN: patches.reshape(latents.shape)}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first image as (1, 3, height, width) in [-1, 1]."""
        module = tiled_copy(vae, tiled)
        z = latent.video[0].transpose(0, 1).contiguous().to(module_device(vae), module.dtype)
        yield module.decode((z / module.config.scaling_factor) + module.config.shift_factor, return_dict=False)[0]

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, 1, height, width) pixels in [-1, 1] to the mode of the posterior, shifted and scaled."""
        module = tiled_copy(vae, tiled)
        # Transposed, not indexed: strides choose between convolutions, which differ in the last bit.
        images = pixels[0].transpose(0, 1).to(module_device(vae), module.dtype)
        z = module.encode(images).latent_dist.mode().float()
        return {MAIN: ((z - module.config.shift_factor) * module.config.scaling_factor).unsqueeze(2)}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of a decode."""
        module: Any = vae
        return latent.width * latent.height * module.config.block_out_channels[0] * _FEATURES * module.dtype.itemsize


def _places(height: int, width: int) -> Tensor:
    """Return the row and column of every token, (tokens, 3)."""
    import torch

    places = torch.zeros(height, width, 3)
    places[..., 1] += torch.arange(height)[:, None]
    places[..., 2] += torch.arange(width)[None, :]
    return places.reshape(-1, 3)


def _ids(tokenizer: Any, prompt: str, tokens: int) -> Tensor:
    return tokenizer([prompt], padding="max_length", max_length=tokens, truncation=True, return_tensors="pt").input_ids


def _load_text(source: Source, device: str, dtype: torch.dtype) -> TextStack:
    from transformers import CLIPTextModel, T5EncoderModel

    return TextStack(
        tokenizer=load_tokenizer(source.part("tokenizer_2")),
        tokenizer_2=load_tokenizer(source.part("tokenizer")),
        modules={
            "text_encoder": load_module(CLIPTextModel, source.part("text_encoder"), device, dtype),
            "text_encoder_2": load_module(T5EncoderModel, source.part("text_encoder_2"), device, dtype),
        },
    )
