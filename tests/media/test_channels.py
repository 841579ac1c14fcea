"""Sound of one to eight channels: read as it is, written in order, mixed at its level. ffmpeg is the second witness."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from server.media.audio import mix_channels, read_audio, resample_audio, silence
from server.media.audio_files import write_audio
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.looks import sound_peaks
from server.media.loudness import measure_loudness
from server.media.mixing import mix_audio
from server.media.stretch import stretch_audio
from server.media.types import Audio, Clip

RATE = 48000
COUNTS = range(1, 9)
# Coders give the bass channel of 5.1 and 7.1 little but bass, so its tone is low.
BASS = 60


def pitches(channels: int, bass: int = BASS) -> list[int]:
    found = [300 + 100 * number for number in range(channels)]
    if channels >= 6:
        found[3] = bass
    return found


def tones(channels: int, bass: int = BASS) -> Audio:
    """Return a second of sound that has another tone in each channel."""
    times = np.arange(RATE) / RATE
    return Audio(
        np.stack([0.1 * np.sin(2 * np.pi * hz * times) for hz in pitches(channels, bass)]).astype(np.float32), RATE
    )


def heard(samples: np.ndarray, rate: int = RATE) -> list[int]:
    """Return the tone in each channel, to 10 Hz."""
    length = samples.shape[1]
    powers = np.abs(np.fft.rfft(samples * np.hanning(length)))
    return [round(float(place) * rate / length / 10) * 10 for place in powers.argmax(axis=1)]


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a", ".opus"])
def test_every_channel_keeps_its_place_in_a_file(
    channels: int, suffix: str, tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    path = tmp_path / f"a{suffix}"
    write_audio(path, tones(channels))
    back = read_audio(path)
    assert back is not None
    assert heard(back.samples) == pitches(channels)
    ffmpeg("-i", path, "-f", "f32le", "-c:a", "pcm_f32le", tmp_path / "a.raw")
    assert heard(np.fromfile(tmp_path / "a.raw", np.float32).reshape(-1, channels).T) == pitches(channels)


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("vp9", ".webm"), ("ffv1", ".mkv")])
def test_every_channel_keeps_its_place_beside_a_picture(
    channels: int, codec: str, suffix: str, small_clip: Clip, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    write_video(path, small_clip.derive(small_clip.producer, audio=tones(channels)), codec=codec)
    back = read_audio(path)
    assert back is not None
    assert heard(back.samples) == pitches(channels)


@pytest.mark.parametrize("channels", COUNTS)
def test_every_channel_is_stretched_resampled_mixed_and_metered(channels: int) -> None:
    sound, expected = tones(channels, bass=1500), pitches(channels, bass=1500)
    assert heard(resample_audio(sound, 44100, channels).samples, 44100) == expected
    slow = stretch_audio(sound, Fraction(1, 2))
    assert slow.samples.shape == (channels, 2 * RATE)
    assert heard(slow.samples) == expected
    assert stretch_audio(silence(1, RATE, channels), Fraction(2)).samples.shape == (channels, RATE // 2)
    assert measure_loudness(sound).integrated_lufs > -30
    for other in COUNTS:
        mixed = mix_audio([(sound, 0), (tones(other), 0)]).samples
        assert mixed.shape == (channels, RATE)


@pytest.mark.parametrize("channels", COUNTS)
def test_peaks_are_drawn_of_any_channels(channels: int, tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", tones(channels))
    assert max(sound_peaks(tmp_path / "a.wav", 10)) == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("suffix", [".mkv", ".wav"])
@pytest.mark.parametrize(
    ("layout", "channels"),
    [("2.1", 3), ("3.0", 3), ("4.0", 4), ("3.1", 4), ("4.1", 5), ("5.0(side)", 5), ("6.0", 6), ("7.0", 7)],
)
def test_channels_come_as_they_are_in_the_file(
    layout: str, channels: int, suffix: str, tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    path = tmp_path / f"a{suffix}"
    waves = "|".join(f"0.1*sin(2*PI*{hz}*t)" for hz in pitches(channels))
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc={waves}:s={RATE}:d=0.5:c={layout}", "-c:a", "pcm_s16le", path)
    back = read_audio(path)
    assert back is not None
    assert heard(back.samples) == pitches(channels)
    np.testing.assert_allclose(np.abs(back.samples).max(axis=1), 0.1, atol=0.002)


def test_mono_and_stereo_become_each_other_at_the_same_level() -> None:
    mono, stereo = np.full((1, 1000), 0.2, np.float32), np.full((2, 1000), 0.2, np.float32)
    for samples, channels in ((mono, 2), (stereo, 1)):
        changed = resample_audio(Audio(samples, RATE), RATE, channels).samples
        np.testing.assert_allclose(changed, np.full((channels, 1000), 0.2), rtol=1e-6)
    slower = resample_audio(Audio(mono, RATE), 24000, 2).samples
    np.testing.assert_allclose(slower[:, 100:400], 0.2, rtol=1e-3)


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize("mixed", COUNTS)
def test_no_mix_is_louder_than_what_is_mixed(channels: int, mixed: int) -> None:
    for signs in (np.ones(channels), np.resize([1, -1], channels)):
        samples = np.tile(signs.astype(np.float32)[:, None], (1, 10))
        assert np.abs(mix_channels(samples, mixed)).max() <= 1 + 1e-6


def test_more_channels_than_have_names_are_refused() -> None:
    with pytest.raises(MediaError, match="9 channels"):
        stretch_audio(silence(1, RATE, 9), Fraction(2))
