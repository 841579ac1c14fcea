"""RIFE and Real-ESRGAN with their real weights, on real footage: through the nodes, read back as pixels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from nodes.restore import interpolate_by_model, upscale_by_model
from server.diffusion.enlarging import enlarge, load_enlarger
from server.kit import Folders
from server.media.decode import load_clip
from server.media.interpolate import blend
from server.media.types import Clip
from tests.nodes.context import FakeContext

torch.set_num_threads(1)


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    folders = Folders(uploads=tmp_path / "uploads", outputs=tmp_path / "outputs", models=tmp_path / "models")
    folders.models.mkdir()
    return FakeContext(folders)


def frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / error))


def test_rife_draws_the_middle_frame_of_real_footage_far_better_than_blending(
    real_weights: Callable[[str], Path], footage: Callable[[str], Path], ctx: FakeContext
) -> None:
    shutil.copy(real_weights("rife"), ctx.folders.models / "rife.safetensors")
    clip = load_clip(footage("bikes.mp4"))
    source = frames(clip)[40:47]
    kept = Clip.from_array(source[::2], clip.fps / 2)
    drawn = frames(interpolate_by_model(kept, file=Path("rife.safetensors"), ctx=ctx))
    assert drawn.shape[0] == 2 * len(source[::2])
    np.testing.assert_array_equal(drawn[::2], source[::2])
    middles = range(1, len(source), 2)
    ours = np.mean([psnr(drawn[index], source[index]) for index in middles])
    blended = np.mean([psnr(blend(source[i - 1], source[i + 1], 1, 2), source[i]) for i in middles])
    assert ours > blended + 5


def test_a_rate_a_cut_and_a_still_part_are_respected(real_weights: Callable[[str], Path], ctx: FakeContext) -> None:
    shutil.copy(real_weights("rife"), ctx.folders.models / "rife.safetensors")
    dark, light = np.full((64, 64, 3), 20, np.uint8), np.full((64, 64, 3), 220, np.uint8)
    clip = Clip.from_array(np.stack([dark, dark, light, light]), 8)
    smooth = interpolate_by_model(clip, file=Path("rife.safetensors"), fps=20.0, ctx=ctx)
    assert (smooth.fps, smooth.frame_count) == (20, 10)
    assert set(np.unique(frames(smooth))) == {20, 220}, "nothing between the scenes"


@pytest.mark.parametrize(
    ("name", "size", "least"), [("realesr-animevideov3", 96, 30.0), ("realesrgan-x4plus-anime", 32, 26.0)]
)
def test_real_esrgan_enlarges_real_footage(
    *,
    name: str,
    size: int,
    least: float,
    real_weights: Callable[[str], Path],
    footage: Callable[[str], Path],
    ctx: FakeContext,
) -> None:
    from server.media.resize import resize_clip

    shutil.copy(real_weights(name), ctx.folders.models / "large.safetensors")
    full = frames(load_clip(footage("bikes.mp4")))[50:51, :256, 128 : 128 + 4 * size]
    truth = Clip.from_array(full, 25)
    small = resize_clip(truth, truth.width // 4, truth.height // 4, method="area")
    large = frames(upscale_by_model(small, file=Path("large.safetensors"), ctx=ctx))
    assert large.shape == full.shape
    # Networks that draw new detail stay near the truth; a wrong order of weights or colors would not.
    assert psnr(large, full) > least


def test_tiles_leave_no_seam(real_weights: Callable[[str], Path]) -> None:
    enlarger = load_enlarger(real_weights("realesr-animevideov3"), "cpu")
    noise = torch.rand(1, 3, 100, 132, generator=torch.Generator().manual_seed(0))
    picture = torch.nn.functional.avg_pool2d(noise, 5, 1)
    whole = next(enlarge(enlarger, picture, tile=256))
    tiled = next(enlarge(enlarger, picture, tile=64))
    assert whole.shape == tiled.shape == (3, 384, 512)
    assert (whole - tiled).abs().max() < 2 / 255
