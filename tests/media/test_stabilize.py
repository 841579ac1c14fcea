"""A camera that shakes by known amounts: the motion is measured, and what is left of it after steadying is small."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np
import PIL.Image
import pytest

from server.media.errors import MediaError
from server.media.motion import STILL, measure_motion, small_luma
from server.media.stabilize import Steadiness, stabilize_clip
from server.media.types import Clip

WIDTH, HEIGHT, COUNT = 320, 180, 60
MARK = np.array([0.55, 0.45])  # where the white mark lies, as shares of the frame


def scene() -> PIL.Image.Image:
    """Return a large soft texture of all sizes of detail, with one white disc."""
    dice = np.random.default_rng(3)
    size = (WIDTH * 2, HEIGHT * 2)
    total = np.zeros(size[::-1])
    for cells in (6, 14, 30, 70):
        coarse = PIL.Image.fromarray(dice.random((cells * HEIGHT // WIDTH + 1, cells)).astype(np.float32))
        total += np.asarray(coarse.resize(size, PIL.Image.Resampling.BICUBIC)) / cells**0.5
    total = (total - total.min()) / np.ptp(total) * 0.6 + 0.1
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    center = (WIDTH / 2 + MARK[0] * WIDTH, HEIGHT / 2 + MARK[1] * HEIGHT)
    disc = np.clip(7 - np.hypot(x - center[0], y - center[1]), 0, 1)
    return PIL.Image.fromarray(np.rint((total * (1 - disc) + disc) * 255).astype(np.uint8))


def shot(path: np.ndarray) -> np.ndarray:
    """Return frames of the scene, seen by a camera that is off by (x, y, angle) in each."""
    picture = scene()
    frames = []
    for x, y, angle in path:
        cos, sin = math.cos(angle), math.sin(angle)
        middle = (WIDTH + x, HEIGHT + y)
        matrix = (
            *(cos, -sin, middle[0] - cos * WIDTH / 2 + sin * HEIGHT / 2),
            *(sin, cos, middle[1] - sin * WIDTH / 2 - cos * HEIGHT / 2),
        )
        frame = picture.transform((WIDTH, HEIGHT), PIL.Image.Transform.AFFINE, matrix, PIL.Image.Resampling.BICUBIC)
        frames.append(np.asarray(frame)[:, :, None].repeat(3, axis=2))
    return np.stack(frames)


def shaky_path(turn: float = 0.012) -> np.ndarray:
    """Return a slow pan to the right under a hand that shakes by a few pixels and half a degree."""
    dice = np.random.default_rng(1)
    return np.stack(
        [np.linspace(-20, 20, COUNT) + dice.normal(0, 3, COUNT), dice.normal(0, 3, COUNT), dice.normal(0, turn, COUNT)],
        axis=1,
    )


def marks(frames: np.ndarray) -> np.ndarray:
    """Return where the white disc lies in each frame: the middle of what is brighter than the scene ever is."""
    light = np.clip(frames[..., 1].astype(float) - 195, 0, None)
    y, x = np.mgrid[0 : light.shape[1], 0 : light.shape[2]]
    return np.stack([(light * x).sum((1, 2)), (light * y).sum((1, 2))], axis=1) / light.sum((1, 2))[:, None]


def shake(places: np.ndarray) -> float:
    """Return the root mean square of how far a path bends from frame to frame, in pixels."""
    return float(np.sqrt((np.diff(places, 2, axis=0) ** 2).sum(axis=1).mean()))


def test_shift_and_turn_are_measured_to_a_tenth_of_a_pixel() -> None:
    path = np.array([[0, 0, 0], [5.4, -3.3, 0.02], [25, 10, -0.03]])
    lumas = [small_luma(frame[..., 0] / np.float32(255)) for frame in shot(path)]
    for number in (1, 2):
        found = measure_motion(lumas[0], lumas[number])
        x, y, angle = path[number]
        # The content moves against the camera.
        assert abs(found.angle + angle) < 5e-4
        cos, sin = math.cos(found.angle), math.sin(found.angle)
        assert abs(found.x * WIDTH - (-x * cos + y * sin)) < 0.1
        assert abs(found.y * WIDTH - (-x * sin - y * cos)) < 0.1
        assert abs(found.zoom) < 1e-3


def test_a_zoom_is_measured() -> None:
    picture = PIL.Image.fromarray(shot(np.zeros((1, 3)))[0])
    box = (WIDTH * 0.02, HEIGHT * 0.02, WIDTH * 0.98, HEIGHT * 0.98)
    nearer = np.asarray(picture.resize((WIDTH, HEIGHT), PIL.Image.Resampling.BICUBIC, box))
    lumas = [small_luma(np.asarray(one)[..., 0] / np.float32(255)) for one in (picture, nearer)]
    assert abs(measure_motion(*lumas).zoom - math.log(1 / 0.96)) < 1e-3


def test_other_scenes_and_blank_frames_stand_still() -> None:
    first = small_luma(shot(np.zeros((1, 3)))[0][..., 0] / np.float32(255))
    noise = np.random.default_rng(0).random(first.shape, np.float32)
    for other in (noise, np.zeros_like(first), 1 - first):
        assert measure_motion(first, other) == STILL
    assert measure_motion(np.zeros_like(first), np.zeros_like(first)) == STILL


@pytest.mark.parametrize("border", ["crop", "edge", "black"])
def test_the_shake_falls_to_a_twentieth_and_the_pan_stays(border: Literal["crop", "edge", "black"]) -> None:
    frames = shot(shaky_path())
    steady = np.concatenate(list(stabilize_clip(Clip.from_array(frames, 24), Steadiness(15, border, 0.12)).chunks()))
    assert steady.shape == frames.shape
    before, after = shake(marks(frames)), shake(marks(steady))
    assert before > 5
    assert after < before / 20
    panned = marks(steady)[-10:].mean(axis=0) - marks(steady)[:10].mean(axis=0)
    assert -45 < panned[0] < -20
    assert abs(panned[1]) < 6
    if border == "black":
        assert (steady[:, :, :2] == 0).any()
    else:
        assert steady.min() > 10


def test_shifts_alone_leave_the_horizon_as_it_was() -> None:
    frames = shot(shaky_path(turn=0))
    clip = Clip.from_array(frames, 24)
    steady = np.concatenate(list(stabilize_clip(clip, Steadiness(15, "edge", turns=False)).chunks()))
    assert shake(marks(steady)) < shake(marks(frames)) / 20


def test_a_still_clip_stays_as_it_is_and_deep_pixels_stay_deep() -> None:
    frames = shot(np.zeros((5, 3)))
    np.testing.assert_array_equal(
        np.concatenate(list(stabilize_clip(Clip.from_array(frames, 24), Steadiness(3, "edge")).chunks())), frames
    )
    for deep in (frames.astype(np.uint16) * 257, (frames / 255).astype(np.float32)):
        clip = Clip.from_array(deep, Fraction(24))
        steady = np.concatenate(list(stabilize_clip(clip, Steadiness(3, "edge")).chunks()))
        assert steady.dtype == deep.dtype
        np.testing.assert_allclose(steady, deep, rtol=1e-5)


def test_no_more_frames_are_held_than_it_looks_ahead() -> None:
    produced = 0

    def produce():
        nonlocal produced
        for frame in shot(np.zeros((40, 3))):
            produced += 1
            yield frame[None]

    frames = stabilize_clip(Clip(produce, WIDTH, HEIGHT, Fraction(24), 40), Steadiness(4)).frames()
    next(frames)
    assert produced <= 16 + 4 + 1
    frames.close()


@pytest.mark.parametrize("wanted", [Steadiness(0), Steadiness(61), Steadiness(crop=0.5), Steadiness(border="x")])  # type: ignore[arg-type]
def test_what_cannot_be_is_refused_with_a_hint(wanted: Steadiness, small_clip: Clip) -> None:
    with pytest.raises(MediaError) as caught:
        stabilize_clip(small_clip, wanted)
    assert caught.value.hint
