"""Reads networks in ncnn's files: a text of layers, and their weights one after the other.

Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from server.diffusion.errors import WeightsError

_MAGIC = "7767517"
_HALF = 0x01306B47


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with weights: "Convolution" with weight and bias, or "PReLU" with weight."""

    kind: str
    weight: Tensor
    bias: Tensor | None = None


def read_layers(param: Path, weights: Path) -> list[Layer]:
    """Return a network's layers that have weights, in their order.

    Raises:
        WeightsError: The files are not ncnn's, do not belong together, or hold layers that are not known here.
    """
    lines = param.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].strip() != _MAGIC:
        raise WeightsError(f"{param.name} is no network of ncnn.", "Download it again.")
    data = weights.read_bytes()
    try:
        layers, end = _read(lines[2:], data)
    except (ValueError, IndexError, KeyError) as error:
        raise WeightsError(
            f"{param.name} and {weights.name} do not belong together.", "Download both again."
        ) from error
    if end != len(data):
        raise WeightsError(f"{weights.name} holds more than {param.name} says.", "Download both again.")
    return layers


def _read(lines: list[str], data: bytes) -> tuple[list[Layer], int]:
    layers: list[Layer] = []
    place = 0
    for kind, options in _with_weights(lines):
        if kind == "PReLU":
            slopes, place = _floats(data, place, int(options["0"]))
            layers.append(Layer(kind, slopes))
            continue
        outputs, side, count = int(options["0"]), int(options["1"]), int(options["6"])
        half = int.from_bytes(data[place : place + 4], "little") == _HALF
        weight, place = _halves(data, place + 4, count) if half else _floats(data, place + 4, count)
        bias, place = _floats(data, place, outputs)
        layers.append(Layer(kind, weight.view(outputs, -1, side, side), bias))
    return layers, place


def _with_weights(lines: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    for line in lines:
        words = line.split()
        if not words or words[0] not in {"Convolution", "PReLU"}:
            continue
        ends = 4 + int(words[2]) + int(words[3])
        yield words[0], dict(word.split("=", 1) for word in words[ends:])


def _floats(data: bytes, place: int, count: int) -> tuple[Tensor, int]:
    values = np.frombuffer(data, "<f4", count, place)
    return torch.from_numpy(values.copy()), place + 4 * count


def _halves(data: bytes, place: int, count: int) -> tuple[Tensor, int]:
    values = np.frombuffer(data, "<f2", count, place).astype(np.float32)
    return torch.from_numpy(values), place + (2 * count + 3) // 4 * 4


def compact(layers: list[Layer]) -> dict[str, Tensor]:
    """Return the tensors of a compact upscaler under SRVGGNetCompact's names."""
    tensors: dict[str, Tensor] = {}
    for index, layer in enumerate(layers):
        tensors[f"body.{index}.weight"] = layer.weight
        if layer.bias is not None:
            tensors[f"body.{index}.bias"] = layer.bias
    return tensors


def esrgan(layers: list[Layer]) -> dict[str, Tensor]:
    """Return the tensors of residual dense blocks under RRDBNet's names."""
    count = (len(layers) - 6) // 15
    names = ["conv_first"]
    names += [f"body.{b}.rdb{d}.conv{c}" for b in range(count) for d in (1, 2, 3) for c in range(1, 6)]
    names += ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    tensors: dict[str, Tensor] = {}
    for name, layer in zip(names, layers, strict=True):
        tensors[f"{name}.weight"] = layer.weight
        if layer.bias is not None:
            tensors[f"{name}.bias"] = layer.bias
    return tensors
