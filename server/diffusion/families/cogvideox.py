"""The CogVideoX family, 1.0 and 1.5: from text, or from a first image; samples run frame first.

Order of operations is kept as in diffusers' pipelines wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from server.diffusion.families import posterior, t5
from server.diffusion.families.adapter import FrameFirst
from server.diffusion.families.base import Denoiser, ImageOptions, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module, module_device
from server.diffusion.source import Source
from server.diffusion.types import MAIN, Capabilities, Latent, Model, TextEncoder, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_FIRST, _FACTOR = "image_first", "image_factor"
_OFS = 2.0  # what the image models of 1.5 were trained with
_FEATURES = 340  # of one frame at full size, alive at the peak of a chunk; measured on the CPU: 310 to 490


class CogVideoX(FrameFirst):
    """Adapter of the CogVideoX models."""

    name = "cogvideox"
    pipelines = frozenset({"CogVideoXPipeline", "CogVideoXImageToVideoPipeline"})
    denoiser = "CogVideoXTransformer3DModel"

    def capabilities(self, source: Source) -> Capabilities:
        """Read from the configurations what the model can make."""
        vae = source.config("vae")
        config = source.config("transformer")
        spatial, temporal = _spatial(vae), int(vae.get("temporal_compression_ratio", 4))
        width, height = config.get("sample_width", 90) * spatial, config.get("sample_height", 60) * spatial
        frames = config.get("sample_frames", 49)
        fixed = bool(config.get("use_learned_positional_embeddings"))
        newer = config.get("patch_size_t") is not None
        images = ("first",) if config.get("in_channels", 16) != config.get("out_channels", 16) else ()
        manifest = source.about()
        defaults = manifest.get("defaults", {})
        return Capabilities(
            family=self.name,
            latent_channels=vae.get("latent_channels", 16),
            spatial_scale=spatial,
            temporal_scale=temporal,
            size_multiple=spatial * config.get("patch_size", 2),
            fixed_width=width if fixed else 0,
            fixed_height=height if fixed else 0,
            max_size=2 * max(width, height),
            max_frames=2 * frames - 1,
            frame_multiple=2 * temporal,  # the decoder takes the first latent frame alone, then two at a time
            latent_frame_multiple=config.get("patch_size_t") or 1,
            prompt_tokens=manifest.get("max_sequence_length", config.get("max_text_seq_length", 226)),
            batched_cfg=True,
            images=images,
            required_images=images,
            default_width=defaults.get("width", width),
            default_height=defaults.get("height", height),
            default_frames=defaults.get("frames", frames),
            default_fps=Fraction(str(defaults.get("fps", 16 if newer else 8))),
            default_steps=defaults.get("steps", 50),
            default_guidance_scale=float(defaults.get("guidance_scale", 6.0)),
            default_shift=1.0,
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack` or an AutoencoderKLCogVideoX."""
        from diffusers.models import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel

        source = weights.source
        if isinstance(weights, Model):
            module = load_module(CogVideoXTransformer3DModel, source.part("transformer"), device, dtype)
            return Denoiser(modules={"transformer": module}, dtype=dtype, options={})
        if isinstance(weights, TextEncoder):
            return t5.load(source, device, dtype)
        return load_module(AutoencoderKLCogVideoX, source.part("vae"), device, dtype)

    def encode_text(self, stack: TextStack, prompt: str, tokens: int) -> Tensors:
        """Encode one prompt; padding is not masked anywhere."""
        return {"embeds": t5.encode(stack, prompt, tokens)[0]}

    def encode_images(
        self,
        vae: torch.nn.Module,
        images: Mapping[int, Tensor],
        latent: Latent,
        able: Capabilities,
        *,
        options: ImageOptions,
    ) -> Tensors:
        """Encode the first image; the run draws from the posterior and scales what it drew."""
        import torch

        cog: Any = vae
        pixels = images[0].unsqueeze(2).to(module_device(vae), cog.dtype)
        factor = cog.config.scaling_factor
        if cog.config.invert_scale_latents:
            factor = 1 / factor  # so the models of 1.5 were trained
        return posterior.describe(cog.encode(pixels).latent_dist) | {_FACTOR: torch.tensor([factor])}

    def settle(self, conditioning: Tensors, generator: torch.Generator) -> Tensors:
        """Draw the image's latent, frame first."""
        drawn = posterior.draw(conditioning, generator)
        return {} if drawn is None else {_FIRST: conditioning[_FACTOR] * drawn.transpose(1, 2)}

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the transformer once; the prediction is v."""
        import torch

        transformer: Any = denoiser.module
        latents = samples[MAIN]
        inputs = latents
        if _FIRST in conditioning:
            image = conditioning[_FIRST]
            rest = image.new_zeros(image.shape[0], latents.shape[1] - 1, *image.shape[2:])
            inputs = torch.cat([latents, torch.cat([image, rest], dim=1)], dim=2)
        told = transformer.config.ofs_embed_dim is not None
        with transformer.cache_context(
            step.branch, step_index=step.index, sigma=step.sigma, num_inference_steps=step.total
        ):
            prediction = transformer(
                hidden_states=inputs.to(denoiser.dtype),
                encoder_hidden_states=conditioning["embeds"].to(latents.device, denoiser.dtype),
                timestep=step.timestep.expand(latents.shape[0]),
                ofs=latents.new_full((1,), _OFS).to(denoiser.dtype) if told else None,
                image_rotary_emb=_positions(transformer.config, latents),
                return_dict=False,
            )[0]
        return {MAIN: prediction.float()}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip, two latent frames at a time when untiled, without the frames of padding."""
        cog: Any = copy.copy(vae)
        z = latent.video[:1].to(module_device(vae), cog.dtype)
        # 1.5 pads the clip at its beginning to whole patches of frames.
        z = 1 / cog.config.scaling_factor * z[:, :, z.shape[2] - _needed(cog, latent) :]
        if tiled:
            cog.enable_tiling()
            yield cog.decode(z).sample[0].permute(1, 0, 2, 3)
            return
        cache = None
        odd = z.shape[2] % 2
        for start in range(0, z.shape[2] - odd, 2) if z.shape[2] > 1 else (0,):
            chunk = z[:, :, start + (odd if start else 0) : start + 2 + odd]
            if cog.post_quant_conv is not None:
                chunk = cog.post_quant_conv(chunk)
            block, cache = cog.decoder(chunk, conv_cache=cache)
            yield block[0].permute(1, 0, 2, 3)

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1] to the mode of the posterior, scaled."""
        cog: Any = copy.copy(vae)  # tiling is an attribute of the module; a copy keeps other users of it out of this
        if tiled:
            cog.enable_tiling()
        z = cog.encode(pixels.to(module_device(vae), cog.dtype)).latent_dist.mode().float()
        return {MAIN: z * cog.config.scaling_factor}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of an untiled decode, which holds the features of a chunk of frames."""
        cog: Any = vae
        return latent.width * latent.height * cog.config.block_out_channels[0] * _FEATURES * cog.dtype.itemsize


def _spatial(vae: Mapping[str, Any]) -> int:
    return 2 ** (len(vae.get("block_out_channels", (128, 256, 256, 512))) - 1)


def _needed(vae: Any, latent: Latent) -> int:
    """Return how many latent frames hold the clip, without padding."""
    return (latent.frames - 1) // int(vae.config.temporal_compression_ratio) + 1


def _positions(config: Any, latents: Tensor) -> Any:
    """Return cosines and sines of every token's place, for models that use a rotary embedding; else None."""
    from diffusers.models.embeddings import get_3d_rotary_pos_embed
    from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

    if not config.use_rotary_positional_embeddings:
        return None
    frames, height, width = latents.shape[1], latents.shape[3], latents.shape[4]
    patch = config.patch_size
    grid = (height // patch, width // patch)
    trained = (config.sample_height // patch, config.sample_width // patch)
    if config.patch_size_t is None:
        return get_3d_rotary_pos_embed(
            embed_dim=config.attention_head_dim,
            crops_coords=get_resize_crop_region_for_grid(grid, trained[1], trained[0]),
            grid_size=grid,
            temporal_size=frames,
            device=latents.device,
        )
    return get_3d_rotary_pos_embed(
        embed_dim=config.attention_head_dim,
        crops_coords=None,
        grid_size=grid,
        temporal_size=(frames + config.patch_size_t - 1) // config.patch_size_t,
        grid_type="slice",
        max_size=trained,
        device=latents.device,
    )
