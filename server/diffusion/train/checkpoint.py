"""Training state on disk: safetensors and JSON in a folder that appears whole or not at all."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

_KEPT = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        step: Optimizer steps taken.
        seconds: Time spent training, summed over resumed runs.
        clips: Clips seen.
    """

    step: int = 0
    seconds: float = 0.0
    clips: int = 0


def latest_checkpoint(folder: Path) -> Path | None:
    """Finds the newest whole checkpoint of a run."""
    found = sorted(path for path in folder.glob("checkpoint-*") if path.is_dir() and path.suffix != ".part")
    return found[-1] if found else None


def save_checkpoint(
    folder: Path, modules: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer, progress: Progress
) -> Path:
    """Writes weights, their running average, the optimizer's state and the progress, then drops old checkpoints.

    Args:
        folder: The run's folder.
        modules: Every trained module.
        average: Running average of the parameters, by name.
        optimizer: Whose state is saved beside the weights.
        progress: How far the run has come.
    """
    target = folder / f"checkpoint-{progress.step:08d}"
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file(
        {name: value.detach().contiguous() for name, value in modules.named_parameters()}, part / "weights.safetensors"
    )
    save_file({name: value.contiguous() for name, value in average.items()}, part / "average.safetensors")
    save_file(_flat_state(optimizer), part / "optimizer.safetensors")
    (part / "progress.json").write_text(
        json.dumps({"step": progress.step, "seconds": progress.seconds, "clips": progress.clips}), encoding="utf-8"
    )
    if target.exists():
        shutil.rmtree(target)
    part.replace(target)
    for old in sorted(path for path in folder.glob("checkpoint-*") if path.suffix != ".part")[:-_KEPT]:
        shutil.rmtree(old)
    return target


def load_checkpoint(
    path: Path, modules: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer | None
) -> Progress:
    """Reads a checkpoint into live objects.

    Args:
        path: A folder that `save_checkpoint` wrote.
        modules: Every trained module.
        average: Filled in place.
        optimizer: Filled where its state is on disk; None leaves it fresh.
    """
    weights = load_file(path / "weights.safetensors")
    with torch.no_grad():
        for name, value in modules.named_parameters():
            value.copy_(weights[name])
    for name, value in load_file(path / "average.safetensors").items():
        average[name].copy_(value)
    state = path / "optimizer.safetensors"
    if optimizer is not None and state.exists():
        _restore_state(optimizer, load_file(state))
    return Progress(**json.loads((path / "progress.json").read_text(encoding="utf-8")))


def _flat_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{index}.{key}": value.contiguous() for index, slots in state.items() for key, value in slots.items()}


def _restore_state(optimizer: torch.optim.Optimizer, flat: dict[str, Tensor]) -> None:
    whole = optimizer.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in flat.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
