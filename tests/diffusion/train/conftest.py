"""One renderer and one patch code for all tests of the trainer: fitting takes a second, and neither ever changes."""

from __future__ import annotations

import pytest
import torch

from server.diffusion.scenes.render import Renderer
from server.diffusion.train.codec import PatchCode, fit_patch_code

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(size=64, frames=17)


@pytest.fixture(scope="session")
def code(renderer: Renderer) -> PatchCode:
    return fit_patch_code(renderer, clips=96)
