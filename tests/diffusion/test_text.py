"""Prompts: cleaning, padding, the empty prompt, unknown words."""

from __future__ import annotations

import pytest
import torch

from server.diffusion.families.wan import clean_prompt
from server.diffusion.memory import Residency
from server.diffusion.text import encode_text, token_count, unknown_words
from server.diffusion.weights import Descriptions


def test_padding_is_zero_and_the_length_is_the_models(tiny: Descriptions, residency: Residency) -> None:
    embeds = encode_text(tiny.text_encoder, "a red boat", device="cpu", residency=residency).tensors["embeds"]
    assert embeds.shape == (1, 16, 16)
    assert embeds[:, :4].abs().sum(-1).min() > 0  # three words and the end
    assert torch.count_nonzero(embeds[:, 4:]) == 0


def test_a_long_prompt_is_cut(tiny: Descriptions, residency: Residency) -> None:
    embeds = encode_text(tiny.text_encoder, "a red boat " * 40, device="cpu", residency=residency).tensors["embeds"]
    assert embeds.shape == (1, 16, 16)
    assert embeds.abs().sum(-1).min() > 0


def test_tokens_are_counted_with_the_end_and_beyond_the_limit(tiny: Descriptions, residency: Residency) -> None:
    assert token_count(tiny.text_encoder, "a red boat", device="cpu", residency=residency) == 4
    assert token_count(tiny.text_encoder, "a red boat " * 40, device="cpu", residency=residency) == 121


def test_the_empty_prompt_rides_along(tiny: Descriptions, residency: Residency) -> None:
    full = encode_text(tiny.text_encoder, "a red boat", device="cpu", residency=residency)
    empty = encode_text(tiny.text_encoder, "", device="cpu", residency=residency)
    assert full.text == "a red boat"
    assert torch.equal(full.empty["embeds"], empty.tensors["embeds"])
    assert torch.equal(empty.empty["embeds"], empty.tensors["embeds"])
    assert full.nbytes == 2 * 16 * 16 * 4


def test_words_that_a_closed_vocabulary_lacks_are_reported_once(tiny: Descriptions, residency: Residency) -> None:
    prompt = "A purple boat drifts, PURPLE as the sea; a zebra's boat"
    assert unknown_words(tiny.text_encoder, prompt, device="cpu", residency=residency) == ("purple", "as", "zebra", "s")
    assert unknown_words(tiny.text_encoder, "a red boat", device="cpu", residency=residency) == ()


@pytest.mark.parametrize(
    "prompt", ["  a  red\n\tboat ", "salt &amp;amp; pepper", "a\u00a0b\u2003c", "1 &lt; 2", "", "a\x1cb"]
)
def test_prompts_are_cleaned_as_by_the_pipeline(prompt: str) -> None:
    from diffusers.pipelines.wan.pipeline_wan import prompt_clean

    assert clean_prompt(prompt) == prompt_clean(prompt)
