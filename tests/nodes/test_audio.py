"""Nodes for sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nodes import Audio, Clip, NodeInputError
from nodes.audio import (
    change_tempo,
    edit_audio,
    extract_audio,
    load_audio,
    make_silence,
    mix_audio,
    normalize_loudness,
    save_audio,
    set_sound,
)
from nodes.clip import draw_test_pattern
from nodes.video import save_video
from tests.nodes.context import FakeContext


@pytest.fixture
def clip() -> Clip:
    return draw_test_pattern(width=64, height=48, seconds=1.0, fps=8.0, tone_hz=440.0)


@pytest.fixture
def sound(clip: Clip) -> Audio:
    return extract_audio(clip)


@pytest.mark.parametrize("file_format", ["wav", "flac"])
def test_sound_goes_to_a_file_and_back(file_format: str, sound: Audio, ctx: FakeContext) -> None:
    artifact = save_audio(sound, filename="tone", format=file_format, ctx=ctx)
    assert artifact.media_type == f"audio/{file_format}"
    (ctx.folders.outputs / artifact.path).rename(ctx.folders.uploads / f"tone.{file_format}")
    back = load_audio(file=Path(f"tone.{file_format}"), ctx=ctx)
    np.testing.assert_allclose(back.samples, sound.samples, atol=1e-6)
    part = load_audio(file=Path(f"tone.{file_format}"), start_s=0.25, duration_s=0.5, ctx=ctx)
    np.testing.assert_allclose(part.samples, sound.samples[:, 12000:36000], atol=1e-6)


def test_a_file_without_sound_blames_the_file(clip: Clip, ctx: FakeContext) -> None:
    artifact = save_video(set_sound(clip), filename="mute", ctx=ctx)
    (ctx.folders.outputs / artifact.path).rename(ctx.folders.uploads / "mute.mp4")
    with pytest.raises(NodeInputError, match="no sound") as caught:
        load_audio(file=Path("mute.mp4"), ctx=ctx)
    assert caught.value.input_name == "file"
    with pytest.raises(NodeInputError, match="no sound"):
        extract_audio(set_sound(clip))


def test_a_clip_takes_another_sound_or_none(clip: Clip, sound: Audio) -> None:
    dubbed = set_sound(clip, make_silence(seconds=5.0))
    assert dubbed.audio is not None
    assert (dubbed.audio.duration_s, dubbed.audio.channels) == (clip.duration_s, 2)
    assert set_sound(clip).audio is None


def test_a_part_is_cut_then_made_louder_then_faded(sound: Audio) -> None:
    edited = edit_audio(sound, start_s=0.25, duration_s=0.5, gain_db=20.0, fade_in_s=0.1, fade_out_s=0.1)
    assert edited.duration_s == Fraction(1, 2)
    np.testing.assert_allclose(edited.samples[:, 4800:19200], sound.samples[:, 16800:31200] * 10, rtol=1e-5)
    assert abs(edited.samples[0, 0]) < 0.01
    assert edit_audio(sound, start_s=0.25).duration_s == Fraction(3, 4)


def test_two_sounds_play_at_once(sound: Audio) -> None:
    mixed = mix_audio(sound, sound, first_gain_db=-6.0, second_start_s=0.5)
    assert mixed.duration_s == Fraction(3, 2)
    np.testing.assert_allclose(mixed.samples[:, :24000], sound.samples[:, :24000] * 10**-0.3, rtol=1e-5)


def test_sound_is_brought_to_a_loudness(sound: Audio) -> None:
    from server.media.loudness import measure_loudness

    assert abs(measure_loudness(normalize_loudness(sound, target_lufs=-30.0)).integrated_lufs + 30) < 0.1


@pytest.mark.parametrize(
    ("settings", "blamed"),
    [({"start_s": 2.0}, "start_s"), ({"fade_in_s": 2.0}, "fade_in_s"), ({"fade_out_s": 2.0}, "fade_out_s")],
)
def test_the_input_at_fault_is_blamed(settings: dict[str, float], blamed: str, sound: Audio) -> None:
    with pytest.raises(NodeInputError) as caught:
        edit_audio(sound, **settings)
    assert caught.value.input_name == blamed
    assert caught.value.hint


def test_tempo_changes_and_pitch_stays(sound: Audio) -> None:
    fast = change_tempo(sound, speed=2.0)
    assert fast.duration_s == Fraction(1, 2)
    for audio in (sound, fast):
        middle = audio.samples[0, 8000:16000] * np.hanning(8000)
        assert abs(int(np.argmax(np.abs(np.fft.rfft(middle)))) * 48000 / 8000 - 440) <= 6
