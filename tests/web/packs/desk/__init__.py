"""Nodes of the editor's tests: results of several files, and widgets that go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

from nodes import Artifact, Context, Output, PackWidget, node


class Pair(NamedTuple):
    """Two pictures.

    Args:
        one: A red one.
        other: A blue one.
    """

    one: Artifact
    other: Artifact


@node(category="desk", sink=True)
def two_pictures(*, size: int = 32, ctx: Context) -> Pair:
    """Draw a red and a blue square.

    Args:
        size: Their sides, in pixels.
    """
    from PIL import Image

    def save(color: str) -> Artifact:
        picture = Image.new("RGB", (size, size), color)
        return ctx.save(color, ".png", "image/png", lambda path: picture.save(Path(path)))

    return Pair(save("red"), save("blue"))


@node(category="desk")
def odd_knobs(
    *,
    whole: Annotated[str, PackWidget("counter", height=40)] = "3",
    broken: Annotated[str, PackWidget("broken", height=80)] = "plain",
    absent: Annotated[str, PackWidget("absent", height=80)] = "",
) -> Annotated[str, Output("text")]:
    """Hold texts whose widgets are a good one, one that throws, and one that is not there.

    Args:
        whole: A number.
        broken: Anything.
        absent: Anything.

    Returns:
        The first text.
    """
    return whole + broken + absent
