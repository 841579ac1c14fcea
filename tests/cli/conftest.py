"""The command line as a user calls it: a process of its own, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 120


@dataclass(frozen=True)
class CommandLine:
    """Calls `kinegraph` with a home folder that only this test uses."""

    home: Path
    cwd: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KINEGRAPH_")}
        return {
            **inherited,
            "KINEGRAPH_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            **self.extra,
        }

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-P", "-m", "server"]

    def __call__(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.cwd,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.cwd,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )


@pytest.fixture
def kinegraph(tmp_path: Path) -> CommandLine:
    (tmp_path / "work").mkdir()
    return CommandLine(tmp_path / "home", tmp_path / "work")


@pytest.fixture
def template() -> Callable[[str], str]:
    return lambda name: str(ROOT / "workflows" / f"{name}.json")
