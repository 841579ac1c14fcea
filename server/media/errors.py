"""The one exception that media code raises for bad files, bad sizes and full disks. No logic belongs here."""

from __future__ import annotations


class MediaError(Exception):
    """Say what is wrong with a file or a clip, and what to do about it.

    Attributes:
        message: What is wrong, in one sentence, without the hint.
        hint: What the person can do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[MediaError], tuple[str, str]]:
        """Keep message and hint apart when the error crosses a process."""
        return type(self), (self.message, self.hint)
