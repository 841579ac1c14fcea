"""How HunyuanVideo's image-to-video model reads a prompt: LLaVA, a language model that sees the picture, too.

Order of operations is kept as in diffusers' pipeline wherever it decides the last bit; tests compare the two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from server.diffusion import vocabularies
from server.diffusion.families.base import Tensors, TextStack
from server.diffusion.families.loading import load_module, module_device
from server.diffusion.source import FOLDER, Part, canonical

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_TEMPLATE = (
    "<|start_header_id|>system<|end_header_id|>\n\n<image>\n"
    "Describe the video by detailing the following aspects according to the reference image: "
    "1. The main content and theme of the video."
    "2. The color, shape, size, texture, quantity, text, and spatial relationships of the objects."
    "3. Actions, events, behaviors temporal relationships, physical movement changes of the objects."
    "4. background environment, light, style and atmosphere."
    "5. camera angles, movements, and transitions used in the video:<|eot_id|>\n\n"
    "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
_TEMPLATE_TOKENS = 103  # of Llama 3's tokenizer, before the prompt
_PICTURE_AT, _PICTURE_TOKENS = 5, 576  # where the template shows the picture, and what CLIP makes of it
_HEADER_END, _HEADERS, _HEADER_TOKENS = "<|end_header_id|>", 3, 4
_LAYERS_LEFT_OUT = 2  # of the language model, at its end


def load(part: Part, tokenizer: Any, device: str, dtype: torch.dtype) -> torch.nn.Module:
    """Load LLaVA from its folder, or from the files of its language model and of its image encoder.

    Raises:
        WeightsError: The tensors do not belong together.
    """
    from transformers import LlavaForConditionalGeneration, LlavaModel

    if part.layout == FOLDER:
        return load_module(LlavaForConditionalGeneration, part, device, dtype)
    # Files say nothing of tokens; and what LLaVA would answer, the head of its language model, is never asked.
    told = {
        "image_token_index": tokenizer.convert_tokens_to_ids(vocabularies.PICTURE),
        "pad_token_id": tokenizer.pad_token_id,
    }
    return load_module(LlavaModel, replace(part, config=canonical(part.configuration() | told)), device, dtype)


def encode(stack: TextStack, prompt: str, tokens: int, picture: Tensor, *, every: int) -> Tensors:
    """Encode one prompt with the picture that it is about.

    Args:
        stack: LLaVA as "text_encoder", and its tokenizer and image processor.
        prompt: Any text.
        tokens: That it is padded or cut to.
        picture: (1, 3, height, width) in [0, 1], of any size.
        every: Of the picture's tokens, the denoiser is given one in this many.

    Returns:
        "embeds", (1, picture's tokens + tokens, width), and its "mask".
    """
    import torch

    encoder: Any = stack.modules["text_encoder"]
    device = module_device(encoder)
    inputs = stack.tokenizer(
        [_TEMPLATE.format(prompt)],
        max_length=tokens + _TEMPLATE_TOKENS,
        padding="max_length",
        truncation=True,
        return_tensors="pt",
        return_attention_mask=True,
    )
    ids, mask = inputs.input_ids.to(device), inputs.attention_mask.to(device)
    place = ids.new_full((1, _PICTURE_TOKENS), encoder.config.image_token_index)
    shown = torch.cat([ids[:, :_PICTURE_AT], place, ids[:, _PICTURE_AT + 1 :]], dim=1)
    used = (shown != encoder.config.pad_token_id).to(mask.dtype)
    array = (picture * 255.0).round().byte()[0].permute(1, 2, 0).cpu().numpy()
    unasked = {"logits_to_keep": 1} if hasattr(encoder, "lm_head") else {}
    states = encoder(
        input_ids=shown,
        attention_mask=used,
        position_ids=(used.cumsum(-1) - 1).masked_fill(used == 0, 1),
        pixel_values=stack.processor(images=array, return_tensors="pt").pixel_values.to(device, encoder.dtype),
        output_hidden_states=True,
        **unasked,
    ).hidden_states[-(_LAYERS_LEFT_OUT + 1)]
    begin, end = _answer(stack.tokenizer, ids[0])
    more = _PICTURE_TOKENS - 1  # tokens that the picture has beyond the one that stood for it
    seen = states[:, _PICTURE_AT : _PICTURE_AT + _PICTURE_TOKENS][:, ::every]
    read = [states[:, _TEMPLATE_TOKENS + more : begin + more], states[:, end + more :]]
    padding = [mask[:, _TEMPLATE_TOKENS:begin], mask[:, end:]]
    return {
        "embeds": torch.cat([seen, *read], dim=1),
        "mask": torch.cat([mask.new_ones(1, seen.shape[1]), *padding], dim=1),
    }


def _answer(tokenizer: Any, ids: Tensor) -> tuple[int, int]:
    """Return where the header of LLaVA's answer begins and ends; it is cut off behind a long prompt."""
    ends = (ids == tokenizer.convert_tokens_to_ids(_HEADER_END)).nonzero().flatten().tolist()
    last = ends[-1] if len(ends) >= _HEADERS else len(ids) - 1
    return last + 1 - _HEADER_TOKENS, last + 1
