"""Sound through FFmpeg's filters, block by block; and longer or shorter sound at the same pitch."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import av.error
import av.filter

from .audio import LAYOUTS, PACKED, check_channels, fit_audio, frames_of, unpacked
from .samples import collected
from .types import Audio


def filter_audio(audio: Audio, *steps: tuple[str, str]) -> Iterator[av.AudioFrame]:
    """Yield what comes out of a chain of FFmpeg's filters, each a name and its arguments.

    Raises:
        MediaError: The sound has more than 8 channels.
    """
    check_channels(audio.channels)
    graph = av.filter.Graph()
    source: Any = graph.add_abuffer(
        format=PACKED,
        sample_rate=audio.sample_rate,
        layout=LAYOUTS[audio.channels],
        time_base=Fraction(1, audio.sample_rate),
    )
    last = source
    for name, arguments in (*steps, ("abuffersink", "")):
        following: Any = graph.add(name, arguments)
        last.link_to(following)
        last = following
    graph.configure()
    for frame in frames_of(audio):
        source.push(frame)
        yield from _ready(last)
    source.push(None)
    yield from _ready(last)


def _ready(sink: Any) -> Iterator[av.AudioFrame]:
    while True:
        try:
            yield sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def stretch_audio(audio: Audio, speed: Fraction) -> Audio:
    """Return sound that is ``speed`` times as fast, with the pitch kept; its length is exact to the sample.

    Args:
        audio: Any sound.
        speed: Above 0; 2 is twice as fast.

    Raises:
        MediaError: The sound has more than 8 channels.
    """
    if speed == 1 or not audio.samples.shape[1]:
        return audio
    steps = [("atempo", f"tempo={float(part):.9f}") for part in _tempo_steps(speed)]
    blocks = (unpacked(frame) for frame in filter_audio(audio, *steps, ("aformat", f"sample_fmts={PACKED}")))
    samples = collected(blocks, audio.channels)
    return fit_audio(Audio(samples, audio.sample_rate), audio.duration_s / speed)


def _tempo_steps(speed: Fraction) -> Iterator[Fraction]:
    """Split a speed into steps of 1/2 to 2: beyond that the filter leaves sound out instead of stretching it."""
    while speed > 2:
        yield Fraction(2)
        speed /= 2
    while speed < Fraction(1, 2):
        yield Fraction(1, 2)
        speed *= 2
    yield speed
