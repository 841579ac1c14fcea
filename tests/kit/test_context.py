"""Files named in a workflow never lead outside their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.kit import Folders, pointer


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    for name in ("uploads", "outputs", "models"):
        (tmp_path / name).mkdir()
    return Folders(tmp_path / "uploads", tmp_path / "outputs", tmp_path / "models")


def test_a_relative_name_is_found_in_its_folder(folders: Folders) -> None:
    assert folders.resolve("uploads", "a/b.mp4") == (folders.uploads / "a" / "b.mp4").resolve()


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "..", "../uploads_evil/x"])
def test_a_name_that_leads_outside_is_refused(folders: Folders, name: str) -> None:
    with pytest.raises(ValueError, match="outside"):
        folders.resolve("uploads", name)


@pytest.mark.skipif(os.name == "nt", reason="making symbolic links needs a privilege on Windows")
def test_a_symbolic_link_is_followed_before_it_is_judged(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folders.outputs / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="outside"):
        folders.resolve("outputs", "link")


def test_pointers_escape_what_json_pointers_must() -> None:
    assert pointer("nodes", "a/b~c", "inputs", 0) == "/nodes/a~1b~0c/inputs/0"
