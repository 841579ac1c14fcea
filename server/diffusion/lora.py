"""LoRA files, from their headers alone: which modules of a component they change, and whether they fit. No torch.

Three spellings circulate: `X.lora_A.weight` of PEFT and diffusers, `X_lora.down.weight` before it, and kohya's
`lora_unet_X.lora_down.weight` with underscores for dots. X is the module's name in diffusers, or in the original
repository of the family; the layouts' own tables translate the latter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from server.diffusion import digests, families, headers, layouts, scaled
from server.diffusion.errors import WeightsError
from server.diffusion.headers import Header
from server.diffusion.layouts import unet
from server.diffusion.layouts.naming import Naming, Shape, Target
from server.diffusion.source import FOLDER, Part
from server.diffusion.types import Lora, Model, TextEncoder

L = TypeVar("L", Model, TextEncoder)

_PARTS = (
    ("down", re.compile(r"(?:\.processor)?(?:\.lora_A(?:\.default)?|\.lora_down|[._]lora\.down)\.weight$")),
    ("up", re.compile(r"(?:\.processor)?(?:\.lora_B(?:\.default)?|\.lora_up|[._]lora\.up)\.weight$")),
    ("alpha", re.compile(r"\.alpha$")),
    ("bias", re.compile(r"\.(?:diff_b|lora_B\.bias)$")),
    ("whole", re.compile(r"\.diff$")),
)
_OTHERS = {
    "hada_w1_a": "a LoHa",
    "lokr_w1": "a LoKr",
    "lokr_w1_a": "a LoKr",
    "dora_scale": "a DoRA",
    "oft_blocks": "an OFT",
}
# Beginning of a name, and the component that it is of: "" the denoiser, else a text encoder.
_ROOTS = (
    ("lora_unet_", ""),
    ("lora_transformer_", ""),
    ("lycoris_", ""),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("lora_te_", "text_encoder"),
    ("text_encoder_2.", "text_encoder_2"),
    ("text_encoder.", "text_encoder"),
    ("base_model.model.", ""),
    ("model.diffusion_model.", ""),
    ("diffusion_model.", ""),
    ("transformer.", ""),
    ("unet.", ""),
    ("", ""),
)
_DENOISERS = frozenset({"transformer", "transformer_2", "unet"})
_TEXT_ROOT = "text_model."


@dataclass(frozen=True, slots=True)
class Change:
    """What a LoRA does to one module.

    Attributes:
        module: The module's name in the component.
        tensors: Names of tensors in the file: "down", "up", "alpha", "bias", "whole".
        target: Which rows of the LoRA's output are this module's.
    """

    module: str
    tensors: Mapping[str, str]
    target: Target


def add(description: L, file: Path, strength: float, *, expert: str = "") -> L:
    """Return a description with a LoRA on top of those that it has, once the file has proved to fit.

    Args:
        description: A model or a text encoder.
        file: The LoRA.
        strength: Of its effect; 0 is none, below 0 the opposite.
        expert: The one denoiser to change where there are several; empty changes all.

    Raises:
        WeightsError: It is no LoRA, of a kind that is not read, damaged, or changes nothing in this component.
    """
    header = headers.read(file)
    experts = description.capabilities.experts
    if expert and (isinstance(description, TextEncoder) or expert not in experts):
        raise WeightsError(f"{description.name} has no expert {expert!r}.", f"There are {', '.join(experts)}.")
    parts = _changed_parts(description, expert)
    if not any(changes(header, part, description.family) for part in parts):
        raise _fits_nothing(description, file, header)
    lora = Lora(
        file=str(file.resolve()), digest=digests.digest((file,)), name=file.stem, strength=strength, component=expert
    )
    return replace(description, loras=(*description.loras, lora))


def is_lora(file: Path) -> bool:
    """Return whether a weight file is a LoRA that is read, from its header.

    Raises:
        WeightsError: It cannot be read, or is a relative of LoRA that is not.
    """
    return bool(_groups(headers.read(file)))


def check_unchanged(entry: Lora) -> None:
    """Refuse a LoRA whose file is no longer the one that was described.

    Raises:
        WeightsError: It changed or went away.
    """
    file = Path(entry.file)
    if not file.is_file() or digests.digest((file,)) != entry.digest:
        raise WeightsError(f"{file.name} changed after the workflow began.", "Run the workflow again from its loader.")


def changes(header: Header, part: Part, family: str) -> tuple[Change, ...]:
    """Return what a LoRA does to a component.

    Raises:
        WeightsError: It is of a kind that is not read, or its layers are of another size than the component's.
    """
    modules = _modules(part)
    namings = _namings(part, family, modules)
    found: list[Change] = []
    for key, tensors in _groups(header).items():
        for module, target in _targets(key, part.name, modules, namings):
            change = Change(module, tensors, target)
            _check_shapes(header, change, modules[module], part)
            found.append(change)
    return tuple(found)


def _groups(header: Header) -> dict[str, dict[str, str]]:
    """Gather a file's tensors by the module that they change."""
    groups: dict[str, dict[str, str]] = {}
    for name in header.tensors:
        other = _OTHERS.get(name.rpartition(".")[2])
        if other:
            raise WeightsError(f"The file is {other}, a relative of LoRA that is not read.", "Use a LoRA.")
        for kind, pattern in _PARTS:
            match = pattern.search(name)
            if match:
                groups.setdefault(name[: match.start()].replace(".processor.", "."), {})[kind] = name
                break
    return {
        key: tensors
        for key, tensors in groups.items()
        if {"down", "up"} <= tensors.keys() or tensors.keys() & {"bias", "whole"}
    }


def _targets(
    key: str, component: str, modules: Mapping[str, Shape], namings: Iterable[Naming]
) -> list[tuple[str, Target]]:
    root, owner = next((root, owner) for root, owner in _ROOTS if key.startswith(root))
    if component in _DENOISERS:
        if owner:
            return []
    elif owner and owner != component:
        return []
    name = key.removeprefix(root)
    if name in modules:
        return [(name, Target(name))]
    if name in _flat(modules):
        plain = _flat(modules)[name]
        return [(plain, Target(plain))]
    for naming in namings:
        made = naming.module(name)
        if made and all(target.name in modules for target in made):
            return [(target.name, target) for target in made]
    return []


def _flat(modules: Mapping[str, Shape]) -> dict[str, str]:
    return _flat_names(tuple(modules))


@lru_cache(maxsize=64)
def _flat_names(names: tuple[str, ...]) -> dict[str, str]:
    flat = {name.replace(".", "_"): name for name in names}
    rooted = {(_TEXT_ROOT + name).replace(".", "_"): name for name in names}
    dotted = {_TEXT_ROOT + name: name for name in names}
    return rooted | dotted | flat


def _modules(part: Part) -> dict[str, Shape]:
    """Return a component's modules with weights, and the shapes of these, from the headers of its files."""
    shapes: dict[str, Shape] = {}
    for piece in (part, *part.merged):
        shapes |= _shapes_in_folder(piece) if piece.layout == FOLDER else _shapes_in_files(piece)
    return {name.removesuffix(".weight"): shape for name, shape in shapes.items() if name.endswith(".weight")}


def _shapes_in_folder(part: Part) -> dict[str, Shape]:
    from server.diffusion import files

    folder = Path(part.files[0])
    return {
        name.removeprefix(_TEXT_ROOT): tuple(entry["shape"])
        for file in files.tensor_files(folder)
        for name, entry in files.tensor_header(file).items()
    }


def _shapes_in_files(part: Part) -> dict[str, Shape]:
    _, layout = layouts.find(part.layout)
    entries = headers.read(Path(part.files[0])).tensors
    start = len(part.prefix)
    own = {
        name[start:]: entry.shape
        for name, entry in entries.items()
        if name.startswith(part.prefix) and not scaled.is_marker(name)
    }
    shapes: dict[str, Shape] = {}
    for name, made in layout.targets(own).items():
        shapes |= {target.name.removeprefix(_TEXT_ROOT): target.shape(own[name]) for target in made}
    return shapes


def _namings(part: Part, family: str, modules: Mapping[str, Shape]) -> list[Naming]:
    """Return the tables from the original names of a denoiser's modules."""
    if part.name not in _DENOISERS:
        return []
    names = {f"{name}.weight": shape for name, shape in modules.items()}
    shapes = unet.skeleton(names) if part.name == "unet" else names
    wanted = {family, "sd", "animatediff"} if family == "animatediff" else {family}
    return [
        layout.naming(shapes)
        for architecture in layouts.ARCHITECTURES
        if architecture.name in wanted
        for layout in architecture.layouts
        if layout.naming is not None
    ]


def _check_shapes(header: Header, change: Change, weight: Shape, part: Part) -> None:
    tensors = header.tensors
    if "down" in change.tensors:
        inputs = tensors[change.tensors["down"]].shape[1]
        up = tensors[change.tensors["up"]].shape[0]
        outputs = change.target.shape((up,))[0]
        if (outputs, inputs) != (weight[0], weight[1] if len(weight) > 1 else inputs):
            raise WeightsError(
                f"The LoRA was made for a model of another size: its {change.module} is {outputs} by {inputs}, and in "
                f"{part.file_names()} it is {' by '.join(map(str, weight[:2]))}.",
                "Choose the LoRA for this size of the model.",
            )


def _changed_parts(description: Model | TextEncoder, expert: str) -> list[Part]:
    source = description.source
    if isinstance(description, Model):
        names: Iterable[str] = (expert,) if expert else description.capabilities.experts
    else:
        named = [part.name for part in source.parts]
        components = families.get(description.family).components(TextEncoder, named)
        names = [name for name in components if not name.startswith("tokenizer")]
    return [source.part(name) for name in names]


def _fits_nothing(description: Model | TextEncoder, file: Path, header: Header) -> WeightsError:
    groups = _groups(header)
    if not groups:
        return WeightsError(f"{file.name} is no LoRA.", "Choose a LoRA; models are chosen in load_model.")
    kind = "text encoder" if isinstance(description, TextEncoder) else "model"
    others = f" and {len(groups) - 1} more" if len(groups) > 1 else ""
    return WeightsError(
        f"{file.name} fits nothing in this {kind}: it changes {next(iter(groups))}{others}, "
        f"which {description.name} has not.",
        f"Choose a LoRA that was made for {description.family}.",
    )
