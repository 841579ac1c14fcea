"""Reads a Google-style docstring: the text is a node's help, its `Args` and `Returns` are the sockets' help."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes):\s*$")
ENTRY = re.compile(r"^(?P<indent>\s+)\*{0,2}(?P<name>\w+):\s*(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring in parts: free text, a line for each parameter, a line for each returned value."""

    text: str
    args: Mapping[str, str]
    returns: Mapping[str, str]
    returns_text: str


def read_docstring(owner: object) -> Docstring:
    """Return the docstring of a function or class in parts; empty parts where it has none."""
    sections: dict[str, list[str]] = {"": []}
    current = sections[""]
    for line in (inspect.getdoc(owner) or "").splitlines():
        match = SECTION.match(line)
        if match:
            current = sections.setdefault(match[1], [])
        else:
            current.append(line)
    returns = sections.get("Returns", [])
    return Docstring(
        text="\n".join(sections[""]).strip(),
        args=_entries(sections.get("Args", sections.get("Attributes", []))),
        returns=_entries(returns),
        returns_text=" ".join(line.strip() for line in returns).strip(),
    )


def _entries(lines: list[str]) -> dict[str, str]:
    """Return `name: text` entries; deeper indented lines continue the entry above them."""
    entries: dict[str, str] = {}
    name, margin = "", None
    for line in lines:
        match = ENTRY.match(line)
        if match and (margin is None or len(match["indent"]) <= margin):
            margin = len(match["indent"])
            name = match["name"]
            entries[name] = match["text"].strip()
        elif name and line.strip():
            entries[name] += " " + line.strip()
    return entries
