"""Nodes that change clips, the primitive values, and the switch."""

from __future__ import annotations

from fractions import Fraction
from typing import get_args

import numpy as np
import pytest

from nodes import NodeInputError, Ready
from nodes.clip import Tweening as Method
from nodes.clip import concatenate_clips, draw_test_pattern, interpolate_frames, trim_clip, upscale_clip
from nodes.scene import rendered_scene
from nodes.values import boolean, integer, number, switch, text
from server.media.types import Clip
from tests.nodes.context import FakeContext


@pytest.fixture
def clip() -> Clip:
    return draw_test_pattern(width=64, height=48, seconds=1.0, fps=8.0, tone_hz=440.0)


def array(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"factor": 2.0}, (128, 96)),
        ({"factor": 1.5}, (96, 72)),
        ({"factor": 0.125}, (8, 6)),
        ({"width": 100}, (100, 76)),
        ({"height": 24}, (32, 24)),
        ({"width": 33, "height": 33}, (33, 33)),
    ],
)
def test_a_clip_is_resized_by_factor_or_size(
    clip: Clip, settings: dict[str, float], size: tuple[int, int], ctx: FakeContext
) -> None:
    resized = upscale_clip(clip, **settings, ctx=ctx)
    assert (resized.width, resized.height) == size
    assert array(resized).shape == (8, size[1], size[0], 3)
    assert (resized.fps, resized.audio) == (clip.fps, clip.audio)


def test_interpolation_changes_the_rate_and_never_the_duration(clip: Clip, ctx: FakeContext) -> None:
    smooth = interpolate_frames(clip, factor=3, ctx=ctx)
    assert (smooth.fps, smooth.frame_count, smooth.duration_s) == (24, 24, clip.duration_s)
    np.testing.assert_array_equal(array(smooth)[::3], array(clip))


@pytest.mark.parametrize("method", get_args(Method))
def test_frames_in_between_go_to_any_rate(clip: Clip, method: Method, ctx: FakeContext) -> None:
    smooth = interpolate_frames(clip, factor=8, fps=23.976, method=method, ctx=ctx)
    assert (smooth.fps, smooth.frame_count, smooth.audio) == (Fraction(24000, 1001), 24, clip.audio)
    assert array(smooth).shape == (24, 48, 64, 3)
    with pytest.raises(NodeInputError) as caught:
        interpolate_frames(clip, fps=200.0, method=method, ctx=ctx)
    assert caught.value.input_name == "fps"


def test_the_starter_holds_frames_at_cuts_unless_told_otherwise(ctx: FakeContext) -> None:
    frames = np.repeat(np.array([20, 20, 220, 220], np.uint8), 64 * 64 * 3).reshape(4, 64, 64, 3)
    held = array(interpolate_frames(Clip.from_array(frames, 8), fps=20.0, ctx=ctx))
    assert set(np.unique(held)) == {20, 220}, "nothing between the scenes"
    morphed = array(interpolate_frames(Clip.from_array(frames, 8), fps=20.0, cuts=False, ctx=ctx))
    assert len(held) == len(morphed) == 10
    assert set(np.unique(morphed[3:5])) - {20, 220}
    assert set(np.unique(np.concatenate([morphed[:3], morphed[5:]]))) == {20, 220}, "still parts stay still"


def test_the_starter_follows_motion_where_blending_leaves_ghosts(ctx: FakeContext) -> None:
    scene = rendered_scene(action="circle", setting="grass", size=128, seconds=1.0, fps=16.0, seed=8, ctx=ctx).clip
    frames = array(scene)
    halved = Clip.from_array(frames[::2], 8)
    errors = {}
    for method in get_args(Method):
        smooth = interpolate_frames(halved, method=method, ctx=ctx)
        assert smooth.dtype == "uint8"
        drawn = array(smooth)[1:-1:2].astype(float)
        errors[method] = np.square(drawn - frames[1:-1:2]).mean()
    assert errors["starter"] < 0.5 * errors["blend"]


@pytest.mark.parametrize("factor", [2.0, 4.0])
def test_the_starter_enlarges_better_than_lanczos(factor: float, ctx: FakeContext) -> None:
    wanted = array(rendered_scene(subject="star", action="spin", setting="city", size=256, seconds=0.25, ctx=ctx).clip)
    small = upscale_clip(Clip.from_array(wanted, 16), factor=1 / factor, method="area", ctx=ctx)
    errors = {}
    for method in ("starter", "lanczos"):
        large = upscale_clip(small, factor=factor, method=method, ctx=ctx)
        assert large.dtype == "uint8"
        errors[method] = np.square(array(large).astype(float) - wanted).mean()
    assert errors["starter"] < 0.7 * errors["lanczos"]


def test_shrinking_needs_no_model(clip: Clip, ctx: FakeContext) -> None:
    np.testing.assert_array_equal(
        array(upscale_clip(clip, factor=0.5, ctx=ctx)),
        array(upscale_clip(clip, factor=0.5, method="lanczos", ctx=ctx)),
    )


def test_a_saved_workflow_keeps_its_filter() -> None:
    migration = upscale_clip.definition.migrations[1]
    assert migration({"factor": 3.0}) == {"factor": 3.0, "method": "lanczos"}
    assert migration({"method": "nearest"}) == {"method": "nearest"}


def test_a_saved_workflow_keeps_blending() -> None:
    migration = interpolate_frames.definition.migrations[1]
    assert migration({"factor": 3}) == {"factor": 3, "method": "blend"}
    assert migration({"method": "blend"}) == {"method": "blend"}


def test_a_part_is_exactly_those_frames(clip: Clip) -> None:
    np.testing.assert_array_equal(array(trim_clip(clip, start_s=0.25, duration_s=0.5)), array(clip)[2:6])
    np.testing.assert_array_equal(array(trim_clip(clip, start_s=0.25)), array(clip)[2:])


def test_a_part_beyond_the_end_blames_the_start(clip: Clip) -> None:
    with pytest.raises(NodeInputError) as caught:
        trim_clip(clip, start_s=5.0)
    assert caught.value.input_name == "start_s"


def test_clips_play_one_after_the_other(clip: Clip) -> None:
    part = trim_clip(clip, duration_s=0.25)
    joined = concatenate_clips(clip, part, part)
    np.testing.assert_array_equal(array(joined), np.concatenate([array(clip), array(part), array(part)]))
    assert joined.duration_s == Fraction(3, 2)
    assert joined.audio is not None
    assert joined.audio.duration_s == joined.duration_s


def test_the_clip_that_does_not_fit_is_blamed(clip: Clip, ctx: FakeContext) -> None:
    with pytest.raises(NodeInputError, match="48x48") as caught:
        concatenate_clips(clip, clip, upscale_clip(clip, width=48, height=48, ctx=ctx))
    assert caught.value.input_name == "third"
    assert caught.value.hint


def test_a_pattern_of_no_length_is_a_problem() -> None:
    check = draw_test_pattern.definition.check
    assert check is not None
    [problem] = check(seconds=0.0)
    assert (problem.input, problem.hint) == ("seconds", "try 2")


def test_values_are_what_they_hold() -> None:
    assert (integer(value=3), number(value=0.5), text(value="boat"), boolean(value=True)) == (3, 0.5, "boat", True)


class Never:
    def get(self) -> str:
        raise AssertionError("this side shall not run")


def test_only_the_chosen_side_of_a_switch_runs() -> None:
    assert switch(Ready("yes"), Never(), condition=True) == "yes"
    assert switch(Never(), Ready("no"), condition=False) == "no"


def test_a_switch_without_its_chosen_side_says_so() -> None:
    with pytest.raises(NodeInputError, match="nothing is connected to when_false") as caught:
        switch(Ready("yes"), None, condition=False)
    assert caught.value.input_name == "when_false"
