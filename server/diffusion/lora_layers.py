"""LoRAs at work: low-rank terms beside a module's layers, set to any strength without reading a file again.

The term is `up(down(x)) * strength * alpha / rank` (Hu et al. 2021, https://arxiv.org/abs/2106.09685), added in the
order of operations of PEFT, so that results are equal to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from server.diffusion import headers, lora
from server.diffusion.errors import WeightsError
from server.diffusion.lora import Change

if TYPE_CHECKING:
    from torch import Tensor

    from server.diffusion.headers import Header
    from server.diffusion.types import Lora, Weights


@dataclass(slots=True)
class _Term:
    """One LoRA's part in one layer."""

    down: Tensor | None
    up: Tensor | None
    bias: Tensor | None
    alpha: float
    rank: int
    strength: float = 0.0

    def of(self, layer: torch.nn.Module, inputs: Tensor) -> Tensor | None:
        """Return what to add to the layer's output."""
        total: Tensor | None = None
        if self.down is not None and self.up is not None:
            x = inputs.to(self.down.dtype)
            total = _apply(layer, x, self.down, self.up) * (self.strength * self.alpha / self.rank)
        if self.bias is not None:
            shift = self.bias * self.strength
            shift = shift.reshape(-1, *(1,) * (self.down.dim() - 2)) if self.down is not None else shift
            total = shift if total is None else total + shift
        return total


@dataclass(slots=True)
class _Patched:
    """A parameter that LoRAs change as a whole: of a norm, or a full difference."""

    parameter: Tensor
    original: Tensor
    deltas: list[tuple[str, Tensor]] = field(default_factory=list[tuple[str, "Tensor"]])


class LoraStack:
    """The LoRAs of one loaded component."""

    def __init__(self, modules: Mapping[str, torch.nn.Module], description: Weights, device: str) -> None:
        """Begin with none.

        Args:
            modules: The component's networks by name.
            description: What was loaded.
            device: Where it computes.
        """
        self._modules, self._description, self._device = modules, description, device
        self._terms: dict[str, dict[str, _Term]] = {}
        self._patches: dict[int, _Patched] = {}
        self._hooks: dict[str, Any] = {}
        self._strengths: dict[str, float] = {}

    @property
    def nbytes(self) -> int:
        """Bytes that the loaded LoRAs take."""
        tensors = [
            tensor
            for terms in self._terms.values()
            for term in terms.values()
            for tensor in (term.down, term.up, term.bias)
            if tensor is not None
        ]
        tensors += [delta for patch in self._patches.values() for _, delta in patch.deltas]
        return sum(tensor.nbytes for tensor in tensors) + sum(p.original.nbytes for p in self._patches.values())

    def set(self, wanted: tuple[Lora, ...]) -> None:
        """Bring the component to exactly these LoRAs; a file that was read once is not read again.

        Raises:
            WeightsError: A file changed since it was described, or fits nothing.
        """
        active = [entry for entry in wanted if entry.component in ("", *self._modules)]
        keys = [f"{entry.digest}/{entry.component}" for entry in active]
        for key, entry in zip(keys, active, strict=True):
            if key not in self._strengths:
                self._load(key, entry)
        strengths = dict.fromkeys(self._strengths, 0.0)
        for key, entry in zip(keys, active, strict=True):
            strengths[key] += entry.strength  # the same file twice is as strong as both together
        self._strengths = strengths
        for terms in self._terms.values():
            for key, term in terms.items():
                term.strength = strengths[key]
        for patch in self._patches.values():
            changed = patch.original
            for key, delta in patch.deltas:
                changed = changed + strengths[key] * delta if strengths[key] else changed
            patch.parameter.data = changed

    def _load(self, key: str, entry: Lora) -> None:
        file = Path(entry.file)
        lora.check_unchanged(entry)
        header = headers.read(file)
        count = 0
        with _opened(file) as tensors:
            for name, module in self._modules.items():
                part = self._description.source.part(name)
                for change in lora.changes(header, part, self._description.family):
                    layer, dtype = _submodule(module, change.module), _precision(module)
                    read = {kind: tensors.get_tensor(tensor) for kind, tensor in change.tensors.items()}
                    alpha = float(read.pop("alpha")) if "alpha" in read else None
                    taken = {kind: self._taken(tensor, kind, change, dtype) for kind, tensor in read.items()}
                    self._add(key, f"{name}/{change.module}", layer, taken, alpha or _told_alpha(header))
                    count += 1
        if not count:
            raise WeightsError(f"{entry.name} fits nothing in {self._description.name}.", "Choose another LoRA.")
        self._strengths[key] = 0.0

    def _add(self, key: str, place: str, layer: Any, taken: dict[str, Tensor], alpha: float | None) -> None:
        if "whole" in taken:
            self._patch(key, layer.weight, taken["whole"])
        if not hasattr(layer, "in_features") and not hasattr(layer, "in_channels"):  # a norm
            if "bias" in taken:
                self._patch(key, layer.bias, taken["bias"])
            return
        if "down" not in taken and "bias" not in taken:
            return
        rank = taken["down"].shape[0] if "down" in taken else 1
        terms = self._terms.setdefault(place, {})
        terms[key] = _Term(
            taken.get("down"), taken.get("up"), taken.get("bias"), rank if alpha is None else alpha, rank
        )
        if place not in self._hooks:
            self._hooks[place] = layer.register_forward_hook(_hook(terms))

    def _taken(self, tensor: Tensor, kind: str, change: Change, dtype: torch.dtype) -> Tensor:
        rows = tensor
        if kind != "down" and change.target.cuts:
            rows = torch.cat([tensor[slice(*cut.rows(tensor.shape[0]))] for cut in change.target.cuts])
        return rows.to(self._device, dtype, copy=True)

    def _patch(self, key: str, parameter: Any, delta: Tensor) -> None:
        if not isinstance(parameter, torch.nn.Parameter):
            raise WeightsError(
                "This LoRA replaces whole weights, which stay compressed in this model.",
                "Choose a precision in load_model, so that they are unpacked.",
            )
        patch = self._patches.setdefault(id(parameter), _Patched(parameter, parameter.data))
        patch.deltas.append((key, delta.reshape(parameter.shape).to(parameter.dtype)))


def _hook(terms: Mapping[str, _Term]) -> Any:
    def add(layer: torch.nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        result = output
        for term in terms.values():
            if term.strength:
                extra = term.of(layer, args[0])
                result = result if extra is None else result + extra
        return result.to(output.dtype)

    return add


def _apply(layer: Any, x: Tensor, down: Tensor, up: Tensor) -> Tensor:
    if down.dim() == 2:
        return torch.nn.functional.linear(torch.nn.functional.linear(x, down), up)
    convolve = {3: torch.nn.functional.conv1d, 4: torch.nn.functional.conv2d, 5: torch.nn.functional.conv3d}[down.dim()]
    if not hasattr(layer, "stride"):  # a layer that was a convolution in the original
        return _apply(layer, x, down.flatten(1), up.flatten(1))
    return convolve(convolve(x, down, None, layer.stride, layer.padding, layer.dilation), up)


def _told_alpha(header: Header) -> float | None:
    """Return the alpha that PEFT writes beside the tensors; without one it is the rank, which changes nothing."""
    try:
        told = json.loads(header.metadata.get("lora_adapter_metadata", "{}"))
    except ValueError:
        return None
    alphas = [value for name, value in told.items() if name.rpartition(".")[2] == "lora_alpha"]
    return float(alphas[0]) if alphas and isinstance(alphas[0], int | float) else None


def _submodule(module: torch.nn.Module, name: str) -> Any:
    try:
        return module.get_submodule(name)
    except AttributeError:
        return module.get_submodule(f"text_model.{name}")


def _precision(module: torch.nn.Module) -> torch.dtype:
    return next(parameter.dtype for parameter in reversed(list(module.parameters())) if parameter.is_floating_point())


def _opened(file: Path) -> Any:
    from safetensors import safe_open

    return safe_open(str(file), "pt")
