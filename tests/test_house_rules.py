"""What no linter checks: sizes of files and functions, a docstring in every module, no bin for leftovers."""

from __future__ import annotations

import ast
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for room in ("server", "nodes", "custom_nodes", "benchmarks") for path in (ROOT / room).rglob("*.py")
)
FILE_LIMIT = 500
FUNCTION_LIMIT = 60
LEFTOVERS = {"utils", "helpers", "common", "manager", "misc", "util", "helper"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the length of a function without its docstring: a well-explained node is no longer than a terse one."""
    first = function.body[0]
    described = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if described else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_says_what_lives_in_it_and_stays_small(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module docstring says what lives here"
    assert lines(path) <= FILE_LIMIT
    assert path.stem not in LEFTOVERS
    for item in ast.walk(tree):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            assert code_lines(item) <= FUNCTION_LIMIT, f"{item.name} is too long"


def test_the_median_file_is_small() -> None:
    assert statistics.median(map(lines, SOURCES)) <= 120


def test_every_room_has_a_readme() -> None:
    rooms = [folder for folder in (ROOT / "server").iterdir() if (folder / "__init__.py").is_file()]
    assert rooms
    assert [folder.name for folder in rooms if not (folder / "README.md").is_file()] == []


def test_weights_in_git_stay_under_forty_megabytes() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z", "*.safetensors"], cwd=ROOT, capture_output=True, check=True)
    names = [name for name in tracked.stdout.decode().split("\0") if name]
    assert sum((ROOT / name).stat().st_size for name in names) <= 40_000_000
