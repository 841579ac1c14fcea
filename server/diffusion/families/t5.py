"""T5 as a text encoder, as several families use it: prompts padded to a length, mostly without a mask within T5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.diffusion.families.base import TextStack
from server.diffusion.families.loading import load_module, load_tokenizer, module_device
from server.diffusion.source import Source

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def load(source: Source, device: str, dtype: torch.dtype, *, masked: bool = False) -> TextStack:
    """Load the text encoder and the tokenizer of a model; `masked` if T5 itself is told what is padding."""
    from transformers import T5EncoderModel

    encoder = load_module(T5EncoderModel, source.part("text_encoder"), device, dtype)
    tokenizer = load_tokenizer(source.part("tokenizer"))
    return TextStack(tokenizer=tokenizer, modules={"text_encoder": encoder}, options={"masked": masked})


def encode(stack: TextStack, prompt: str, tokens: int) -> tuple[Tensor, Tensor]:
    """Encode one prompt; returns (1, tokens, width) embeddings and a (1, tokens) mask of what is no padding."""
    encoder = stack.modules["text_encoder"]
    inputs = stack.tokenizer(
        [prompt],
        padding="max_length",
        max_length=tokens,
        truncation=True,
        add_special_tokens=True,
        return_tensors="pt",
    )
    device = module_device(encoder)
    mask = inputs.attention_mask.bool().to(device)
    told = {"attention_mask": mask} if stack.options["masked"] else {}
    return encoder(inputs.input_ids.to(device), **told)[0], mask
