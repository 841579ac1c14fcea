"""One production for all who consume it at the same time, in whatever order: what one has had, the others read back.

Whoever comes to the end of what was made has the next piece made, for all. So a stream that branches and joins again,
as when a clip is compared with what was made of it, runs its producer once, and no consumer ever waits for another.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any, Final

from server.engine.ahead import closable
from server.kit.values import Recorder

logger = logging.getLogger(__name__)

END: Final = object()


class Tape:
    """A stream that is produced once and copied on the way, for any number of readers.

    Args:
        start: Starts the production.
        recorder: Takes the copy.
        lent: Entered while a reader waits for another that has a piece made.
        left: Told when the last reader has left, and whether the copy is complete by then.
        pays: Asked with each piece, and with `END`, whether the copy is still wanted.

    Attributes:
        broken: Whether the copy was given up; readers that are behind then make their pieces themselves.
    """

    def __init__(
        self,
        start: Callable[[], Iterator[object]],
        recorder: Recorder,
        lent: Callable[[], AbstractContextManager[None]],
        left: Callable[[bool], None],
        pays: Callable[[object], bool] = lambda _piece: True,
    ) -> None:
        self.broken = False
        self._start, self._recorder, self._lent, self._left, self._pays = start, recorder, lent, left, pays
        self._making = threading.Lock()
        self._counting = threading.Lock()
        self._source: Any = None
        self._made = 0
        self._last: tuple[int, object] = (-1, None)
        self._ended = False
        self._error: BaseException | None = None
        self._readers = 0
        self._over = False

    def join(self) -> bool:
        """Count one more reader, who then has to `read`; return False when the last one has left already."""
        with self._counting:
            if not self._over:
                self._readers += 1
            return not self._over

    @property
    def is_over(self) -> bool:
        """Whether the last reader has left."""
        return self._over

    def read(self) -> Generator[object]:
        """Yield every piece from the first on."""
        position = 0
        try:
            while (piece := self._at(position)) is not END:
                position += 1
                yield piece
                piece = None
        except _LostError:
            with closing(closable(self._start())) as alone:
                yield from itertools.islice(alone, position, None)
        finally:
            self._leave()

    def _at(self, position: int) -> object:
        if position < self._made:
            return self._again(position)
        if not self._making.acquire(blocking=False):
            with self._lent():
                self._making.acquire()
        try:
            return self._again(position) if position < self._made else self._make()
        finally:
            self._making.release()

    def _again(self, position: int) -> object:
        """Return a piece that was made for another reader."""
        number, piece = self._last
        if number == position:
            return piece
        if not self.broken:
            try:
                return self._recorder.piece(position)
            except (OSError, ValueError) as error:
                logger.warning("a copied stream cannot be read back: %s", error)
        raise _LostError

    def _make(self) -> object:
        if self._error is not None:
            raise self._error
        if self._ended:
            return END
        # Nothing holds the piece before while this one is made.
        self._last = (-1, None) if self._readers == 1 else self._last
        try:
            if self._source is None:
                self._source = closable(self._start())
            piece = next(self._source, END)
        except BaseException as error:
            self._error = error
            raise
        self._record(piece)
        if piece is END:
            self._ended = True
        else:
            self._last = (self._made, piece)
            self._made += 1
        return piece

    def _record(self, piece: object) -> None:
        if self.broken:
            return
        if not self._pays(piece):
            self.broken = True
            self._recorder.discard()
            return
        try:
            if piece is END:
                self._recorder.finish()
            else:
                self._recorder.add(piece)
        except OSError as error:
            logger.warning("a stream is no longer copied to disk: %s", error)
            self.broken = True
            self._recorder.discard()

    def _leave(self) -> None:
        with self._counting:
            self._readers -= 1
            if self._readers:
                return
            self._over = True
        self._last = (-1, None)
        complete = self._ended and not self.broken
        try:
            if self._source is not None:
                self._source.close()
        finally:
            if not complete:
                self._recorder.discard()
            self._left(complete)


class _LostError(Exception):
    """A piece that a reader still needs is not to be had from the copy."""
