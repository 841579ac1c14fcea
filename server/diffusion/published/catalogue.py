"""Which published weights are known. Loads no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.diffusion.errors import WeightsError

_FILE = Path(__file__).parent / "catalogue.json"


@dataclass(frozen=True, slots=True)
class Published:
    """Weights inside a package of the Python package index.

    Attributes:
        name: What users call them.
        title: What they are.
        use: Which node takes them.
        package: The package and its exact version, as pip takes it.
        licence: Of the package.
        format: How they are stored there: "torch" (a pickle, which is opened in a sandbox) or "ncnn".
        network: Which network they are of: "rife", "compact" or "esrgan".
        members: Files inside the package, and the SHA-256 of each.
    """

    name: str
    title: str
    use: str
    package: str
    licence: str
    format: str
    network: str
    members: Mapping[str, str]

    @property
    def filename(self) -> str:
        """Name of the file that they become, in the models folder."""
        return f"{self.name}.safetensors"


def catalogue() -> dict[str, Published]:
    """Return all that is known, by name."""
    entries = json.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Published(name=name, **entry) for name, entry in entries.items()}


def published(name: str) -> Published:
    """Return one of them.

    Raises:
        WeightsError: There is none of that name.
    """
    known = catalogue()
    if name not in known:
        raise WeightsError(f"There are no weights {name!r}.", f"There are {', '.join(known)}.")
    return known[name]
