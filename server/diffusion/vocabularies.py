"""Where the tokenizer of a text encoder in a single file comes from, and how it is made.

It is embedded in the weight file, or lies in a folder `tokenizers/<kind>` beside the user's models, or ships with the
application. Nothing is fetched.
"""

from __future__ import annotations

import gzip
import lzma
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.diffusion import headers, scaled
from server.diffusion.errors import WeightsError
from server.diffusion.source import TOKENIZER, Part

FOLDER_NAME = "tokenizers"
_FILES = ("tokenizer.json", "spiece.model", "tokenizer.model")
_SHIPPED = {
    "umt5": "umt5.spiece.model.xz",
    "t5": "t5.spiece.model",
    "clip": "clip.merges.txt.gz",
    "clip_g": "clip.merges.txt.gz",
}
_PUBLISHED = {
    "llama": "tokenizer.json of Llama 3, for example from hunyuanvideo-community/HunyuanVideo",
}
PICTURE = "<image>"
"""The token that stands for a picture, in the vocabulary of a language model that sees."""

_CLIP_TOKENS, _T5_UNKNOWN = 77, 2
_GGUF_TOKENS = "tokenizer.ggml.tokens"


def locate(name: str, kind: str, encoder: Path, folders: Sequence[Path]) -> Part:
    """Say where a text encoder's tokenizer is.

    Args:
        name: Of the component.
        kind: "umt5", "t5", "clip", "clip_g" or "llama".
        encoder: The text encoder's file.
        folders: The user's folders of models.

    Raises:
        WeightsError: It is nowhere.
    """
    layout = TOKENIZER + kind
    header = headers.read(encoder)
    if scaled.vocabulary(header.tensors) is not None or _GGUF_TOKENS in header.metadata:
        return Part(name, (str(encoder),), layout=layout)
    for place in (*(folder / FOLDER_NAME / kind for folder in folders), encoder.with_suffix("")):
        for file in _FILES:
            if (place / file).is_file():
                return Part(name, (str(place / file),), layout=layout)
    if kind in _SHIPPED:
        return Part(name, (str(Path(__file__).parent / "tokenizers" / _SHIPPED[kind]),), layout=layout)
    place = (folders[0] if folders else encoder.parent) / FOLDER_NAME / kind
    raise WeightsError(
        f"{encoder.name} holds no tokenizer, and none is in {place}.", f"Put there the {_PUBLISHED[kind]}."
    )


def check_sees(part: Part) -> None:
    """Refuse the vocabulary of a language model that has no token for a picture, where one is shown to it.

    Raises:
        WeightsError: It has none.
    """
    file = Path(part.files[0])
    if file.suffix != ".json" or f'"{PICTURE}"' not in file.read_text(encoding="utf-8"):
        raise WeightsError(
            f"The tokenizer in {file} has no token {PICTURE}: it is Llama 3's own.",
            "Put there the tokenizer.json that is published with LLaVA, for example in "
            "hunyuanvideo-community/HunyuanVideo-I2V.",
        )


def load(part: Part) -> Any:
    """Make the tokenizer of a part that `locate` described.

    Raises:
        WeightsError: Its file cannot be read.
    """
    kind, file = part.layout.removeprefix(TOKENIZER), Path(part.files[0])
    try:
        if kind.startswith("clip") and file.suffix == ".gz":
            return _clip(gzip.decompress(file.read_bytes()).decode("utf-8"), kind)
        if file.suffix == ".json":
            return _fast(file, kind)
        if file.suffix.lower() == headers.GGUF:
            return _unigram(headers.read(file).metadata)
        if file.suffix == ".xz":
            return _sentencepiece(lzma.decompress(file.read_bytes()))
        return _sentencepiece(file.read_bytes() if file.suffix == ".model" else _embedded(file))
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise WeightsError(f"The tokenizer in {file.name} cannot be read: {error}.", "Get the file again.") from error


def _embedded(file: Path) -> bytes:
    entries = headers.read(file).tensors
    entry = entries[str(scaled.vocabulary(entries))]
    with Path(entry.file).open("rb") as stream:
        stream.seek(entry.start)
        return stream.read(entry.nbytes)


def _sentencepiece(model: bytes) -> Any:
    from sentencepiece import SentencePieceProcessor
    from transformers import T5Tokenizer

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "spiece.model").write_bytes(model)
        tokenizer: Any = T5Tokenizer.from_pretrained(place, local_files_only=True)
    read = SentencePieceProcessor(model_proto=model)
    if read.unk_id() != _T5_UNKNOWN:
        pieces = [(read.id_to_piece(index), read.get_score(index)) for index in range(len(read))]
        _set_unknown(tokenizer, pieces, read.unk_id())
    return tokenizer


def _set_unknown(tokenizer: Any, pieces: list[tuple[str, float]], unknown: int) -> None:
    """Mend the number of the unknown piece, which transformers takes to be T5's in every model of its kind."""
    from tokenizers.models import Unigram

    tokenizer.backend_tokenizer.model = Unigram(pieces, unk_id=unknown, byte_fallback=False)


def _unigram(metadata: Mapping[str, Any]) -> Any:
    """Make T5's kind of tokenizer of the pieces and scores in a GGUF file's metadata."""
    from transformers import T5Tokenizer

    pieces = list(zip(metadata[_GGUF_TOKENS], metadata["tokenizer.ggml.scores"], strict=True))
    charsmap = metadata.get("tokenizer.ggml.precompiled_charsmap")
    made = T5Tokenizer(vocab=pieces, extra_ids=0, _spm_precompiled_charsmap=bytes(charsmap) if charsmap else None)
    unknown = int(metadata.get("tokenizer.ggml.unknown_token_id", _T5_UNKNOWN))
    if unknown != _T5_UNKNOWN:
        _set_unknown(made, pieces, unknown)
    return made


def _fast(file: Path, kind: str) -> Any:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_file(str(file))
    if kind == "llama":
        padding = next(
            (word for word in ("<pad>", "<|end_of_text|>") if backend.token_to_id(word) is not None), "<pad>"
        )
        tokens = {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>", "pad_token": padding}
    elif kind.startswith("clip"):
        tokens = _clip_tokens(kind)
    else:
        tokens = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, padding_side="right", **tokens)


def _clip(merges: str, kind: str) -> Any:
    """Rebuild CLIP's vocabulary: all bytes, all bytes that end a word, what the merges make, two special tokens."""
    from transformers import CLIPTokenizer

    pairs = [line.split() for line in merges.splitlines()]
    letters = _byte_letters()
    tokens = _clip_tokens(kind)
    words = [*letters, *(f"{letter}</w>" for letter in letters), *(first + second for first, second in pairs)]
    words += [tokens["bos_token"], tokens["eos_token"]]
    return CLIPTokenizer(
        vocab={word: index for index, word in enumerate(words)},
        merges=[(first, second) for first, second in pairs],  # pyright: ignore[reportArgumentType]
        model_max_length=_CLIP_TOKENS,
        **tokens,
    )


def _clip_tokens(kind: str) -> dict[str, str]:
    tokens = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    return tokens | {"pad_token": "!" if kind == "clip_g" else "<|endoftext|>"}


def _byte_letters() -> list[str]:
    """Return a printable letter for each byte, those that are printable themselves first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]
