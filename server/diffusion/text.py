"""Prompts to conditioning. How a family pads and masks is its adapter's business."""

from __future__ import annotations

import re

import torch

from server.diffusion import families, memory
from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Tensors
from server.diffusion.memory import Residency
from server.diffusion.types import Conditioning, TextEncoder

_WORD = re.compile(r"\w+")


@torch.no_grad()
def encode_text(
    encoder: TextEncoder, prompt: str, *, device: str = "auto", residency: Residency | None = None
) -> Conditioning:
    """Encode a prompt, and the empty prompt beside it, which guidance falls back on.

    Args:
        encoder: The text encoder.
        prompt: Any text; what exceeds the model's prompt length is cut.
        device: Where to encode; the result is on the CPU in any case.
        residency: Where weights are kept; the process's own unless told otherwise.

    Returns:
        Conditioning with "embeds", (1, tokens, width); without tensors from a model that takes no prompt.

    Raises:
        SamplingError: There is a prompt, and the model takes none.
    """
    family = families.get(encoder.family)
    tokens = encoder.capabilities.prompt_tokens
    if not tokens:
        _check_no_prompt(encoder, prompt)
        return Conditioning(family=family.name, text="", tensors={})
    with (residency or memory.shared()).use(encoder, device) as stack:
        tensors = _on_cpu(family.encode_text(stack, prompt, tokens))
        empty = family.without_prompt(stack, tensors)
        if empty is None:
            empty = tensors if not prompt else _on_cpu(family.encode_text(stack, "", tokens))
    return Conditioning(family=family.name, text=prompt, tensors=tensors, empty=empty)


def unknown_words(
    encoder: TextEncoder, prompt: str, *, device: str = "auto", residency: Residency | None = None
) -> tuple[str, ...]:
    """Return the prompt's words that the tokenizer has no token for, in lower case, once each, in order.

    Only a closed vocabulary has such words; tokenizers that fall back on pieces or bytes know every word.
    """
    if not encoder.capabilities.prompt_tokens:
        return ()
    words = dict.fromkeys(match.group().lower() for match in _WORD.finditer(prompt))
    with (residency or memory.shared()).use(encoder, device) as stack:
        tokenizer = stack.tokenizer
        return tuple(
            word for word in words if tokenizer.unk_token_id in tokenizer(word, add_special_tokens=False).input_ids
        )


def token_count(encoder: TextEncoder, prompt: str, *, device: str = "auto", residency: Residency | None = None) -> int:
    """Return how many tokens a prompt has, its end included; those beyond `capabilities.prompt_tokens` are cut off."""
    if not encoder.capabilities.prompt_tokens:
        return 0
    with (residency or memory.shared()).use(encoder, device) as stack:
        return len(stack.tokenizer(prompt, verbose=False).input_ids)


def _check_no_prompt(encoder: TextEncoder, prompt: str) -> None:
    if prompt.strip():
        raise SamplingError(f"{encoder.name} takes no prompt.", "Leave the prompt empty.")


def _on_cpu(tensors: Tensors) -> Tensors:
    return {name: tensor.cpu() for name, tensor in tensors.items()}
