"""ComfyUI's `extra_model_paths.yaml`: folders of models by category, in one or several installations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from server.models.errors import ModelError

PATHS_FILE = "extra_model_paths.yaml"
_LARGEST = 1_000_000  # bytes; a longer file is no list of folders
_NOT_FOLDERS = frozenset({"base_path", "is_default"})


def read_paths_file(file: Path) -> list[tuple[str, Path]]:
    """Return (category, folder) in the order of the file; nothing when there is no file.

    Raises:
        ModelError: It is no YAML, or not of this form.
    """
    import yaml

    if not file.is_file():
        return []
    try:
        if file.stat().st_size > _LARGEST:
            raise ModelError(f"{file.name} is too long to be a list of folders.", "Shorten it.")
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read: {error}.", "Correct it, or move it away.") from error
    found: list[tuple[str, Path]] = []
    for name, section in _mapping(data, file, "the file").items():
        found += _section(_mapping(section, file, str(name)), file)
    return found


def _section(section: dict[str, Any], file: Path) -> list[tuple[str, Path]]:
    base = _expanded(str(section["base_path"])) if section.get("base_path") else file.parent
    base = base if base.is_absolute() else (file.parent / base)
    found: list[tuple[str, Path]] = []
    for category, folders in section.items():
        if category not in _NOT_FOLDERS and isinstance(folders, str):
            found += [(category, base / _expanded(line)) for line in folders.splitlines() if line.strip()]
    return found


def _expanded(text: str) -> Path:
    return Path(os.path.expandvars(text.strip())).expanduser()


def _mapping(data: object, file: Path, what: str) -> dict[str, Any]:
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ModelError(
            f"In {file.name}, {what} is no list of names and folders.", "Write it as ComfyUI's example has it."
        )
    return {str(name): value for name, value in cast("dict[object, object]", data).items()}
