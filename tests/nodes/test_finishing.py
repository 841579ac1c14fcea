"""Nodes for the finish of a clip: they pass their knobs on, and blame the input at fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nodes import Clip, Image, NodeInputError
from nodes.clip import concatenate_clips, draw_test_pattern
from nodes.finishing import add_film_grain, add_vignette, sharpen_clip
from nodes.grading import apply_lut, grade_clip, match_color
from nodes.steadying import deflicker_clip, denoise_clip, stabilize_clip
from tests.nodes.context import FakeContext


@pytest.fixture
def clip() -> Clip:
    return draw_test_pattern(width=64, height=48, seconds=0.5, fps=8.0, tone_hz=440.0)


def array(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.mark.parametrize(
    "change",
    [
        lambda clip: grade_clip(clip, saturation=0.0, gamma=1.2),
        lambda clip: match_color(clip, Image(np.full((4, 4, 3), 99, np.uint8))),
        lambda clip: sharpen_clip(clip, amount=1.0),
        lambda clip: add_film_grain(clip, seed=5),
        lambda clip: add_vignette(clip, amount=1.0),
        lambda clip: denoise_clip(clip, strength=0.5),
    ],
)
def test_each_changes_the_picture_and_nothing_else(change: Callable[[Clip], Clip], clip: Clip) -> None:
    changed = change(clip)
    assert array(changed).shape == array(clip).shape
    assert (array(changed) != array(clip)).any()
    assert (changed.fps, changed.audio, changed.dtype) == (clip.fps, clip.audio, clip.dtype)


def test_deflickering_evens_a_jump_in_brightness(clip: Clip) -> None:
    jumping = concatenate_clips(grade_clip(clip, gain=0.5), clip)
    jumps = [np.abs(np.diff(array(each).mean(axis=(1, 2, 3)))).max() for each in (jumping, deflicker_clip(jumping))]
    assert jumps[1] < jumps[0] / 3


def test_untouched_knobs_leave_the_picture_alone(clip: Clip) -> None:
    for same in (grade_clip(clip), sharpen_clip(clip, amount=0.0), add_vignette(clip, amount=0.0)):
        np.testing.assert_array_equal(array(same), array(clip))


def test_a_lut_comes_from_the_uploads(clip: Clip, ctx: FakeContext) -> None:
    (ctx.folders.uploads / "invert.cube").write_text("LUT_1D_SIZE 2\n1 1 1\n0 0 0\n", encoding="utf-8")
    inverted = apply_lut(clip, file=Path("invert.cube"), ctx=ctx)
    np.testing.assert_array_equal(array(inverted), 255 - array(clip))


def test_a_broken_lut_blames_the_file(clip: Clip, ctx: FakeContext) -> None:
    (ctx.folders.uploads / "broken.cube").write_text("LUT_3D_SIZE 2\n", encoding="utf-8")
    with pytest.raises(NodeInputError) as caught:
        apply_lut(clip, file=Path("broken.cube"), ctx=ctx)
    assert caught.value.input_name == "file"
    check = apply_lut.definition.check
    assert check is not None
    assert [problem.input for problem in check(file="absent.cube", folders=ctx.folders)] == ["file"]


def test_a_lut_of_other_content_has_another_fingerprint(ctx: FakeContext) -> None:
    fingerprint = apply_lut.definition.fingerprint
    assert fingerprint is not None
    path = ctx.folders.uploads / "a.cube"
    seen = set()
    for size in (2, 3):
        path.write_text(f"LUT_1D_SIZE {size}\n" + "0 0 0\n" * size, encoding="utf-8")
        seen.add(fingerprint(file="a.cube", folders=ctx.folders))
    assert len(seen) == 2


def test_a_camera_is_made_steady(clip: Clip) -> None:
    steady = stabilize_clip(clip, smoothness=4, border="edge")
    assert (steady.width, steady.frame_count, steady.audio) == (clip.width, clip.frame_count, clip.audio)
    # A still camera stays where it is, whatever moves in front of it.
    for before, after in zip(clip.frames(), steady.frames(), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 1
