"""Frames in between: at any rate, none across a cut, and no motion where nothing moves, whoever draws them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.colors import convert_dtype
from server.media.errors import MediaError
from server.media.interpolate import interpolate_clip, interpolate_to_rate
from server.media.types import Clip

DTYPES = ("uint8", "uint16", "float16", "float32")
MARK = 0.1


def drawing(asked: list[float]) -> Callable[[np.ndarray, np.ndarray, float], np.ndarray]:
    """Return a tween that notes its times and draws what nothing else does."""

    def draw(first: np.ndarray, _second: np.ndarray, time: float) -> np.ndarray:
        asked.append(time)
        return np.full_like(first, convert_dtype(np.array([MARK], np.float32), first.dtype.name)[0])

    return draw


def scenes(*levels: float, dtype: str = "uint8") -> Clip:
    """Return a clip of plain frames of these levels, 8 a second."""
    values = convert_dtype(np.array(levels, np.float32), dtype)
    return Clip.from_array(np.broadcast_to(values[:, None, None, None], (len(levels), 24, 20, 3)).copy(), 8)


def levels(clip: Clip) -> list[float]:
    frames = convert_dtype(np.concatenate(list(clip.chunks())), "float32")
    return [round(float(frame.mean()), 2) for frame in frames]


@given(
    count=st.integers(1, 30),
    source=st.fractions(1, 60, max_denominator=1001),
    ratio=st.fractions(Fraction(1, 8), 16, max_denominator=1001),
)
def test_at_any_rate_frames_keep_their_times_and_clips_their_ends(
    count: int, source: Fraction, ratio: Fraction
) -> None:
    frames = np.arange(count * 3, dtype=np.uint8).reshape(count, 1, 1, 3)
    made = interpolate_to_rate(Clip.from_array(frames, source), source * ratio)
    pixels = np.concatenate(list(made.chunks()))
    assert made.frame_count == len(pixels)
    assert 0 <= len(pixels) / made.fps - count / source < 1 / made.fps
    for number, frame in enumerate(pixels):
        place = min(number / ratio, Fraction(count - 1))
        assert np.abs(frame - float(3 * place) - [[[0, 1, 2]]]).max() <= 1, "on the line between its neighbors"


@pytest.mark.parametrize("dtype", DTYPES)
def test_nobody_draws_between_equal_frames_or_across_a_cut(dtype: str) -> None:
    asked: list[float] = []
    clip = scenes(0.3, 0.3, 0.9, 0.8, dtype=dtype)
    smooth = interpolate_to_rate(clip, Fraction(24), tween=drawing(asked))
    assert levels(smooth) == [0.3] * 6 + [0.9, MARK, MARK, 0.8, 0.8, 0.8]
    assert asked == pytest.approx([1 / 3, 2 / 3])


def test_without_regard_to_cuts_still_frames_are_still_left_alone() -> None:
    asked: list[float] = []
    smooth = interpolate_clip(scenes(0.3, 0.3, 0.9), 2, tween=drawing(asked), cuts=False)
    assert levels(smooth) == [0.3, 0.3, 0.3, MARK, 0.9, 0.9]
    assert asked == [0.5]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_coding_changes_is_no_motion_but_a_small_thing_that_moves_is(dtype: str) -> None:
    random = np.random.default_rng(3)
    still = np.full((45, 51, 3), 0.5) + random.uniform(-0.1, 0.1, (45, 51, 3))
    noisy = still + random.uniform(-0.015, 0.015, still.shape)
    moved = noisy.copy()
    moved[40:44, 47:50] += 0.4
    frames = convert_dtype(np.stack([still, noisy, moved]).astype(np.float32), dtype)
    asked: list[float] = []
    made = np.concatenate(list(interpolate_clip(Clip.from_array(frames, 8), 2, tween=drawing(asked)).chunks()))
    assert asked == [0.5], "once: where the small thing appears"
    between, around = (convert_dtype(part, "float32") for part in (made[1], frames[:2]))
    assert np.abs(between - around.mean(axis=0)).max() <= 1 / 255, "faded, so that slow changes stay smooth"


def test_a_rate_out_of_reach_is_refused() -> None:
    for fps in (Fraction(0), Fraction(129)):
        with pytest.raises(MediaError, match="outside") as caught:
            interpolate_to_rate(scenes(0.5), fps)
        assert caught.value.hint == "try 16"
