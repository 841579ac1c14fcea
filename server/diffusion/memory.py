"""Residency: which loaded components stay on which device, within a budget of bytes for each.

Weights are a cache below their descriptions. Whoever needs a component uses it within `Residency.use`; while it is in
use it stays, afterwards it stays as long as there is room, least recently used out first. A network that does not fit
even alone comes to the device in parts (`offload`), with the same results.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from server.diffusion import families, weights
from server.diffusion.errors import BudgetError
from server.diffusion.types import ImageEncoder, Lora, Model, TextEncoder, Vae, Weights

if TYPE_CHECKING:
    import torch

    from server.diffusion.lora_layers import LoraStack
    from server.diffusion.offload import Meter

_IN_PARTS = (Model, TextEncoder, ImageEncoder)
"""What can come to a device in parts. Autoencoders are small, and decode in tiles instead."""

HOST = "host"
"""Name of the budget for layers that wait in the machine's memory; what does not fit waits on disk."""

_BUDGETS = {"KINEGRAPH_WEIGHTS_BYTES": "", "KINEGRAPH_HOST_WEIGHTS_BYTES": HOST}
"""Settings that a worker finds in its environment (`server.settings` explains them), and whose budget they are."""

_SHARE = 0.8  # of a device's memory, unless told: the rest is for activations and for others


@dataclass(frozen=True, slots=True)
class Resident:
    """One loaded component, as `Residency.residents` lists it.

    Attributes:
        weights: Its description.
        device: Where it computes.
        nbytes: The most bytes of it that are on the device at once.
        in_use: Whether somebody uses it now.
        level: How it is held there, 0 to 2; see `offload`.
        peak: The most bytes of it that were on the device at once.
    """

    weights: Weights
    device: str
    nbytes: int
    in_use: bool
    level: int = 0
    peak: int = 0


@dataclass(slots=True)
class _Entry:
    component: Any
    nbytes: int
    users: int = 0
    level: int = 0
    meter: Meter | None = None
    waiting: int = 0
    stack: LoraStack | None = None
    loras: tuple[Lora, ...] = ()


class Residency:
    """Loaded components by description and device, least recently used first. Safe to share between threads."""

    def __init__(
        self, budgets: Mapping[str, int] | None = None, load: Callable[[Weights, str], Any] | None = None
    ) -> None:
        """Start empty.

        Args:
            budgets: Bytes of weights by device, and under `HOST` of those that wait in the machine's memory; what is
                not named gets four fifths of its memory.
            load: Loads a description on a device; the families' loaders unless told otherwise.
        """
        self._budgets = dict(budgets or {})
        self._load = load or load_component
        self._entries: dict[tuple[Weights, str], _Entry] = {}
        self._least: dict[tuple[Weights, str], int] = {}
        self._lock = threading.RLock()

    @contextmanager
    def use(self, description: Weights, device: str = "auto") -> Generator[Any]:
        """Hold a component on a device for the length of a `with` block, loading it when it is not there.

        LoRAs are put on and taken off here, over the same weights: of a LoRA that changed its strength nothing is read.

        Raises:
            BudgetError: It does not fit beside what is in use.
            WeightsError: Its files cannot be loaded.
        """
        device = pick_device(device)
        entry = self._acquire(replace(description, loras=()), device)
        try:
            self._set_loras(entry, description, device)
            yield entry.component
        finally:
            with self._lock:
                entry.users -= 1

    def evict(self, description: Weights | None = None, device: str | None = None) -> int:
        """Drop components that are not in use: one, all of a device, or all. Returns the bytes that were freed."""
        wanted = None if description is None else replace(description, loras=())
        with self._lock:
            keys = [
                key
                for key, entry in self._entries.items()
                if entry.users == 0 and wanted in (None, key[0]) and device in (None, key[1])
            ]
            freed = sum(self._entries.pop(key).nbytes for key in keys)
        if freed:
            _release_memory()
        return freed

    def residents(self) -> tuple[Resident, ...]:
        """Return what is loaded, least recently used first."""
        with self._lock:
            return tuple(
                Resident(
                    description,
                    device,
                    entry.nbytes,
                    entry.users > 0,
                    entry.level,
                    entry.meter.peak if entry.meter else entry.nbytes,
                )
                for (description, device), entry in self._entries.items()
            )

    def ease(self, description: Weights, device: str) -> str:
        """Hold a component that ran out of memory in less of it from now on; it must not be in use.

        Returns:
            How it is held now, in words.

        Raises:
            BudgetError: There is no way with less.
        """
        from server.diffusion import offload

        key = (replace(description, loras=()), pick_device(device))
        with self._lock:
            entry = self._entries.get(key)
            level = max(entry.level if entry else offload.RESIDENT, self._least.get(key, offload.RESIDENT))
            if level >= offload.LAYERS or not isinstance(description, _IN_PARTS):
                raise BudgetError(
                    f"{description.name} ran out of memory on {key[1]} although it was held {offload.NAMES[level]}.",
                    "Make a smaller or shorter clip, or close other programs that use the device.",
                )
            self._least[key] = level + 1
        self.evict(device=key[1])
        return offload.NAMES[level + 1]

    def budget(self, device: str) -> int:
        """Return the bytes of weights that may stay on a device."""
        if device not in self._budgets:
            self._budgets[device] = int(device_memory(device) * _SHARE)
        return self._budgets[device]

    def set_budget(self, device: str, nbytes: int) -> None:
        """Change a device's budget; what no longer fits and is not in use goes at once."""
        with self._lock:
            self._budgets[device] = nbytes
            self._make_room(device, 0)

    def _acquire(self, description: Weights, device: str) -> _Entry:
        key = (description, device)
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry is None:
                wanted = expected_bytes(description, device)
                room = self._make_room(device, wanted)
                if room >= wanted and key not in self._least:
                    entry = self._whole(description, device)
                if entry is None:
                    entry = self._in_parts(description, device, room, wanted)
            self._entries[key] = entry  # at the end: most recently used
            entry.users += 1
            return entry

    def _set_loras(self, entry: _Entry, description: Weights, device: str) -> None:
        if entry.loras == description.loras:
            return
        from server.diffusion.lora_layers import LoraStack

        with self._lock:
            if entry.users > 1:
                raise BudgetError(
                    f"{description.name} is in use with other LoRAs on {device}.", "Wait for the other run to end."
                )
            if entry.stack is None:
                entry.stack = LoraStack(entry.component.modules, description, device)
            before = entry.stack.nbytes
            entry.stack.set(description.loras)
            entry.loras = description.loras
            entry.nbytes += entry.stack.nbytes - before

    def _whole(self, description: Weights, device: str) -> _Entry | None:
        """Load a component; None where it proves to be larger than its files, too large, and can come in parts."""
        component = self._load(description, device)
        nbytes = component_bytes(component)  # with tables that no file holds, as of rotary positions
        if self._make_room(device, nbytes) < nbytes and isinstance(description, _IN_PARTS):
            return None
        return _Entry(component, nbytes)

    def _in_parts(self, description: Weights, device: str, room: int, wanted: int) -> _Entry:
        """Load a component that comes to the device in parts."""
        from server.diffusion import offload

        if not isinstance(description, _IN_PARTS):
            raise self._too_large(description, device, wanted)
        dtype = str(pick_dtype(description, device)).removeprefix("torch.")
        component = self._load(replace(description, dtype=dtype), "cpu")
        modules = list(component.modules.values())
        least = self._least.get((description, device), offload.BLOCKS)
        chosen = offload.plan(modules, room, device=device, least=least)
        if chosen is None:
            raise self._too_large(description, device, wanted)
        waiting = component_bytes(component)
        on_disk = waiting > self.budget(HOST) - sum(entry.waiting for entry in self._entries.values())
        meter = offload.apply(modules, chosen, device, on_disk=on_disk)
        return _Entry(component, chosen.nbytes, level=chosen.level, meter=meter, waiting=0 if on_disk else waiting)

    def _make_room(self, device: str, wanted: int) -> int:
        """Evict until `wanted` bytes fit or nothing more can go; returns the bytes that are free."""
        free = self.budget(device) - sum(entry.nbytes for key, entry in self._entries.items() if key[1] == device)
        evicted = False
        for key in list(self._entries):
            if free >= wanted:
                break
            if key[1] == device and self._entries[key].users == 0:
                free += self._entries.pop(key).nbytes
                evicted = True
        if evicted:
            _release_memory()
        return free

    def _too_large(self, description: Weights, device: str, wanted: int) -> BudgetError:
        kind = type(description).__name__.lower()
        return BudgetError(
            f"{description.name}'s {kind} needs {_mebibytes(wanted)} on {device}, whose budget for weights is "
            f"{_mebibytes(self.budget(device))}.",
            "Choose a smaller precision or model, or raise the device's budget.",
        )


@cache
def shared() -> Residency:
    """Return the residency of this process: a worker owns one device, and everything in it shares the weights."""
    told = {device or pick_device(): int(os.environ.get(name) or 0) for name, device in _BUDGETS.items()}
    return Residency({device: nbytes for device, nbytes in told.items() if nbytes})


def load_component(description: Weights, device: str) -> Any:
    """Load a description's component on a device through its family.

    Raises:
        WeightsError: Its files are not those that were described, or do not fit together.
    """
    weights.check_unchanged(description)
    return families.get(description.family).load(description, device, pick_dtype(description, device))


def pick_device(name: str = "auto") -> str:
    """Return a device's name; "auto" is CUDA, else MPS, else the CPU."""
    import torch

    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pick_dtype(description: Weights, device: str) -> torch.dtype:
    """Return the precision to load in; "auto" is float32 on the CPU and for autoencoders, else bfloat16."""
    import torch

    if description.dtype != "auto":
        return getattr(torch, description.dtype)
    # Few CPUs compute bfloat16 fast, and an autoencoder in half precision shows banding.
    if device == "cpu" or isinstance(description, Vae):
        return torch.float32
    return torch.bfloat16


def device_memory(device: str) -> int:
    """Return the memory of a device in bytes; MPS shares the machine's."""
    import psutil
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total


def expected_bytes(description: Weights, device: str) -> int:
    """Return the bytes that a component will take once loaded, from its files' headers."""
    return weights.loaded_bytes(description, pick_dtype(description, device).itemsize)


def component_bytes(component: Any) -> int:
    """Return the bytes that a loaded component's parameters and buffers take."""
    modules = getattr(component, "modules", None)
    parts = modules.values() if isinstance(modules, Mapping) else [component]
    return sum(
        tensor.numel() * tensor.element_size() for part in parts for tensor in (*part.parameters(), *part.buffers())
    )


def _release_memory() -> None:
    import torch

    gc.collect()  # modules with hooks hold cycles; without this their memory comes back at some later time
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _mebibytes(nbytes: int) -> str:
    return f"{nbytes / 2**20:,.0f} MiB"
