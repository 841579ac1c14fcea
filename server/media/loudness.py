"""How loud sound is by EBU R128, and bringing it to a loudness. FFmpeg's meter does the measuring."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from .audio import resample_audio
from .errors import MediaError
from .mixing import MAX_GAIN_DB, louder
from .stretch import filter_audio
from .types import Audio

SILENT_LUFS = -70.0
# The meter counts no higher than 10.
_LOUDEST_LUFS = 9.5
STEP_S = Fraction(1, 10)
"""How often the meter tells what it has."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """Hold what an EBU R128 meter says.

    Attributes:
        integrated_lufs: Loudness of the whole, gated; -70 is silence.
        range_lu: How far soft and loud passages are apart.
        true_peak_db: The highest level between and on the samples, in dBTP; -inf in silence.
        short_term_lufs: Loudness of the 3 seconds up to each tenth of a second; of what there is, before there are 3.
    """

    integrated_lufs: float
    range_lu: float
    true_peak_db: float
    short_term_lufs: tuple[float, ...] = ()


def measure_loudness(audio: Audio) -> Loudness:
    """Measure sound of any length; less than 0.4 s gives silence, for the meter needs that much.

    Raises:
        MediaError: The sound has more than 8 channels.
    """
    if audio.channels > 8:
        raise MediaError(f"{audio.channels} channels cannot be metered", "mix them down to stereo")
    measured = _meter(audio)
    if measured.integrated_lufs < _LOUDEST_LUFS:
        return measured
    down_db = measured.true_peak_db + 12
    softer = _meter(louder(audio, -down_db))
    return replace(
        softer,
        integrated_lufs=softer.integrated_lufs + down_db,
        true_peak_db=softer.true_peak_db + down_db,
        short_term_lufs=tuple(lufs + down_db for lufs in softer.short_term_lufs),
    )


def _meter(audio: Audio) -> Loudness:
    # The meter hears nothing where its steps are no whole samples.
    if audio.sample_rate % 10:
        audio = resample_audio(audio, 48000, audio.channels)
    # The meter writes what it knows so far on every frame; the last one has seen all.
    said: dict[str, str] = {}
    short_term: list[float] = []
    for frame in filter_audio(audio, ("ebur128", "metadata=1:peak=true")):
        said = dict(frame.metadata)
        heard_s = (len(short_term) + 1) * STEP_S
        # The 0.4 s that momentary loudness looks at are all there is in the first moments.
        known = said.get("lavfi.r128.S" if heard_s >= 3 else "lavfi.r128.M", SILENT_LUFS)
        short_term.append(max(SILENT_LUFS, float(known)))
    peak = float(said.get("lavfi.r128.true_peak", 0))
    return Loudness(
        max(SILENT_LUFS, float(said.get("lavfi.r128.I", SILENT_LUFS))),
        float(said.get("lavfi.r128.LRA", 0)),
        20 * math.log10(peak) if peak > 0 else -math.inf,
        tuple(short_term),
    )


def normalize_loudness(audio: Audio, *, target_lufs: float = -23.0, peak_db: float = -1.0) -> Audio:
    """Return sound at a loudness, by one gain for all of it, so that its dynamics stay.

    It is made louder by 60 dB at most.

    Args:
        audio: Any sound; silence stays silent.
        target_lufs: -23 is broadcast, -14 what most streaming services play at.
        peak_db: True peak that is not exceeded, in dBTP; where it would be, the sound stays softer than the target.

    Raises:
        MediaError: The target is outside -60 to -5, or the peak is above 0.
    """
    if not -60 <= target_lufs <= -5 or not -20 <= peak_db <= 0:
        raise MediaError(f"{target_lufs:g} LUFS with peaks at {peak_db:g} dB is out of range", "try -23 and -1")
    now = measure_loudness(audio)
    if now.integrated_lufs <= SILENT_LUFS:
        return audio
    return louder(audio, min(target_lufs - now.integrated_lufs, peak_db - now.true_peak_db, MAX_GAIN_DB))
