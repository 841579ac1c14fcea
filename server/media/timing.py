"""The time of clips: their rate, speed, direction, repetition. Cutting and joining are in ``edit``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import spool
from .audio import fit_audio, join_audio, reverse_audio
from .chapters import mirror_chapters, move_chapters
from .errors import MediaError
from .frames import gather
from .interpolate import blend, pairs
from .stretch import stretch_audio
from .types import Audio, Clip

if TYPE_CHECKING:
    from .types import Array

Sampling = Literal["nearest", "blend"]
MAX_SPEED = 100
MAX_LOOPS = 1000


def change_fps(clip: Clip, fps: Fraction | int, *, sampling: Sampling = "nearest") -> Clip:
    """Return the clip at another rate, its duration kept to within half a frame, its sound untouched.

    Frame k of the result is what is on screen at its time, k / fps: frames are repeated or left out, or blended.

    Args:
        clip: Any clip.
        fps: Frames a second of the result.
        sampling: ``nearest`` repeats and drops whole frames, ``blend`` fades between neighbours.

    Raises:
        MediaError: The rate is not above 0, or the sampling is unknown.
    """
    rate = Fraction(fps)
    if rate <= 0 or sampling not in {"nearest", "blend"}:
        raise MediaError(f"{rate} frames a second by {sampling} is impossible", "try 24 and nearest or blend")
    if rate == clip.fps:
        return clip
    step = clip.fps / rate
    total = None if clip.frame_count is None else (clip.frame_count and max(1, round(clip.frame_count / step)))
    result = clip.derive(lambda: gather(_resampled(clip, step, total, sampling), result), fps=rate, frame_count=total)
    return result


def _resampled(clip: Clip, step: Fraction, total: int | None, sampling: Sampling) -> Generator[Array]:
    """Yield one frame for each ``step`` source frames; the last one is held until there are ``total``."""
    made = 0
    pixels: Array | None = None
    with closing(pairs(clip)) as neighbors:
        for index, (pixels, following) in enumerate(neighbors):
            while made != total and (position := made * step) < index + 1:
                part = position - index
                made += 1
                # 256ths keep whole numbers exact in 32 bits, and no eye sees finer.
                yield pixels if sampling == "nearest" else blend(pixels, following, round(part * 256), 256)
    while pixels is not None and total is not None and made < total:
        made += 1
        yield pixels


def change_speed(clip: Clip, speed: Fraction | float, *, sampling: Sampling = "nearest") -> Clip:
    """Return the clip faster or slower at the same rate; its sound is stretched with the pitch kept.

    Args:
        clip: Any clip.
        speed: 2 is twice as fast, 1/2 half as fast; 1/100 to 100.
        sampling: How frames are found, as for ``change_fps``.

    Raises:
        MediaError: The speed is out of range.
    """
    factor = Fraction(speed).limit_denominator(10_000)
    if not Fraction(1, MAX_SPEED) <= factor <= MAX_SPEED:
        raise MediaError(f"a speed of {float(speed):g} is outside 1/{MAX_SPEED} to {MAX_SPEED}", "try 2 or 0.5")
    if factor == 1:
        return clip
    faster = clip.derive(clip.producer, fps=clip.fps * factor)
    changed = change_fps(faster, clip.fps, sampling=sampling)
    changed = changed.derive(changed.producer, chapters=move_chapters(clip.chapters, speed=factor))
    if clip.audio is None:
        return changed
    sound = stretch_audio(clip.audio, factor)
    if changed.duration_s is not None:
        sound = fit_audio(sound, changed.duration_s)
    return changed.derive(changed.producer, audio=sound)


def reverse_clip(clip: Clip) -> Clip:
    """Return the clip backwards, with its sound.

    The last frame comes first, so each pass stores the clip in a temporary folder on disk, and reads it back from
    the end one block at a time.

    Raises:
        MediaError: There is no room for it on the disk.
    """
    _require_room(clip)

    def produce() -> Iterator[Array]:
        with _stored(clip) as folder:
            yield from spool.read_backwards(folder).chunks()

    chapters = mirror_chapters(clip.chapters, clip.duration_s)
    return clip.derive(produce, audio=_reversed_sound(clip), chapters=chapters)


def loop_clip(clip: Clip, times: int, *, ping_pong: bool = False) -> Clip:
    """Return the clip several times in a row, with its sound.

    Args:
        clip: Any clip.
        times: How often it is shown: 1 to 1000.
        ping_pong: Whether every showing runs forwards and then back. The frame at a turn is not shown twice, so that
            N frames become 2 N - 2 for each round; the clip must have at least 3 frames and a known length.

    Raises:
        MediaError: The number is out of range, the clip is too short, or there is no room on the disk.
    """
    if not 1 <= times <= MAX_LOOPS:
        raise MediaError(f"{times} times is outside 1 to {MAX_LOOPS}", "try 2")
    if ping_pong:
        return _loop_both_ways(clip, times)

    def produce() -> Iterator[Array]:
        for _ in range(times):
            yield from clip.chunks()

    return _repeated(clip.derive(produce), times, clip.frame_count, clip.audio)


def _loop_both_ways(clip: Clip, times: int) -> Clip:
    count = clip.frame_count
    if count is None or count < 3:
        raise MediaError("a clip needs a known length of 3 frames or more to run to and fro", "use a longer clip")
    _require_room(clip)

    def back(folder: Path) -> Iterator[Array]:
        position = 0
        for block in spool.read_backwards(folder).chunks():
            # Neither the last frame again nor the first, which begins the next round.
            part = block[max(0, 1 - position) : max(0, count - 1 - position)]
            position += int(block.shape[0])
            yield part

    def produce() -> Iterator[Array]:
        with _stored(clip) as folder:
            for _ in range(times):
                yield from spool.read(folder).chunks()
                yield from back(folder)

    sound, backwards = clip.audio, _reversed_sound(clip)
    if sound is not None and backwards is not None:
        end = round((count - 1) / clip.fps * sound.sample_rate)
        start = round(1 / clip.fps * sound.sample_rate)
        whole = fit_audio(sound, count / clip.fps)
        sound = join_audio([whole, Audio(backwards.samples[:, start:end], sound.sample_rate)])
    return _repeated(clip.derive(produce), times, 2 * count - 2, sound)


def _repeated(clip: Clip, times: int, count: int | None, sound: Audio | None) -> Clip:
    """Return the clip, whose producer repeats already, with the count and sound that follow from one round."""
    if sound is not None:
        if count is None:
            raise MediaError("a clip of unknown length cannot repeat its sound", "save it first, and load the file")
        rate, length = sound.sample_rate, count / clip.fps
        # Each round starts at the exact time of its first frame, so that rounding never adds up.
        marks = [round(number * length * rate) for number in range(times + 1)]
        rounds = [fit_audio(sound, Fraction(end - start, rate)) for start, end in pairwise(marks)]
        sound = join_audio(rounds)
    return clip.derive(clip.producer, frame_count=None if count is None else count * times, audio=sound)


def _reversed_sound(clip: Clip) -> Audio | None:
    if clip.audio is None:
        return None
    sound = clip.audio if clip.duration_s is None else fit_audio(clip.audio, clip.duration_s)
    return reverse_audio(sound)


@contextmanager
def _stored(clip: Clip) -> Generator[Path]:
    """Store the clip in a temporary folder, which lives as long as the block."""
    with tempfile.TemporaryDirectory(prefix="kinegraph-", ignore_cleanup_errors=True) as folder:
        spool.write(clip, Path(folder))
        yield Path(folder)


def _require_room(clip: Clip) -> None:
    """Refuse, before any frame is made, a clip that would not fit on the disk."""
    if clip.frame_count is None:
        return
    folder = tempfile.gettempdir()
    needed, free = clip.frame_count * clip.frame_bytes, shutil.disk_usage(folder).free
    if needed > free:
        raise MediaError(
            f"running backwards takes {needed / 2**30:.1f} GiB on disk, and {free / 2**30:.1f} are free in {folder}",
            "trim or shrink the clip first, free space, or set TMPDIR to a larger disk",
        )
