"""The starter VAE: a stock AutoencoderKLWan whose weights are set, not trained, to the best linear code of 8x8 patches.

The leading principal directions of the renderer's patches pass through the network exactly. The first convolution holds
each direction with both signs, since SiLU(a) - SiLU(-a) = a. One more channel carries a large constant that pins the
RMS norm's denominator, and the norm's gain undoes it. Every residual and attention branch ends in zeros.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import WanRMS_norm
from torch import Tensor, nn

from server.diffusion.scenes.render import Renderer
from server.diffusion.scenes.scene import draw_scene

PATCH = 8
_ANCHOR = 1024.0
_LOG_VARIANCE = -6.0


@dataclass(frozen=True, slots=True)
class PatchCode:
    """A linear code of 8x8 patches.

    Attributes:
        center: Mean patch, shaped (192,).
        directions: Orthonormal rows, strongest first, shaped (channels, 192).
        spread: Standard deviation along each direction, shaped (channels,).
    """

    center: Tensor
    directions: Tensor
    spread: Tensor

    @property
    def scale(self) -> Tensor:
        """What one unit of a latent means: the square root of the spread, so that coarse channels keep more weight."""
        return self.spread.sqrt()

    def encode(self, clips: Tensor) -> Tensor:
        """Codes clips in [-1, 1], shaped (B, 3, T, H, W), as scaled latents (B, channels, T, H / 8, W / 8).

        Equals `(vae.encode(clips).mode() - latents_mean) / latents_std`, at the cost of one matrix product.
        """
        patches = _patches(clips) - self.center.to(clips)
        code = patches @ (self.directions / self.scale[:, None]).to(clips).T
        return code.permute(0, 4, 1, 2, 3).contiguous()


def _patches(clips: Tensor) -> Tensor:
    """Cuts (B, 3, T, H, W) into (B, T, H / 8, W / 8, 192), ordered as AutoencoderKLWan's patchify orders channels."""
    cut = clips.unflatten(4, (-1, PATCH)).unflatten(3, (-1, PATCH))
    return cut.permute(0, 2, 3, 5, 1, 6, 4).flatten(4)


def fit_patch_code(renderer: Renderer, *, channels: int = 32, clips: int = 384, seed: int = 0) -> PatchCode:
    """Finds the principal directions of rendered patches.

    Args:
        renderer: Makes the clips.
        channels: Directions to keep, at most 192.
        clips: Number of scenes; three frames of each are used.
        seed: Chooses the scenes.
    """
    rng = random.Random(seed)
    frames = [0, renderer.frames // 2, renderer.frames - 1]
    parts = [
        _patches(renderer([draw_scene(rng) for _ in range(32)], frames)).flatten(0, 3)
        for _ in range(max(clips // 32, 1))
    ]
    patches = torch.cat(parts).double()
    center = patches.mean(0)
    covariance = (patches - center).T @ (patches - center) / len(patches)
    values, vectors = torch.linalg.eigh(covariance)
    order = values.argsort(descending=True)[:channels]
    spread = values[order].clamp(min=1e-8).sqrt()
    return PatchCode(center.float(), vectors[:, order].T.float().contiguous(), spread.float())


def build_vae(code: PatchCode) -> AutoencoderKLWan:
    """Constructs the autoencoder that computes `code` exactly, up to float rounding."""
    channels = len(code.spread)
    width = 2 * channels + 1
    vae = AutoencoderKLWan(
        base_dim=width,
        decoder_base_dim=width,
        z_dim=channels,
        dim_mult=[1],
        num_res_blocks=0,
        temperal_downsample=[],
        latents_mean=[0.0] * channels,
        latents_std=code.scale.tolist(),
        in_channels=3 * PATCH * PATCH,
        out_channels=3 * PATCH * PATCH,
        patch_size=PATCH,
        scale_factor_temporal=1,
        scale_factor_spatial=PATCH,
    )
    with torch.no_grad():
        for block in (vae.encoder, vae.decoder):
            _silence_branches(block)
        _set_encoder(vae, code)
        _set_decoder(vae, code)
    return vae.eval().requires_grad_(False)


def _silence_branches(stack: nn.Module) -> None:
    for name, parameter in stack.named_parameters():
        if name.endswith(
            (
                "conv1.weight",
                "conv2.weight",
                "conv1.bias",
                "conv2.bias",
                "proj.weight",
                "proj.bias",
                "to_qkv.weight",
                "to_qkv.bias",
            )
        ):
            parameter.zero_()


def _centered(conv: nn.Conv3d, matrix: Tensor, bias: Tensor) -> None:
    """Makes a 3D convolution apply `matrix` to the current frame's own pixel only."""
    conv.weight.zero_()
    time, rows, columns = conv.kernel_size
    conv.weight[:, :, time - 1, rows // 2, columns // 2] = matrix
    conv.bias = nn.Parameter(bias.clone())


def _signed(directions: Tensor) -> Tensor:
    return torch.cat([directions, -directions, torch.zeros_like(directions[:1])])


def _pin(norm: WanRMS_norm, width: int) -> None:
    norm.gamma.fill_(_ANCHOR / width**0.5)
    norm.gamma[-1] = 0.0


def _set_encoder(vae: AutoencoderKLWan, code: PatchCode) -> None:
    channels = len(code.spread)
    width = 2 * channels + 1
    matrix = _signed(code.directions)
    bias = -matrix @ code.center
    bias[-1] = _ANCHOR
    _centered(vae.encoder.conv_in, matrix, bias)
    _pin(vae.encoder.norm_out, width)
    readout = torch.zeros(2 * channels, width)
    readout[:channels] = _signed(torch.eye(channels)).T
    _centered(vae.encoder.conv_out, readout, torch.cat([torch.zeros(channels), torch.full((channels,), _LOG_VARIANCE)]))
    _centered(vae.quant_conv, torch.eye(2 * channels), torch.zeros(2 * channels))


def _set_decoder(vae: AutoencoderKLWan, code: PatchCode) -> None:
    channels = len(code.spread)
    width = 2 * channels + 1
    bias = torch.zeros(width)
    bias[-1] = _ANCHOR
    _centered(vae.post_quant_conv, torch.eye(channels), torch.zeros(channels))
    _centered(vae.decoder.conv_in, _signed(torch.eye(channels)), bias)
    _pin(vae.decoder.norm_out, width)
    _centered(vae.decoder.conv_out, _signed(code.directions).T.contiguous(), code.center)


def code_of_vae(weights: dict[str, Tensor], scale: Sequence[float]) -> PatchCode:
    """Reads a code back from the weights of a VAE that `build_vae` made.

    Args:
        weights: The VAE's tensors by name.
        scale: Its `latents_std`.
    """
    channels = len(scale)
    conv = weights["encoder.conv_in.weight"].float()
    rows, columns = conv.shape[-2] // 2, conv.shape[-1] // 2
    directions = conv[:channels, :, -1, rows, columns].contiguous()
    return PatchCode(weights["decoder.conv_out.bias"].float(), directions, torch.tensor(scale).square())
