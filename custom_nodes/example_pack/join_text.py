"""A node on text, with everything that a node may have beside its function: a check, and a migration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from nodes import InputProblem, Output, Text, node


@node(category="text", version=2, instant=True, aliases=("concatenate", "append", "prompt"))
def join_text(
    *,
    first: Annotated[str, Text(multiline=True)] = "",
    second: Annotated[str, Text(multiline=True)] = "",
    separator: str = ", ",
) -> Annotated[str, Output("text")]:
    """Join two texts, such as a subject and a style.

    Args:
        first: The text that comes first.
        second: The text that follows. When one of the two is empty, there is no separator.
        separator: What stands between them.

    Returns:
        The joined text.
    """
    return separator.join(part for part in (first, second) if part)


@join_text.check
def _separator_is_short(separator: str) -> Iterator[InputProblem]:
    if len(separator) > 20:
        message = f"a separator of {len(separator)} characters is a text of its own"
        yield InputProblem("separator", message, "put it into 'second'")


@join_text.migration(from_version=1)
def _glue_became_separator(inputs: dict[str, object]) -> dict[str, object]:
    if "glue" in inputs:
        inputs["separator"] = inputs.pop("glue")
    return inputs
