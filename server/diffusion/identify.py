"""What a weight file is, from its header alone: which networks it holds, of which variant. No torch.

A file that holds nothing that can be used is refused in words that say what it is, where that is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from server.diffusion import gguf_header, headers, layouts, scaled
from server.diffusion.errors import WeightsError
from server.diffusion.headers import FP8, PLAIN, Header
from server.diffusion.layouts import Network
from server.diffusion.layouts.architecture import UnknownTensorsError
from server.diffusion.source import Part, canonical


@dataclass(frozen=True, slots=True)
class Found:
    """One network in a file.

    Attributes:
        architecture: Its name in `server.diffusion.layouts`.
        role: What it is to a pipeline.
        title: Name for people.
        layout: How its tensors are named.
        prefix: What stands before their names.
        config: Its configuration, as JSON text.
        files: The file, or all shards of it.
        count: Numbers in its tensors.
    """

    architecture: str
    role: str
    title: str
    layout: str
    prefix: str
    config: str
    files: tuple[str, ...]
    count: int

    def configuration(self) -> dict[str, Any]:
        """Return its configuration."""
        return json.loads(self.config)

    def part(self, name: str, config: str | None = None, *, merged: tuple[Part, ...] = ()) -> Part:
        """Return it as a component of a model, under another configuration than its own when one is given."""
        return Part(name, self.files, config or self.config, self.layout, self.prefix, merged=merged)


def identify(path: Path) -> tuple[Found, ...]:
    """Return the networks in a weight file, a denoiser first.

    Raises:
        WeightsError: It holds none that is known, or it is damaged, or a pickle, or compressed in an unknown way.
    """
    stat = path.stat() if path.is_file() else None
    if stat is None:
        headers.read(path)  # says what is wrong
        raise WeightsError(f"There is no file {path.name}.", "Check the path.")
    return _identify(path.resolve(), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=512)
def _identify(path: Path, size: int, mtime_ns: int) -> tuple[Found, ...]:
    del size, mtime_ns  # there for the cache's sake
    header = headers.read(path)
    names = {name: entry for name, entry in header.tensors.items() if not scaled.is_marker(name)}
    networks = layouts.networks(names)
    if not networks:
        raise _unknown(path, header)
    _check_types(path, header)
    shapes = {name: entry.shape for name, entry in names.items()}
    return tuple(_found(path, header, network, shapes) for network in networks)


def _found(path: Path, header: Header, network: Network, shapes: Mapping[str, tuple[int, ...]]) -> Found:
    own = network.shapes(shapes)
    architecture = network.architecture
    try:
        config = network.config(own)
    except UnknownTensorsError as error:
        raise WeightsError(
            f"{path.name} is a variant of {architecture.title} that cannot be run: it holds {error.names[0]} and "
            f"{len(error.names) - 1} more tensors that the plain one has not.",
            "Use the plain model.",
        ) from error
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise WeightsError(
            f"{path.name} looks like {architecture.title}, but lacks tensors or has some of a wrong shape: {error}.",
            "It is another variant, or damaged. Get the file again.",
        ) from error
    count = sum(header.tensors[network.prefix + name].count for name in own)
    return Found(
        architecture=architecture.name,
        role=architecture.role,
        title=architecture.title,
        layout=network.layout.name,
        prefix=network.prefix,
        config=canonical(config),
        files=header.files,
        count=count,
    )


def _check_types(path: Path, header: Header) -> None:
    scales = scaled.Scales(header.tensors)
    known = PLAIN | FP8 | gguf_header.TYPES
    for name, entry in header.tensors.items():
        packed_otherwise = scales.of(name) is not None and entry.dtype not in FP8
        if entry.dtype not in known or packed_otherwise:
            raise WeightsError(
                f"{path.name} is compressed in a way that is not read: {name} is {entry.dtype}.",
                "Use a version in fp16, bf16 or fp8, or GGUF.",
            )


# Names that tell apart what is known and cannot be used, so that the message can say it.
_OTHERS = {
    "blocks.0.attn.qkv_x.weight": "Mochi",
    "joint_blocks.0.x_block.attn.qkv.weight": "Stable Diffusion 3",
    "cap_embedder.0.weight": "Lumina 2 or Z-Image",
    "transformer_blocks.0.img_mod.1.weight": "Qwen-Image",
    "double_stream_blocks.0.block.adaLN_modulation.1.bias": "HiDream",
    "net.blocks.0.self_attn.q_proj.weight": "Cosmos",
    "byt5_in.fc1.weight": "HunyuanVideo 1.5",
    "single_stream_modulation.lin.weight": "FLUX.2",
    "control_model.time_embed.0.weight": "a ControlNet",
    "controlnet_cond_embedding.conv_in.weight": "a ControlNet",
}


def _unknown(path: Path, header: Header) -> WeightsError:
    for name in header.tensors:
        if ".lora_" in name or name.endswith((".lora_A.weight", ".hada_w1_a", ".lokr_w1")):
            return WeightsError(f"{path.name} is a LoRA, not a model.", "Choose it in an apply_lora node.")
    for prefix in layouts.PREFIXES:
        for name, title in _OTHERS.items():
            if prefix + name in header.tensors:
                return WeightsError(f"{path.name} holds {title}, which cannot be run.", _KNOWN)
    return WeightsError(f"{path.name} holds no network that is known.", _KNOWN)


_KNOWN = "Known are Wan, LTX-Video, HunyuanVideo, CogVideoX, FLUX.1, Stable Diffusion 1 and XL, and SVD."
