"""The tokenizer, and the promise that training sees just what WanPipeline will give the transformer."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from transformers import AutoTokenizer

from server.diffusion.scenes.captions import caption_of
from server.diffusion.scenes.scene import draw_scene
from server.diffusion.train.codec import PatchCode
from server.diffusion.train.export import build_pipeline
from server.diffusion.train.model import ModelSize, build_starter, embed_text
from server.diffusion.train.text import MAX_SEQUENCE_LENGTH, build_tokenizer, with_strange_word

TINY = ModelSize(heads=1, layers=1, feed_forward=32, text_width=32, text_layers=1)


def test_known_words_and_punctuation_have_their_own_tokens(tmp_path: Path):
    build_tokenizer().save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokens = tokenizer.tokenize("At sunset, a Blue ball bounces")
    assert tokens == ["at", "sunset", ",", "a", "blue", "ball", "bounces"]


def test_an_unknown_word_becomes_the_unknown_token_and_keeps_its_neighbors():
    assert build_tokenizer().tokenize("a red dragon drifts") == ["a", "red", "<unk>", "drifts"]


def test_an_empty_text_is_one_end_token():
    tokenizer = build_tokenizer()
    assert tokenizer("").input_ids == [tokenizer.eos_token_id]


def test_a_strange_word_is_outside_the_vocabulary():
    caption = with_strange_word("a red ball", random.Random(0))
    assert build_tokenizer().tokenize(caption).count("<unk>") == 1


@torch.no_grad()
def test_embeddings_equal_those_of_the_pipeline(code: PatchCode):
    starter = build_starter(TINY, code)
    prompts = ["a red boat drifts left across the sea", "", "a blue dragon spins at night, the camera pans left"]
    wanted, _ = build_pipeline(starter).encode_prompt(
        prompts, do_classifier_free_guidance=False, max_sequence_length=MAX_SEQUENCE_LENGTH
    )
    embedded = embed_text(starter, prompts)
    assert embedded.shape == (3, MAX_SEQUENCE_LENGTH, 32)
    assert torch.allclose(embedded, wanted, atol=1e-5)
    assert (embedded[1, 1:] == 0).all()


def test_every_caption_fits_the_text_encoder():
    rng, tokenizer = random.Random(2), build_tokenizer()
    captions = [caption_of(draw_scene(rng), rng) for _ in range(4000)]
    assert max(len(ids) for ids in tokenizer(captions).input_ids) <= MAX_SEQUENCE_LENGTH
