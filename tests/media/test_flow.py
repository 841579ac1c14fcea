"""Optical flow on scenes that move by known amounts, and what counts as a change along it; plots of numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from server.media.flow import measure_consistency, optical_flow
from server.media.motion import small_luma
from server.media.plot import Curve, draw_plot
from server.media.types import Clip
from tests.media.test_stabilize import WIDTH, shot


def path(*places: tuple[float, float]) -> np.ndarray:
    return np.array([(x, y, 0) for x, y in places], float)


@pytest.mark.parametrize("camera", [(3.2, -1.7), (-8.0, 5.0), (0.4, 0.0)])
def test_flow_is_found_to_a_fifth_of_a_pixel(camera: tuple[float, float]) -> None:
    first, second = (small_luma(frame[..., 0] / np.float32(255)) for frame in shot(path((0, 0), camera)))
    flow = optical_flow(first, second)[:, 12:-12, 12:-12]
    scale = first.shape[1] / WIDTH
    for axis in (0, 1):
        assert np.abs(flow[axis] + camera[axis] * scale).mean() < 0.2


def test_motion_is_measured_in_pixels_of_the_clip_and_is_no_error() -> None:
    frames = shot(path(*[(3 * number, 4 * number) for number in range(5)]))
    moving = measure_consistency(Clip.from_array(frames, 24))
    assert moving.scenes == [0]
    np.testing.assert_allclose(moving.speed[1:], 5, rtol=0.02)
    plain = np.mean((np.diff(frames[..., 0].astype(float), axis=0) / 255) ** 2)
    assert moving.mean(moving.error) < plain / 50


def test_noise_is_an_error_of_its_variance_and_stillness_is_none() -> None:
    still = shot(path((0, 0))).repeat(4, axis=0)
    assert measure_consistency(Clip.from_array(still, 24)).error == [0, 0, 0, 0]
    coarse = np.random.default_rng(0).normal(0, 0.03, (4, 180 // 4, 320 // 4, 1)).repeat(4, axis=1).repeat(4, axis=2)
    noisy = np.clip(still / 255 + coarse, 0, 1).astype(np.float32)
    # Two frames differ by twice the variance; flow that follows the noise takes some of it away.
    found = measure_consistency(Clip.from_array(noisy, 24))
    assert 0.2 < found.mean(found.error) / (2 * 0.03**2) <= 1


def test_a_cut_is_left_out() -> None:
    first = shot(path(*[(number, 0) for number in range(6)]))
    second = 255 - shot(path(*[(90 + number, 40) for number in range(6)]))
    found = measure_consistency(Clip.from_array(np.concatenate([first, second]), 24))
    assert found.scenes == [0, 6]
    assert (found.error[6], found.speed[6]) == (0, 0)
    assert abs(found.mean(found.speed) - 1) < 0.05


def test_progress_is_told() -> None:
    told: list[tuple[int, int | None]] = []
    measure_consistency(Clip.from_array(shot(path((0, 0), (1, 0))), 24), progress=lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]


# plots


def columns(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return np.unique(np.nonzero((picture == color).all(axis=2))[1])


def test_a_plot_shows_each_value_and_mark_at_its_place() -> None:
    values = [0.0] * 50 + [1.0] * 51
    picture = draw_plot("Two lines\nof words", [Curve("Step", values, marks={"cuts": [50]})], Fraction(1, 10)).pixels
    line = (picture == (79, 195, 247)).all(axis=2)
    line[:70] = False  # the panel's name has the same color
    left, right = line[:, 70:200], line[:, 300:440]
    assert left.any()
    assert right.any()
    assert np.nonzero(left.any(axis=1))[0].min() > np.nonzero(right.any(axis=1))[0].max()
    middle = round(58 + 4 + 0.5 * (460 - 58 - 10 - 8))
    marked = columns(picture[60:], (255, 138, 101))
    assert middle in marked


def test_a_plot_of_an_hour_shows_a_single_frame_that_sticks_out() -> None:
    values = [0.5] * 90_000
    values[45_000] = 1.0
    picture = draw_plot("Long", [Curve("Peak", values)], Fraction(1, 25)).pixels
    tall = (picture == (79, 195, 247)).all(axis=2).sum(axis=0)
    assert tall.max() > 60


@pytest.mark.parametrize("values", [[], [float("-inf"), float("nan")], [3.0], [2.0, 2.0]])
def test_a_plot_of_little_or_nothing_is_drawn_too(values: list[float]) -> None:
    picture = draw_plot("Empty", [Curve("None", values)], Fraction(1, 25))
    assert picture.width == 460
