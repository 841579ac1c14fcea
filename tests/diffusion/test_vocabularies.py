"""Tokenizers that ship give the token numbers of the published ones; a user's own go first; a missing one is named."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from server.diffusion import vocabularies
from server.diffusion.errors import WeightsError
from tests.diffusion.single_files import spiece, write_tokenizers

# What the tokenizers published with Wan 2.1 and FLUX.1 make of these texts.
TEXTS = ("A red boat drifts left across the sea.", "Ein großes Boot \u2013 船, émoji 🚤!")
PUBLISHED = {
    "umt5": (
        [320, 4062, 53249, 74586, 9394, 14104, 312, 7139, 274, 1],
        [2216, 97302, 20067, 323, 273, 11451, 275, 670, 82373, 273, 3, 332],
    ),
    "t5": (
        [71, 1131, 3432, 16901, 7, 646, 640, 8, 2805, 5, 1],
        [890, 4859, 7, 10722, 3, 104, 3, 2, 6, 3, 154, 51],
    ),
    "clip": (
        [49406, 320, 736, 4440, 1203, 3767, 1823, 2500, 518, 2102, 269, 49407],
        [49406, 24524, 1464, 127, 253, 542, 8087, 1224, 164, 230, 373, 267],
    ),
}


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """Return a weight file that holds no tokenizer."""
    save_file({"a": torch.zeros(1)}, tmp_path / "encoder.safetensors")
    return tmp_path / "encoder.safetensors"


def shipped(kind: str, encoder: Path) -> Any:
    return vocabularies.load(vocabularies.locate("tokenizer", kind, encoder, []))


@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_shipped_tokenizer_gives_the_published_numbers(kind: str, encoder: Path) -> None:
    tokenizer = shipped(kind, encoder)
    for text, expected in zip(TEXTS, PUBLISHED[kind], strict=True):
        assert tokenizer(text).input_ids[: len(expected)] == expected


def test_the_two_clips_pad_differently(encoder: Path) -> None:
    padded = {"padding": "max_length", "max_length": 6}
    assert shipped("clip", encoder)("a cat", **padded).input_ids == [49406, 320, 2368, 49407, 49407, 49407]
    assert shipped("clip_g", encoder)("a cat", **padded).input_ids == [49406, 320, 2368, 49407, 0, 0]


def test_a_users_own_tokenizer_goes_first_and_the_files_own_before_it(encoder: Path, tmp_path: Path) -> None:
    write_tokenizers(tmp_path)
    own = vocabularies.locate("tokenizer", "t5", encoder, [tmp_path])
    assert Path(own.files[0]) == tmp_path / "tokenizers" / "t5" / "spiece.model"
    embedded = torch.frombuffer(bytearray(spiece()), dtype=torch.uint8)
    save_file({"a": torch.zeros(1), "spiece_model": embedded}, encoder)
    part = vocabularies.locate("tokenizer", "t5", encoder, [tmp_path])
    assert part.files == (str(encoder),)
    assert vocabularies.load(part)("a red boat").input_ids == vocabularies.load(own)("a red boat").input_ids


def test_a_tokenizer_that_is_nowhere_says_what_to_put_where(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds no tokenizer, and none is in .*llama") as caught:
        vocabularies.locate("tokenizer", "llama", encoder, [tmp_path])
    assert "tokenizer.json of Llama 3" in caught.value.hint


def test_a_tokenizer_that_cannot_be_read_says_so(encoder: Path, tmp_path: Path) -> None:
    place = tmp_path / "tokenizers" / "llama"
    place.mkdir(parents=True)
    (place / "tokenizer.json").write_text("{}")
    part = vocabularies.locate("tokenizer", "llama", encoder, [tmp_path])
    with pytest.raises(WeightsError, match=r"tokenizer\.json cannot be read"):
        vocabularies.load(part)


def test_the_unknown_piece_keeps_its_number(tmp_path: Path) -> None:
    """UMT5's has another number than T5's, which transformers takes for granted."""
    import sentencepiece

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a red boat drifts", "a blue cat runs"] * 50),
        model_writer=made,
        vocab_size=30,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        minloglevel=2,
    )
    tensor = torch.frombuffer(bytearray(made.getvalue()), dtype=torch.uint8)
    save_file({"spiece_model": tensor}, tmp_path / "encoder.safetensors")
    tokenizer = shipped("umt5", tmp_path / "encoder.safetensors")
    assert 3 in tokenizer("zzz").input_ids
    assert 2 not in tokenizer("zzz").input_ids
