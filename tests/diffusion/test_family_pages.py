"""The pages about families: each family has one, every cell of the tables stands on a test, links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.diffusion import families

DOCS = Path(__file__).parent.parent.parent / "docs"
TABLES = DOCS / "families.md"
GUIDE = DOCS / "guide" / "families"
PAGES = {"sd": "stable_diffusion", "sdxl": "stable_diffusion"}
"""Pages that are not called as their family."""

_LINK = re.compile(r"\]\(([^)#]+)[^)]*\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
_REFERENCE = re.compile(r"\]\[([^\]]+)\]")
_NOTES = {"", "the same", "as above"}


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of every row of the tables, without their heads."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield cells


@pytest.mark.parametrize("page", [TABLES, *sorted(GUIDE.glob("*.md"))], ids=lambda page: page.name)
def test_no_link_leads_nowhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [first or second for first, second in _LINK.findall(text)]
    assert [target for target in targets if not (page.parent / target).exists()] == []
    defined = {line.partition("]:")[0].strip("[") for line in text.splitlines() if line.startswith("[")}
    assert set(_REFERENCE.findall(text)) <= defined


def test_every_family_has_a_page_and_a_row_in_both_tables() -> None:
    text = TABLES.read_text(encoding="utf-8")
    made, loaded = (part for part in text.split("## What each family")[1:])
    for name in families.names():
        assert (GUIDE / f"{PAGES.get(name, name)}.md").is_file(), name
        for table in (made, loaded):
            assert any(f"`{name}`" in row[0] for row in rows(table)), name


def test_every_cell_stands_on_a_test() -> None:
    cells = [cell for row in rows(TABLES.read_text(encoding="utf-8")) for cell in row[1:]]
    assert len(cells) > 50
    bare = [cell for cell in cells if not _REFERENCE.search(cell) and cell.split(",")[0] not in _NOTES]
    assert bare == []
