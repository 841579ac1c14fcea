"""Values written down once and used in several places, and the choice between two."""

from __future__ import annotations

from typing import Annotated, TypeVar

from nodes import Lazy, NodeInputError, Output, Text, node

T = TypeVar("T")


@node(category="values", instant=True, aliases=("int", "whole number", "constant"))
def integer(*, value: int = 0) -> Annotated[int, Output("value")]:
    """Hold a whole number.

    Args:
        value: The number.

    Returns:
        The number.
    """
    return value


@node(category="values", instant=True, aliases=("float", "decimal", "constant"))
def number(*, value: float = 0.0) -> Annotated[float, Output("value")]:
    """Hold a number.

    Args:
        value: The number.

    Returns:
        The number.
    """
    return value


@node(category="values", instant=True, aliases=("string", "prompt", "constant"))
def text(*, value: Annotated[str, Text(multiline=True)] = "") -> Annotated[str, Output("value")]:
    """Hold a text.

    Args:
        value: The text.

    Returns:
        The text.
    """
    return value


@node(category="values", instant=True, aliases=("bool", "on", "off", "true", "false", "constant"))
def boolean(*, value: bool = False) -> Annotated[bool, Output("value")]:
    """Hold a choice between true and false.

    Args:
        value: The choice.

    Returns:
        The choice.
    """
    return value


@node(category="values", aliases=("if", "else", "choose", "condition", "bypass"))
def switch(
    when_true: Lazy[T] | None = None, when_false: Lazy[T] | None = None, *, condition: bool = True
) -> Annotated[T, Output("value")]:
    """Pass on one of two values. What leads to the other one alone does not run.

    Args:
        when_true: The value to pass on when the condition is true.
        when_false: The value to pass on when the condition is false.
        condition: Which of the two.

    Returns:
        The chosen value.
    """
    name, chosen = ("when_true", when_true) if condition else ("when_false", when_false)
    if chosen is None:
        raise NodeInputError(name, f"nothing is connected to {name}", "connect it, or change the condition")
    return chosen.get()


@switch.foretell
def _what_was_foretold(condition: bool, *, when_true: object, when_false: object) -> object:
    return when_true if condition else when_false
