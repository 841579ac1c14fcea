"""From model files to descriptions of their components: recognise, check, digest. Loads no weights.

A model is a folder in the layout of diffusers, which may have a manifest, kinegraph.json, that says what the layout
cannot: name, prompt length, preferred settings. Or it is gathered from single files. Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from server.diffusion import digests, families, files, folders, gather, headers, scaled
from server.diffusion.errors import WeightsError
from server.diffusion.folders import MANIFEST
from server.diffusion.source import FOLDER, TABLE, TOKENIZER, Part, Source
from server.diffusion.types import Capabilities, ImageEncoder, Model, TextEncoder, Vae, Weights

DTYPES = ("auto", "float32", "bfloat16", "float16")

# Tables of words are no linear layers, and are unpacked.
_EMBEDDINGS = ("shared.weight", "embed_tokens.weight", "token_embedding.weight", "token_embd.weight")

W = TypeVar("W", bound=Weights)


class Descriptions(NamedTuple):
    """The components of one model."""

    model: Model
    text_encoder: TextEncoder
    vae: Vae


def describe(folder: Path, *, dtype: str = "auto") -> Descriptions:
    """Describe a model folder's components, once its files have proved to be there, whole and safe.

    Args:
        folder: The folder with model_index.json.
        dtype: Precision to load in: one of `DTYPES`.

    Raises:
        WeightsError: No model, an unknown family, a missing or damaged file, or a pickle.
    """
    return describe_source(folders.read(folder.resolve()), dtype=dtype)


def open_source(
    chosen: Mapping[str, Path], *, roots: Sequence[Path] = (), candidates: gather.Candidates = tuple
) -> Source:
    """Read what a folder in the layout of diffusers holds, or gather a model from single files.

    Args:
        chosen: A folder alone as "model", or files as for `gather.gather`.
        roots: The user's folders of models, for tokenizers.
        candidates: Supplies files of the user's that may be companions.

    Raises:
        WeightsError: As `describe` and `gather.gather`.
    """
    model = chosen["model"].resolve()
    if not model.is_dir():
        return gather.gather(chosen, folders=roots, candidates=candidates)
    others = [choice for choice in chosen if choice != "model"]
    if others:
        raise gather.ChoiceError(others[0], "A model folder has all its parts.", "Leave this empty.")
    return folders.read(model)


def describe_source(source: Source, *, dtype: str = "auto") -> Descriptions:
    """Describe the components of a model whose files are known.

    Raises:
        WeightsError: The precision is unknown, or a configuration makes no sense.
    """
    if dtype not in DTYPES:
        raise WeightsError(f"There is no precision {dtype!r}.", f"Use one of {', '.join(DTYPES)}.")
    if dtype == "auto":
        source = replace(source, parts=tuple(replace(part, keep_packed=True) for part in source.parts))
    capabilities = _capabilities(source)
    return Descriptions(
        model=_component(Model, source, dtype, capabilities),
        text_encoder=_component(TextEncoder, source, dtype, capabilities),
        vae=_component(Vae, source, dtype, capabilities),
    )


def vae_of(model: Model) -> Vae:
    """Describe the autoencoder that belongs to a model, for previews of its latents."""
    return _component(Vae, model.source, model.dtype, model.capabilities)


def image_encoder_of(weights: Weights) -> ImageEncoder | None:
    """Describe the image encoder that belongs to a component; None when its family's variant has none."""
    if not _parts(ImageEncoder, weights.source):
        return None
    return _component(ImageEncoder, weights.source, weights.dtype, weights.capabilities)


def fingerprint(source: Source) -> str:
    """Return a hex digest of everything that a model's descriptions depend on."""
    return digests.digest_texts(source.options, source.manifest, *map(_part_digest, source.parts))


def check_unchanged(weights: Weights) -> None:
    """Refuse a description whose files are no longer those that it was made from.

    Raises:
        WeightsError: They changed or went away.
    """
    parts = _parts(type(weights), weights.source)
    gone = [file for part in parts for file in part.files if not Path(file).exists()]
    if gone or _digest(parts) != weights.digest:
        raise WeightsError(
            f"The files of {weights.name} changed after the workflow began.", "Run the workflow again from its loader."
        )


def loaded_bytes(weights: Weights, itemsize: int) -> int:
    """Return how many bytes loading the component brings into memory, read from the files' headers.

    Args:
        weights: The component.
        itemsize: Bytes of a number in the precision that it is loaded in.
    """
    experts = weights.capabilities.experts
    others = set(experts) - {weights.expert or experts[0]} if isinstance(weights, Model) else set[str]()
    parts = [part for part in _parts(type(weights), weights.source) if part.name not in others]
    return sum(_part_bytes(piece, itemsize) for part in parts for piece in (part, *part.merged))


def _part_bytes(part: Part, itemsize: int) -> int:
    if part.layout == FOLDER:
        place = Path(part.files[0])
        return files.tensor_count(place) * itemsize if (place / "config.json").is_file() else 0
    if part.layout == TABLE or part.layout.startswith(TOKENIZER):
        return 0
    total = 0
    for name, entry in headers.read(Path(part.files[0])).tensors.items():
        if name.startswith(part.prefix) and not scaled.is_marker(name):
            packed = entry.dtype not in headers.PLAIN and part.keep_packed and not name.endswith(_EMBEDDINGS)
            total += entry.nbytes if packed else entry.count * itemsize
    return total


def _parts(kind: type[Weights], source: Source) -> list[Part]:
    named = [part.name for part in source.parts]
    return [source.part(name) for name in families.get(source.family).components(kind, named)]


def _capabilities(source: Source) -> Capabilities:
    try:
        return families.get(source.family).capabilities(source)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise WeightsError(
            f"A configuration or {MANIFEST} of {source.name} holds a value that makes no sense: {error}.",
            "Copy or download the model again, or correct the manifest.",
        ) from error


def _component(kind: type[W], source: Source, dtype: str, capabilities: Capabilities) -> W:
    digest = _digest(_parts(kind, source))
    return kind(source=source, digest=digest, name=source.name, dtype=dtype, capabilities=capabilities)


def _digest(parts: list[Part]) -> str:
    return digests.digest_texts(*map(_part_digest, parts))


def _part_digest(part: Part) -> str:
    contents = digests.digest(tuple(Path(file) for piece in (part, *part.merged) for file in piece.files))
    # A folder's configuration is among its files.
    return digests.digest_texts(
        part.name, part.layout, part.prefix, "" if part.layout == FOLDER else part.config, contents
    )
