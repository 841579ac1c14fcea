"""Cutting and joining clips in time, with their sound. Everything stays lazy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from .audio import fit_audio, join_audio, resample_audio, silence, slice_audio
from .chapters import cut_chapters, join_chapters
from .colors import convert_dtype
from .errors import MediaError
from .types import DTYPE_BYTES, Audio, Chapter, Clip, Dtype, as_pixels, part_of

if TYPE_CHECKING:
    from .types import Block


def trim_clip(clip: Clip, *, start_s: Fraction | float = 0, duration_s: Fraction | float | None = None) -> Clip:
    """Return the part of a clip between two times, each rounded to the nearest frame.

    Args:
        clip: Any clip.
        start_s: Where the part starts, in seconds.
        duration_s: How long it lasts; to the end when absent, and at least one frame.

    Raises:
        MediaError: The part lies outside the clip.
    """
    if duration_s is not None and duration_s <= 0:
        raise MediaError(f"a duration of {float(duration_s):g} s leaves nothing", "use one above 0, or leave it out")
    count = None if duration_s is None else max(1, round(Fraction(duration_s) * clip.fps))
    return trim_frames(clip, start=round(Fraction(start_s) * clip.fps), count=count)


def trim_frames(clip: Clip, *, start: int = 0, count: int | None = None) -> Clip:
    """Return ``count`` frames from frame ``start`` (the first is 0) with their sound; fewer when the clip ends before.

    The frames before ``start`` are produced and dropped; after the last wanted frame the production is closed.

    Raises:
        MediaError: Nothing is left.
    """
    total = clip.frame_count
    if start < 0 or (count is not None and count < 1) or (total is not None and start >= total):
        length = "" if total is None else f" of a clip of {total}"
        raise MediaError(
            f"frames from {start} on, {'all' if count is None else count} of them,{length} leave nothing",
            "start within the clip and keep at least one frame",
        )
    if total is not None:
        count = total - start if count is None else min(count, total - start)

    def produce() -> Iterator[Block]:
        yield from _cut(clip, start, count)

    # Without a length known beforehand, the encoder fits the sound to the frames.
    audio = clip.audio
    if audio is not None:
        rest = max(Fraction(0), audio.duration_s - start / clip.fps)
        audio = slice_audio(audio, start / clip.fps, rest if count is None else count / clip.fps)
    known = count if total is not None else None
    end_s = None if count is None else (start + count) / clip.fps
    chapters = cut_chapters(clip.chapters, start / clip.fps, end_s)
    return clip.derive(produce, frame_count=known, audio=audio, chapters=chapters)


def _cut(clip: Clip, start: int, count: int | None) -> Iterator[Block]:
    position = 0
    end = None if count is None else start + count
    with closing(clip.blocks()) as blocks:
        for block in blocks:
            first = max(0, start - position)
            last = block.shape[0] if end is None else min(block.shape[0], end - position)
            if first < last:
                yield part_of(block, first, last)
            position += int(block.shape[0])
            if end is not None and position >= end:
                return


def concatenate_clips(clips: Sequence[Clip]) -> Clip:
    """Join clips end to end, silence standing in where one has no sound.

    All need one size, rate and colour space. Pixels become the deepest dtype among them; sound takes the rate and
    channels of the first clip that has any.

    Raises:
        MediaError: There is no clip, they do not fit, or one of unknown length would put the sound out of step.
    """
    if not clips:
        raise MediaError("there is no clip to join", "connect at least one")
    for number, (before, clip) in enumerate(pairwise(clips), start=2):
        check_fit(before, clip, number)
    dtype = deepest_dtype(clips)

    def produce() -> Iterator[Block]:
        for clip in clips:
            with closing(clip.blocks()) as blocks:
                for block in blocks:
                    yield block if clip.dtype == dtype else convert_dtype(as_pixels(block), dtype)

    counts = [clip.frame_count for clip in clips]
    known = [count for count in counts if count is not None]
    total = sum(known) if len(known) == len(counts) else None
    return clips[0].derive(
        produce, frame_count=total, dtype=dtype, audio=_joined_sound(clips), chapters=_joined_chapters(clips)
    )


def _joined_chapters(clips: Sequence[Clip]) -> tuple[Chapter, ...]:
    """Return the chapters of all clips up to the first of unknown length, after which no time is known."""
    placed: list[tuple[Clip, Fraction]] = []
    start_s: Fraction | None = Fraction(0)
    for clip in clips:
        if start_s is not None:
            placed.append((clip, start_s))
            start_s = None if clip.duration_s is None else start_s + clip.duration_s
    return join_chapters(placed)


def deepest_dtype(clips: Sequence[Clip]) -> Dtype:
    """Return the dtype that loses nothing of any of the clips."""
    return max((clip.dtype for clip in clips), key=lambda name: (name.startswith("float"), DTYPE_BYTES[name]))


def check_fit(first: Clip, other: Clip, number: int) -> None:
    """Refuse a clip that cannot follow another: their sizes, rates and color spaces must agree."""
    if (first.width, first.height) != (other.width, other.height):
        raise MediaError(
            f"clip {number} is {other.width}x{other.height} but the one before it is {first.width}x{first.height}",
            f"resize it to {first.width}x{first.height} first",
        )
    if first.fps != other.fps:
        raise MediaError(
            f"clip {number} has {other.fps} frames a second but the one before it has {first.fps}",
            "bring them to one rate first",
        )
    if (first.color.primaries, first.color.transfer) != (other.color.primaries, other.color.transfer):
        raise MediaError(
            f"clip {number} is in {other.color.primaries}/{other.color.transfer} colour but the one before it in "
            f"{first.color.primaries}/{first.color.transfer}",
            "convert them to one colour space first",
        )


def _joined_sound(clips: Sequence[Clip]) -> Audio | None:
    model = next((clip.audio for clip in clips if clip.audio is not None), None)
    if model is None:
        return None
    parts: list[Audio] = []
    # Each part starts at the exact time of its first frame, so that rounding never adds up.
    start, samples = Fraction(0), 0
    for clip in clips:
        if clip.duration_s is None:
            raise MediaError("a clip of unknown length cannot be joined with sound", "save it first, and load the file")
        start += clip.duration_s
        length = Fraction(round(start * model.sample_rate) - samples, model.sample_rate)
        samples = round(start * model.sample_rate)
        if clip.audio is None:
            parts.append(silence(length, model.sample_rate, model.channels))
        else:
            parts.append(fit_audio(resample_audio(clip.audio, model.sample_rate, model.channels), length))
    return join_audio(parts)
