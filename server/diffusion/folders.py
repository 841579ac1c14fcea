"""Model folders in the layout of diffusers: model_index.json and a subfolder for each component. Loads no weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from server.diffusion import families, files, layouts
from server.diffusion.errors import WeightsError
from server.diffusion.families.base import Family
from server.diffusion.source import Part, Source, canonical
from server.diffusion.types import ImageEncoder, Model, TextEncoder, Vae

INDEX, MANIFEST = "model_index.json", "kinegraph.json"

_CONFIGS = {
    "scheduler": "scheduler_config.json",
    "image_processor": "preprocessor_config.json",
    "feature_extractor": "preprocessor_config.json",
}
_MIXED = "The folder mixes files of different models; copy or download it again."
_WITHOUT_CONFIG = frozenset({"tokenizer", "tokenizer_2"})
_KINDS = (Model, TextEncoder, Vae, ImageEncoder)


def read(folder: Path) -> Source:
    """Read what a model folder holds, once its files have proved to be there, whole and safe.

    Raises:
        WeightsError: No model, an unknown family, a missing or damaged file, or a pickle.
    """
    index = _index(folder)
    family = families.for_pipeline(str(index.get("_class_name", "")))
    named = [name for name, entry in index.items() if isinstance(entry, list) and entry and entry[0] is not None]
    wanted = dict.fromkeys(name for kind in _KINDS for name in family.components(kind, named))
    about = manifest(folder)
    source = Source(
        name=str(about.get("title") or about.get("name") or folder.name),
        family=family.name,
        parts=tuple(_part(folder, name) for name in wanted),
        options=canonical({k: v for k, v in index.items() if not k.startswith("_") and not isinstance(v, list)}),
        manifest=canonical(about),
    )
    _check_network(source, family, named)
    return source


def manifest(folder: Path) -> dict[str, Any]:
    """Return the folder's manifest; empty when it has none."""
    path = folder / MANIFEST
    return files.read_json(path) if path.is_file() else {}


def _index(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise WeightsError(f"There is no model folder {folder.name}.", "Check the path.")
    if not (folder / INDEX).is_file():
        raise WeightsError(
            f"{folder.name} has no {INDEX}, so it is no model folder of diffusers.",
            "Choose the folder that holds transformer, vae and text_encoder.",
        )
    return files.read_json(folder / INDEX)


def _part(folder: Path, name: str) -> Part:
    place = folder / name
    if not place.is_dir():
        raise WeightsError(f"{folder.name} lacks the folder {name}.", "Copy or download it again.")
    if name in _WITHOUT_CONFIG:
        return Part(name, (str(place),))
    config = files.read_json(place / _CONFIGS.get(name, "config.json"))
    if name not in _CONFIGS:
        files.tensor_files(place)
    return Part(name, (str(place),), canonical(config))


def _check_network(source: Source, family: Family, named: list[str]) -> None:
    network = family.components(Model, named)[0]
    found = source.config(network).get("_class_name", family.denoiser)
    if found != family.denoiser:
        raise WeightsError(
            f"{source.name} is said to be of the {family.name} family, but its {network} is a {found}.", _MIXED
        )
    for component, kind in ((network, "denoiser"), ("vae", "vae")):
        held = [held.architecture for held in _networks(Path(source.part(component).files[0]))]
        if held and kind not in {architecture.role for architecture in held}:
            raise WeightsError(
                f"{source.name} should have its {component} in the folder {component}, which holds {held[0].title}.",
                _MIXED,
            )


def _networks(place: Path) -> tuple[layouts.Network, ...]:
    """Return the networks that are known, of those that a component's folder may hold."""
    names = {name: entry for file in files.tensor_files(place) for name, entry in files.tensor_header(file).items()}
    return layouts.networks(names)
