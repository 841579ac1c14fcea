"""The LTX-Video family: from text, or from a first image; the denoiser takes tokens, the decoder may take a timestep.

Order of operations is kept as in diffusers' pipelines wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from server.diffusion.families import ltx_keyframes, posterior, t5, token_shift
from server.diffusion.families.adapter import Adapter
from server.diffusion.families.base import Denoiser, ImageOptions, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module, module_device
from server.diffusion.source import Source
from server.diffusion.types import MAIN, Capabilities, Latent, Model, TextEncoder, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_FIRST, _OFFSET, _DIVISOR = "image_first", "image_offset", "image_divisor"
_LONGEST_SIDE, _MOST_FRAMES = 2048, 257  # what the family was trained for; its positions have no end
_DECODE_TIMESTEP, _DECODE_NOISE, _DECODE_SEED = 0.05, 0.025, 0  # as the model's makers set them
_FEATURES = 32  # of full size, alive at the peak of decoding; measured on the CPU: 31 to 35


class LTXVideo(Adapter):
    """Adapter of the LTX-Video models."""

    name = "ltx"
    pipelines = frozenset({"LTXPipeline", "LTXImageToVideoPipeline", "LTXConditionPipeline"})
    denoiser = "LTXVideoTransformer3DModel"

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make."""
        spatial, temporal = _scales(source)
        transformer = source.config("transformer")
        scheduler = source.config("scheduler")
        keyframes = _takes_keyframes(scheduler)
        manifest = source.about()
        defaults = manifest.get("defaults", {})
        return Capabilities(
            family=self.name,
            latent_channels=transformer.get("in_channels", 128),
            spatial_scale=spatial,
            temporal_scale=temporal,
            size_multiple=spatial,
            max_size=_LONGEST_SIDE,
            max_frames=_MOST_FRAMES,
            prompt_tokens=manifest.get("max_sequence_length", 256 if keyframes else 128),
            batched_cfg=True,
            images=("first", "last") if keyframes else ("first",),
            keyframes=keyframes,
            default_width=defaults.get("width", 704),
            default_height=defaults.get("height", 512),
            default_frames=defaults.get("frames", 161),
            default_fps=Fraction(str(defaults.get("fps", 25))),
            default_steps=defaults.get("steps", 50),
            default_guidance_scale=float(defaults.get("guidance_scale", 3.0)),
            default_shift=float(scheduler.get("shift", 1.0)),
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack` or an AutoencoderKLLTXVideo."""
        from diffusers.models import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel

        source = weights.source
        if isinstance(weights, Model):
            module = load_module(LTXVideoTransformer3DModel, source.part("transformer"), device, dtype)
            options = {"scales": _scales(source), "keyframes": _takes_keyframes(source.config("scheduler"))}
            return Denoiser(modules={"transformer": module}, dtype=dtype, options=options)
        if isinstance(weights, TextEncoder):
            return t5.load(source, device, dtype, masked=_takes_keyframes(source.config("scheduler")))
        return load_module(AutoencoderKLLTXVideo, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt; the denoiser is told which rows are padding, and T5 itself from 0.9.5 on."""
        embeds, mask = t5.encode(stack, prompt, tokens)
        return {"embeds": embeds, "mask": mask}

    def encode_images(
        self,
        vae: torch.nn.Module,
        images: Mapping[int, Tensor],
        latent: Latent,
        able: Capabilities,
        *,
        options: ImageOptions,
    ) -> Tensors:
        """Encode the first image, for the run to draw it from its posterior; or keyframes, each to its mode."""
        ltx: Any = vae
        if able.keyframes:
            encoded = {index: self.encode(vae, image.unsqueeze(2), tiled=False) for index, image in images.items()}
            latents = {index: tensors[MAIN] for index, tensors in encoded.items()}
            return ltx_keyframes.describe(latents, options.strength)
        pixels = images[0].unsqueeze(2).to(module_device(vae), ltx.dtype)
        tensors = posterior.describe(ltx.encode(pixels).latent_dist)
        return tensors | {_OFFSET: ltx.latents_mean.float(), _DIVISOR: ltx.latents_std.float()}

    def settle(self, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Draw the first latent frame, where there is an image."""
        drawn = posterior.draw(conditioning, generator)
        if drawn is None:
            return {}
        offset, divisor = (conditioning[name].view(1, -1, 1, 1, 1) for name in (_OFFSET, _DIVISOR))
        return {_FIRST: (drawn - offset) / divisor}

    def pin(self, samples: Tensors, conditioning: Tensors, *, before: Tensors, sigma: float) -> Tensors:
        """Put the image back as the first latent frame, or the keyframes where they are."""
        import torch

        if ltx_keyframes.indices(conditioning):
            held = ltx_keyframes.hold(samples[MAIN], conditioning, before=before[MAIN], sigma=sigma)
            return {**samples, MAIN: held}
        if _FIRST not in conditioning:
            return samples
        return {**samples, MAIN: torch.cat([conditioning[_FIRST], samples[MAIN][:, :, 1:]], dim=2)}

    def begin(self, samples: Tensors, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Put keyframes into the noise, and before it."""
        return {**samples, MAIN: ltx_keyframes.begin(samples[MAIN], conditioning, generator)}

    def end(self, samples: Tensors, conditioning: Tensors) -> Tensors:
        """Leave out the keyframes that stand before the clip."""
        return {**samples, MAIN: ltx_keyframes.end(samples[MAIN], conditioning)}

    def schedule_options(self, config: Mapping[str, Any], steps: int, samples: Tensors) -> Mapping[str, Any]:
        """Return the family's own sigmas, and the shift that grows with the number of tokens, where one does."""
        if _takes_keyframes(config):
            return ltx_keyframes.schedule(steps)
        return token_shift.options(config, steps, samples[MAIN][0, 0].numel())

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the transformer once; the prediction is the flow's velocity."""
        transformer: Any = denoiser.module
        latents = samples[MAIN]
        batch, channels, frames, height, width = latents.shape
        spatial, temporal = denoiser.options["scales"]
        timestep = step.timestep.expand(batch)
        if _FIRST in conditioning:
            noisy = latents.new_ones(batch, frames * height * width)
            noisy[:, : height * width] = 0
            timestep = timestep.unsqueeze(-1) * noisy
        places = None
        if denoiser.options["keyframes"]:
            timestep = ltx_keyframes.timesteps(latents, conditioning, step.timestep)
            places = ltx_keyframes.places(latents, conditioning, denoiser.options["scales"], step.fps)
        with transformer.cache_context(
            step.branch, step_index=step.index, sigma=step.sigma, num_inference_steps=step.total
        ):
            velocity = transformer(
                hidden_states=_tokens(latents, step.branch).to(denoiser.dtype),
                encoder_hidden_states=conditioning["embeds"].to(latents.device, denoiser.dtype),
                timestep=timestep,
                encoder_attention_mask=conditioning["mask"].to(latents.device),
                num_frames=frames,
                height=height,
                width=width,
                rope_interpolation_scale=(temporal / step.fps, spatial, spatial),
                video_coords=places,
                return_dict=False,
            )[0]
        return {MAIN: velocity.float().transpose(1, 2).reshape(batch, channels, frames, height, width)}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip at once; a decoder that takes a timestep removes the last of the noise itself."""
        import torch

        ltx = _tiled(vae, tiled)
        z = latent.video[:1].to(module_device(vae), torch.float32)
        mean, std = (value.view(1, -1, 1, 1, 1).to(z.device, z.dtype) for value in (ltx.latents_mean, ltx.latents_std))
        z = z * std / ltx.config.scaling_factor + mean
        timestep = None
        if ltx.config.timestep_conditioning:
            source = torch.Generator("cpu").manual_seed(_DECODE_SEED)
            noise = torch.randn(z.shape, generator=source, dtype=z.dtype).to(z.device)
            timestep = torch.tensor([_DECODE_TIMESTEP], device=z.device, dtype=ltx.dtype)
            share = torch.tensor([_DECODE_NOISE], device=z.device, dtype=z.dtype)[:, None, None, None, None]
            z = (1 - share) * z + share * noise
        # Some decoders put noise between their layers, from torch's own source: seeded, or no clip would come twice.
        with torch.random.fork_rng([z.device] if z.is_cuda else []):
            torch.manual_seed(_DECODE_SEED)
            decoded = ltx.decode(z.to(ltx.dtype), timestep, return_dict=False)[0]
        yield decoded[0].permute(1, 0, 2, 3)

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1] to the mode of the posterior, normalised."""
        ltx = _tiled(vae, tiled)
        z = ltx.encode(pixels.to(module_device(vae), ltx.dtype)).latent_dist.mode().float()
        mean, std = (value.view(1, -1, 1, 1, 1).to(z.device, z.dtype) for value in (ltx.latents_mean, ltx.latents_std))
        return {MAIN: (z - mean) * ltx.config.scaling_factor / std}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of an untiled decode, which holds the whole clip."""
        ltx: Any = vae
        cells = latent.frames * (latent.width // ltx.config.patch_size) * (latent.height // ltx.config.patch_size)
        return cells * ltx.config.decoder_block_out_channels[0] * _FEATURES * ltx.dtype.itemsize


def _tokens(latents: Tensor, branch: str) -> Tensor:
    """Lay latents out as the pipelines do, since some CPUs' products differ in the last bit by layout.

    They pack them into a view, whose cells lie channel after channel; what guidance joins lies token after token.
    """
    tokens = latents.flatten(2).contiguous().transpose(1, 2)
    return tokens.contiguous() if branch == "cond_uncond" else tokens


def _takes_keyframes(scheduler: Mapping[str, Any]) -> bool:
    """Return whether a model is one of those from 0.9.5 on, whose schedule does not depend on the clip's size."""
    return not scheduler.get("use_dynamic_shifting", False)


def _scales(source: Source) -> tuple[int, int]:
    """Return how many pixels, and how many frames, one side of a latent cell covers."""
    vae = source.config("vae")
    halvings = sum(vae.get("spatio_temporal_scaling", (True, True, True, False)))
    spatial = vae.get("spatial_compression_ratio") or vae.get("patch_size", 4) * 2**halvings
    return spatial, vae.get("temporal_compression_ratio") or vae.get("patch_size_t", 1) * 2**halvings


def _tiled(vae: torch.nn.Module, tiled: bool) -> Any:
    ltx: Any = copy.copy(vae)  # tiling is an attribute of the module; a copy keeps other users of it out of this
    if tiled:
        ltx.enable_tiling()
        ltx.use_framewise_decoding = True
    return ltx
