"""Nodes for the shape of frames and for several clips in one picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nodes import Clip, NodeInputError
from nodes.clip import draw_test_pattern
from nodes.composite import arrange_grid, overlay_clip
from nodes.geometry import crop_clip, flip_rotate_clip, pad_clip, resize_clip
from nodes.timing import change_fps


@pytest.fixture
def clip() -> Clip:
    return draw_test_pattern(width=64, height=48, seconds=0.5, fps=8.0, tone_hz=440.0)


def array(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.mark.parametrize(
    ("change", "size"),
    [
        (lambda clip: resize_clip(clip, width=100, height=100), (100, 76)),
        (lambda clip: resize_clip(clip, width=100, height=100, fit="pad", color="#102030"), (100, 100)),
        (lambda clip: resize_clip(clip, width=100, height=100, fit="fill", multiple_of=32), (96, 96)),
        (lambda clip: crop_clip(clip, left=4, top=8), (60, 40)),
        (lambda clip: pad_clip(clip, left=4, bottom=8), (68, 56)),
        (lambda clip: flip_rotate_clip(clip, rotate=90, flip="both"), (48, 64)),
        (lambda clip: overlay_clip(clip, clip, width=0.25, x=1.0, y=1.0), (64, 48)),
        (lambda clip: arrange_grid(clip, clip, clip, gap=2), (130, 98)),
    ],
)
def test_each_gives_frames_of_its_size_and_leaves_time_and_sound_alone(
    change: Callable[[Clip], Clip], size: tuple[int, int], clip: Clip
) -> None:
    changed = change(clip)
    assert (changed.width, changed.height) == size
    assert array(changed).shape == (4, size[1], size[0], 3)
    assert (changed.fps, changed.audio) == (clip.fps, clip.audio)


def test_bars_have_the_color_of_the_knob(clip: Clip) -> None:
    assert tuple(array(pad_clip(clip, left=1, color="#0a80ff"))[0, 0, 0]) == (10, 128, 255)


def test_a_flip_is_one(clip: Clip) -> None:
    np.testing.assert_array_equal(array(flip_rotate_clip(clip, flip="horizontal")), array(clip)[:, :, ::-1])
    np.testing.assert_array_equal(array(flip_rotate_clip(clip, flip="vertical")), array(clip)[:, ::-1])


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        (lambda clip: crop_clip(clip, left=64), "left"),
        (lambda clip: crop_clip(clip, top=40, height=9), "top"),
        (lambda clip: overlay_clip(clip, change_fps(clip, fps=16.0)), "overlay"),
        (lambda clip: arrange_grid(clip, change_fps(clip, fps=16.0)), "second"),
    ],
)
def test_the_input_at_fault_is_blamed(change: Callable[[Clip], Clip], blamed: str, clip: Clip) -> None:
    with pytest.raises(NodeInputError) as caught:
        change(clip)
    assert caught.value.input_name == blamed
    assert caught.value.hint
