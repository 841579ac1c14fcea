"""Networks that are larger than their device: their layers come to it one after the other, by diffusers' hooks.

Three levels, each slower than the one before and content with less memory: the whole network on the device; groups of
blocks; single layers. Results are the same to the last bit. What waits lies in the machine's memory, or, where that is
the device, on disk.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.hooks import HookRegistry, apply_group_offloading
from torch.nn import Module, ModuleList, Sequential

RESIDENT, BLOCKS, LAYERS = 0, 1, 2
"""The levels, by how strict they are."""

NAMES = ("whole on the device", "block by block", "layer by layer")

_HOOK = "group_offloading"  # diffusers' name for what apply_group_offloading hangs on a module


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is held.

    Attributes:
        level: `RESIDENT`, `BLOCKS` or `LAYERS`.
        blocks: Of `BLOCKS`: how many are on the device at once.
        nbytes: The most bytes of weights that are on the device at once.
    """

    level: int
    blocks: int = 0
    nbytes: int = 0


class Meter:
    """Counts the bytes of weights that an offloaded network has on its device."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.now = 0
        self.peak = 0
        self._inside: set[int] = set()

    def came(self, group: int, nbytes: int) -> None:
        """Count a group of layers that came to the device."""
        if group not in self._inside:
            self._inside.add(group)
            self.now += nbytes
            self.peak = max(self.peak, self.now)

    def went(self, group: int, nbytes: int) -> None:
        """Count a group of layers that left it."""
        if group in self._inside:
            self._inside.remove(group)
            self.now -= nbytes


def plan(modules: Iterable[Module], room: int, *, device: str, least: int = RESIDENT) -> Plan | None:
    """Return the fastest way to hold networks that work one after the other; None when none fits.

    Args:
        modules: The networks.
        room: Bytes of weights that may be on the device at once.
        device: Where they compute. With CUDA the next group comes while one computes, so that two are there.
        least: The least strict level to take.
    """
    networks = list(modules)
    total = sum(map(module_bytes, networks))
    if least <= RESIDENT and total <= room:
        return Plan(RESIDENT, 0, total)
    ahead = 2 if device.startswith("cuda") else 1
    blocks = [_blocks(network) for network in networks]
    if least <= BLOCKS and all(sizes for _rest, sizes in blocks):
        for count in (8, 4, 2, 1) if ahead == 1 else (1,):
            needed = max(rest + ahead * _largest(sizes, count) for rest, sizes in blocks)
            if needed <= room:
                return Plan(BLOCKS, count, needed)
    needed = max((ahead * _largest_layer(network) for network in networks), default=0)
    return Plan(LAYERS, 0, needed) if needed <= room else None


def apply(modules: Iterable[Module], chosen: Plan, device: str, *, on_disk: bool = False) -> Meter:
    """Bring networks from the machine's memory to a device, as planned.

    Args:
        modules: The networks.
        chosen: How.
        device: Where they compute.
        on_disk: Whether layers wait on disk instead of in the machine's memory; on a CPU they always do.

    Returns:
        What counts the bytes that are on the device from now on.
    """
    meter = Meter()
    for module in modules:
        if chosen.level == RESIDENT:
            module.to(device)
            meter.came(id(module), module_bytes(module))
            continue
        _join_twins(module)
        where = _waiting_room(module) if on_disk or device.startswith("cpu") else None
        apply_group_offloading(
            module,
            onload_device=torch.device(device),
            offload_device=torch.device("cpu"),
            use_stream=device.startswith("cuda"),
            record_stream=device.startswith("cuda"),
            low_cpu_mem_usage=True,
            offload_to_disk_path=where,
            offload_type="block_level" if chosen.level == BLOCKS else "leaf_level",
            num_blocks_per_group=chosen.blocks or None,
        )
        module.__dict__["compute_device"] = torch.device(device)
        _count(module, meter)
    return meter


def module_bytes(module: Module) -> int:
    """Return the bytes of a network's parameters and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in (*module.parameters(), *module.buffers()))


def _join_twins(module: Module) -> None:
    """Put one layer where two share a weight, as embeddings do: else each would be moved without the other knowing."""
    first: dict[int, Module] = {}
    for parent in list(module.modules()):
        for name, layer in parent.named_children():
            own = list(layer.parameters(recurse=False))
            if len(own) != 1 or any(True for _ in layer.children()):
                continue
            twin = first.setdefault(id(own[0]), layer)
            if twin is not layer and type(twin) is type(layer):
                setattr(parent, name, twin)


def _waiting_room(module: Module) -> str:
    """Return a folder for layers that wait, which goes with the network."""
    folder = tempfile.TemporaryDirectory(prefix="kinegraph-offload-")
    weakref.finalize(module, folder.cleanup)
    return folder.name


def _blocks(network: Module) -> tuple[int, list[int]]:
    """Return the bytes that stay for a whole forward, and those of each block that comes and goes."""
    lists = [child for child in network.children() if isinstance(child, (ModuleList, Sequential))]
    sizes = [module_bytes(block) for child in lists for block in child]
    return module_bytes(network) - sum(sizes), sizes


def _largest(sizes: Sequence[int], count: int) -> int:
    return max(sum(sizes[start : start + count]) for start in range(0, len(sizes), count))


def _largest_layer(network: Module) -> int:
    """Return the most bytes that a layer has with it on the device: its own, and its parents' while they run."""
    return sum(_own(network)) + max((_largest_layer(child) for child in network.children()), default=0)


def _own(layer: Module) -> list[int]:
    tensors = (*layer.parameters(recurse=False), *layer.buffers(recurse=False))
    return [tensor.numel() * tensor.element_size() for tensor in tensors]


def _count(module: Module, meter: Meter) -> None:
    """Let every group of a network tell the meter when it comes and goes."""
    seen: set[int] = set()
    for part in module.modules():
        registry: HookRegistry | None = getattr(part, "_diffusers_hook", None)
        hook: Any = registry and registry.get_hook(_HOOK)
        if hook is not None and id(hook.group) not in seen:
            seen.add(id(hook.group))
            _watch(hook.group, meter)


def _watch(group: Any, meter: Meter) -> None:
    parts = [tensor for module in group.modules for tensor in (*module.parameters(), *module.buffers())]
    tensors = list({id(tensor): tensor for tensor in (*parts, *group.parameters, *group.buffers)}.values())
    nbytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    come, go, number = group.onload_, group.offload_, id(group)

    def onload() -> None:
        come()
        if group.offload_to_disk_path is not None:
            # A file's tensors lie where they happen to; kernels sum in another order by alignment.
            for tensor in tensors:
                tensor.data = tensor.data.clone()
        meter.came(number, nbytes)

    def offload() -> None:
        go()
        meter.went(number, nbytes)

    group.onload_, group.offload_ = onload, offload
