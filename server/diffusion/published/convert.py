"""From the formats in which weights are published to safetensors. A pickle is opened in a child process only."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from server.diffusion import esrgan, rife
from server.diffusion.errors import WeightsError
from server.diffusion.published import ncnn
from server.diffusion.published.catalogue import Published

_CHILD = Path(__file__).with_name("unpickle.py")
_TIMEOUT_S = 600


def convert(entry: Published, files: Sequence[Path], target: Path) -> None:
    """Write published weights as safetensors; the file appears whole or not at all.

    Args:
        entry: What they are.
        files: The entry's members, in their order.
        target: Where to.

    Raises:
        WeightsError: They cannot be read, or are not what they are said to be.
    """
    from safetensors.torch import load_file, save_file

    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".weights-") as folder:
        draft = Path(folder, "tensors.safetensors")
        if entry.format == "torch":
            unpickle(files[0], draft)
            tensors: Mapping[str, Tensor] = load_file(draft)
        else:
            layers = ncnn.read_layers(files[0], files[1])
            tensors = ncnn.compact(layers) if entry.network == "compact" else ncnn.esrgan(layers)
        about = {"title": entry.title, "source": entry.package, "licence": entry.licence}
        save_file(_named(entry.network, tensors), draft, metadata=about)
        draft.replace(target)


def unpickle(source: Path, target: Path) -> None:
    """Turn a torch pickle into safetensors, in a child process without network.

    Raises:
        WeightsError: It holds something else than tensors, or cannot be read.
    """
    done = subprocess.run(  # noqa: S603  (this interpreter and a file of ours)
        [sys.executable, "-I", str(_CHILD), str(source.resolve()), str(target.resolve())],
        env={name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMP", "TEMP") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise WeightsError(
            f"{source.name} cannot be converted: {last}",
            "It may hold more than tensors, which is not opened. Look for safetensors of the same model.",
        )


def _named(network: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that a network has, under its own names."""
    if network == "rife":
        tensors = rife.renamed(tensors)
    elif network == "esrgan":
        tensors = esrgan.renamed(tensors)
    return {name: tensor.contiguous() for name, tensor in tensors.items()}
