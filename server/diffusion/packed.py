"""Compressed weights: fp8 with its scale and GGUF's blocks, unpacked at once or kept so and unpacked as they are used.

Formulas: scaled fp8 is `weight.float() * scale`, per tensor or per row, as ComfyUI's files mean it; GGUF's are ggml's
(ggml-quants.c), in diffusers' torch version of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from server.diffusion.headers import FP8

if TYPE_CHECKING:
    from torch import Tensor

    from server.diffusion.layouts.naming import Target


@dataclass(frozen=True)
class Packed:
    """A compressed matrix. Compression is along rows, so that rows can be taken as they are.

    Attributes:
        data: (rows, bytes or columns): fp8 numbers, or a row's blocks in bytes.
        shape: What it unpacks to.
        kind: The type's name, such as "F8_E4M3" or "Q4_K".
        scale: Of fp8: one number, or one a row; None is 1.
    """

    data: Tensor
    shape: tuple[int, ...]
    kind: str
    scale: Tensor | None = None

    def take(self, target: Target) -> Packed:
        """Return the rows that a target takes."""
        if not target.cuts:
            return self
        ranges = [cut.rows(self.shape[0]) for cut in target.cuts]
        data = torch.cat([self.data[start:stop] for start, stop in ranges])
        scale = self.scale
        if scale is not None and scale.numel() > 1:
            scale = torch.cat([scale[start:stop] for start, stop in ranges])
        return replace(self, data=data, scale=scale, shape=(len(data), *self.shape[1:]))

    def to(self, device: str) -> Packed:
        """Return a copy on a device."""
        scale = None if self.scale is None else self.scale.to(device, copy=True)
        return replace(self, data=self.data.to(device, copy=True), scale=scale)

    def unpack(self, dtype: torch.dtype) -> Tensor:
        """Return the numbers."""
        return unpack(self.data, self.shape, self.kind, self.scale).to(dtype)


def unpack(data: Tensor, shape: tuple[int, ...], kind: str, scale: Tensor | None) -> Tensor:
    """Return compressed numbers in float32; see `Packed` for the arguments."""
    if kind in FP8:
        numbers = data.float()
        if scale is None:
            return numbers
        return numbers * scale.float().reshape(-1, *(1,) * (numbers.dim() - 1))
    from diffusers.quantizers.gguf.utils import GGML_QUANT_SIZES, dequantize_functions
    from gguf import GGMLQuantizationType

    quantization = GGMLQuantizationType[kind]
    block, size = GGML_QUANT_SIZES[quantization]
    blocks = data.reshape(-1, size)
    return dequantize_functions[quantization](blocks, block, size, dtype=torch.float32).reshape(shape).float()


class PackedLinear(torch.nn.Module):
    """A linear layer whose weight stays compressed and is unpacked for each use."""

    weight: None = None  # T5 reads its layers' weights' precision, where there is one

    def __init__(self, linear: torch.nn.Linear, packed: Packed) -> None:
        """Stand in for a layer.

        Args:
            linear: The layer; its bias is kept.
            packed: What becomes its weight.
        """
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.kind, self.shape = packed.kind, packed.shape
        self.register_parameter("bias", linear.bias)
        self.register_buffer("packed", packed.data)
        self.register_buffer("scale", packed.scale)

    def forward(self, inputs: Tensor) -> Tensor:
        """Apply the layer in the precision of its input."""
        bias: Any = self.bias
        weight = unpack(self.get_buffer("packed"), self.shape, self.kind, self._scale()).to(inputs.dtype)
        return torch.nn.functional.linear(inputs, weight, None if bias is None else bias.to(inputs.dtype))

    def _scale(self) -> Tensor | None:
        scale: Any = self.scale
        return scale

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """Move with the module, but keep the compressed numbers as they are when its precision changes."""
        before: Any = self.packed
        super()._apply(fn, recurse)
        after: Any = self.packed
        if after.dtype != before.dtype:
            self.packed = before.to(after.device)
        return self
