"""The layouts of weight files: which network a file holds, by the names and shapes in its header alone. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from server.diffusion.layouts import autoencoder, cogvideox, flux, hunyuan, ltx, text, unet, wan
from server.diffusion.layouts.architecture import Architecture, Layout, Role
from server.diffusion.layouts.naming import Shapes

__all__ = ["ARCHITECTURES", "Architecture", "Layout", "Network", "Role", "find", "networks"]

ARCHITECTURES = (
    wan.TRANSFORMER,
    wan.VAE,
    ltx.TRANSFORMER,
    ltx.VAE,
    hunyuan.TRANSFORMER,
    hunyuan.VAE,
    cogvideox.TRANSFORMER,
    cogvideox.VAE,
    flux.TRANSFORMER,
    unet.SVD,
    unet.SDXL,
    unet.SD,
    unet.MOTION,
    autoencoder.TEMPORAL_VAE,
    autoencoder.VAE,
    text.UMT5,
    text.T5,
    text.CLIP_TEXT,
    text.LLAMA,
    text.CLIP_VISION,
    text.LLAVA_VISION,
)

# What files of several networks, and some that saved one of them, put before its tensors' names.
PREFIXES = (
    "model.diffusion_model.",
    "model.model.",
    "diffusion_model.",
    "model.",
    "module.",
    "transformer.",
    "first_stage_model.",
    "vae.",
    "cond_stage_model.transformer.",
    "conditioner.embedders.0.transformer.",
    "conditioner.embedders.1.model.",
    "conditioner.embedders.0.open_clip.model.visual.",
    "text_encoders.t5xxl.transformer.",
    "text_encoders.clip_l.transformer.",
    "text_encoders.clip_g.transformer.",
    "",
)


@dataclass(frozen=True)
class Network:
    """A network that was found in a file.

    Attributes:
        architecture: Which kind it is.
        layout: How its tensors are named.
        prefix: What stands before their names.
    """

    architecture: Architecture
    layout: Layout
    prefix: str

    def shapes(self, shapes: Shapes) -> Shapes:
        """Return the shapes of its own tensors, of all of a file's, without the prefix."""
        start = len(self.prefix)
        return {name[start:]: shape for name, shape in shapes.items() if name.startswith(self.prefix)}

    def config(self, shapes: Shapes) -> dict[str, Any]:
        """Return its configuration, from the shapes of its own tensors.

        Raises:
            UnknownTensorsError: It has tensors that its layout does not know: it is some other variant.
        """
        renamed: dict[str, tuple[int, ...]] = {}
        for name, targets in self.layout.targets(shapes).items():
            renamed |= {target.name: target.shape(shapes[name]) for target in targets}
        return self.architecture.config(renamed)


def networks(names: Mapping[str, object]) -> tuple[Network, ...]:
    """Return the networks that tensors of these names make up, in the order of `ARCHITECTURES`."""
    present = [prefix for prefix in PREFIXES if not prefix or any(name.startswith(prefix) for name in names)]
    found: list[Network] = []
    for architecture in ARCHITECTURES:
        for layout in architecture.layouts:
            found += [Network(architecture, layout, prefix) for prefix in present if layout.fits(names, prefix)]
    return tuple(found)


@cache
def find(layout: str) -> tuple[Architecture, Layout]:
    """Return an architecture and its layout by the layout's name.

    Raises:
        KeyError: There is none of that name.
    """
    for architecture in ARCHITECTURES:
        for candidate in architecture.layouts:
            if candidate.name == layout:
                return architecture, candidate
    raise KeyError(layout)
