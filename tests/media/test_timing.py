"""Clips in time: rate, speed, direction, repetition, transitions, burned-in time code. FFmpeg is the second witness."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.media import timing
from server.media.captions import burn_in_text, frame_of_timecode, timecode
from server.media.colors import convert_dtype
from server.media.decode import load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.pattern import pattern_clip
from server.media.stretch import stretch_audio
from server.media.timing import change_fps, change_speed, loop_clip, reverse_clip
from server.media.transitions import join_with_transition
from server.media.types import Audio, Clip

NTSC = Fraction(30000, 1001)


def all_frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


def numbered(count: int, fps: Fraction | int = 24, audio: Audio | None = None) -> Clip:
    """Return frames of 2x1 pixels whose level is their number."""
    frames = np.arange(count, dtype=np.uint16)[:, None, None, None]
    return Clip.from_array(np.broadcast_to(frames, (count, 1, 2, 3)).copy(), fps, audio=audio)


def numbers(clip: Clip) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in clip.frames()]


def pitch_hz(audio: Audio) -> float:
    wave = audio.samples[0] * np.hanning(audio.samples.shape[1])
    return float(np.abs(np.fft.rfft(wave)).argmax() * audio.sample_rate / len(wave))


# rate


@given(st.integers(1, 60), st.fractions(1, 120, max_denominator=1001), st.fractions(1, 120, max_denominator=1001))
def test_each_frame_is_the_one_on_screen_at_its_time(count: int, source: Fraction, target: Fraction) -> None:
    changed = change_fps(numbered(count, source), target)
    shown = numbers(changed)
    assert shown == [min(count - 1, int(k / target * source)) for k in range(len(shown))]
    assert abs(changed.duration_s - count / source) <= max(1 / target / 2, 1 / target - count / source)
    unknown = numbered(count, source)
    open_ended = numbers(change_fps(unknown.derive(unknown.producer, frame_count=None), target))
    assert open_ended[: len(shown)] == shown[: len(open_ended)]


@pytest.mark.parametrize("rates", [(24, 30), (30, 24), (25, 60), (NTSC, 24), (60, NTSC)])
def test_ffmpeg_picks_the_same_frames(rates: tuple[Any, Any], ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    source = pattern_clip(64, 48, fps=rates[0], frame_count=20)
    write_video(tmp_path / "a.mp4", source, crf=0)
    convert = ("-vf", f"fps={rates[1]}:round=up", "-c:v", "libx264", "-qp", "0")
    ffmpeg("-i", tmp_path / "a.mp4", *convert, tmp_path / "b.mp4")
    originals = all_frames(load_clip(tmp_path / "a.mp4")).astype(int)
    theirs = [
        int(np.abs(originals - frame).sum((1, 2, 3)).argmin()) for frame in load_clip(tmp_path / "b.mp4").frames()
    ]
    ours = numbers(change_fps(numbered(20, rates[0]), rates[1]))
    shared = min(len(theirs), len(ours))
    assert abs(len(theirs) - len(ours)) <= 1
    assert ours[:shared] == theirs[:shared]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
def test_blended_frames_lie_on_the_line_between_their_neighbors(dtype: str) -> None:
    levels = convert_dtype(np.array([0.0, 0.8, 0.4, 0.4], np.float32), dtype)
    clip = Clip.from_array(np.broadcast_to(levels[:, None, None, None], (4, 1, 2, 3)).copy(), 24)
    blended = convert_dtype(all_frames(change_fps(clip, 36, sampling="blend")), "float32")[:, 0, 0, 0]
    positions = np.arange(6) * 2 / 3
    assert np.abs(blended - np.interp(positions, [0, 1, 2, 3], [0, 0.8, 0.4, 0.4])).max() < 0.006


# speed


@pytest.mark.parametrize("speed", [Fraction(2), Fraction(1, 2), Fraction(3, 2), Fraction(5), Fraction(1, 3)])
def test_speed_changes_the_length_and_not_the_pitch(speed: Fraction) -> None:
    source = pattern_clip(16, 16, fps=24, frame_count=48, tone_hz=440)
    faster = change_speed(source, speed)
    assert (faster.fps, faster.frame_count) == (24, round(48 / speed))
    assert faster.audio is not None
    assert faster.audio.samples.shape[1] == round(faster.duration_s * 48000)
    assert abs(pitch_hz(faster.audio) - 440) < 4
    level = np.sqrt(np.mean(faster.audio.samples**2)) / np.sqrt(np.mean(source.audio.samples**2))
    assert 0.9 < level < 1.05
    picked = [min(47, int(k * speed)) for k in range(faster.frame_count)]
    np.testing.assert_array_equal(all_frames(faster), all_frames(source)[picked])


def test_no_sound_and_no_change_stay_what_they_are(chirp: Any) -> None:
    clip = numbered(4)
    assert change_speed(clip, 1) is clip
    assert change_fps(clip, 24) is clip
    empty = Audio(np.zeros((1, 0), np.float32), 48000)
    assert stretch_audio(empty, Fraction(2)) is empty
    stereo = stretch_audio(chirp(0.5, channels=2), Fraction(5, 4))
    np.testing.assert_array_equal(stereo.samples[0], stereo.samples[1])


# direction


def test_a_reversed_clip_runs_backwards_with_its_sound(chirp: Any) -> None:
    clip = numbered(50, 25, chirp(2.0))
    backwards = reverse_clip(clip)
    assert numbers(backwards) == list(range(49, -1, -1))
    np.testing.assert_array_equal(backwards.audio.samples, clip.audio.samples[:, ::-1])
    assert numbers(reverse_clip(backwards)) == list(range(50))


def test_reversing_holds_one_block_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    blocks = reverse_clip(numbered(64)).chunks()
    next(blocks)
    assert any(tmp_path.iterdir())
    blocks.close()
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_source_passes_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def produce() -> Iterator[np.ndarray]:
        yield np.zeros((1, 1, 2, 3), np.uint8)
        raise MediaError("the source broke", "mend it")

    with pytest.raises(MediaError, match="broke"):
        all_frames(reverse_clip(Clip(produce, 2, 1, Fraction(24), 9)))
    assert list(tmp_path.iterdir()) == []


def test_a_clip_too_large_for_the_disk_is_refused_before_it_is_made() -> None:
    endless = Clip(lambda: iter(()), 8192, 8192, Fraction(24), 10**9, "float32")
    for change in (reverse_clip, lambda clip: loop_clip(clip, 1, ping_pong=True)):
        with pytest.raises(MediaError, match="GiB") as caught:
            change(endless)
        assert caught.value.hint


@pytest.mark.skipif(os.name == "nt", reason="a small disk is mounted")
def test_a_disk_that_fills_up_while_reversing_is_a_clear_error(
    full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(full_disk))
    monkeypatch.setattr(timing, "_require_room", lambda _clip: None)
    with pytest.raises(MediaError, match="full"):
        all_frames(reverse_clip(pattern_clip(320, 240, frame_count=30)))
    assert list(full_disk.iterdir()) == []


# repetition


def test_a_loop_repeats_frames_and_sound_without_drift(chirp: Any) -> None:
    clip = numbered(7, NTSC, chirp(7 / NTSC))
    looped = loop_clip(clip, 3)
    assert numbers(looped) == [*range(7)] * 3
    assert looped.audio.samples.shape[1] == round(21 / NTSC * 48000)
    second = round(7 / NTSC * 48000)
    np.testing.assert_array_equal(looped.audio.samples[:, second : second + 9000], clip.audio.samples[:, :9000])


@settings(deadline=None)  # each example waits for the disk
@given(st.integers(3, 40), st.integers(1, 3))
def test_ping_pong_shows_no_frame_twice_in_a_row(count: int, times: int) -> None:
    once = [*range(count), *range(count - 2, 0, -1)]
    looped = loop_clip(numbered(count), times, ping_pong=True)
    assert numbers(looped) == once * times
    assert looped.frame_count == len(once) * times


def test_ping_pong_turns_the_sound_round_too(chirp: Any) -> None:
    looped = loop_clip(numbered(24, 24, chirp(1.0)), 2, ping_pong=True)
    assert looped.audio.duration_s == looped.duration_s == Fraction(92, 24)
    wave = looped.audio.samples[0]
    np.testing.assert_array_equal(wave[48000:92000], wave[2000:46000][::-1])


@pytest.mark.parametrize(
    "change",
    [
        lambda clip: change_fps(clip, 0),
        lambda clip: change_fps(clip, 12, sampling="guess"),
        lambda clip: change_speed(clip, 0),
        lambda clip: change_speed(clip, 101),
        lambda clip: loop_clip(clip, 0),
        lambda clip: loop_clip(numbered(2), 2, ping_pong=True),
        lambda clip: join_with_transition(clip, clip, "cross_fade", 10),
        lambda clip: join_with_transition(clip, clip.derive(clip.producer, frame_count=None), "wipe", 0.1),
        lambda clip: join_with_transition(clip, clip, "star", 0.1),
        lambda clip: join_with_transition(clip, clip.derive(clip.producer, width=4), "wipe", 0.1),
        lambda clip: burn_in_text(clip, "x" * 3000),
        lambda clip: burn_in_text(clip, "x", anchor="nowhere"),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(change: Callable[[Clip], Clip]) -> None:
    with pytest.raises(MediaError) as caught:
        change(numbered(12))
    assert caught.value.hint


# transitions


def test_a_cross_fade_mixes_linearly_and_overlaps(chirp: Any) -> None:
    first = Clip.from_array(
        np.full((10, 4, 8, 3), 200, np.uint8), 10, audio=Audio(np.ones((1, 8000), np.float32), 8000)
    )
    second = Clip.from_array(np.full((8, 4, 8, 3), 100, np.uint8), 10)
    joined = join_with_transition(first, second, "cross_fade", 0.4)
    assert joined.frame_count == 14
    assert numbers(joined) == [200] * 6 + [180, 160, 140, 120] + [100] * 4
    wave = joined.audio.samples[0]
    assert joined.audio.duration_s == Fraction(14, 10)
    assert (wave[:4800] == 1).all()
    np.testing.assert_allclose(wave[4800:8000], 1 - (np.arange(3200) + 0.5) / 3200, atol=1e-6)
    assert (wave[8000:] == 0).all()


def test_equal_sounds_keep_their_level_through_a_cross_fade(chirp: Any) -> None:
    steady = Audio(np.full((2, 48000), 0.5, np.float32), 48000)
    joined = join_with_transition(numbered(24, 24, steady), numbered(24, 24, steady), "cross_fade", 0.5)
    np.testing.assert_allclose(joined.audio.samples, 0.5, atol=1e-6)


def test_a_dip_goes_through_black_and_a_wipe_moves_an_edge() -> None:
    first, second = (Clip.from_array(np.full((4, 4, 8, 3), level, np.uint8), 10) for level in (200, 100))
    assert numbers(join_with_transition(first, second, "dip_to_black", 0.3)) == [200, 100, 0, 50, 100]
    wiped = all_frames(join_with_transition(first, second, "wipe", 0.3))
    assert [int((frame[0, :, 0] == 100).sum()) for frame in wiped] == [0, 2, 4, 6, 8]


# time code


@pytest.mark.parametrize(
    ("frame", "fps", "code"),
    [
        (0, Fraction(24), "00:00:00:00"),
        (86399, Fraction(24), "00:59:59:23"),
        (25 * 3600 * 25, Fraction(25), "01:00:00:00"),
        (1799, NTSC, "00:00:59;29"),
        (1800, NTSC, "00:01:00;02"),
        (17982, NTSC, "00:10:00;00"),
        (107892, NTSC, "01:00:00;00"),
        (3600, Fraction(60000, 1001), "00:01:00;04"),
        (24, Fraction(24000, 1001), "00:00:01:00"),
    ],
)
def test_time_code_counts_as_smpte_does(frame: int, fps: Fraction, code: str) -> None:
    assert timecode(frame, fps) == code
    if frame < 24 * 3600 * 24:
        assert frame_of_timecode(code, fps) == frame


@given(st.integers(0, 2_500_000), st.sampled_from([NTSC, Fraction(60000, 1001), Fraction(30)]))
def test_time_code_and_frame_number_agree_both_ways(frame: int, fps: Fraction) -> None:
    day = frame_of_timecode("23:59:59:29", fps)
    assert frame_of_timecode(timecode(frame % day, fps), fps) == frame % day


@pytest.mark.parametrize(
    "code", ["", "1:2:3", "00:00:00:30", "00:01:00:00", "24:00:00:00", "aa:00:00:00", "-1:00:00:00"]
)
def test_a_time_code_that_does_not_exist_is_refused(code: str) -> None:
    with pytest.raises(MediaError) as caught:
        frame_of_timecode(code, NTSC)
    assert "hours:minutes" in caught.value.hint


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
def test_text_is_drawn_where_it_is_asked_for_and_nowhere_else(dtype: str) -> None:
    gray = Clip.from_array(convert_dtype(np.full((2, 60, 160, 3), 0.5, np.float32), dtype), 24)
    drawn = convert_dtype(all_frames(burn_in_text(gray, "HELLO", anchor="top_left", height=0.2)), "float32")[0]
    assert drawn.max() > 0.99
    assert abs(drawn.min() - 0.2) < 0.01
    assert np.abs(drawn[30:] - 0.5).max() < 0.01
    assert np.abs(drawn[:, 100:] - 0.5).max() < 0.01


def test_each_frame_shows_its_own_number_and_braces_are_only_braces() -> None:
    clip = Clip.from_array(np.zeros((3, 48, 160, 3), np.uint8), 24)
    counted = all_frames(burn_in_text(clip, "{frame} {timecode} {seconds}", box=False))
    assert len({frame.tobytes() for frame in counted}) == 3
    plain = all_frames(burn_in_text(clip, "{frame.__class__} {0}"))
    assert len({frame.tobytes() for frame in plain}) == 1
