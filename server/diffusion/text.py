"""Prompts to conditioning. How a family pads and masks is its adapter's business."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from server.diffusion import families, memory
from server.diffusion.errors import SamplingError
from server.diffusion.families.base import Family, Tensors, TextStack
from server.diffusion.memory import Residency
from server.diffusion.types import Conditioning, TextEncoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEEN = "seen"
"""Names the tensor that says that the encoder saw a picture."""

_WORD = re.compile(r"\w+")


@torch.no_grad()
def encode_text(
    encoder: TextEncoder,
    prompt: str,
    image: NDArray[np.float32] | None = None,
    *,
    device: str = "auto",
    residency: Residency | None = None,
) -> Conditioning:
    """Encode a prompt, and the empty prompt beside it, which guidance falls back on.

    Args:
        encoder: The text encoder.
        prompt: Any text; what exceeds the model's prompt length is cut.
        image: What the clip will begin with, (height, width, 3) in 0 to 1 of any size, for an encoder that sees it.
            Without it the prompt stands for what to avoid, and the encoder sees black.
        device: Where to encode; the result is on the CPU in any case.
        residency: Where weights are kept; the process's own unless told otherwise.

    Returns:
        Conditioning with "embeds", (1, tokens, width); without tensors from a model that takes no prompt.

    Raises:
        SamplingError: There is a prompt, and the model takes none; or an image, and the encoder sees none.
    """
    family = families.get(encoder.family)
    tokens = encoder.capabilities.prompt_tokens
    if image is not None and not encoder.capabilities.prompt_image:
        raise SamplingError(f"{encoder.name} reads prompts without a picture.", "Leave the picture unconnected.")
    if not tokens:
        _check_no_prompt(encoder, prompt)
        return Conditioning(family=family.name, text="", tensors={})
    with (residency or memory.shared()).use(encoder, device) as stack:
        tensors = _on_cpu(_encoded(family, stack, prompt, tokens, image))
        empty = family.without_prompt(stack, tensors)
        if empty is None:
            empty = tensors if not prompt and image is None else _on_cpu(family.encode_text(stack, "", tokens))
    return Conditioning(family=family.name, text=prompt, tensors=tensors, empty=empty)


def _encoded(family: Family, stack: TextStack, prompt: str, tokens: int, image: NDArray[np.float32] | None) -> Tensors:
    if image is None:
        return family.encode_text(stack, prompt, tokens)
    picture = torch.from_numpy(image[None]).permute(0, 3, 1, 2)
    # Kept as a mark: conditioning for what to show differs from that for what to avoid in no other way.
    return {**family.encode_text_about(stack, prompt, tokens, picture), SEEN: torch.ones(1)}


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
