"""The workflows that are shipped: in the checkout's `workflows` folder, or inside the installed package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from server.graph import to_json
from server.library.errors import UnknownTemplateError
from server.library.workflows import read_document

IS_NAME = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow to start from.

    Attributes:
        name: Of its file.
        title: For people.
        description: What it makes, in a sentence; may be empty.
        nodes: How many it has, subgraphs counted as one.
        document: Its JSON text.
    """

    name: str
    title: str
    description: str
    nodes: int
    document: str


def templates_folder() -> Path:
    """Return the folder of the shipped workflows."""
    server = Path(__file__).resolve().parent.parent
    checkout = server.parent / "workflows"
    return checkout if checkout.is_dir() else server / "workflows"


def list_templates(folder: Path) -> tuple[Template, ...]:
    """Return every template, by title."""
    found = [_read(path) for path in folder.glob("*.json") if IS_NAME.fullmatch(path.stem)]
    return tuple(sorted(found, key=lambda template: template.title))


def open_template(folder: Path, name: str) -> Template:
    """Return a template.

    Raises:
        UnknownTemplateError: There is none of this name.
    """
    path = folder / f"{name}.json"
    if not (IS_NAME.fullmatch(name) and path.is_file()):
        raise UnknownTemplateError(name)
    return _read(path)


def _read(path: Path) -> Template:
    document = path.read_text(encoding="utf-8")
    workflow = read_document(document)
    described = to_json(workflow).get("description")
    description = described if isinstance(described, str) else ""
    return Template(path.stem, workflow.title or path.stem, description, len(workflow.nodes), document)
