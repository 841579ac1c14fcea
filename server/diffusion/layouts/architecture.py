"""What a layout is: which names tell a network apart, how they are renamed, and its configuration from shapes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from server.diffusion.layouts.naming import Naming, Shapes, Target

Role: TypeAlias = Literal["denoiser", "vae", "text encoder", "image encoder", "motion module"]


@dataclass(frozen=True)
class Layout:
    """One way in which the tensors of an architecture are named.

    Attributes:
        name: Unique, such as "wan" or "wan/diffusers".
        signature: Names that are there in every file of this layout, and together in no other.
        naming: The table for a network with tensors of these shapes; None where the names are diffusers' own.
        without: Names that belong to a relative, and are never in this layout.
        ignored: Beginnings of names that are of no use to the network.
    """

    name: str
    signature: tuple[str, ...]
    naming: Callable[[Shapes], Naming] | None = None
    without: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def fits(self, names: Collection[str], prefix: str = "") -> bool:
        """Return whether tensors that are named so, after a prefix, are of this layout."""
        return all(prefix + name in names for name in self.signature) and not any(
            prefix + name in names for name in self.without
        )

    def targets(self, shapes: Shapes) -> dict[str, tuple[Target, ...]]:
        """Return what each tensor becomes; nothing where the network has no use for it.

        Raises:
            UnknownTensorsError: The layout does not know some of them.
        """
        naming = None if self.naming is None else self.naming(shapes)
        found: dict[str, tuple[Target, ...]] = {}
        unknown: list[str] = []
        for name in shapes:
            if name.startswith(self.ignored):
                found[name] = ()
                continue
            targets = (Target(name),) if naming is None else naming.targets(name)
            if targets is None:
                unknown.append(name)
            else:
                found[name] = targets
        if unknown:
            raise UnknownTensorsError(unknown)
        return found


class UnknownTensorsError(Exception):
    """A file holds tensors that its layout does not know; `names` has them."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


@dataclass(frozen=True)
class Architecture:
    """One kind of network.

    Attributes:
        name: Unique, such as "wan".
        role: What it is to a pipeline.
        title: Name for people.
        layouts: In which it comes.
        config: Its configuration, from shapes under diffusers' names.
        optional: Tensors that a file may lack, and what stands for them: a matrix that changes nothing.
        tied: Tensors that are the same as another.
        root: What stands before the names of a network that some classes have at their root, and some have not.
        place: What stands before them in a class that holds the network among others.
        surplus: Tensors that some of the classes have no use for.
    """

    name: str
    role: Role
    title: str
    layouts: tuple[Layout, ...]
    config: Callable[[Shapes], dict[str, Any]]
    optional: Mapping[str, Literal["identity"]] = field(default_factory=dict[str, Literal["identity"]])
    tied: Mapping[str, str] = field(default_factory=dict[str, str])
    root: str = ""
    place: str = ""
    surplus: tuple[str, ...] = ()
