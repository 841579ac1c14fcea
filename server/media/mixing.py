"""Sound from sound: louder, faded, mixed; and sound given to a clip. Cutting and resampling are in ``audio``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .audio import fit_audio, resample_audio
from .errors import MediaError
from .samples import BLOCK, blocks_of, collected, let_go_of_pages
from .types import Audio, Clip

if TYPE_CHECKING:
    from .types import Array

MAX_GAIN_DB = 60.0


def apply_gain(audio: Audio, gain_db: float) -> Audio:
    """Return the sound louder or softer; nothing is clipped, since samples are floats.

    Args:
        audio: Any sound.
        gain_db: In decibels; 6 doubles nearly, -6 halves nearly.

    Raises:
        MediaError: The gain is outside -60 to 60.
    """
    if not -MAX_GAIN_DB <= gain_db <= MAX_GAIN_DB:
        raise MediaError(f"a gain of {gain_db:g} dB is outside -{MAX_GAIN_DB:g} to {MAX_GAIN_DB:g}", "try 6 or -6")
    return audio if gain_db == 0 else louder(audio, gain_db)


def louder(audio: Audio, gain_db: float) -> Audio:
    """Return the sound louder or softer by any number of decibels."""
    factor = np.float32(10 ** (gain_db / 20))
    changed = (block * factor for block in blocks_of(audio.samples))
    return Audio(collected(changed, audio.channels), audio.sample_rate)


def fade_audio(audio: Audio, *, in_s: Fraction | float = 0, out_s: Fraction | float = 0) -> Audio:
    """Return the sound rising from silence and falling to it, along a quarter of a sine, so that power is even.

    Args:
        audio: Any sound.
        in_s: How long it rises, in seconds; 0 starts at once.
        out_s: How long it falls before its end.

    Raises:
        MediaError: A time is below 0, or both together are longer than the sound.
    """
    rise, fall = (round(Fraction(time) * audio.sample_rate) for time in (in_s, out_s))
    length = audio.samples.shape[1]
    if rise < 0 or fall < 0 or rise + fall > length:
        raise MediaError(
            f"fades of {float(in_s):g} s and {float(out_s):g} s exceed {float(audio.duration_s):.2f} s of sound",
            "make them shorter",
        )
    if not rise and not fall:
        return audio

    def faded() -> Iterator[Array]:
        start = 0
        for block in blocks_of(audio.samples):
            places = np.arange(start, start + block.shape[1]) + 0.5
            start += block.shape[1]
            begun = np.clip(places / max(1, rise), 0, 1) if rise else np.ones(1)
            left = np.clip((length - places) / max(1, fall), 0, 1) if fall else np.ones(1)
            yield block * (np.sin(begun * np.pi / 2) * np.sin(left * np.pi / 2)).astype(np.float32)

    return Audio(collected(faded(), audio.channels), audio.sample_rate)


def mix_audio(parts: Sequence[tuple[Audio, Fraction | float]]) -> Audio:
    """Return sounds added up, each starting at its own time; it lasts until the last of them ends.

    Rate and channels are the first one's. The sum may exceed [-1, 1]: normalise it, or lower a gain.

    Args:
        parts: Each sound with the time in seconds at which it starts, 0 or later.

    Raises:
        MediaError: There is none, or one starts before 0.
    """
    if not parts or any(start_s < 0 for _audio, start_s in parts):
        raise MediaError("a mix needs a sound, and none can start before 0 s", "connect one, and set its start to 0")
    rate, channels = parts[0][0].sample_rate, parts[0][0].channels
    placed = [(resample_audio(audio, rate, channels), round(Fraction(start_s) * rate)) for audio, start_s in parts]
    length = max(start + audio.samples.shape[1] for audio, start in placed)

    def mixed() -> Iterator[Array]:
        for begin in range(0, length, BLOCK):
            total = np.zeros((channels, min(BLOCK, length - begin)), np.float32)
            for audio, start in placed:
                part = audio.samples[:, max(0, begin - start) : max(0, begin + total.shape[1] - start)]
                first = max(0, start - begin)
                total[:, first : first + part.shape[1]] += part
                let_go_of_pages(audio.samples)
            yield total

    return Audio(collected(mixed(), channels), rate)


def set_sound(clip: Clip, audio: Audio | None) -> Clip:
    """Return the clip with another sound, cut or filled with silence to its length; silent when there is none."""
    if audio is not None and clip.duration_s is not None:
        audio = fit_audio(audio, clip.duration_s)
    return clip.derive(clip.producer, audio=audio)
