"""From weight files to a module: tensors read, renamed and put in place, with nothing missing and nothing left over."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from server.diffusion import headers, scaled
from server.diffusion.errors import WeightsError
from server.diffusion.headers import PLAIN, Entry
from server.diffusion.layouts import Architecture, find
from server.diffusion.packed import Packed, PackedLinear

if TYPE_CHECKING:
    from torch import Tensor

    from server.diffusion.layouts.naming import Target
    from server.diffusion.source import Part


def build(kind: Any, part: Part, device: str, dtype: torch.dtype) -> torch.nn.Module:
    """Make a module of diffusers or transformers from single files, tensor by tensor, without a second copy of it.

    Args:
        kind: The module's class.
        part: Its configuration, its files and how they name its tensors.
        device: Where it goes.
        dtype: Precision of the module; what its class keeps in float32 stays so.

    Raises:
        WeightsError: The tensors are not exactly those of the module.
    """
    module = _empty(kind, part, dtype)
    state: dict[str, Tensor | Packed] = {}
    architectures: list[Architecture] = []
    for piece in (part, *part.merged):
        architecture, _ = find(piece.layout)
        architectures.append(architecture)
        state |= _fitted(_state(piece), architecture, module)
    _check(module, state, part, architectures[0])
    kept = _kept_in_float32(module)
    plain: dict[str, Tensor] = {}
    for name, value in state.items():
        precision = torch.float32 if _stays(name, kept) else dtype
        if not isinstance(value, Packed):
            # A copy, since what was read is a map of the file: not aligned as kernels like it, and lost with the file.
            plain[name] = value.to(device, precision if value.is_floating_point() else value.dtype, copy=True)
        elif not (part.keep_packed and precision == dtype and _replace_linear(module, name, value.to(device))):
            plain[name] = value.to(device).unpack(precision)
    module.load_state_dict(plain, assign=True, strict=False)
    _finish(module, part)
    return module


def read(part: Part) -> Iterator[tuple[str, Tensor | Packed]]:
    """Yield a part's tensors under their own names, without prefix and without scales and markers."""
    entries = headers.read(Path(part.files[0])).tensors
    scales = scaled.Scales(entries)
    with ExitStack() as opened:
        files = _Files(opened)
        for name, entry in entries.items():
            if not name.startswith(part.prefix) or scaled.is_marker(name):
                continue
            own = name[len(part.prefix) :]
            data = files.tensor(name, entry)
            scale = scales.of(name)
            if entry.dtype in PLAIN and scale is None:
                yield own, data
            else:
                factor = None if scale is None else files.tensor(scale, entries[scale])
                yield own, Packed(data, entry.shape, entry.dtype, factor)


class _Files:
    """Open weight files, each opened once."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self._files: dict[str, Any] = {}

    def tensor(self, name: str, entry: Entry) -> Tensor:
        """Return a tensor; of GGUF's compressed types, its bytes."""
        if entry.file not in self._files:
            self._files[entry.file] = self._open(entry.file)
        source = self._files[entry.file]
        return _gguf_tensor(source, entry) if _is_gguf(entry.file) else source.get_tensor(name)

    def _open(self, file: str) -> Any:
        if _is_gguf(file):
            import numpy as np

            return np.memmap(file, mode="r", dtype=np.uint8)
        from safetensors import safe_open

        return self._opened.enter_context(safe_open(file, "pt"))


def _is_gguf(file: str) -> bool:
    return file.lower().endswith(headers.GGUF)


def _gguf_tensor(source: Any, entry: Entry) -> Tensor:
    data = torch.from_numpy(source[entry.start : entry.start + entry.nbytes].copy())
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    if entry.dtype in types:
        return data.view(types[entry.dtype]).reshape(entry.shape)
    return data.reshape(entry.shape[0], -1)


def _state(part: Part) -> dict[str, Tensor | Packed]:
    _, layout = find(part.layout)
    tensors = dict(read(part))
    targets = layout.targets({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    state: dict[str, Tensor | Packed] = {}
    for name, made in targets.items():
        tensor = tensors.pop(name)
        for target in made:
            state[target.name] = take(tensor, target)
    return state


def take(tensor: Tensor | Packed, target: Target) -> Tensor | Packed:
    """Return what of an original tensor a target takes, in the target's form."""
    if isinstance(tensor, Packed):
        if not target.form:
            return tensor.take(target)
        tensor = tensor.unpack(torch.float32)
    if target.cuts:
        parts = [tensor[slice(*cut.rows(tensor.shape[0]))] for cut in target.cuts]
        tensor = parts[0] if len(parts) == 1 else torch.cat(parts)
    if target.form == "flat":
        tensor = tensor.reshape(tensor.shape[:2])
    return tensor.T.contiguous() if target.form == "transposed" else tensor


def _empty(kind: Any, part: Part, dtype: torch.dtype) -> torch.nn.Module:
    from accelerate import init_empty_weights

    config = part.configuration()
    with _default_dtype(dtype), init_empty_weights():
        if getattr(kind, "config_class", None) is not None:  # a class of transformers
            return kind(kind.config_class(**config))
        return kind.from_config(config)


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Generator[None]:
    """Compute the constants that a module makes itself in its precision, as loading it from a folder does."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _fitted(
    state: dict[str, Tensor | Packed], architecture: Architecture, module: torch.nn.Module
) -> dict[str, Tensor | Packed]:
    """Adjust a state to a module's class: classes differ in their root, and in whether they project at the end."""
    expected = set(module.state_dict())
    for name, other in architecture.tied.items():
        for there, lacking in ((name, other), (other, name)):
            if there in state and lacking not in state:
                state[lacking] = state[there]
    for name in architecture.surplus:
        if name not in expected:
            state.pop(name, None)
    root = architecture.root
    if root and not any(name.startswith(root) for name in expected):
        state = {name.removeprefix(root): tensor for name, tensor in state.items()}
    place = architecture.place
    if place and any(name.startswith(place) for name in expected):
        state = {place + name: tensor for name, tensor in state.items()}
    for name in architecture.optional:
        if name in expected and name not in state:
            state[name] = _identity(module.get_parameter(name))
    return state


def _identity(parameter: Tensor) -> Tensor:
    """Return a matrix, or a convolution with a kernel of one, that changes nothing; zero for a bias."""
    if parameter.dim() == 1:
        return torch.zeros(parameter.shape)
    return torch.eye(parameter.shape[0]).reshape(parameter.shape)


def _check(module: torch.nn.Module, state: dict[str, Tensor | Packed], part: Part, known: Architecture) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    wrong = sorted(set(expected) ^ set(state))
    wrong += sorted(name for name, shape in expected.items() if name in state and tuple(state[name].shape) != shape)
    if wrong:
        raise WeightsError(
            f"{part.file_names()} does not hold the tensors of {known.title}: {wrong[0]} and {len(wrong) - 1} more.",
            "It is another variant, or damaged. Get the file again, or a model folder of diffusers.",
        )


def _kept_in_float32(module: torch.nn.Module) -> tuple[str, ...]:
    return tuple(getattr(module, "_keep_in_fp32_modules", None) or ())


def _stays(name: str, kept: tuple[str, ...]) -> bool:
    """Return whether a tensor stays in float32, by the rule of diffusers and transformers."""
    return any(entry in name.split(".") for entry in kept)


def _replace_linear(module: torch.nn.Module, name: str, packed: Packed) -> bool:
    """Put a layer that keeps its weight compressed in a linear one's place; False where there is none."""
    place, _, kind = name.rpartition(".")
    parent, _, child = place.rpartition(".")
    if kind != "weight" or type(module.get_submodule(place)) is not torch.nn.Linear:
        return False
    setattr(module.get_submodule(parent), child, PackedLinear(module.get_submodule(place), packed))  # pyright: ignore[reportArgumentType]
    return True


def _finish(module: torch.nn.Module, part: Part) -> None:
    if hasattr(module, "tie_weights"):
        tie: Any = module.tie_weights
        tie()
    left = [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if tensor.is_meta]
    if left:
        raise WeightsError(f"{part.file_names()} lacks {left[0]} and {len(left) - 1} more.", "Get the file again.")
