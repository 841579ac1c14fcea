"""Transitions from one clip into the next: they overlap for some frames, in picture and sound. Plain cuts: ``edit``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from .audio import fit_audio, join_audio, resample_audio, silence
from .chapters import cut_chapters, move_chapters
from .colors import convert_dtype
from .edit import check_fit, deepest_dtype
from .errors import MediaError
from .frames import gather
from .interpolate import blend
from .types import Audio, Clip

if TYPE_CHECKING:
    from .types import Array

Transition = Literal["cross_fade", "dip_to_black", "wipe"]
TRANSITIONS = ("cross_fade", "dip_to_black", "wipe")


def join_with_transition(first: Clip, second: Clip, transition: Transition, duration_s: Fraction | float) -> Clip:
    """Return two clips joined so that the end of one turns into the beginning of the other.

    N and M frames with a transition of K give N + M - K frames; the sounds cross-fade over the same time.

    Args:
        first: A clip of known length.
        second: A clip of the same size, rate and color space.
        transition: ``cross_fade`` mixes both, ``dip_to_black`` goes through black, ``wipe`` moves an edge to the right.
        duration_s: How long it takes, in seconds; rounded to frames, at least one.

    Raises:
        MediaError: The clips do not fit, or are shorter than the transition.
    """
    if transition not in TRANSITIONS:
        raise MediaError(f"the transition {transition} is unknown", f"use one of {', '.join(TRANSITIONS)}")
    check_fit(first, second, 2)
    overlap = max(1, round(Fraction(duration_s) * first.fps))
    if first.frame_count is None or second.frame_count is None:
        raise MediaError("a clip of unknown length cannot turn into another", "save it first, and load the file")
    shorter = min(first.frame_count, second.frame_count)
    if overlap > shorter:
        raise MediaError(
            f"a transition of {overlap} frames is longer than a clip of {shorter}",
            f"make it {float(shorter / first.fps):.2f} s or less",
        )
    count, alone = first.frame_count + second.frame_count - overlap, first.frame_count - overlap
    dtype, turn_s = deepest_dtype([first, second]), alone / first.fps
    sound = _faded_sound(first, second, overlap / first.fps, count / first.fps)
    result = first.derive(
        lambda: gather(_joined(first, second, transition, alone, dtype), result),
        frame_count=count,
        dtype=dtype,
        audio=sound,
        chapters=cut_chapters(first.chapters, Fraction(0), turn_s) + move_chapters(second.chapters, by_s=turn_s),
    )
    return result


def _joined(first: Clip, second: Clip, transition: str, alone: int, dtype: str) -> Generator[Array]:
    overlap = (first.frame_count or alone) - alone
    with closing(first.frames()) as before, closing(second.frames()) as after:
        for index, pixels in enumerate(before):
            old = convert_dtype(pixels, dtype)
            if index < alone:
                yield old
            else:
                new = convert_dtype(next(after), dtype)
                yield _mixed(old, new, transition, index - alone + 1, overlap + 1)
        for pixels in after:
            yield convert_dtype(pixels, dtype)


def _mixed(old: Array, new: Array, transition: str, step: int, steps: int) -> Array:
    """Return the frame that is ``step`` of ``steps`` parts of the way through the transition."""
    if transition == "cross_fade":
        return blend(old, new, step, steps)
    if transition == "dip_to_black":
        black = np.zeros_like(old)
        return blend(old, black, 2 * step, steps) if 2 * step <= steps else blend(black, new, 2 * step - steps, steps)
    edge = round(old.shape[1] * step / steps)
    return np.concatenate([new[:, :edge], old[:, edge:]], axis=1)


def _faded_sound(first: Clip, second: Clip, overlap_s: Fraction, total_s: Fraction) -> Audio | None:
    model = first.audio or second.audio
    if model is None:
        return None
    rate, channels = model.sample_rate, model.channels
    parts: list[Audio] = []
    for clip in (first, second):
        length_s = clip.duration_s or Fraction(0)
        sound = silence(length_s, rate, channels) if clip.audio is None else resample_audio(clip.audio, rate, channels)
        parts.append(fit_audio(sound, length_s))
    faded = round(overlap_s * rate)
    rise = (np.arange(faded, dtype=np.float32) + np.float32(0.5)) / np.float32(max(1, faded))
    before, after = parts[0].samples, parts[1].samples
    alone = before.shape[1] - faded
    middle = before[:, alone:] * (1 - rise) + after[:, :faded] * rise
    return fit_audio(join_audio([Audio(part, rate) for part in (before[:, :alone], middle, after[:, faded:])]), total_s)
