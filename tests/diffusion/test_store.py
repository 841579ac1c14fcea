"""Values on disk: what is written comes back, and what is damaged says so."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from server.diffusion import store
from server.diffusion.types import Conditioning, Latent
from server.diffusion.weights import Descriptions


@pytest.fixture
def latent() -> Latent:
    video = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).view(1, 2, 3, 4, 5).transpose(3, 4)
    return Latent(
        family="wan",
        samples={"video": video, "audio": torch.ones(1, 2)},
        noise_level=0.25,
        width=40,
        height=32,
        frames=9,
        fps=Fraction(24000, 1001),
    )


def test_a_latent_comes_back(latent: Latent, tmp_path: Path) -> None:
    store.write_latent(latent, tmp_path)
    back = store.read_latent(tmp_path)
    assert {name: tensor.tolist() for name, tensor in back.samples.items()} == {
        name: tensor.tolist() for name, tensor in latent.samples.items()
    }
    assert (back.family, back.noise_level, back.fps) == ("wan", 0.25, Fraction(24000, 1001))
    assert (back.width, back.height, back.frames) == (40, 32, 9)


def test_a_latent_outlives_its_files(latent: Latent, tmp_path: Path) -> None:
    store.write_latent(latent, tmp_path)
    back = store.read_latent(tmp_path)
    file = tmp_path / "tensors.safetensors"
    file.write_bytes(bytes(file.stat().st_size))
    assert torch.equal(back.video, latent.video)
    back.video.add_(1.0)


def test_conditioning_comes_back_in_its_precision(tmp_path: Path) -> None:
    embeds = torch.randn(1, 3, 4).to(torch.bfloat16)
    value = Conditioning(
        family="wan", text="ein Boot, größer 船", tensors={"embeds": embeds}, empty={"embeds": embeds * 0}
    )
    store.write_conditioning(value, tmp_path)
    back = store.read_conditioning(tmp_path)
    assert (back.family, back.text) == (value.family, value.text)
    assert torch.equal(back.tensors["embeds"], embeds)
    assert back.tensors["embeds"].dtype == torch.bfloat16
    assert torch.equal(back.empty["embeds"], embeds * 0)


def test_descriptions_come_back_equal(tiny: Descriptions, tmp_path: Path) -> None:
    for index, description in enumerate(tiny):
        folder = tmp_path / str(index)
        folder.mkdir()
        store.write_weights(description, folder)
        assert store.read_weights(folder) == description


@pytest.mark.parametrize("file", ["value.json", "tensors.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"\x00" * 40])
def test_a_damaged_value_is_recognised(file: str, content: bytes | None, latent: Latent, tmp_path: Path) -> None:
    store.write_latent(latent, tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(store.StoreError, match="damaged or incomplete"):
        store.read_latent(tmp_path)
    with pytest.raises(store.StoreError):
        store.read_conditioning(tmp_path)
    with pytest.raises(store.StoreError):
        store.read_weights(tmp_path)
