"""Loading modules and tokenizers of diffusers and transformers, strictly and without a word on the terminal."""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.diffusion import vocabularies
from server.diffusion.errors import WeightsError
from server.diffusion.source import FOLDER, Part

if TYPE_CHECKING:
    import torch


def load_module(kind: Any, part: Part, device: str, dtype: torch.dtype) -> torch.nn.Module:
    """Load a module of diffusers or transformers, frozen, and refuse what does not fit exactly.

    Args:
        kind: The module's class.
        part: Where its configuration and its tensors are.
        device: Where it goes.
        dtype: Its precision.

    Raises:
        WeightsError: The tensors and the configuration do not belong together, or cannot be read.
    """
    module = (
        _from_folder(kind, Path(part.files[0]), dtype)
        if part.layout == FOLDER
        else _from_files(kind, part, device, dtype)
    )
    return module.requires_grad_(False).eval().to(device)


def load_tokenizer(part: Part) -> Any:
    """Load a tokenizer of transformers.

    Raises:
        WeightsError: Its files cannot be read.
    """
    from transformers import AutoTokenizer

    if part.layout != FOLDER:
        return vocabularies.load(part)
    folder = Path(part.files[0])
    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (ValueError, OSError) as error:
        raise WeightsError(f"{folder.name} cannot be loaded: {error}", "Copy or download the folder again.") from error


def load_processor(kind: Any, part: Part) -> Any:
    """Make what brings pictures to the size and range that an image encoder takes."""
    return kind(**{name: value for name, value in part.configuration().items() if not name.endswith("_type")})


def _from_files(kind: Any, part: Part, device: str, dtype: torch.dtype) -> torch.nn.Module:
    from server.diffusion import checkpoint  # which needs torch

    return checkpoint.build(kind, part, device, dtype)


def _from_folder(kind: Any, folder: Path, dtype: torch.dtype) -> torch.nn.Module:
    try:
        with _without_bars():
            module, report = kind.from_pretrained(
                str(folder), dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except (ValueError, RuntimeError, TypeError, OSError) as error:
        raise WeightsError(f"{folder.name} cannot be loaded: {error}", "Copy or download the folder again.") from error
    # The libraries only warn, fill what is missing with random numbers, and drop what they do not know.
    wrong = sorted([*report["missing_keys"], *report["mismatched_keys"], *report["unexpected_keys"]])
    if wrong:
        raise WeightsError(
            f"The tensors in {folder.name} do not fit its config.json: {wrong[0]} and {len(wrong) - 1} more.",
            "The folder mixes files of different models, or a precision that cannot be read; get it again.",
        )
    return module


@contextmanager
def _without_bars() -> Generator[None]:
    """Keep transformers from drawing a bar of its own: progress is the caller's to show."""
    from transformers.utils import logging

    enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            logging.enable_progress_bar()


def module_device(module: torch.nn.Module) -> torch.device:
    """Return the device that a module computes on, which need not be where its parameters wait."""
    return module.__dict__.get("compute_device") or next(module.parameters()).device


def tiled_copy(vae: torch.nn.Module, tiled: bool) -> Any:
    """Return an autoencoder that works in tiles or not, over the same weights.

    Tiling is an attribute of the module; a copy keeps other users of it out of this.
    """
    module: Any = copy.copy(vae)
    if tiled:
        module.enable_tiling()
    return module
