"""The starter's networks, built to sizes: a WanTransformer3DModel, its text encoder, its VAE and its scheduler."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanTransformer3DModel
from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

from .codec import PatchCode
from .text import MAX_SEQUENCE_LENGTH, build_text_encoder, build_tokenizer

SHIFT = 3.0
_PATCH = (1, 2, 2)
_HEAD_WIDTH = 64
_LENGTH = 128


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Widths and depths.

    Attributes:
        heads: Attention heads of the transformer, each 64 wide.
        layers: Blocks of the transformer.
        feed_forward: Width of its feed-forward layers.
        text_width: Width of the text embeddings.
        text_layers: Blocks of the text encoder.
        latent_channels: Channels of a latent.
    """

    heads: int = 4
    layers: int = 6
    feed_forward: int = 768
    text_width: int = 128
    text_layers: int = 2
    latent_channels: int = 32


class FrameSubsetRope(WanRotaryPosEmbed):
    """Rotary positions for chosen frames of a clip: a sparse subset trains the very model that samples all of them.

    Args:
        head_width: Width of one attention head.
        patch: Patch of the transformer in time, height and width.
        length: Largest number of frames, rows or columns.
    """

    def __init__(self, head_width: int, patch: tuple[int, int, int], length: int) -> None:
        super().__init__(head_width, patch, length)
        self.frames: Sequence[int] | None = None

    # The base class is annotated to return one tensor, and returns two.
    def forward(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Gives cosines and sines for the tokens of `frames`, or of consecutive frames where none are set."""
        if self.frames is None:
            return super().forward(hidden_states)  # pyright: ignore[reportReturnType]
        batch, channels, _, height, width = hidden_states.shape
        length = max(self.frames) + 1
        cos, sin = super().forward(hidden_states[:, :, :1].expand(batch, channels, length, height, width))
        chosen = torch.tensor(list(self.frames), device=hidden_states.device)
        return (
            cos.unflatten(1, (length, -1))[:, chosen].flatten(1, 2),
            sin.unflatten(1, (length, -1))[:, chosen].flatten(1, 2),
        )


@dataclass(frozen=True, slots=True)
class Starter:
    """Everything that is trained, and what goes with it; `rope` is the transformer's own, by its full type."""

    transformer: WanTransformer3DModel
    rope: FrameSubsetRope
    text_encoder: UMT5EncoderModel
    tokenizer: PreTrainedTokenizerFast
    code: PatchCode


def build_starter(size: ModelSize, code: PatchCode, *, seed: int = 0) -> Starter:
    """Builds an untrained starter; equal seeds give equal weights."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    transformer = WanTransformer3DModel(
        patch_size=_PATCH,
        num_attention_heads=size.heads,
        attention_head_dim=_HEAD_WIDTH,
        in_channels=size.latent_channels,
        out_channels=size.latent_channels,
        text_dim=size.text_width,
        freq_dim=128,
        ffn_dim=size.feed_forward,
        num_layers=size.layers,
        cross_attn_norm=True,
        rope_max_seq_len=_LENGTH,
    )
    nn.init.zeros_(transformer.proj_out.weight)
    encoder = build_text_encoder(tokenizer, width=size.text_width, layers=size.text_layers)
    rope = FrameSubsetRope(_HEAD_WIDTH, _PATCH, _LENGTH)
    transformer.rope = rope
    return Starter(transformer, rope, encoder, tokenizer, code)


def build_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Builds the scheduler that sampling uses; training draws its noise levels from the same shifted line."""
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=SHIFT)


def tokens_in_frame(latents: Tensor) -> int:
    """Counts the transformer's tokens in one frame of latents, shaped (B, C, T, H, W)."""
    return latents.shape[3] // _PATCH[1] * (latents.shape[4] // _PATCH[2])


def embed_text(starter: Starter, captions: Sequence[str]) -> Tensor:
    """Encodes captions as WanPipeline does: embeddings past the end of a text are zero.

    Returns:
        Embeddings, shaped (len(captions), 32, text width).
    """
    tokens = starter.tokenizer(
        list(captions), padding=True, truncation=True, max_length=MAX_SEQUENCE_LENGTH, return_tensors="pt"
    )
    device = starter.text_encoder.device
    ids, mask = tokens.input_ids.to(device), tokens.attention_mask.to(device)
    hidden = starter.text_encoder(ids, mask).last_hidden_state * mask.unsqueeze(-1)
    return nn.functional.pad(hidden, (0, 0, 0, MAX_SEQUENCE_LENGTH - hidden.shape[1]))
