"""Passes that run ahead of their consumers: each on a thread of its own, a few pieces ahead and no more.

So the stages of a stream overlap: while an encoder takes one piece, the stage before it makes the next. A stage waits
when its consumer is behind; errors and cancellation reach the consumer in place of the piece that they prevented.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

AHEAD = 2
"""Pieces of one pass that are made, or being made, before its consumer asks for them."""

_END: Final = object()


class Crew:
    """The threads of one run's streams. None of them outlives `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passes: set[_Pass] = set()
        self._closed = False

    def ahead(
        self, start: Callable[[], Iterator[object]], name: str, waiting: Callable[[], AbstractContextManager[None]]
    ) -> Generator[object]:
        """Yield the pieces of a pass that is made on a thread of its own; closing ends the thread.

        Args:
            start: Starts the pass; called on the thread, and so is everything that the pass does.
            name: The thread's.
            waiting: Entered on the consumer's thread for as long as it waits for a piece.
        """
        running = _Pass(start)
        with self._lock:
            closed = self._closed
            if not closed:
                self._passes.add(running)
        if closed:  # what a run returned is consumed when it is over
            yield from start()
            return
        try:
            running.begin(name)
            while True:
                with waiting():
                    piece = running.take()
                if piece is _END:
                    return
                yield piece
                piece = None
        finally:
            running.end()
            with self._lock:
                self._passes.discard(running)

    def close(self) -> None:
        """End every pass that a consumer left open, and wait for its thread."""
        with self._lock:
            self._closed = True
            left = list(self._passes)
        for running in left:
            running.end()


class _Pass:
    """A thread that fills a short queue. It begins a piece only when there is room for it."""

    def __init__(self, start: Callable[[], Iterator[object]]) -> None:
        self._start = start
        self._changed = threading.Condition()
        self._ready: deque[object] = deque()
        self._error: BaseException | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def begin(self, name: str) -> None:
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def take(self) -> object:
        """Wait for the next piece, and return it, or `_END`; raises what the pass raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._stopped)
            if not self._ready:
                message = "the run ended while its stream was consumed"
                raise RuntimeError(message)
            piece = self._ready.popleft()
            self._changed.notify_all()
        if piece is _END and self._error is not None:
            raise self._error
        return piece

    def end(self) -> None:
        """Have the pass closed where it stands, and wait until it is."""
        with self._changed:
            self._stopped = True
            self._ready.clear()
            self._changed.notify_all()
        # A pass that is let go of unclosed may be collected on its own thread, which cannot wait for itself.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self) -> None:
        pieces: Any = None
        try:
            pieces = closable(self._start())
            while self._has_room():
                piece = next(pieces, _END)
                if piece is _END:
                    break
                self._put(piece)
                piece = None
        except BaseException as error:  # noqa: BLE001  (it is raised again where the piece was wanted)
            self._error = error
        finally:
            self._finish(pieces)

    def _has_room(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: len(self._ready) < AHEAD or self._stopped)
            return not self._stopped

    def _put(self, piece: object) -> None:
        with self._changed:
            if not self._stopped:
                self._ready.append(piece)
                self._changed.notify_all()

    def _finish(self, pieces: Any) -> None:
        """Close the pass, and only then let its consumer know that it is over."""
        try:
            if pieces is not None:
                pieces.close()
        except BaseException as error:  # noqa: BLE001  (likewise)
            self._error = self._error or error
        finally:
            self._put(_END)


class Turn:
    """Whose work the device does: one stage at a time, and never one that waits for pieces."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def held(self) -> Generator[None]:
        """Have the device for the block; within another such block of the same thread nothing changes."""
        if getattr(self._mine, "held", False):
            yield
            return
        with self._lock:
            self._mine.held = True
            try:
                yield
            finally:
                self._mine.held = False

    @contextmanager
    def lent(self) -> Generator[None]:
        """Let others have the device for the block, if this thread has it."""
        if not getattr(self._mine, "held", False):
            yield
            return
        self._mine.held = False
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
            self._mine.held = True


def closable(pieces: Iterator[object]) -> Any:
    """Return an iterator that can be closed, whatever a codec returned."""
    return pieces if hasattr(pieces, "close") else (piece for piece in pieces)
