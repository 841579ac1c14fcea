"""Whole frames from fields: interlaced frames on their way out of a decoder. Progressive ones pass untouched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av.error
import av.filter

if TYPE_CHECKING:
    import av


def deinterlaced(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Yield frames at their own times, each that is stored as two fields made whole by FFmpeg's ``bwdif``.

    The filter is set up at the first such frame, so that progressive video costs nothing. It keeps the upper or lower
    field, whichever comes first, and looks one frame ahead and back for the lines in between.
    """
    weaver: _Weaver | None = None
    for frame in frames:
        if weaver is None and not frame.interlaced_frame:
            yield frame
            continue
        if weaver is None or not weaver.fits(frame):
            if weaver is not None:
                yield from weaver.take(None)
            weaver = _Weaver(frame)
        yield from weaver.take(frame)
    if weaver is not None:
        yield from weaver.take(None)


class _Weaver:
    def __init__(self, frame: av.VideoFrame) -> None:
        self._graph = graph = av.filter.Graph()
        self._kind = _kind_of(frame)
        base = frame.time_base or Fraction(1, 1000)
        self._source: Any = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=base
        )
        weave, self._sink = graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
        self._source.link_to(weave)
        weave.link_to(self._sink)
        graph.configure()

    def fits(self, frame: av.VideoFrame) -> bool:
        """Return whether this frame is like the first one: FFmpeg ends the process over one that is not."""
        return _kind_of(frame) == self._kind

    def take(self, frame: av.VideoFrame | None) -> Iterator[Any]:
        """Yield the frames that are whole once this one, or the end, has gone in."""
        self._source.push(frame)
        while True:
            try:
                yield self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def _kind_of(frame: av.VideoFrame) -> tuple[object, ...]:
    return (frame.format.name, frame.width, frame.height, frame.colorspace, frame.color_range)
