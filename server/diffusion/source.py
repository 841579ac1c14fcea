"""Where a model's components are: their configurations, and the files of their tensors and vocabularies. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.diffusion.errors import WeightsError

FOLDER = "folder"
"""Layout of a component that has a folder of its own, as diffusers saves it."""
TABLE = "table"
"""Layout of a component that is a configuration alone, from the application's tables."""
TOKENIZER = "tokenizer/"
"""Beginning of the layout of a tokenizer in a file; its kind follows."""


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a model.

    Attributes:
        name: Its name in the pipeline, such as "transformer".
        files: Absolute paths: the component's folder in the layout `FOLDER`, else its files, shards in order.
        config: Its configuration as JSON text; empty when its files say it all.
        layout: How its tensors are named, see `server.diffusion.layouts`; or `FOLDER`, `TABLE`, `TOKENIZER` and a kind.
        prefix: What stands before its tensors' names in a file that holds several components.
        keep_packed: Whether compressed weights of linear layers stay so in memory, and are unpacked as they are used.
        merged: Parts whose tensors belong into the same module: a motion module's into a U-Net.
    """

    name: str
    files: tuple[str, ...]
    config: str = ""
    layout: str = FOLDER
    prefix: str = ""
    keep_packed: bool = False
    merged: tuple[Part, ...] = ()

    def configuration(self) -> dict[str, Any]:
        """Return its configuration."""
        return json.loads(self.config or "{}")

    def file_names(self) -> str:
        """Return the names of its files, for people."""
        return ", ".join(Path(file).name for part in (self, *self.merged) for file in part.files)


@dataclass(frozen=True, slots=True)
class Source:
    """All components of one model, from one folder or gathered from several files.

    Attributes:
        name: Name for people.
        family: Name of the family's adapter.
        parts: The components.
        options: What the pipeline is told beside its components, as JSON text: what model_index.json says.
        manifest: What the files cannot say: preferred settings, prompt length, as JSON text; see `manifest` of
            `server.diffusion.weights`.
    """

    name: str
    family: str
    parts: tuple[Part, ...]
    options: str = "{}"
    manifest: str = "{}"

    def has(self, name: str) -> bool:
        """Return whether there is a component of that name."""
        return any(part.name == name for part in self.parts)

    def part(self, name: str) -> Part:
        """Return a component.

        Raises:
            WeightsError: There is none of that name.
        """
        for part in self.parts:
            if part.name == name:
                return part
        raise WeightsError(f"{self.name} has no {name}.", "Choose its file, or a model folder that is whole.")

    def config(self, name: str) -> dict[str, Any]:
        """Return a component's configuration."""
        return self.part(name).configuration()

    def option(self, name: str) -> Any:
        """Return what the pipeline is told under a name; None when that is nothing."""
        return self.all_options().get(name)

    def all_options(self) -> dict[str, Any]:
        """Return everything that the pipeline is told beside its components."""
        return json.loads(self.options)

    def about(self) -> dict[str, Any]:
        """Return the manifest."""
        return json.loads(self.manifest)


def canonical(value: Any) -> str:
    """Return JSON text that is the same for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
