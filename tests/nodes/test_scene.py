"""The rendered scene: it knows just what the renderer's tables list, and shows just what is chosen."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from nodes import scene
from nodes.scene import rendered_scene
from server.diffusion.scenes import vocabulary
from server.media.types import Clip
from tests.nodes.context import FakeContext


def array(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.mark.parametrize(
    ("choices", "rows"),
    [
        (scene.Subject, vocabulary.SUBJECTS),
        (scene.Color, vocabulary.COLORS),
        (scene.Action, vocabulary.ACTIONS),
        (scene.Setting, vocabulary.SETTINGS),
        (scene.Camera, vocabulary.CAMERAS),
        (scene.Light, vocabulary.LIGHTS),
        (scene.Mood, vocabulary.MOODS),
    ],
)
def test_the_choices_are_the_rows_of_the_tables(choices: object, rows: tuple[object, ...]) -> None:
    assert get_args(choices) == tuple(getattr(row, "name") for row in rows)  # noqa: B009


def test_a_companion_is_any_subject_or_none() -> None:
    assert get_args(scene.Companion) == ("none", *get_args(scene.Subject))


def test_it_shows_what_is_chosen_and_says_so(ctx: FakeContext) -> None:
    clip, caption = rendered_scene(
        subject="cube", color="blue", action="still", setting="desert", size=64, seconds=1.0, fps=8.0, ctx=ctx
    )
    frames = array(clip)
    assert frames.shape == (8, 64, 64, 3)
    red, green, blue = frames[4, 34, 32].tolist()
    assert blue > 2 * max(red, green)
    assert any(word in caption for word in ("cube", "square", "box"))
    assert "blue" in caption
    assert ctx.reports[-1] == (8, 8, "frame")


def test_the_action_takes_the_whole_clip_whatever_its_length(ctx: FakeContext) -> None:
    places = []
    for seconds in (1.0, 3.0):
        clip, _ = rendered_scene(
            subject="ball", color="red", action="drift right", setting="plain", size=64, seconds=seconds, ctx=ctx
        )
        frames = array(clip).astype(int)
        reds = (frames[..., 0] - frames[..., 1]) > 80
        places.append([np.nonzero(frame)[1].mean() for frame in reds[[0, -1]]])
    np.testing.assert_allclose(places[0], places[1], atol=1.0)
    assert places[0][1] > places[0][0] + 20


def test_equal_seeds_draw_equal_clips_in_blocks_of_any_size(ctx: FakeContext) -> None:
    first, second = (
        rendered_scene(setting="rain", light="dim", companion="star", size=512, seconds=0.5, seed=3, ctx=ctx)
        for _ in range(2)
    )
    blocks = [len(block) for block in first.clip.chunks()]
    assert len(blocks) > 1
    np.testing.assert_array_equal(array(first.clip), array(second.clip))
    assert first.caption == second.caption
