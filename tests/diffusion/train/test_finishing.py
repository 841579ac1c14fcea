"""The finishing networks start as the classical method, learn to beat it, and say by how much."""

from __future__ import annotations

import json
import random
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from server.diffusion.errors import WeightsError
from server.diffusion.interpolator import Interpolator, between, load_interpolator
from server.diffusion.scenes.render import render_blocks
from server.diffusion.scenes.scene import Scene
from server.diffusion.train.__main__ import main
from server.diffusion.train.finishing import FinishingConfig, bicubic_upscaler, train_interpolator, train_upscaler
from server.diffusion.train.footage import cut_pieces, read_footage
from server.diffusion.upscaler import CompactUpscaler, load_upscaler, upscale


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short files, which stand for footage."""
    folder = tmp_path_factory.mktemp("footage")
    for name, scene in (
        ("a.mp4", Scene("bird", "red", "circle", "sea")),
        ("b.mp4", Scene("car", "blue", "roll", "city")),
    ):
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream("libx264", rate=24)
            stream.width = stream.height = 128
            for block in render_blocks(scene, 128, 12):
                for pixels in block:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
    return folder


def config(out: Path, footage: Path, steps: int) -> FinishingConfig:
    return FinishingConfig(out=out, footage=footage, held_out=("b.mp4",), steps=steps)


def test_the_upscaler_starts_as_bicubic_enlargement():
    frames = torch.rand(1, 3, 24, 30, generator=torch.Generator().manual_seed(0))
    channels = [Image.fromarray(channel.numpy()) for channel in frames[0]]
    wanted = np.stack([np.asarray(channel.resize((60, 48), Image.Resampling.BICUBIC)) for channel in channels])
    found = upscale(bicubic_upscaler().eval(), frames)[0].numpy()
    inner = (..., slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(found[inner], wanted.clip(0, 1)[inner], atol=1e-5)


def test_enlarging_in_bands_equals_enlarging_at_once(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(1)
    network = CompactUpscaler(8, 2).eval()
    frames = torch.rand(2, 3, 23, 16)
    whole = upscale(network, frames)
    monkeypatch.setattr("server.diffusion.upscaler._BAND_PIXELS", 5 * 16)
    assert torch.allclose(upscale(network, frames), whole, atol=1e-5)
    assert whole.shape == (2, 3, 46, 32)


def test_the_interpolator_starts_as_a_blend():
    first, second = torch.rand(2, 3, 40, 52, generator=torch.Generator().manual_seed(2))
    drawn = between(Interpolator().eval(), first, second, torch.tensor([0.25, 0.5]))
    assert torch.allclose(drawn[0], 0.75 * first + 0.25 * second, atol=1e-6)
    assert torch.allclose(drawn[1], 0.5 * first + 0.5 * second, atol=1e-6)


def test_its_coarse_motion_is_that_of_the_picture():
    small = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(3))
    texture = torch.nn.functional.interpolate(small, scale_factor=8, mode="bicubic")
    first, second = texture[..., :128, 16:144], texture[..., :128, :128]  # everything moves 16 pixels to the right
    with torch.no_grad():
        motion = Interpolator()._coarse_motion(first, second, torch.full((1, 1, 1, 1), 0.5))
    right, down = motion[0, :, 4:-4, 4:-4].mean((1, 2)).tolist()  # an untrained estimate, drawn towards no motion
    assert 1.2 < right < 2.2
    assert abs(down) < 0.3


def test_footage_is_read_by_name_and_cut_within_its_frames(footage: Path):
    [clip] = read_footage(footage, without=["b.mp4"])
    assert clip.shape == (12, 3, 128, 128)
    assert torch.equal(read_footage(footage, only=["a.mp4"])[0], clip)
    pieces = cut_pieces([clip], 5, frames=3, size=96, rng=random.Random(0))
    assert pieces.shape == (5, 3, 3, 96, 96)
    with pytest.raises(FileNotFoundError, match="put some there"):
        read_footage(footage, only=["c.mp4"])


@pytest.mark.parametrize(("train", "load"), [(train_upscaler, load_upscaler), (train_interpolator, load_interpolator)])
def test_a_run_trains_twenty_steps_and_goes_on(train, load, footage: Path, tmp_path: Path):
    weights = train(config(tmp_path, footage, 20))
    before = {name: value.clone() for name, value in load(weights).named_parameters()}
    assert json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))["step"] == 20
    train(config(tmp_path, footage, 22))
    assert json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))["step"] == 22
    assert any(not torch.equal(value, before[name]) for name, value in load(weights).named_parameters())


def test_a_judgment_is_published_with_the_weights(footage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weights = train_interpolator(config(tmp_path / "run", footage, 1))
    words = [
        "--weights",
        str(weights),
        "--footage",
        str(footage),
        "--held-out",
        "b.mp4",
        "--model",
        str(tmp_path / "m"),
    ]
    assert main(["judge", "interpolator", *words]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"scenes at 64x64", "scenes at 128x128", "b.mp4"}
    assert abs(printed["b.mp4"]["margin"]) < 0.5  # one step from a blend
    assert json.loads((tmp_path / "m" / "kinegraph.json").read_text(encoding="utf-8"))["metrics"] == printed
    assert load_interpolator(tmp_path / "m" / "model.safetensors")


@pytest.mark.parametrize("load", [load_upscaler, load_interpolator])
def test_a_file_of_another_kind_is_refused(load, tmp_path: Path):
    from safetensors.torch import save_file

    save_file({"other.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"other\.safetensors"):
        load(tmp_path / "other.safetensors")
