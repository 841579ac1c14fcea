"""Stable Video Diffusion: a clip from its first image, without a prompt; samples run frame first.

Order of operations is kept as in diffusers' pipeline wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from server.diffusion.errors import SamplingError
from server.diffusion.families.adapter import FrameFirst
from server.diffusion.families.base import Denoiser, ImageOptions, ImageStack, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module, load_processor, module_device
from server.diffusion.source import Source
from server.diffusion.types import MAIN, Capabilities, ImageEncoder, Latent, Model, TextEncoder, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LATENTS, _EMBEDS, _MOTION = "image_latents", "image_embeds", "image_motion"
_CLIP_SIDE = 224
_LEAST_GUIDANCE = 1.0  # of the first frame, which is the image's own; the scale that is asked for is the last one's
_LONGEST_SIDE = 1536
_FEW_FRAMES = 4  # decoded at a time when memory is short; this autoencoder knows no spatial tiles
_FEATURES = 10  # of each frame at full size, alive at the peak; measured on the CPU: 8 where all blocks are as wide


class StableVideoDiffusion(FrameFirst):
    """Adapter of the Stable Video Diffusion models."""

    name = "svd"
    pipelines = frozenset({"StableVideoDiffusionPipeline"})
    denoiser = "UNetSpatioTemporalConditionModel"

    def components(self, kind: type[Weights], named: Collection[str]) -> tuple[str, ...]:
        """Return the subfolders that make up a description of this kind; there is no text encoder."""
        if kind is Model:
            return ("unet", "scheduler")
        if kind is TextEncoder:
            return ()
        if kind is ImageEncoder:
            return ("image_encoder", "feature_extractor")
        return super().components(kind, named)

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make."""
        vae = source.config("vae")
        unet = source.config("unet")
        spatial = 2 ** (len(vae.get("block_out_channels", (128, 256, 512, 512))) - 1)
        frames = unet.get("num_frames", 25)
        manifest = source.about()
        defaults = manifest.get("defaults", {})
        return Capabilities(
            family=self.name,
            latent_channels=vae.get("latent_channels", 4),
            spatial_scale=spatial,
            temporal_scale=1,
            size_multiple=spatial * 2 ** (len(unet.get("block_out_channels", (320, 640, 1280, 1280))) - 1),
            max_size=_LONGEST_SIDE,
            max_frames=frames,
            prompt_tokens=0,
            batched_cfg=True,
            images=("first",),
            required_images=("first",),
            experts=("unet",),
            default_width=defaults.get("width", 1024),
            default_height=defaults.get("height", 576),
            default_frames=defaults.get("frames", frames),
            default_fps=Fraction(str(defaults.get("fps", 7))),
            default_steps=defaults.get("steps", 25),
            default_guidance_scale=float(defaults.get("guidance_scale", 3.0)),
            default_shift=1.0,
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, an `ImageStack` or an AutoencoderKLTemporalDecoder."""
        from diffusers.models import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel

        source = weights.source
        if isinstance(weights, Model):
            module = load_module(UNetSpatioTemporalConditionModel, source.part("unet"), device, dtype)
            return Denoiser(modules={"unet": module}, dtype=dtype, options={})
        if isinstance(weights, ImageEncoder):
            return _load_images(source, device, dtype)
        return load_module(AutoencoderKLTemporalDecoder, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Refuse: there is no text encoder."""
        raise SamplingError("This model takes no prompt.", "Leave the prompt empty.")

    def embed_images(self, stack: ImageStack, pictures: list[Tensor]) -> Tensors:
        """Describe the picture by CLIP's one vector, (1, 1, width)."""
        from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import (
            _resize_with_antialiasing,  # pyright: ignore[reportPrivateUsage]
        )

        encoder: Any = stack.modules["image_encoder"]
        image = pictures[0] * 2.0 - 1.0
        image = (_resize_with_antialiasing(image, (_CLIP_SIDE, _CLIP_SIDE)) + 1.0) / 2.0
        plain = {"do_center_crop": False, "do_resize": False, "do_rescale": False}
        pixels = stack.processor(images=image, do_normalize=True, return_tensors="pt", **plain).pixel_values
        embeds = encoder(pixels.to(module_device(encoder), encoder.dtype)).image_embeds
        return {_EMBEDS: embeds.unsqueeze(1)}

    def encode_images(
        self,
        vae: torch.nn.Module,
        images: Mapping[int, Tensor],
        latent: Latent,
        able: Capabilities,
        *,
        options: ImageOptions,
    ) -> Tensors:
        """Encode the image under a little noise, so that the model may move away from it."""
        import torch

        module: Any = vae
        source = torch.Generator("cpu").manual_seed(options.seed)
        noise = torch.randn(images[0].shape, generator=source, dtype=torch.float32)
        image = images[0] + options.noise_aug_strength * noise
        encoded = module.encode(image.to(module_device(vae), module.dtype)).latent_dist.mode()
        # The model was trained with the rate less one.
        motion = [round(latent.fps) - 1, options.motion_bucket_id, options.noise_aug_strength]
        return {_LATENTS: encoded.float().unsqueeze(2), _MOTION: torch.tensor([motion], dtype=torch.float32)}

    def without_images(self, tensors: Tensors) -> Tensors:
        """Return nothing seen, but the same motion."""
        return {name: tensor if name == _MOTION else tensor.new_zeros(tensor.shape) for name, tensor in tensors.items()}

    def guidance(self, scale: float, samples: Tensors) -> Tensor:
        """Return a strength that grows from the first frame to the last."""
        import torch

        latents = samples[MAIN]
        ramp = torch.linspace(_LEAST_GUIDANCE, scale, latents.shape[1]).to(latents.device, latents.dtype)
        return ramp[None, :, None, None, None]

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the U-Net once; the prediction is v."""
        import torch

        unet: Any = denoiser.module
        latents, dtype = samples[MAIN], denoiser.dtype
        image = conditioning[_LATENTS].transpose(1, 2).repeat(1, latents.shape[1], 1, 1, 1)
        prediction = unet(
            torch.cat([latents, image], dim=2).to(dtype),
            step.timestep,
            encoder_hidden_states=conditioning[_EMBEDS].to(latents.device, dtype),
            added_time_ids=conditioning[_MOTION].to(latents.device, dtype),
            return_dict=False,
        )[0]
        return {MAIN: prediction.float()}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip at once, or, when memory is short, a few frames at a time."""
        module: Any = vae
        z = latent.video[0].transpose(0, 1).contiguous().to(module_device(vae), module.dtype)
        z = 1 / module.config.scaling_factor * z
        for chunk in z.split(_FEW_FRAMES if tiled else len(z)):
            yield module.decode(chunk, num_frames=len(chunk)).sample

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1], frame by frame, to the posterior's mode, scaled."""
        import torch

        del tiled
        module: Any = vae
        frames = pixels[0].transpose(0, 1).to(module_device(vae), module.dtype)
        encoded = [module.encode(frame[None]).latent_dist.mode().float() for frame in frames]
        return {MAIN: torch.cat(encoded).transpose(0, 1)[None] * module.config.scaling_factor}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of decoding all frames at once."""
        module: Any = vae
        cells = latent.frames * latent.width * latent.height
        return cells * module.config.block_out_channels[0] * _FEATURES * module.dtype.itemsize


def _load_images(source: Source, device: str, dtype: torch.dtype) -> ImageStack:
    from transformers import CLIPImageProcessorPil, CLIPVisionModelWithProjection

    encoder = load_module(CLIPVisionModelWithProjection, source.part("image_encoder"), device, dtype)
    processor = load_processor(CLIPImageProcessorPil, source.part("feature_extractor"))
    return ImageStack(processor=processor, modules={"image_encoder": encoder})
