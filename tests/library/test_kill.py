"""`kill -9` before every single thing that a save does to the disk: the version before or the new one, never half."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.graph import parse
from server.library.workflows import WorkflowLibrary

BEFORE = json.dumps({"kinegraph": 1, "title": "Before", "nodes": {}})
AFTER = json.dumps({"kinegraph": 1, "title": "After", "notes": [{"text": "x" * 50_000}], "nodes": {}})

SAVER = """
import os, signal, sys

from server.graph import parse
from server.library.workflows import WorkflowLibrary

folder, what, document, allowed = sys.argv[1:]
touched = 0

def watch(event, arguments):
    global touched
    if event not in ("open", "os.rename", "os.mkdir", "os.remove") or folder not in str(arguments[0]):
        return
    if touched == int(allowed):
        os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    touched += 1

library = WorkflowLibrary(__import__("pathlib").Path(folder))
parsed = parse(document)
sys.addaudithook(watch)
if what == "create":
    library.create(parsed)
elif what == "save":
    library.save("before", parsed, "*")
else:
    library.delete("before")
"""


def killed(folder: Path, what: str, after: int) -> bool:
    """Do something to the library, and kill the process before the file operation of that number."""
    arguments = [str(folder), what, AFTER, str(after)]
    done = subprocess.run([sys.executable, "-c", SAVER, *arguments], cwd=Path(__file__).parents[2], check=False)
    return done.returncode != 0


@pytest.mark.parametrize("what", ["save", "create", "delete"])
def test_a_kill_between_any_two_steps_leaves_old_or_new_and_the_next_start_goes_on(tmp_path: Path, what: str) -> None:
    outcomes: list[tuple[str, ...]] = []
    for after in range(40):
        folder = tmp_path / f"{what}-{after}"
        WorkflowLibrary(folder).create(parse(BEFORE))
        was_killed = killed(folder, what, after)
        library = WorkflowLibrary(folder)
        library.tidy()
        outcomes.append(tuple(sorted(saved.title for saved in library.list())))
        for saved in library.list():
            for version in library.versions(saved.id):
                text = library.open(saved.id, version.version).document
                assert parse(text) == parse(AFTER if version.title == "After" else BEFORE)
        assert library.create(parse(AFTER)).title == "After"
        assert not list(folder.rglob(".draft-*"))
        if not was_killed:
            break
    else:
        pytest.fail("the operation never came to its end")
    before, end = ("Before",), {"save": ("After",), "create": ("After", "Before"), "delete": ()}[what]
    assert set(outcomes) == {before, end}
    assert outcomes == sorted(outcomes, key=lambda titles: titles == end)
    assert len(outcomes) >= 3, "too few steps were seen for this to be a test"
