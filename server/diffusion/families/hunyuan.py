"""The HunyuanVideo family, from text: two text encoders, and a guidance scale that the network is told.

Order of operations is kept as in diffusers' pipeline wherever it decides the last bit; tests compare the two.
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

_TEMPLATE = (
    "<|start_header_id|>system<|end_header_id|>\n\nDescribe the video by detailing the following aspects: "
    "1. The main content and theme of the video."
    "2. The color, shape, size, texture, quantity, text, and spatial relationships of the objects."
    "3. Actions, events, behaviors temporal relationships, physical movement changes of the objects."
    "4. background environment, light, style and atmosphere."
    "5. camera angles, movements, and transitions used in the video:<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
)
_TEMPLATE_TOKENS = 95  # of Llama 3's tokenizer, before the prompt
_LAYERS_LEFT_OUT = 2  # of the language model, at its end
_POOLED_TOKENS = 77
_LONGEST_SIDE, _MOST_FRAMES = 2048, 201  # rotary positions have no end; motion begins to loop here
_FEATURES, _CHUNK = 34, 17  # of each frame at full size, alive at the peak; measured on the CPU. Frames in a chunk.


class HunyuanVideo(Adapter):
    """Adapter of the first HunyuanVideo's text-to-video model."""

    name = "hunyuan"
    pipelines = frozenset({"HunyuanVideoPipeline"})
    denoiser = "HunyuanVideoTransformer3DModel"

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
        spatial = vae.get("spatial_compression_ratio", 8)
        manifest = source.about()
        defaults = manifest.get("defaults", {})
        return Capabilities(
            family=self.name,
            latent_channels=vae.get("latent_channels", 16),
            spatial_scale=spatial,
            temporal_scale=vae.get("temporal_compression_ratio", 4),
            size_multiple=spatial * config.get("patch_size", 2),
            max_size=_LONGEST_SIDE,
            max_frames=_MOST_FRAMES,
            prompt_tokens=manifest.get("max_sequence_length", 256),
            embedded_guidance=bool(config.get("guidance_embeds", True)),
            default_width=defaults.get("width", 1280),
            default_height=defaults.get("height", 720),
            default_frames=defaults.get("frames", 129),
            default_fps=Fraction(str(defaults.get("fps", 24))),
            default_steps=defaults.get("steps", 50),
            default_guidance_scale=float(defaults.get("guidance_scale", 6.0)),
            default_shift=float(scheduler.get("shift", 1.0)),
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack` or an AutoencoderKLHunyuanVideo."""
        from diffusers.models import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel

        source = weights.source
        if isinstance(weights, Model):
            module = load_module(HunyuanVideoTransformer3DModel, source.part("transformer"), device, dtype)
            return Denoiser(modules={"transformer": module}, dtype=dtype, options={})
        if isinstance(weights, TextEncoder):
            return _load_text(source, device, dtype)
        return load_module(AutoencoderKLHunyuanVideo, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt within the template that the language model was shown, and as one vector by CLIP."""
        language, clip = stack.modules["text_encoder"], stack.modules["text_encoder_2"]
        device = module_device(language)
        inputs = stack.tokenizer(
            [_TEMPLATE.format(prompt)],
            max_length=tokens + _TEMPLATE_TOKENS,
            padding="max_length",
            truncation=True,
            return_tensors="pt",
            return_attention_mask=True,
        )
        mask = inputs.attention_mask.to(device)
        states = language(input_ids=inputs.input_ids.to(device), attention_mask=mask, output_hidden_states=True)
        ids = stack.tokenizer_2(
            [prompt], padding="max_length", max_length=_POOLED_TOKENS, truncation=True, return_tensors="pt"
        ).input_ids
        return {
            "embeds": states.hidden_states[-(_LAYERS_LEFT_OUT + 1)][:, _TEMPLATE_TOKENS:],
            "mask": mask[:, _TEMPLATE_TOKENS:],
            "pooled": clip(ids.to(device), output_hidden_states=False).pooler_output,
        }

    def schedule_options(self, config: Mapping[str, Any], steps: int, samples: Tensors) -> Mapping[str, Any]:
        """Return the family's own sigmas, evenly from 1 towards 0."""
        import numpy as np

        del config, samples
        return {"sigmas": np.linspace(1.0, 0.0, steps + 1)[:-1]}

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the transformer once; the prediction is the flow's velocity."""
        import torch

        transformer: Any = denoiser.module
        latents, dtype = samples[MAIN], denoiser.dtype
        batch, device = latents.shape[0], latents.device
        with transformer.cache_context(
            step.branch, step_index=step.index, sigma=step.sigma, num_inference_steps=step.total
        ):
            velocity = transformer(
                hidden_states=latents.to(dtype),
                timestep=step.timestep.expand(batch).to(latents.dtype),
                encoder_hidden_states=conditioning["embeds"].to(device, dtype),
                encoder_attention_mask=conditioning["mask"].to(device, dtype),
                pooled_projections=conditioning["pooled"].to(device, dtype),
                guidance=torch.tensor([step.guidance_scale] * batch, dtype=dtype, device=device) * 1000.0,
                return_dict=False,
            )[0]
        return {MAIN: velocity}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip; beyond 16 frames the autoencoder blends chunks of frames itself."""
        hunyuan = tiled_copy(vae, tiled)
        z = latent.video[:1].to(module_device(vae), hunyuan.dtype) / hunyuan.config.scaling_factor
        yield hunyuan.decode(z, return_dict=False)[0][0].permute(1, 0, 2, 3)

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1] to the mode of the posterior, scaled."""
        hunyuan = tiled_copy(vae, tiled)
        z = hunyuan.encode(pixels.to(module_device(vae), hunyuan.dtype)).latent_dist.mode().float()
        return {MAIN: z * hunyuan.config.scaling_factor}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of an untiled decode, which holds the features of a chunk of frames."""
        hunyuan: Any = vae
        cells = latent.width * latent.height * min(latent.frames, _CHUNK)
        return cells * hunyuan.config.block_out_channels[0] * _FEATURES * hunyuan.dtype.itemsize


def _load_text(source: Source, device: str, dtype: torch.dtype) -> TextStack:
    from transformers import CLIPTextModel, LlamaModel

    return TextStack(
        tokenizer=load_tokenizer(source.part("tokenizer")),
        tokenizer_2=load_tokenizer(source.part("tokenizer_2")),
        modules={
            "text_encoder": load_module(LlamaModel, source.part("text_encoder"), device, dtype),
            "text_encoder_2": load_module(CLIPTextModel, source.part("text_encoder_2"), device, dtype),
        },
    )
