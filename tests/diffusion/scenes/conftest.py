"""One renderer for all tests of the scenes."""

from __future__ import annotations

import pytest
import torch

from server.diffusion.scenes.render import Renderer

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(size=64, frames=17)
