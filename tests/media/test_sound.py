"""Sound: gain, fades, mixes, loudness by EBU R128, files. FFmpeg's own meter and reader are the second witness."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.media.audio import read_audio, silence
from server.media.audio_files import write_audio
from server.media.errors import MediaError
from server.media.loudness import measure_loudness, normalize_loudness
from server.media.mixing import apply_gain, fade_audio, mix_audio, set_sound
from server.media.types import Audio, Clip
from tests.media.conftest import skip_unless


def tone(duration_s: float = 3.0, level_db: float = -23.0, hz: float = 1000, channels: int = 2) -> Audio:
    times = np.arange(round(duration_s * 48000)) / 48000
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * times)
    return Audio(np.tile(wave.astype(np.float32), (channels, 1)), 48000)


def test_gain_is_in_decibels() -> None:
    louder = apply_gain(tone(0.1), 20)
    np.testing.assert_allclose(louder.samples, tone(0.1).samples * 10, rtol=1e-6)


def test_fades_rise_and_fall_with_even_power() -> None:
    steady = Audio(np.ones((2, 1000), np.float32), 1000)
    faded = fade_audio(steady, in_s=0.2, out_s=0.2).samples[0]
    assert faded[0] < 0.01
    assert faded[-1] < 0.01
    assert (faded[200:800] == 1).all()
    np.testing.assert_allclose(faded[:200] ** 2 + faded[800:] ** 2, 1, atol=1e-6)
    np.testing.assert_array_equal(fade_audio(steady).samples, steady.samples)


def test_a_mix_adds_up_each_at_its_time(chirp: Any) -> None:
    first, second = chirp(0.5, channels=2), chirp(0.25, rate=24000)
    mixed = mix_audio([(first, 0), (second, 0.5), (first, 1)])
    assert (mixed.sample_rate, mixed.channels, mixed.duration_s) == (48000, 2, Fraction(3, 2))
    np.testing.assert_array_equal(mixed.samples[:, :24000], first.samples)
    np.testing.assert_array_equal(mixed.samples[:, 48000:], first.samples)
    assert 0.2 < np.abs(mixed.samples[:, 24000:36000]).max() < 1
    assert np.abs(mixed.samples[:, 36000:48000]).max() == 0


def test_a_clips_sound_is_fitted_to_it_or_taken_away(small_clip: Clip) -> None:
    for length in (0.3, 4.0):
        assert set_sound(small_clip, tone(length)).audio.duration_s == small_clip.duration_s
    assert set_sound(set_sound(small_clip, tone(1.0)), None).audio is None


# EBU R128


def test_the_meter_reads_the_reference_tone_as_ebu_tech_3341_says() -> None:
    # Case 1: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS.
    measured = measure_loudness(tone(5.0))
    assert abs(measured.integrated_lufs + 23) <= 0.1
    assert abs(measured.true_peak_db + 23) <= 0.2
    assert measured.range_lu < 0.1


def test_the_gate_leaves_silence_out_and_silence_is_the_floor() -> None:
    padded = mix_audio([(silence(12, 48000, 2), 0), (tone(5.0), 3)])
    assert abs(measure_loudness(padded).integrated_lufs + 23) < 0.3
    for nothing in (silence(2, 48000, 2), silence(0)):
        measured = measure_loudness(nothing)
        assert (measured.integrated_lufs, measured.true_peak_db) == (-70, -np.inf)


@pytest.mark.parametrize("target", [-23.0, -14.0])
def test_normalized_sound_has_its_loudness(target: float, tmp_path: Path) -> None:
    program = shutil.which("ffmpeg")
    skip_unless(program is not None, "ffmpeg is not installed, so there is no second meter")
    noise = np.random.default_rng(0).normal(0, 0.02, (2, 96000)).astype(np.float32)
    normal = normalize_loudness(Audio(noise, 48000), target_lufs=target)
    assert abs(measure_loudness(normal).integrated_lufs - target) < 0.1
    write_audio(tmp_path / "a.wav", normal)
    command = [str(program), "-nostats", "-i", str(tmp_path / "a.wav"), "-af", "ebur128", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stderr
    assert abs(float(re.findall(r"I:\s+(-[\d.]+) LUFS", said)[-1]) - target) <= 0.1


def test_a_peak_is_not_exceeded_and_silence_stays() -> None:
    clicks = silence(3, 48000, 1).samples.copy()
    clicks[0, ::24000] = 0.9
    loud = normalize_loudness(Audio(clicks, 48000), target_lufs=-5, peak_db=-3)
    assert measure_loudness(loud).true_peak_db < -2.9
    quiet = silence(2)
    assert normalize_loudness(quiet) is quiet


@pytest.mark.parametrize("rate", [8000, 11025, 12345, 44100, 96000])
def test_sound_of_any_rate_is_metered(rate: int) -> None:
    wave = np.sin(np.arange(rate * 3) * 2 * np.pi * 1000 / rate) * 10 ** (-23 / 20)
    measured = measure_loudness(Audio(np.tile(wave.astype(np.float32), (2, 1)), rate))
    assert measured.integrated_lufs == pytest.approx(-23, abs=0.1)
    assert measured.true_peak_db == pytest.approx(-23, abs=0.3)
    assert len(measured.short_term_lufs) == 30


def test_sound_far_too_loud_is_metered_and_normalized() -> None:
    loud = apply_gain(tone(3.0), 60)
    assert measure_loudness(loud).integrated_lufs == pytest.approx(37, abs=0.1)
    assert max(measure_loudness(loud).short_term_lufs) == pytest.approx(37, abs=0.1)
    noise = np.random.default_rng(0).normal(0, 4, (1, 96000)).astype(np.float32)
    soft = normalize_loudness(Audio(noise, 48000), target_lufs=-60)
    assert measure_loudness(soft).integrated_lufs == pytest.approx(-60, abs=0.2)


# files


@pytest.mark.parametrize(("suffix", "error"), [(".wav", 0), (".flac", 2**-22)])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_written_sound_is_read_back(suffix: str, error: float, channels: int, chirp: Any, tmp_path: Path) -> None:
    sound = chirp(1.7, rate=44100, channels=channels)
    path = tmp_path / f"a{suffix}"
    write_audio(path, sound)
    back = read_audio(path)
    assert back is not None
    assert (back.sample_rate, back.samples.shape) == (44100, sound.samples.shape)
    assert np.abs(back.samples - sound.samples).max() <= error


@pytest.mark.parametrize("count", [1, 10, 1025])
def test_a_few_samples_are_kept_in_m4a(count: int, tmp_path: Path) -> None:
    write_audio(tmp_path / "a.m4a", Audio(np.full((1, count), 0.3, np.float32), 48000))
    back = read_audio(tmp_path / "a.m4a")
    assert back is not None
    assert back.samples.shape[1] >= count


def test_a_full_disk_leaves_no_half_sound(full_disk: Path) -> None:
    with pytest.raises(MediaError, match="full"):
        write_audio(full_disk / "a.wav", tone(5.0))
    assert list(full_disk.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda sound, _folder: apply_gain(sound, 100),
        lambda sound, _folder: fade_audio(sound, in_s=2, out_s=2),
        lambda sound, _folder: fade_audio(sound, in_s=-1),
        lambda sound, _folder: mix_audio([]),
        lambda sound, _folder: mix_audio([(sound, -1)]),
        lambda sound, _folder: normalize_loudness(sound, target_lufs=0),
        lambda _sound, _folder: measure_loudness(silence(1, 48000, 9)),
        lambda sound, folder: write_audio(folder / "a.aac", sound),
        lambda _sound, folder: write_audio(folder / "a.wav", silence(0)),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(change: Callable[[Audio, Path], object], tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        change(tone(3.0), tmp_path)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []
