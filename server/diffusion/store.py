"""Values to folders and back, for a disk cache: safetensors for tensors, JSON for the rest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.diffusion.errors import DiffusionError
from server.diffusion.source import Part, Source
from server.diffusion.types import (
    Capabilities,
    Conditioning,
    ImageEncoder,
    Latent,
    Lora,
    Model,
    TextEncoder,
    Vae,
    Weights,
)

if TYPE_CHECKING:
    from torch import Tensor

_KINDS: Mapping[str, type[Weights]] = {kind.__name__: kind for kind in (Model, TextEncoder, Vae, ImageEncoder)}
_ABOUT, _TENSORS, _EMPTY, _MASK = "value.json", "tensors.safetensors", "empty.safetensors", "mask.safetensors"


class StoreError(DiffusionError):
    """A stored value that cannot be read back."""


def write_weights(value: Weights, folder: Path) -> None:
    """Write a description to a folder that exists."""
    capabilities = dataclasses.asdict(value.capabilities) | {"default_fps": str(value.capabilities.default_fps)}
    own = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    own |= {"source": dataclasses.asdict(value.source), "loras": [dataclasses.asdict(lora) for lora in value.loras]}
    _write_about(folder, own | {"kind": type(value).__name__, "capabilities": capabilities})


def read_weights(folder: Path) -> Weights:
    """Read a description back.

    Raises:
        StoreError: The folder does not hold one.
    """
    about = _read_about(folder)
    try:
        kind = _KINDS[about.pop("kind")]
        capabilities = about.pop("capabilities")
        fps = Fraction(capabilities.pop("default_fps"))
        # JSON has lists only, and a description has to stay hashable.
        known: dict[str, Any] = {
            name: tuple(entry) if isinstance(entry, list) else entry for name, entry in capabilities.items()
        }
        about["source"] = _read_source(about["source"])
        about["loras"] = tuple(Lora(**lora) for lora in about["loras"])
        return kind(**about, capabilities=Capabilities(**known, default_fps=fps))
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(folder) from error


def _read_source(data: dict[str, Any]) -> Source:
    parts = tuple(map(_read_part, data.pop("parts")))
    return Source(**data, parts=parts)


def _read_part(data: dict[str, Any]) -> Part:
    files, merged = tuple(data.pop("files")), tuple(map(_read_part, data.pop("merged")))
    return Part(**data, files=files, merged=merged)


def write_conditioning(value: Conditioning, folder: Path) -> None:
    """Write conditioning to a folder that exists."""
    _write_tensors(value.tensors, folder / _TENSORS)
    _write_tensors(value.empty, folder / _EMPTY)
    _write_about(folder, {"family": value.family, "text": value.text})


def read_conditioning(folder: Path) -> Conditioning:
    """Read conditioning back.

    Raises:
        StoreError: The folder does not hold it whole.
    """
    about = _read_about(folder)
    try:
        return Conditioning(
            family=about["family"],
            text=about["text"],
            tensors=_read_tensors(folder / _TENSORS),
            empty=_read_tensors(folder / _EMPTY),
        )
    except KeyError as error:
        raise _broken(folder) from error


def write_latent(value: Latent, folder: Path) -> None:
    """Write a latent to a folder that exists."""
    _write_tensors(value.samples, folder / _TENSORS)
    if value.mask is not None:
        _write_tensors({"mask": value.mask}, folder / _MASK)
    names = ("family", "noise_level", "width", "height", "frames")
    more = {"fps": str(value.fps), "masked": value.mask is not None}
    _write_about(folder, {name: getattr(value, name) for name in names} | more)


def read_latent(folder: Path) -> Latent:
    """Read a latent back.

    Raises:
        StoreError: The folder does not hold one whole.
    """
    about = _read_about(folder)
    try:
        fps = Fraction(about.pop("fps"))
        mask = _read_tensors(folder / _MASK)["mask"] if about.pop("masked", False) else None
        return Latent(**about, fps=fps, samples=_read_tensors(folder / _TENSORS), mask=mask)
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(folder) from error


def _write_about(folder: Path, about: Mapping[str, Any]) -> None:
    (folder / _ABOUT).write_text(json.dumps(about, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _read_about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(folder) from error
    if not isinstance(about, dict):
        raise _broken(folder)
    return about


def _write_tensors(tensors: Mapping[str, Tensor], file: Path) -> None:
    from safetensors.torch import save_file

    # A view (padding cut off, a transposed block) is not contiguous, which the format refuses.
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, file)


def _read_tensors(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        # Read, not mapped: the cache may drop the file while the tensors live, which a map does not survive everywhere.
        return load(file.read_bytes())
    except (OSError, SafetensorError) as error:
        raise _broken(file.parent) from error


def _broken(folder: Path) -> StoreError:
    return StoreError(f"The value stored in {folder.name} is damaged or incomplete.", "It has to be computed again.")
