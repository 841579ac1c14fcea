"""Clips made from clips: resized, interpolated, cut, joined; and the clip that is drawn from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.audio import fit_audio, resample_audio, silence, slice_audio
from server.media.colors import convert_dtype
from server.media.edit import concatenate_clips, trim_clip, trim_frames
from server.media.errors import MediaError
from server.media.interpolate import interpolate_clip
from server.media.pattern import BARS, pattern_clip
from server.media.resize import METHODS, resize_clip, resize_frame, resize_image
from server.media.types import Audio, Clip, ColorTags, Image

DTYPES = ["uint8", "uint16", "float16", "float32"]


def all_frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


# resize


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", list(METHODS))
def test_a_flat_colour_stays_what_it_is_at_any_size(method: Any, dtype: str) -> None:
    color = convert_dtype(np.array([0.2, 0.6, 0.8], np.float32), dtype)
    clip = Clip.from_array(np.broadcast_to(color, (20, 24, 32, 3)).copy(), 24)
    larger = resize_clip(clip, 50, 30, method=method)
    frames = all_frames(larger)
    assert frames.shape == (20, 30, 50, 3)
    assert frames.dtype == dtype
    assert np.abs(frames.astype(np.float64) - color.astype(np.float64)).max() <= (1e-3 if dtype[0] == "f" else 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_deep_pixels_are_resized_like_shallow_ones(dtype: str, moving_frames: Callable[..., np.ndarray]) -> None:
    frame = moving_frames(1)[0]
    wanted = resize_frame(frame, 150, 100).astype(int)
    got = convert_dtype(resize_frame(convert_dtype(frame, dtype), 150, 100), "uint8").astype(int)
    assert np.abs(got - wanted).max() <= 1


def test_sharp_filters_do_not_overshoot() -> None:
    edge = np.zeros((16, 16, 3), np.float32)
    edge[:, 8:] = 1
    larger = resize_frame(edge, 64, 64, method="lanczos")
    assert (larger.min(), larger.max()) == (0, 1)


def test_area_averages_and_nearest_copies() -> None:
    board = np.indices((8, 8)).sum(axis=0) % 2 * 200
    image = Image(np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8))
    assert set(resize_image(image, 4, 4, method="area").pixels.ravel()) == {100}
    assert set(resize_image(image, 16, 16, method="nearest").pixels.ravel()) == {0, 200}


def test_resizing_keeps_rate_sound_and_length(small_clip: Clip, chirp: Any) -> None:
    clip = small_clip.derive(small_clip.producer, audio=chirp())
    resized = resize_clip(clip, 48, 32)
    assert (resized.fps, resized.frame_count, resized.audio) == (clip.fps, clip.frame_count, clip.audio)
    assert resize_clip(clip, clip.width, clip.height) is clip


def test_impossible_sizes_and_methods_are_refused(small_clip: Clip) -> None:
    with pytest.raises(MediaError):
        resize_clip(small_clip, 0, 32)
    with pytest.raises(MediaError, match="sinc"):
        resize_clip(small_clip, 32, 32, method="sinc")  # pyright: ignore[reportArgumentType]


# interpolate


@given(count=st.integers(1, 40), factor=st.integers(1, 16), fps=st.fractions(1, 60, max_denominator=1001))
def test_interpolation_never_changes_the_duration(count: int, factor: int, fps: Fraction) -> None:
    frames = np.arange(count * 3, dtype=np.uint8).reshape(count, 1, 1, 3)
    clip = Clip.from_array(frames, fps)
    smooth = interpolate_clip(clip, factor)
    made = all_frames(smooth)
    assert len(made) == smooth.frame_count == count * factor
    assert smooth.duration_s == clip.duration_s
    assert np.array_equal(made[::factor], frames)


@pytest.mark.parametrize("dtype", DTYPES)
def test_new_frames_lie_evenly_between_their_neighbours(dtype: str) -> None:
    levels = convert_dtype(np.array([0.0, 0.8, 0.4], np.float32), dtype)
    clip = Clip.from_array(np.broadcast_to(levels[:, None, None, None], (3, 2, 2, 3)).copy(), 8)
    made = convert_dtype(all_frames(interpolate_clip(clip, 4)), "float32")[:, 0, 0, 0]
    wanted = [0, 0.2, 0.4, 0.6, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4, 0.4, 0.4]
    assert np.abs(made - wanted).max() < 1 / 255


def test_interpolation_passes_sound_through_and_knows_unknown_lengths(small_clip: Clip, chirp: Any) -> None:
    sound = chirp()
    smooth = interpolate_clip(small_clip.derive(small_clip.producer, audio=sound, frame_count=None), 2)
    assert smooth.audio is sound
    assert smooth.frame_count is None
    assert len(all_frames(smooth)) == 48
    for factor in (0, 17):
        with pytest.raises(MediaError):
            interpolate_clip(small_clip, factor)


# edit


@given(start=st.integers(0, 39), count=st.integers(1, 50))
def test_a_trimmed_clip_is_a_slice(start: int, count: int) -> None:
    frames = np.arange(40 * 3, dtype=np.uint8).reshape(40, 1, 1, 3)
    sound = Audio(np.arange(40 * 2000, dtype=np.float32)[None] / 80000, 48000)
    part = trim_frames(Clip.from_array(frames, 24, audio=sound), start=start, count=count)
    assert np.array_equal(all_frames(part), frames[start : start + count])
    assert part.audio is not None
    assert np.array_equal(part.audio.samples, sound.samples[:, start * 2000 : (start + count) * 2000])


def test_trimming_by_seconds_rounds_to_frames(small_clip: Clip) -> None:
    part = trim_clip(small_clip, start_s=0.26, duration_s=0.49)
    assert np.array_equal(all_frames(part), all_frames(small_clip)[6:18])


def test_trimming_stops_the_producer_after_the_last_wanted_frame() -> None:
    made: list[int] = []

    def produce() -> Iterator[np.ndarray]:
        for number in range(100):
            made.append(number)
            yield np.zeros((1, 2, 2, 3), np.uint8)

    part = trim_frames(Clip(produce, 2, 2, Fraction(24)), start=3, count=2)
    assert part.frame_count is None
    assert len(all_frames(part)) == 2
    assert made == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("span", [{"start_s": 2}, {"start_s": -1}, {"duration_s": 0}])
def test_trimming_everything_away_is_refused(span: dict[str, float], small_clip: Clip) -> None:
    with pytest.raises(MediaError) as caught:
        trim_clip(small_clip, **span)
    assert caught.value.hint


def test_joined_clips_follow_each_other_with_their_sound(moving_frames: Any, chirp: Any) -> None:
    sound = chirp(0.5)
    first = Clip.from_array(moving_frames(10), Fraction(24000, 1001), audio=sound)
    silent = Clip.from_array(moving_frames(7), Fraction(24000, 1001))
    stereo = Clip.from_array(moving_frames(5), Fraction(24000, 1001), audio=chirp(1.0, rate=44100, channels=2))
    joined = concatenate_clips([first, silent, stereo])
    assert joined.frame_count == 22
    assert np.array_equal(all_frames(joined)[10:17], moving_frames(7))
    assert joined.audio is not None
    assert (joined.audio.sample_rate, joined.audio.channels) == (48000, 1)
    assert abs(joined.audio.duration_s - 22 / joined.fps) <= Fraction(1, 48000)
    end_of_first, end_of_silence = round(10 / joined.fps * 48000), round(17 / joined.fps * 48000)
    assert np.array_equal(joined.audio.samples[:, :end_of_first], sound.samples[:, :end_of_first])
    assert np.abs(joined.audio.samples[:, end_of_first:end_of_silence]).max() == 0
    assert np.abs(joined.audio.samples[:, end_of_silence + 500 :]).max() > 0.4


def test_joining_takes_the_deepest_pixels(moving_frames: Any) -> None:
    clips = [Clip.from_array(moving_frames(2, dtype=dtype), 24) for dtype in ("uint8", "uint16", "float32")]
    joined = concatenate_clips(clips)
    assert joined.dtype == "float32"
    assert np.abs(all_frames(joined)[:2] - all_frames(joined)[4:]).max() < 1 / 255


@pytest.mark.parametrize("changes", [{"width": 48}, {"fps": Fraction(25)}, {"color": ColorTags("bt2020", "smpte2084")}])
def test_clips_that_do_not_fit_are_refused_with_a_hint(changes: dict[str, Any], small_clip: Clip) -> None:
    with pytest.raises(MediaError, match="clip 2") as caught:
        concatenate_clips([small_clip, small_clip.derive(small_clip.producer, **changes)])
    assert caught.value.hint
    with pytest.raises(MediaError):
        concatenate_clips([])


# sound


def test_sound_is_cut_and_filled_to_the_sample(chirp: Any) -> None:
    sound = chirp(1.0)
    assert np.array_equal(slice_audio(sound, Fraction(1, 4), Fraction(1, 2)).samples, sound.samples[:, 12000:36000])
    filled = fit_audio(sound, Fraction(3, 2)).samples
    assert filled.shape == (1, 72000)
    assert np.abs(filled[:, 48000:]).max() == 0
    assert silence(0.5, 8000, 6).samples.shape == (6, 4000)


def test_resampling_keeps_the_wave(chirp: Any) -> None:
    slow = resample_audio(chirp(1.0), 24000, 2)
    assert slow.samples.shape == (2, 24000)
    error = slow.samples[:, 500:-500] - chirp(1.0).samples[:, ::2][:, 500:-500] * slow.samples.max() * 2
    assert np.abs(error).max() < 0.02
    with pytest.raises(MediaError):
        resample_audio(chirp(), 48000, 9)


# pattern


def test_every_frame_of_the_pattern_differs_and_is_drawn_the_same_again() -> None:
    clip = pattern_clip(96, 64, fps=12, frame_count=30)
    frames = all_frames(clip)
    assert len({frame.tobytes() for frame in frames}) == 30
    assert np.array_equal(frames, all_frames(clip))


def test_the_pattern_shows_bars_in_their_order() -> None:
    frame = next(pattern_clip(140, 90, frame_count=1).frames())
    assert [tuple(int(level) for level in frame[55, 20 * bar + 10]) for bar in range(7)] == list(BARS)


def test_the_tone_has_its_pitch_and_the_length_of_the_clip() -> None:
    clip = pattern_clip(64, 48, fps=Fraction(24000, 1001), frame_count=48, tone_hz=440)
    assert clip.audio is not None
    assert abs(clip.audio.duration_s - 48 * Fraction(1001, 24000)) < Fraction(1, 48000)
    spectrum = np.abs(np.fft.rfft(clip.audio.samples[0]))
    assert abs(np.argmax(spectrum) / float(clip.audio.duration_s) - 440) < 1


@pytest.mark.parametrize("arguments", [{"width": 8}, {"frame_count": 0}, {"tone_hz": 30000}])
def test_an_impossible_pattern_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(MediaError):
        pattern_clip(**arguments)
