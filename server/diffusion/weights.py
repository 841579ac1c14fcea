"""From model files to descriptions of their components: recognise, check, digest. Loads no weights.

A model is a folder in the layout of diffusers, which may have a manifest, kinegraph.json, that says what the layout
cannot: name, prompt length, preferred settings. Nothing is ever fetched.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeVar

from server.diffusion import families, files, folders
from server.diffusion.errors import WeightsError
from server.diffusion.folders import MANIFEST
from server.diffusion.source import FOLDER, Part, Source
from server.diffusion.types import Capabilities, ImageEncoder, Model, TextEncoder, Vae, Weights

DTYPES = ("auto", "float32", "bfloat16", "float16")

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


def describe_source(source: Source, *, dtype: str = "auto") -> Descriptions:
    """Describe the components of a model whose files are known.

    Raises:
        WeightsError: The precision is unknown, or a configuration makes no sense.
    """
    if dtype not in DTYPES:
        raise WeightsError(f"There is no precision {dtype!r}.", f"Use one of {', '.join(DTYPES)}.")
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
    return files.digest_texts(source.options, source.manifest, *map(_part_digest, source.parts))


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


def loaded_count(weights: Weights) -> int:
    """Return how many parameters loading the component brings into memory, read from the files' headers."""
    experts = weights.capabilities.experts
    others = set(experts) - {weights.expert or experts[0]} if isinstance(weights, Model) else set[str]()
    loaded = (part for part in _parts(type(weights), weights.source) if part.name not in others)
    return sum(files.tensor_count(Path(part.files[0])) for part in loaded if _has_tensors(part))


def _has_tensors(part: Part) -> bool:
    return (Path(part.files[0]) / "config.json").is_file()


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
    return files.digest_texts(*map(_part_digest, parts))


def _part_digest(part: Part) -> str:
    contents = files.digest(tuple(map(Path, part.files)))
    # A folder's configuration is among its files.
    return files.digest_texts(
        part.name, part.layout, part.prefix, "" if part.layout == FOLDER else part.config, contents
    )
