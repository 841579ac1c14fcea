"""The starter text encoder: a word-level tokenizer over the captions' vocabulary, and a small UMT5 encoder.

An unknown word becomes `<unk>`, which training also meets, so a sentence with a strange word still works.
"""

import random

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from server.diffusion.scenes.captions import caption_words

MAX_SEQUENCE_LENGTH = 32
_SPECIAL = ["<pad>", "</s>", "<unk>"]
_PAD, _END = 0, 1
_PUNCTUATION = [",", "."]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Builds the tokenizer: lower case, one token a word, `</s>` at the end, padding on the right."""
    vocabulary = {word: index for index, word in enumerate(_SPECIAL + _PUNCTUATION + caption_words())}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", _END)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=MAX_SEQUENCE_LENGTH,
        padding_side="right",
        truncation_side="right",
        model_input_names=["input_ids", "attention_mask"],
    )


def build_text_encoder(tokenizer: PreTrainedTokenizerFast, *, width: int = 128, layers: int = 2) -> UMT5EncoderModel:
    """Builds an untrained encoder.

    Args:
        tokenizer: Gives the vocabulary's size.
        width: Width of the embeddings that the transformer reads.
        layers: Number of blocks.
    """
    return UMT5EncoderModel(
        UMT5Config(
            vocab_size=len(tokenizer),
            d_model=width,
            d_kv=32,
            d_ff=2 * width,
            num_heads=width // 32,
            num_layers=layers,
            relative_attention_num_buckets=16,
            relative_attention_max_distance=32,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            pad_token_id=_PAD,
            eos_token_id=_END,
            decoder_start_token_id=_PAD,
        )
    )


def with_strange_word(caption: str, rng: random.Random) -> str:
    """Puts one word that is outside the vocabulary at a random place."""
    words = caption.split(" ")
    words.insert(rng.randrange(len(words) + 1), "qwx")
    return " ".join(words)
