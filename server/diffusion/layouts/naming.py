"""How a layout's tensor names become those of diffusers, as data: a table of patterns, read in several ways.

The same table renames a checkpoint, its header, and a LoRA over it, dotted or in kohya's spelling. Every change is
local to one tensor: it keeps its rows, gives them to several tensors, or takes them in another order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = Mapping[str, Shape]
Form: TypeAlias = Literal["", "flat", "transposed"]


class Cut(NamedTuple):
    """Rows from `start` to `stop`, where all rows are `of` equal parts."""

    start: int
    stop: int
    of: int

    def rows(self, count: int) -> tuple[int, int]:
        """Return first and last row, the last exclusive, of `count` rows."""
        return count * self.start // self.of, count * self.stop // self.of


class Target(NamedTuple):
    """One tensor that an original one becomes, or becomes a part of the making of.

    Attributes:
        name: Its name in diffusers, or that of its module; `#` stands for the pattern's numbers, in order.
        cuts: Which rows it takes, in this order; all of them when there are none.
        form: "flat" drops the trailing extents of a convolution with a kernel of one; "transposed" swaps two extents.
    """

    name: str
    cuts: tuple[Cut, ...] = ()
    form: Form = ""

    def shape(self, original: Shape) -> Shape:
        """Return the shape that comes of an original one."""
        rows = sum(stop - start for start, stop in (cut.rows(original[0]) for cut in self.cuts)) if self.cuts else None
        shape = original if rows is None else (rows, *original[1:])
        if self.form == "flat":
            return shape[:2]
        return shape[::-1] if self.form == "transposed" else shape


Rule: TypeAlias = "str | tuple[Target, ...]"


def split(*names: str, parts: Iterable[int] | None = None) -> tuple[Target, ...]:
    """Give a tensor's rows to several tensors in turn, in equal parts or in the given ones."""
    sizes = list(parts or [1] * len(names))
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    whole = sum(sizes)
    return tuple(
        Target(name, (Cut(start, start + size, whole),)) for name, start, size in zip(names, starts, sizes, strict=True)
    )


def swapped(name: str) -> tuple[Target, ...]:
    """Put the second half of a tensor's rows before the first: shift and scale change places."""
    return (Target(name, (Cut(1, 2, 2), Cut(0, 1, 2))),)


def flat(name: str) -> tuple[Target, ...]:
    """Make a linear layer of a convolution whose kernel is one wide."""
    return (Target(name, form="flat"),)


@dataclass(frozen=True)
class Naming:
    """A table of names.

    Attributes:
        rules: From a pattern, of a tensor or of a module, to what it becomes. In it `#` stands for any number. Suffixes
            such as `.weight` are kept where the pattern is of a module.
        dropped: Patterns of tensors that are not part of the network: constants that it computes itself.
    """

    rules: Mapping[str, Rule]
    dropped: tuple[str, ...] = ()

    def targets(self, name: str) -> tuple[Target, ...] | None:
        """Return what a tensor becomes; nothing where it is dropped, None where the table does not know it."""
        found = _lookup(self._dotted, name)
        if found is not None:
            return found
        module, _, suffix = name.rpartition(".")
        found = _lookup(self._dotted, module)
        if found is not None:
            return tuple(target._replace(name=f"{target.name}.{suffix}") for target in found)
        return () if any(pattern.fullmatch(name) for pattern in self._dropped) else None

    def module(self, name: str) -> tuple[Target, ...] | None:
        """Return what a module becomes, named with dots or, as kohya does, with underscores instead of them."""
        return _lookup(self._dotted, name) or _lookup(self._flat, name)

    @cached_property
    def _dotted(self) -> _Table:
        return _Table.of(self.rules)

    @cached_property
    def _flat(self) -> _Table:
        return _Table.of({pattern.replace(".", "_"): rule for pattern, rule in self.rules.items()})

    @cached_property
    def _dropped(self) -> list[re.Pattern[str]]:
        return [_pattern(entry) for entry in self.dropped]


@dataclass(frozen=True)
class _Table:
    exact: Mapping[str, tuple[Target, ...]]
    patterns: tuple[tuple[re.Pattern[str], tuple[Target, ...]], ...]

    @staticmethod
    def of(rules: Mapping[str, Rule]) -> _Table:
        read = {pattern: (Target(rule),) if isinstance(rule, str) else rule for pattern, rule in rules.items()}
        return _Table(
            exact={pattern: rule for pattern, rule in read.items() if "#" not in pattern},
            patterns=tuple((_pattern(pattern), rule) for pattern, rule in read.items() if "#" in pattern),
        )


def _lookup(table: _Table, name: str) -> tuple[Target, ...] | None:
    if name in table.exact:
        return table.exact[name]
    for pattern, rule in table.patterns:
        match = pattern.fullmatch(name)
        if match:
            return tuple(target._replace(name=_filled(target.name, match.groups())) for target in rule)
    return None


def _filled(name: str, numbers: tuple[str, ...]) -> str:
    for number in numbers:
        name = name.replace("#", number, 1)
    return name


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\#", "#").replace("#", r"(\d+)"))


def count(shapes: Shapes, prefix: str) -> int:
    """Return one more than the largest number that follows a prefix in any name; 0 where none does."""
    start = len(prefix)
    numbers = [name[start:].partition(".")[0] for name in shapes if name.startswith(prefix)]
    return 1 + max((int(number) for number in numbers if number.isdigit()), default=-1)
