"""Nodes for a clip's time, for transitions and for burned-in text."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from nodes import Clip, NodeInputError
from nodes.clip import concatenate_clips, draw_test_pattern
from nodes.composite import burn_in_text
from nodes.timing import change_fps, change_speed, loop_clip, reverse_clip


@pytest.fixture
def clip() -> Clip:
    return draw_test_pattern(width=64, height=48, seconds=1.0, fps=8.0, tone_hz=440.0)


def array(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.mark.parametrize(
    ("change", "picked"),
    [
        (lambda clip: change_fps(clip, fps=4.0), [0, 2, 4, 6]),
        (lambda clip: change_speed(clip, speed=4.0), [0, 4]),
        (reverse_clip, [7, 6, 5, 4, 3, 2, 1, 0]),
        (lambda clip: loop_clip(clip, times=2), [*range(8)] * 2),
        (lambda clip: loop_clip(clip, times=1, mode="ping_pong"), [*range(8), *range(6, 0, -1)]),
    ],
)
def test_each_shows_its_frames_with_sound_as_long(
    change: Callable[[Clip], Clip], picked: list[int], clip: Clip
) -> None:
    changed = change(clip)
    np.testing.assert_array_equal(array(changed), array(clip)[picked])
    assert changed.audio is not None
    assert changed.audio.duration_s == changed.duration_s


def test_a_broadcast_rate_is_exact(clip: Clip) -> None:
    assert change_fps(clip, fps=29.97).fps == Fraction(30000, 1001)


@pytest.mark.parametrize("transition", ["cross_fade", "dip_to_black", "wipe"])
def test_clips_turn_into_each_other(transition: str, clip: Clip) -> None:
    joined = concatenate_clips(clip, clip, clip, transition=transition, transition_s=0.25)
    assert joined.frame_count == 20
    np.testing.assert_array_equal(array(joined)[:6], array(clip)[:6])
    np.testing.assert_array_equal(array(joined)[-6:], array(clip)[-6:])


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        (lambda clip: concatenate_clips(clip, clip, transition="wipe", transition_s=2.0), "second"),
        (lambda clip: burn_in_text(clip, start_timecode="00:00:00:08"), "start_timecode"),
        (lambda clip: burn_in_text(clip, text="x" * 3000), "text"),
        (lambda clip: loop_clip(draw_test_pattern(seconds=0.01), mode="ping_pong"), "clip"),
        (lambda clip: change_speed(clip, speed=0.001), "speed"),
    ],
)
def test_the_input_at_fault_is_blamed(change: Callable[[Clip], Clip], blamed: str, clip: Clip) -> None:
    with pytest.raises(NodeInputError) as caught:
        change(clip)
    assert caught.value.input_name == blamed
    assert caught.value.hint


def test_the_time_code_of_the_first_frame_is_the_knobs(clip: Clip) -> None:
    shown = array(burn_in_text(clip, text="{timecode}", start_timecode="01:00:00:00"))
    written = array(burn_in_text(clip, text="01:00:00:00"))
    np.testing.assert_array_equal(shown[0], written[0])
    assert (shown[1] != written[1]).any()
