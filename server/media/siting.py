"""Where chroma samples lie between luma samples, said of frames. swscale heeds it, and PyAV does not show it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import av.filter

# What FFmpeg's setparams filter calls them, the usual one first; unspecified counts as center.
SITINGS = ("left", "center", "topleft", "top", "bottomleft", "bottom")


class SitingMarker:
    """Says of frames of one size and format where their chroma samples lie, or shall lie once they are converted.

    Args:
        width: Of the frames.
        height: Of the frames.
        pixel_format: FFmpeg's name; RGB takes the mark along into what it is converted to.
        siting: One of ``SITINGS``.
    """

    def __init__(self, width: int, height: int, pixel_format: str, siting: str) -> None:
        self._graph = av.filter.Graph()
        self._source: Any = self._graph.add_buffer(
            width=width, height=height, format=av.VideoFormat(pixel_format), time_base=Fraction(1)
        )
        marker: Any = self._graph.add("setparams", f"chroma_location={siting}")
        self._sink: Any = self._graph.add("buffersink")
        self._source.link_to(marker)
        marker.link_to(self._sink)
        self._graph.configure()

    def mark(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame with the mark; its pixels are shared."""
        frame.pts, frame.time_base = 0, Fraction(1)
        self._source.push(frame)
        return self._sink.pull()
