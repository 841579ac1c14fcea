"""The Wan 2.1 family, text to video: its layout, normalisation, prompt handling and calls, equal to WanPipeline's.

Order of operations is kept as in the pipeline wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

import copy
import html
from collections.abc import Iterator, Mapping
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.diffusion.errors import WeightsError
from server.diffusion.families.base import Denoiser, Step, Tensors, TextStack
from server.diffusion.families.loading import load_module
from server.diffusion.files import read_json
from server.diffusion.types import MAIN, Capabilities, Latent, Model, TextEncoder, Vae, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_COMPONENTS: Mapping[type[Weights], tuple[str, ...]] = {
    Model: ("transformer", "scheduler"),
    TextEncoder: ("text_encoder", "tokenizer"),
    Vae: ("vae",),
}
_FRAMES_PER_CONVOLUTION = 20  # frames of features alive at the peak; measured on the CPU: 15 to 20
_ENCODE_CHUNK = 4  # AutoencoderKLWan encodes 1 frame, then 4 at a time, whatever its temporal scale


class Wan:
    """Adapter of the Wan 2.1 text-to-video models."""

    name = "wan"
    pipelines = frozenset({"WanPipeline"})

    def components(self, kind: type[Weights]) -> tuple[str, ...]:
        """Return the subfolders that make up a description of this kind."""
        return _COMPONENTS[kind]

    def capabilities(self, folder: Path, manifest: Mapping[str, Any]) -> Capabilities:
        """Read from the folder's configurations what the model can make.

        Raises:
            WeightsError: It is a Wan variant beyond text to video with one transformer.
        """
        _refuse_variants(folder)
        vae = read_json(folder / "vae" / "config.json")
        transformer = read_json(folder / "transformer" / "config.json")
        scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
        spatial, temporal = vae.get("scale_factor_spatial", 8), vae.get("scale_factor_temporal", 4)
        patch = transformer.get("patch_size", (1, 2, 2))[1]
        positions = transformer.get("rope_max_seq_len", 1024)
        defaults = manifest.get("defaults", {})
        return Capabilities(
            family=self.name,
            latent_channels=transformer.get("in_channels", 16),
            spatial_scale=spatial,
            temporal_scale=temporal,
            size_multiple=spatial * patch,
            max_size=positions * patch * spatial,
            max_frames=(positions - 1) * temporal + 1,
            prompt_tokens=manifest.get("max_sequence_length", 512),
            default_width=defaults.get("width", 832),
            default_height=defaults.get("height", 480),
            default_frames=defaults.get("frames", 81),
            default_fps=Fraction(str(defaults.get("fps", 16))),
            default_steps=defaults.get("steps", 50),
            default_guidance_scale=float(defaults.get("guidance_scale", 5.0)),
            default_shift=float(scheduler.get("shift", scheduler.get("flow_shift", 1.0))),
        )

    def load(self, weights: Weights, device: str, dtype: torch.dtype) -> Any:
        """Load a described component: a `Denoiser`, a `TextStack` or an AutoencoderKLWan."""
        folder = Path(weights.folder)
        if isinstance(weights, Model):
            return _load_denoiser(folder, device, dtype)
        if isinstance(weights, TextEncoder):
            return _load_text(folder, device, dtype)
        from diffusers.models import AutoencoderKLWan

        return load_module(AutoencoderKLWan, folder / "vae", device, dtype)

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
        device = next(encoder.parameters()).device
        ids, mask = inputs.input_ids.to(device), inputs.attention_mask.to(device)
        hidden = encoder(ids, mask).last_hidden_state[0]
        used = hidden[: int(mask.gt(0).sum())]
        padding = used.new_zeros(tokens - used.size(0), used.size(1))
        return {"embeds": torch.cat([used, padding]).unsqueeze(0)}

    def latent_shapes(
        self, capabilities: Capabilities, *, width: int, height: int, frames: int
    ) -> Mapping[str, tuple[int, ...]]:
        """Return the one shape (1, channels, latent frames, height, width)."""
        scale = capabilities.spatial_scale
        latent_frames = capabilities.latent_frames(frames)
        return {MAIN: (1, capabilities.latent_channels, latent_frames, height // scale, width // scale)}

    def schedule_options(self, samples: Tensors) -> Mapping[str, Any]:
        """Return nothing: Wan's schedule depends on the number of steps and the shift alone."""
        del samples
        return {}

    def predict(self, denoiser: Denoiser, samples: Tensors, conditioning: Tensors, step: Step) -> Tensors:
        """Run the transformer once; the prediction is the flow's velocity."""
        transformer: Any = denoiser.modules["transformer"]
        latents = samples[MAIN]
        # The step caches of diffusers read these to know where in the schedule a forward stands.
        with transformer.cache_context(
            step.branch, step_index=step.index, sigma=step.sigma, num_inference_steps=step.total
        ):
            velocity = transformer(
                hidden_states=latents.to(denoiser.dtype),
                timestep=step.timestep.expand(latents.shape[0]),
                encoder_hidden_states=conditioning["embeds"].to(latents.device, denoiser.dtype),
                return_dict=False,
            )[0]
        return {MAIN: velocity}

    def decode(self, vae: torch.nn.Module, latent: Latent, *, tiled: bool) -> Iterator[Tensor]:
        """Decode the first clip, a latent frame at a time when untiled, as (frames, 3, height, width) in [-1, 1]."""
        z = _denormalize(vae, latent.video[:1])
        blocks = _decode_tiled(vae, z) if tiled else _decode_stream(vae, z)
        for block in blocks:
            yield block[0].permute(1, 0, 2, 3)

    def encode(self, vae: torch.nn.Module, pixels: Tensor, *, tiled: bool) -> Tensors:
        """Encode (1, 3, frames, height, width) pixels in [-1, 1] to the mode of the posterior, normalised."""
        import torch

        wan: Any = copy.copy(vae)  # tiling is an attribute of the module; a copy keeps other users of it out of this
        if tiled:
            wan.enable_tiling()
        frames = pixels.shape[2]
        missing = -(frames - 1) % _ENCODE_CHUNK
        if missing:
            # The encoder drops what does not fill a chunk. It is causal, so repeats at the end change nothing before.
            pixels = torch.cat([pixels, pixels[:, :, -1:].expand(-1, -1, missing, -1, -1)], dim=2)
        z = wan.encode(pixels.to(_device(vae), wan.dtype)).latent_dist.mode()
        z = z[:, :, : (frames - 1) // wan.config.scale_factor_temporal + 1].to(torch.float32)
        mean, inverse_std = _statistics(wan, z)
        return {MAIN: (z - mean) * inverse_std}

    def decode_bytes(self, vae: torch.nn.Module, latent: Latent) -> int:
        """Estimate the working memory of an untiled decode: features at full size, the causal cache among them."""
        wan: Any = vae
        patch = wan.config.patch_size or 1
        channels = wan.config.decoder_base_dim or wan.config.base_dim
        cells = (latent.width // patch) * (latent.height // patch)
        convolutions = 2 * (wan.config.num_res_blocks + 1) + 2  # at full size, in the last block and the head
        return cells * channels * convolutions * _FRAMES_PER_CONVOLUTION * wan.dtype.itemsize


def clean_prompt(text: str) -> str:
    """Clean a prompt as WanPipeline does: mended Unicode (when ftfy is there), HTML entities and white space."""
    import regex
    from diffusers.utils import is_ftfy_available

    if is_ftfy_available():
        text = import_module("ftfy").fix_text(text)
    text = html.unescape(html.unescape(text)).strip()
    return regex.sub(r"\s+", " ", text).strip()


def _refuse_variants(folder: Path) -> None:
    index = read_json(folder / "model_index.json")
    if (index.get("transformer_2") or [None])[0] or index.get("boundary_ratio") or index.get("expand_timesteps"):
        raise WeightsError(
            f"{folder.name} is a Wan 2.2 model, which cannot be run yet.", "Use a Wan 2.1 text-to-video folder."
        )
    transformer = read_json(folder / "transformer" / "config.json")
    if transformer.get("in_channels", 16) != transformer.get("out_channels", 16):
        raise WeightsError(
            f"{folder.name} is an image-to-video model, which cannot be run yet.", "Use a text-to-video folder."
        )


def _load_denoiser(folder: Path, device: str, dtype: torch.dtype) -> Denoiser:
    from diffusers.models import WanTransformer3DModel

    transformer = load_module(WanTransformer3DModel, folder / "transformer", device, dtype)
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    return Denoiser(modules={"transformer": transformer}, scheduler_config=scheduler, dtype=dtype)


def _load_text(folder: Path, device: str, dtype: torch.dtype) -> TextStack:
    from transformers import AutoTokenizer, UMT5EncoderModel

    encoder = load_module(UMT5EncoderModel, folder / "text_encoder", device, dtype)
    tokenizer = AutoTokenizer.from_pretrained(str(folder / "tokenizer"), local_files_only=True)
    return TextStack(tokenizer=tokenizer, modules={"text_encoder": encoder})


def _device(module: torch.nn.Module) -> torch.device:
    return next(module.parameters()).device


def _statistics(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    import torch

    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(like.device, like.dtype)
    inverse_std = 1.0 / torch.tensor(vae.config.latents_std).view(shape).to(like.device, like.dtype)
    return mean, inverse_std


def _denormalize(vae: Any, latents: Tensor) -> Tensor:
    latents = latents.to(_device(vae), vae.dtype)
    mean, inverse_std = _statistics(vae, latents)
    # Divided by the inverse, as the pipeline does it: a product with the deviation differs in the last bit.
    return latents / inverse_std + mean


def _decode_stream(vae: Any, z: Tensor) -> Iterator[Tensor]:
    """AutoencoderKLWan._decode, but giving out each block instead of joining them, and with a cache of its own."""
    import torch
    from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d, unpatchify

    features = [None] * sum(isinstance(module, WanCausalConv3d) for module in vae.decoder.modules())
    z = vae.post_quant_conv(z)
    for index in range(z.shape[2]):
        block = vae.decoder(z[:, :, index : index + 1], feat_cache=features, feat_idx=[0], first_chunk=index == 0)
        if vae.config.patch_size is not None:
            block = unpatchify(block, patch_size=vae.config.patch_size)
        yield torch.clamp(block, min=-1.0, max=1.0)


def _decode_tiled(vae: Any, z: Tensor) -> Iterator[Tensor]:
    """Decode in overlapping spatial tiles, each over the whole time: it frees the full-size features between tiles."""
    wan = copy.copy(vae)
    wan.enable_tiling()
    yield wan.decode(z, return_dict=False)[0]
