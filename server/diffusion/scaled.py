"""Which tensors of a checkpoint are scales and markers of compression, and which weights they belong to. No torch.

Two conventions circulate: `X.scale_weight` beside a marker `scaled_fp8`, and `X.weight_scale` beside `X.comfy_quant`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

_WEIGHT = ".weight"
_SCALES = (".scale_weight", ".weight_scale")
_MARKERS = (".scale_input", ".input_scale", ".comfy_quant", ".weight_scale_2")
_VOCABULARIES = frozenset({"spiece_model", "tekken_model", "tokenizer_json"})


@dataclass(frozen=True)
class Scales:
    """The scales of one checkpoint.

    Attributes:
        names: All names in the checkpoint.
    """

    names: Collection[str]

    def of(self, name: str) -> str | None:
        """Return the name of a weight's scale; None where it has none."""
        if not name.endswith(_WEIGHT):
            return None
        module = name.removesuffix(_WEIGHT)
        return next((module + suffix for suffix in _SCALES if module + suffix in self.names), None)


def is_marker(name: str) -> bool:
    """Return whether a tensor says something about compression or text, and is no part of a network."""
    last = name.rpartition(".")[2]
    return last == "scaled_fp8" or last in _VOCABULARIES or name.endswith((*_SCALES, *_MARKERS))


def vocabulary(names: Collection[str]) -> str | None:
    """Return the name of the tensor that holds a tokenizer's vocabulary; None where there is none."""
    return next((name for name in names if name.rpartition(".")[2] in _VOCABULARIES), None)
