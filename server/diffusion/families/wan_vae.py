"""Wan's autoencoder: normalisation, streaming and tiled decoding, encoding of any length."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server.diffusion.families.loading import module_device
from server.diffusion.types import Latent

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_FRAMES_PER_CONVOLUTION = 20  # frames of features alive at the peak; measured on the CPU: 15 to 20
_ENCODE_CHUNK = 4  # AutoencoderKLWan encodes 1 frame, then 4 at a time, whatever its temporal scale


def encode(vae: torch.nn.Module, pixels: Tensor, *, tiled: bool = False) -> Tensor:
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
    z = wan.encode(pixels.to(module_device(vae), wan.dtype)).latent_dist.mode()
    z = z[:, :, : (frames - 1) // wan.config.scale_factor_temporal + 1].to(torch.float32)
    mean, inverse_std = statistics(wan, z)
    return (z - mean) * inverse_std


def decode_bytes(vae: torch.nn.Module, latent: Latent) -> int:
    """Estimate the working memory of an untiled decode: features at full size, the causal cache among them."""
    wan: Any = vae
    patch = wan.config.patch_size or 1
    channels = wan.config.decoder_base_dim or wan.config.base_dim
    cells = (latent.width // patch) * (latent.height // patch)
    convolutions = 2 * (wan.config.num_res_blocks + 1) + 2  # at full size, in the last block and the head
    return cells * channels * convolutions * _FRAMES_PER_CONVOLUTION * wan.dtype.itemsize


def statistics(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the latents' mean and inverse standard deviation, broadcast over them."""
    import torch

    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(like.device, like.dtype)
    inverse_std = 1.0 / torch.tensor(vae.config.latents_std).view(shape).to(like.device, like.dtype)
    return mean, inverse_std


def denormalize(vae: Any, latents: Tensor) -> Tensor:
    """Bring normalised latents to the autoencoder's own range, device and precision."""
    latents = latents.to(module_device(vae), vae.dtype)
    mean, inverse_std = statistics(vae, latents)
    # Divided by the inverse, as the pipeline does it: a product with the deviation differs in the last bit.
    return latents / inverse_std + mean


def decode_stream(vae: Any, z: Tensor) -> Iterator[Tensor]:
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


def decode_tiled(vae: Any, z: Tensor) -> Iterator[Tensor]:
    """Decode in overlapping spatial tiles, each over the whole time: it frees the full-size features between tiles."""
    wan = copy.copy(vae)
    wan.enable_tiling()
    yield wan.decode(z, return_dict=False)[0]
