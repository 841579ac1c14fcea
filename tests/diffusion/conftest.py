"""Tiny models that the tests share, made once a session, and one residency for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from server.diffusion import weights
from server.diffusion.memory import Residency
from server.diffusion.weights import Descriptions
from tests.diffusion.single_files import ALL, write_files
from tests.diffusion.tiny import make_wan

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str], Path]:
    """Return a maker of tiny Wan folders by temporal scale and scheduler, each made once."""
    made: dict[tuple[int, str], Path] = {}

    def get(temporal_scale: int, scheduler: str = "euler") -> Path:
        key = (temporal_scale, scheduler)
        if key not in made:
            folder = tmp_path_factory.mktemp(f"wan-{temporal_scale}-{scheduler}")
            made[key] = make_wan(folder, temporal_scale=temporal_scale, scheduler=scheduler)
        return made[key]

    return get


@pytest.fixture
def tiny(wan_folder: Callable[..., Path]) -> Descriptions:
    """Return the descriptions of a tiny Wan model with temporal scale 4 and the Euler scheduler."""
    return weights.describe(wan_folder(4))


@pytest.fixture(scope="session")
def residency() -> Residency:
    """Return a residency that the tests share, so that each folder loads once."""
    return Residency({"cpu": 2**30})


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Path]]:
    """Return a maker of a family's single files, by choice, each made once."""
    made: dict[str, dict[str, Path]] = {}

    def get(name: str) -> dict[str, Path]:
        if name not in made:
            made[name] = write_files(ALL[name], tmp_path_factory.mktemp("files") / name.replace(" ", "-"))
        return made[name]

    return get


@pytest.fixture(scope="session")
def image_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Path]]:
    """Return a maker of the files of HunyuanVideo's image-to-video models, by kind, each made once."""
    from tests.diffusion import seeing_files

    made: dict[str, dict[str, Path]] = {}

    def get(kind: str) -> dict[str, Path]:
        if kind not in made:
            home = tmp_path_factory.mktemp("seeing") / kind
            made[kind] = seeing_files.write_files(home, kind, seeing_files.parts_of(kind))
        return made[kind]

    return get
