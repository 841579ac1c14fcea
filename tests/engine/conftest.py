"""A cache, an executor and folders for each test of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import toys


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[toys.Bench]:
    toys.calls.clear()
    toys.alive.update(now=0, peak=0)
    made = toys.Bench(tmp_path)
    yield made
    made.cache.close()
