"""The networks without published weights: layouts, sizes, conversion in the sandbox, and files that are refused."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from server.cli import main
from server.diffusion import esrgan, rife
from server.diffusion.enlarging import enlarge, load_enlarger
from server.diffusion.errors import WeightsError
from server.diffusion.published.catalogue import catalogue
from server.diffusion.published.convert import unpickle
from server.diffusion.upscaler import CompactUpscaler


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("scale", [4, 2, 1])
def test_an_esrgan_of_any_scale_is_recognised_by_its_tensors(scale: int, tmp_path: Path) -> None:
    network = esrgan.Esrgan(8, 4, 2, scale).eval()
    save_file(network.state_dict(), tmp_path / "net.safetensors")
    found = load_enlarger(tmp_path / "net.safetensors", "cpu")
    picture = torch.rand(1, 3, 13, 18)
    large = next(enlarge(found, picture))
    assert large.shape == (3, 13 * scale, 18 * scale)
    if scale == 4:
        with torch.no_grad():
            torch.testing.assert_close(large, network(picture)[0].clamp(0, 1))


def test_the_names_of_the_first_esrgan_are_understood(tmp_path: Path) -> None:
    network = esrgan.Esrgan(8, 4, 2)
    save_file({old_name(name): tensor for name, tensor in network.state_dict().items()}, tmp_path / "old.safetensors")
    found = load_enlarger(tmp_path / "old.safetensors", "cpu").network.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in network.state_dict().items())


def old_name(name: str) -> str:
    """Return a tensor's name in the layout of the first ESRGAN."""
    outer = {"conv_first": 0, "conv_up1": 3, "conv_up2": 6, "conv_hr": 8, "conv_last": 10}
    head, _, tail = name.partition(".")
    if head in outer:
        return f"model.{outer[head]}.{tail}"
    if head == "conv_body":
        return f"model.1.sub.2.{tail}"
    _, block, dense, conv, kind = name.split(".")
    return f"model.1.sub.{block}.RDB{dense[-1]}.{conv}.0.{kind}"


def test_a_compact_network_is_recognised(tmp_path: Path) -> None:
    save_file(CompactUpscaler(8, 2, 2).state_dict(), tmp_path / "small.safetensors")
    assert load_enlarger(tmp_path / "small.safetensors", "cpu").scale == 2


def test_a_network_of_another_kind_is_refused_with_a_way_out(tmp_path: Path) -> None:
    save_file({"layers.0.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="spandrel"):
        load_enlarger(tmp_path / "other.safetensors", "cpu")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_enlarger(tmp_path / "cut.safetensors", "cpu")
    (tmp_path / "old.pth").write_bytes(b"")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_enlarger(tmp_path / "old.pth", "cpu")


def test_rife_reads_published_names_and_any_size(tmp_path: Path) -> None:
    network = rife.Rife((16, 16, 8, 8)).eval()
    state = network.state_dict()
    given = {f"module.block{name.removeprefix('blocks.')}": tensor for name, tensor in state.items()}
    save_file(given | {"module.unet.conv.weight": torch.zeros(1)}, tmp_path / "rife.safetensors")
    found = rife.load_rife(tmp_path / "rife.safetensors")
    drawn = rife.between(found, torch.rand(3, 45, 70), torch.rand(3, 45, 70), 0.5)
    assert drawn.shape == (3, 45, 70)
    save_file({"blocks.0.lastconv.weight": torch.zeros(16, 5, 4, 4)}, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match="no RIFE 4 network"):
        rife.load_rife(tmp_path / "part.safetensors")


def test_a_pickle_of_tensors_is_converted_in_a_process_of_its_own(tmp_path: Path) -> None:
    tensors = {"a.weight": torch.rand(3, 4), "b.bias": torch.rand(2)}
    torch.save({"params_ema": tensors, "iteration": 7}, tmp_path / "net.pth")
    unpickle(tmp_path / "net.pth", tmp_path / "net.safetensors")
    found = load_file(tmp_path / "net.safetensors")
    assert set(found) == set(tensors)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


class Calls:
    """What a hostile pickle wants to run."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("how", ["program", "network"])
def test_a_pickle_that_would_run_something_runs_nothing(how: str, tmp_path: Path) -> None:
    mark = tmp_path / "was_here"
    call = (os.system, f"echo > {mark}") if how == "program" else (socket.create_connection, ("127.0.0.1", 9))
    torch.save({"a": torch.zeros(1), "b": Calls(*call)}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="may hold more than tensors"):
        unpickle(tmp_path / "evil.pth", tmp_path / "evil.safetensors")
    assert not mark.exists()
    assert not (tmp_path / "evil.safetensors").exists()


def test_the_command_lists_converts_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KINEGRAPH_HOME", str(tmp_path))
    assert main(["weights", "list"]) == 0
    assert set(catalogue()) <= set(capsys.readouterr().out.split())
    torch.save({"a": torch.zeros(1)}, tmp_path / "net.pth")
    assert main(["weights", "convert", str(tmp_path / "net.pth")]) == 0
    assert (tmp_path / "models" / "net.safetensors").is_file()
    capsys.readouterr()
    for arguments in (
        ["get"],
        ["get", "nothing"],
        ["get", "https://example.org/x.pth"],
        ["convert", "nowhere.pth"],
        ["convert", str(tmp_path / "net.pth")],
    ):
        assert main(["weights", *arguments]) in {1, 2}
        assert capsys.readouterr().err.strip()
