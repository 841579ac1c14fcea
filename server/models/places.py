"""Where models are, and what they are called: one name for a file wherever it lies.

A name is relative to the models folder: `diffusion_models/wan2.1_t2v_1.3B.safetensors`. What is not there is looked for
in the folders of the same category that `extra_model_paths.yaml` names, then, for `huggingface/<owner>/<model>`, in the
Hugging Face cache.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from server.models.errors import ModelError
from server.models.paths_file import PATHS_FILE, read_paths_file

HUGGING_FACE = "huggingface"
SYNONYMS = {"unet": "diffusion_models", "clip": "text_encoders"}
"""Categories' older names; a name with either finds files in folders of both."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with models.

    Attributes:
        category: What its files are named after, as in ComfyUI; empty for the models folder itself.
        folder: Absolute path.
    """

    category: str
    folder: Path


def places(models: Path) -> tuple[Place, ...]:
    """Return the folders that hold models, the models folder first; those that are not there are left out.

    Args:
        models: The models folder; its `extra_model_paths.yaml` names others.

    Raises:
        ModelError: That file cannot be read.
    """
    extra = [Place(_category(category), folder) for category, folder in read_paths_file(models / PATHS_FILE)]
    found = [Place("", models.absolute()), *extra]
    return tuple(place for place in found if place.folder.is_dir())


def roots(models: Path) -> tuple[Path, ...]:
    """Return every folder inside which a model may lie, for tokenizers and for checks of containment."""
    return (*dict.fromkeys(place.folder for place in places(models)), hub_cache())


def hub_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the Hugging Face cache, by the variables that its own tools read."""
    if environment.get("HF_HUB_CACHE"):
        return Path(environment["HF_HUB_CACHE"])
    home = environment.get("HF_HOME")
    base = Path(home) if home else Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / HUGGING_FACE
    return base / "hub"


def resolve(models: Path, name: str) -> Path:
    """Return the path of a model's file or folder.

    Args:
        models: The models folder.
        name: As `Entry.name` has it.

    Raises:
        ModelError: The name leads outside, or there is nothing of that name.
    """
    pure = PurePosixPath(name)
    outside = pure.is_absolute() or PureWindowsPath(name).drive or "\\" in name or ".." in pure.parts
    if outside or not pure.parts:
        raise ModelError(f"{name!r} lies outside the models folder.", "Give a name relative to it.")
    for candidate in _candidates(models, pure):
        if candidate.exists():
            return _contained(models, candidate, name)
    raise ModelError(f"There is no model {name!r}.", f"Put it into {models}, or see `kinegraph models list`.")


def _candidates(models: Path, name: PurePosixPath) -> list[Path]:
    first, rest = name.parts[0], PurePosixPath(*name.parts[1:])
    if first == HUGGING_FACE:
        found = snapshot(name.parts[1:])
        return [] if found is None else [found]
    extra = [place.folder / rest for place in places(models) if place.category and place.category == _category(first)]
    same = [old for old, new in SYNONYMS.items() if new == _category(first)] + [_category(first)]
    return [models / name, *(models / other / rest for other in same), *extra]


def snapshot(parts: tuple[str, ...]) -> Path | None:
    """Return a file or folder of the Hugging Face cache: owner, model, and a path inside of it."""
    if len(parts) < 2:
        return None
    home = hub_cache() / f"models--{parts[0]}--{parts[1]}"
    reference = home / "refs" / "main"
    if not reference.is_file():
        return None
    return home / "snapshots" / reference.read_text(encoding="utf-8").strip() / Path(*parts[2:])


def _contained(models: Path, path: Path, name: str) -> Path:
    real = path.resolve()
    if not any(real.is_relative_to(root.resolve()) for root in roots(models)):
        raise ModelError(
            f"{name!r} leads outside the folders of models through a link.",
            f"Name the folder that it leads to in {PATHS_FILE}.",
        )
    return path


def _category(name: str) -> str:
    return SYNONYMS.get(name, name)
