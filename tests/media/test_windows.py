"""Windows that overlap: every frame once, seams blended, whole windows only, and no more held than that."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.errors import MediaError
from server.media.types import Clip
from server.media.windows import map_windows


def numbered(count: int, dtype: str = "float32") -> Clip:
    """A clip whose frame n has the value n / 100."""
    values = np.arange(count) / 100
    frames = np.tile(values[:, None, None, None], (1, 4, 6, 3)).astype(np.float32)
    return Clip.from_array(frames.astype(dtype), Fraction(24))


def values(clip: Clip) -> np.ndarray:
    return np.array([float(frame[0, 0, 0]) for frame in clip.frames()])


@given(st.integers(1, 40), st.integers(1, 12), st.data())
def test_windows_that_change_nothing_give_the_clip_back(count: int, length: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, length - 1))
    sizes: list[int] = []

    def look(window: np.ndarray) -> np.ndarray:
        sizes.append(len(window))
        return window

    same = map_windows(numbered(count), look, length=length, overlap=overlap)
    assert values(same) == pytest.approx(np.arange(count) / 100, abs=1e-6)
    assert set(sizes) == {min(length, count)}
    # No window more than it takes.
    assert len(sizes) == 1 + max(0, -(-(count - length) // (length - overlap)))


def test_seams_fade_from_one_window_to_the_next() -> None:
    windows: list[float] = []

    def brighten(window: np.ndarray) -> np.ndarray:
        windows.append(0.1 * (len(windows) + 1))
        return np.full_like(window, windows[-1])

    changed = map_windows(numbered(10), brighten, length=6, overlap=3)
    # Windows begin at 0, 3 and, since it has to be whole, 4: that one shares frames 6 to 8 with the tail before it.
    fade = np.array([1, 2, 3]) / 4
    first, second, third = 0.1, 0.2, 0.3
    expected = [*[first] * 3, *(first + fade * (second - first)), *(second + fade * (third - second)), third]
    assert values(changed) == pytest.approx(expected)


def test_size_and_depth_may_change() -> None:
    def shrink(window: np.ndarray) -> np.ndarray:
        return np.rint(window[:, ::2, ::2] * 255).astype(np.uint8)

    small = map_windows(numbered(7), shrink, length=3, overlap=1, width=3, height=2, dtype="uint8")
    assert np.concatenate(list(small.chunks())).shape == (7, 2, 3, 3)


def test_no_more_is_produced_than_a_window_needs_and_closing_reaches_the_producer() -> None:
    made: list[Any] = []

    def produce() -> Iterator[np.ndarray]:
        try:
            for number in range(100):
                made.append(number)
                yield np.zeros((1, 2000, 1500, 3), np.uint8)
        finally:
            made.append("closed")

    clip = map_windows(Clip(produce, 1500, 2000, Fraction(24), 100), lambda window: window, length=5, overlap=2)
    frames = clip.frames()
    next(frames)
    assert made == [0, 1, 2, 3, 4]
    frames.close()
    assert made[-1] == "closed"


@pytest.mark.parametrize(("length", "overlap"), [(4, 4), (4, -1), (0, 0)])
def test_windows_that_cannot_be_are_refused(length: int, overlap: int) -> None:
    with pytest.raises(MediaError, match="cannot overlap"):
        map_windows(numbered(5), lambda window: window, length=length, overlap=overlap)


def test_a_change_that_loses_frames_is_told() -> None:
    with pytest.raises(MediaError, match="5 frames became 4"):
        values(map_windows(numbered(9), lambda window: window[1:], length=5, overlap=1))
