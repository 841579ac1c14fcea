"""What the tests of nodes share: a context over temporary folders, and small clips."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from server.kit import Folders
from tests.nodes.context import FakeContext

torch.set_num_threads(1)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(uploads=tmp_path / "uploads", outputs=tmp_path / "outputs", models=tmp_path / "models")
    for folder in (made.uploads, made.outputs, made.models):
        folder.mkdir()
    return made


@pytest.fixture
def ctx(folders: Folders) -> FakeContext:
    return FakeContext(folders)
