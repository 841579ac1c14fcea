"""Errors of the model library; each says what to do next."""

from __future__ import annotations


class ModelError(Exception):
    """A model cannot be found, named, read or fetched.

    Attributes:
        message: What is wrong.
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message, self.hint = message, hint
