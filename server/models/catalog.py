"""What models there are: every weight file and every folder of diffusers in the places, by name. Reads no weights."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server.models.places import HUGGING_FACE, hub_cache, places

Kind = Literal["file", "folder", "pickle"]

_SUFFIXES: dict[str, Kind] = {
    ".safetensors": "file",
    ".gguf": "file",
    ".ckpt": "pickle",
    ".pt": "pickle",
    ".pth": "pickle",
}
_LATER_SHARD = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.safetensors$")
_DEEPEST = 6
COMPANIONS = frozenset({"text_encoders", "vae", "clip_vision", "clip", "image_encoders"})
"""Categories in which a model's companions are looked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model.

    Attributes:
        name: What a workflow calls it.
        path: Where it is.
        kind: A single file, a folder of diffusers, or a pickle, which is not opened.
        size_bytes: Of all its files.
    """

    name: str
    path: Path
    kind: Kind
    size_bytes: int


def entries(models: Path) -> list[Entry]:
    """Return all models, by name; of two of the same name, the one in the models folder.

    Args:
        models: The models folder.

    Raises:
        ModelError: `extra_model_paths.yaml` cannot be read.
    """
    found: dict[str, Entry] = {}
    for place in places(models):
        for entry in _in_folder(place.folder, place.category):
            found.setdefault(entry.name, entry)
    for entry in _in_hub_cache():
        found.setdefault(entry.name, entry)
    return sorted(found.values(), key=lambda entry: entry.name)


def companions(models: Path, beside: Path) -> list[Path]:
    """Return files that may belong to a model: those of companions' categories, and those in the model's own folder."""
    found: dict[Path, None] = {}
    for entry in entries(models):
        category = entry.name.split("/", 1)[0]
        if entry.kind == "file" and (category in COMPANIONS or entry.path.parent == beside.parent):
            found[entry.path] = None
    found.pop(beside, None)
    return list(found)


def _in_folder(folder: Path, category: str) -> Iterator[Entry]:
    for path, kind in _walk(folder, _DEEPEST):
        name = path.relative_to(folder).as_posix()
        yield _entry(f"{category}/{name}" if category else name, path, kind)


def _walk(folder: Path, depth: int) -> Iterator[tuple[Path, Kind]]:
    try:
        listed = sorted(os.scandir(folder), key=lambda item: item.name)
    except OSError:
        return
    for item in listed:
        path = Path(item.path)
        if item.name.startswith("."):
            continue
        if item.is_dir():
            if (path / "model_index.json").is_file():
                yield path, "folder"
            elif depth > 0:
                yield from _walk(path, depth - 1)
        elif (kind := _SUFFIXES.get(path.suffix.lower())) and not _LATER_SHARD.search(item.name):
            yield path, kind


def _in_hub_cache() -> Iterator[Entry]:
    cache = hub_cache()
    for home in sorted(cache.glob("models--*--*")) if cache.is_dir() else []:
        reference = home / "refs" / "main"
        if not reference.is_file():
            continue
        snapshot = home / "snapshots" / reference.read_text(encoding="utf-8").strip()
        owner, _, model = home.name.removeprefix("models--").partition("--")
        name = f"{HUGGING_FACE}/{owner}/{model}"
        if (snapshot / "model_index.json").is_file():
            yield _entry(name, snapshot, "folder")
        else:
            for path, kind in _walk(snapshot, 2):
                yield _entry(f"{name}/{path.relative_to(snapshot).as_posix()}", path, kind)


def _entry(name: str, path: Path, kind: Kind) -> Entry:
    files = [file for file in path.rglob("*") if file.is_file()] if kind == "folder" else _shards(path)
    return Entry(name, path, kind, sum(file.stat().st_size for file in files))


def _shards(path: Path) -> list[Path]:
    if _FIRST_SHARD not in path.name:
        return [path]
    return sorted(path.parent.glob(path.name.replace(_FIRST_SHARD, "-?????-of-")))


_FIRST_SHARD = "-00001-of-"
