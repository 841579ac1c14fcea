"""Lazy inputs: a node pulls what is above it from inside its own call, however deep such calls nest."""

from __future__ import annotations

import threading
from collections.abc import Callable

LEVELS = 40
"""Nested pulls on one thread: of its 1,000 frames each level takes about 7, which leaves a node most of them."""


class Depth:
    """Counts nested pulls of one run, and goes on with a fresh stack when one is used up."""

    def __init__(self) -> None:
        self._levels = 0

    def descend(self, work: Callable[[], None]) -> None:
        """Do the work one level deeper."""
        self._levels += 1
        try:
            if self._levels % LEVELS:
                work()
            else:
                _on_fresh_stack(work)
        finally:
            self._levels -= 1


class LazyInput:
    """What a node gets for a linked `Lazy` input; for the thread that runs the node or consumes its stream."""

    __slots__ = ("_pull",)

    def __init__(self, pull: Callable[[], object]) -> None:
        self._pull = pull

    def get(self) -> object:
        """Run what is upstream, once, and return its value."""
        return self._pull()


def _on_fresh_stack(work: Callable[[], None]) -> None:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (raised again below, on the thread that waits)
            raised.append(error)

    thread = threading.Thread(target=run, name="kinegraph-lazy", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
