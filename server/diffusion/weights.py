"""From a model folder to descriptions of its components: recognise, check, digest. Loads no weights.

A model folder is in the layout of diffusers (model_index.json and a subfolder for each component), and may have a
manifest, kinegraph.json, that says what the layout cannot: name, prompt length, preferred settings. Nothing is ever
fetched.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from server.diffusion import families, files
from server.diffusion.errors import WeightsError
from server.diffusion.families.base import Family
from server.diffusion.types import Capabilities, ImageEncoder, Model, TextEncoder, Vae, Weights

MANIFEST = "kinegraph.json"
DTYPES = ("auto", "float32", "bfloat16", "float16")

_WITHOUT_WEIGHTS = frozenset({"scheduler", "tokenizer", "tokenizer_2", "image_processor", "feature_extractor"})

W = TypeVar("W", bound=Weights)


class Descriptions(NamedTuple):
    """The components of one model folder."""

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
    if dtype not in DTYPES:
        raise WeightsError(f"There is no precision {dtype!r}.", f"Use one of {', '.join(DTYPES)}.")
    folder = folder.resolve()
    family = _family(folder)
    _check(folder, family)
    capabilities = _capabilities(folder, family)
    return Descriptions(
        model=_component(Model, folder, dtype, capabilities),
        text_encoder=_component(TextEncoder, folder, dtype, capabilities),
        vae=_component(Vae, folder, dtype, capabilities),
    )


def vae_of(model: Model) -> Vae:
    """Describe the autoencoder in a model's own folder, for previews of its latents."""
    return _component(Vae, Path(model.folder), model.dtype, model.capabilities)


def image_encoder_of(weights: Weights) -> ImageEncoder | None:
    """Describe the image encoder in a component's own folder; None when its family's variant has none."""
    folder = Path(weights.folder)
    if not families.get(weights.family).components(ImageEncoder, folder):
        return None
    return _component(ImageEncoder, folder, weights.dtype, weights.capabilities)


def fingerprint(folder: Path) -> str:
    """Return a hex digest of everything in the folder that `describe` depends on.

    Raises:
        WeightsError: As `describe`.
    """
    folder = folder.resolve()
    family = _family(folder)
    _check(folder, family)
    parts = [folder / "model_index.json", *_subfolders(folder, family)]
    if (folder / MANIFEST).is_file():
        parts.append(folder / MANIFEST)
    return files.digest(tuple(parts))


def manifest(folder: Path) -> dict[str, Any]:
    """Return the folder's manifest; empty when it has none."""
    path = folder / MANIFEST
    return files.read_json(path) if path.is_file() else {}


def check_unchanged(weights: Weights) -> None:
    """Refuse a description whose files are no longer those that it was made from.

    Raises:
        WeightsError: They changed or went away.
    """
    family = families.get(weights.family)
    folder = Path(weights.folder)
    _check(folder, family)
    if files.digest(tuple(folder / part for part in family.components(type(weights), folder))) != weights.digest:
        raise WeightsError(
            f"The files of {weights.name} changed after the workflow began.", "Run the workflow again from its loader."
        )


def loaded_count(weights: Weights) -> int:
    """Return how many parameters loading the component brings into memory, read from the files' headers."""
    folder = Path(weights.folder)
    experts = weights.capabilities.experts
    others = set(experts) - {weights.expert or experts[0]} if isinstance(weights, Model) else set[str]()
    parts = families.get(weights.family).components(type(weights), folder)
    loaded = (folder / part for part in parts if part not in others)
    return sum(files.tensor_count(part) for part in loaded if (part / "config.json").is_file())


def _family(folder: Path) -> Family:
    if not folder.is_dir():
        raise WeightsError(f"There is no model folder {folder.name}.", "Check the path.")
    if not (folder / "model_index.json").is_file():
        raise WeightsError(
            f"{folder.name} has no model_index.json, so it is no model folder of diffusers.",
            "Choose the folder that holds transformer, vae and text_encoder.",
        )
    return families.for_pipeline(str(files.read_json(folder / "model_index.json").get("_class_name", "")))


def _subfolders(folder: Path, family: Family) -> list[Path]:
    kinds = (Model, TextEncoder, Vae, ImageEncoder)
    return [folder / part for kind in kinds for part in family.components(kind, folder)]


def _check(folder: Path, family: Family) -> None:
    for part in _subfolders(folder, family):
        if not part.is_dir():
            raise WeightsError(f"{folder.name} lacks the folder {part.name}.", "Copy or download it again.")
        if part.name not in _WITHOUT_WEIGHTS:
            files.read_json(part / "config.json")
            files.tensor_files(part)
    network = family.components(Model, folder)[0]
    found = files.read_json(folder / network / "config.json").get("_class_name", family.denoiser)
    if found != family.denoiser:
        raise WeightsError(
            f"{folder.name} is said to be of the {family.name} family, but its {network} is a {found}.",
            "The folder mixes files of different models; copy or download it again.",
        )


def _capabilities(folder: Path, family: Family) -> Capabilities:
    try:
        return family.capabilities(folder, manifest(folder))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise WeightsError(
            f"A configuration or {MANIFEST} in {folder.name} holds a value that makes no sense: {error}.",
            "Copy or download the folder again, or correct the manifest.",
        ) from error


def _component(kind: type[W], folder: Path, dtype: str, capabilities: Capabilities) -> W:
    parts = families.get(capabilities.family).components(kind, folder)
    about = manifest(folder)
    name = str(about.get("title") or about.get("name") or folder.name)
    return kind(
        folder=str(folder),
        digest=files.digest(tuple(folder / part for part in parts)),
        name=name,
        dtype=dtype,
        capabilities=capabilities,
    )
