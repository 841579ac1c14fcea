"""The HunyuanVideo family, from text or a first image: two text encoders; the network may be told its guidance scale.

Order of operations is kept as in diffusers' pipelines wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from server.diffusion.families import llava
from server.diffusion.families.adapter import Adapter
from server.diffusion.families.base import Denoiser, ImageOptions, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module, load_processor, load_tokenizer, module_device, tiled_copy
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
_FIRST, _BESIDE = "image_first", "image_beside"  # in place of the first latent frame, or beside the noisy channels
_NOISE_SHARE = 0.999  # of what a run from an image begins with; the image is the rest, in every frame
_PICTURE_STRIDE = {"latent_concat": 2, "token_replace": 4}  # one in so many of the picture's tokens is kept
_BLACK_STRIDE = 2  # the pipeline keeps as many of the black picture's in both cases
_BLACK_SIDE = 64  # pixels; the encoder enlarges it
_FEATURES, _CHUNK = 34, 17  # of each frame at full size, alive at the peak; measured on the CPU. Frames in a chunk.


class HunyuanVideo(Adapter):
    """Adapter of the first HunyuanVideo's models, from text and from an image."""

    name = "hunyuan"
    pipelines = frozenset({"HunyuanVideoPipeline", "HunyuanVideoImageToVideoPipeline"})
    denoiser = "HunyuanVideoTransformer3DModel"

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the components that make up a description of this kind; none where the variant has no such part."""
        if kind is TextEncoder:
            seeing = ("image_processor",) if "image_processor" in named else ()
            return ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", *seeing)
        return super().components(kind, named)

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make."""
        vae = source.config("vae")
        config = source.config("transformer")
        scheduler = source.config("scheduler")
        spatial = vae.get("spatial_compression_ratio", 8)
        kind = config.get("image_condition_type")
        images = ("first",) if kind else ()
        before = int(kind == "latent_concat")  # holds the image itself, and is not shown
        embedded = bool(config.get("guidance_embeds", True))
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
            embedded_guidance=embedded,
            latent_frames_before=before,
            prompt_image=bool(kind),
            images=images,
            required_images=images,
            default_width=defaults.get("width", 1280),
            default_height=defaults.get("height", 720),
            default_frames=defaults.get("frames", 129 - 4 * before),
            default_fps=Fraction(str(defaults.get("fps", 24))),
            default_steps=defaults.get("steps", 50),
            default_guidance_scale=float(defaults.get("guidance_scale", 6.0 if embedded else 1.0)),
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
            return (_load_seeing if source.has("image_processor") else _load_text)(source, device, dtype)
        return load_module(AutoencoderKLHunyuanVideo, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt within the template that the language model was shown, and as one vector by CLIP.

        A model that sees pictures is shown a black one: so its pipeline encodes what to avoid.
        """
        import torch

        if stack.processor is not None:
            return self._seen(stack, prompt, tokens, torch.zeros(1, 3, _BLACK_SIDE, _BLACK_SIDE), every=_BLACK_STRIDE)
        language = stack.modules["text_encoder"]
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
        return {
            "embeds": states.hidden_states[-(_LAYERS_LEFT_OUT + 1)][:, _TEMPLATE_TOKENS:],
            "mask": mask[:, _TEMPLATE_TOKENS:],
            "pooled": _pooled(stack, prompt),
        }

    def encode_text_about(self, stack: TextStack, prompt: str, tokens: int, picture: Tensor) -> Tensors:
        """Encode one prompt with the picture that the clip begins with."""
        return self._seen(stack, prompt, tokens, picture, every=_PICTURE_STRIDE[stack.options["kind"]])

    def encode_images(
        self,
        vae: torch.nn.Module,
        images: Mapping[int, Tensor],
        latent: Latent,
        able: Capabilities,
        *,
        options: ImageOptions,
    ) -> Tensors:
        """Encode the first image to the mode of the posterior, scaled."""
        hunyuan: Any = vae
        pixels = images[0].unsqueeze(2).to(module_device(vae), hunyuan.dtype)
        encoded = hunyuan.encode(pixels).latent_dist.mode().float() * hunyuan.config.scaling_factor
        return {_BESIDE if able.latent_frames_before else _FIRST: encoded}

    def begin(self, samples: Tensors, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Mix a little of the image into the noise of every frame."""
        import torch

        del generator
        image = conditioning.get(_FIRST, conditioning.get(_BESIDE))
        if image is None:
            return samples
        noise = samples[MAIN]
        share = torch.tensor([_NOISE_SHARE], device=noise.device)
        still = image.repeat(1, 1, noise.shape[2], 1, 1)
        return {**samples, MAIN: noise * share + still * (1 - share)}

    def pin(self, samples: Tensors, conditioning: Tensors, *, before: Tensors, sigma: float) -> Tensors:
        """Put the image back as the first latent frame, where the model works that way."""
        import torch

        del before, sigma
        if _FIRST not in conditioning:
            return samples
        return {**samples, MAIN: torch.cat([conditioning[_FIRST], samples[MAIN][:, :, 1:]], dim=2)}

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
        told = torch.tensor([step.guidance_scale] * batch, dtype=dtype, device=device) * 1000.0
        with transformer.cache_context(
            step.branch, step_index=step.index, sigma=step.sigma, num_inference_steps=step.total
        ):
            velocity = transformer(
                hidden_states=_beside(latents, conditioning).to(dtype),
                timestep=step.timestep.expand(batch).to(latents.dtype),
                encoder_hidden_states=conditioning["embeds"].to(device, dtype),
                encoder_attention_mask=conditioning["mask"].to(device, dtype),
                pooled_projections=conditioning["pooled"].to(device, dtype),
                guidance=told if transformer.config.guidance_embeds else None,
                return_dict=False,
            )[0]
        return {MAIN: velocity}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip; beyond 16 frames the autoencoder blends chunks of frames itself."""
        hunyuan = tiled_copy(vae, tiled)
        z = latent.video[:1].to(module_device(vae), hunyuan.dtype) / hunyuan.config.scaling_factor
        frames = hunyuan.decode(z, return_dict=False)[0][0].permute(1, 0, 2, 3)
        yield frames[len(frames) - latent.frames :]  # without what precedes the clip

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

    def _seen(self, stack: TextStack, prompt: str, tokens: int, picture: Tensor, *, every: int) -> Tensors:
        return {**llava.encode(stack, prompt, tokens, picture, every=every), "pooled": _pooled(stack, prompt)}


def _pooled(stack: TextStack, prompt: str) -> Tensor:
    clip: Any = stack.modules["text_encoder_2"]
    ids = stack.tokenizer_2(
        [prompt], padding="max_length", max_length=_POOLED_TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return clip(ids.to(module_device(clip)), output_hidden_states=False).pooler_output


def _beside(latents: Tensor, conditioning: Tensors) -> Tensor:
    """Return latents with the channels beside them that show the image: its latent, and where it stands."""
    import torch

    if _BESIDE not in conditioning:
        return latents
    image = torch.zeros_like(latents)
    image[:, :, :1] = conditioning[_BESIDE]
    mask = torch.zeros_like(latents[:, :1])
    mask[:, :, :1] = 1
    return torch.cat([latents, image, mask], dim=1)


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


def _load_seeing(source: Source, device: str, dtype: torch.dtype) -> TextStack:
    from transformers import CLIPImageProcessorPil, CLIPTextModel

    tokenizer = load_tokenizer(source.part("tokenizer"))
    return TextStack(
        tokenizer=tokenizer,
        tokenizer_2=load_tokenizer(source.part("tokenizer_2")),
        processor=load_processor(CLIPImageProcessorPil, source.part("image_processor")),
        modules={
            "text_encoder": llava.load(source.part("text_encoder"), tokenizer, device, dtype),
            "text_encoder_2": load_module(CLIPTextModel, source.part("text_encoder_2"), device, dtype),
        },
        options={"kind": source.config("transformer")["image_condition_type"]},
    )
