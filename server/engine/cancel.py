"""The wish to stop a run, told from any thread."""

from __future__ import annotations

from server.kit.problems import Canceled


class CancelToken:
    """Carries one wish from whoever cancels to the run; thread-safe, because one attribute is set once."""

    __slots__ = ("requested",)

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        """Ask the run to stop at its next cancellation point."""
        self.requested = True

    def check(self) -> None:
        """Be a cancellation point.

        Raises:
            Canceled: `request` was called.
        """
        if self.requested:
            message = "the job was canceled"
            raise Canceled(message)
