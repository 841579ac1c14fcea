"""A table of figures: what every benchmark returns, printed as Markdown for docs/benchmarks.md."""

from __future__ import annotations

import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Table:
    """One benchmark's result; `note` says what was compared with what."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def to_markdown(self) -> str:
        """Return the table under its title."""
        lines = [f"## {self.title}", "", self.note, "", _row(self.head), _row(["---"] * len(self.head))]
        return "\n".join([*lines, *map(_row, self.rows), ""])


def spread(values: Sequence[float], unit: str = "", digits: int = 2) -> str:
    """Return `median (min to max)` of several runs."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"


def machine() -> str:
    """Return one line about this machine and the commit that is measured."""
    root = Path(__file__).parent.parent
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    memory = psutil.virtual_memory().total / 1024**3
    cores = psutil.cpu_count()
    return (
        f"Commit {commit.stdout.strip() or 'unknown'}; {platform.system()} {platform.machine()}, {cores} cores, "
        f"{memory:.0f} GiB; Python {platform.python_version()}."
    )


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
