"""The renderer: deterministic, sized as asked, and true to the tables."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
import torch

from server.diffusion.scenes.motion import PATHS
from server.diffusion.scenes.render import Renderer
from server.diffusion.scenes.scene import Companion, Scene, draw_scene
from server.diffusion.scenes.shapes import polygon
from server.diffusion.scenes.vocabulary import COLORS, SUBJECTS


def test_clips_have_the_asked_shape_and_range(renderer: Renderer):
    rng = random.Random(0)
    clips = renderer([draw_scene(rng) for _ in range(5)])
    assert clips.shape == (5, 3, 17, 64, 64)
    assert clips.min() >= -1
    assert clips.max() <= 1


def test_equal_scenes_give_equal_pixels_alone_or_in_a_batch(renderer: Renderer):
    rng = random.Random(1)
    scenes = [draw_scene(rng) for _ in range(4)]
    assert torch.equal(renderer(scenes)[2], renderer([scenes[2]])[0])


def test_a_subset_of_frames_equals_those_frames_of_the_clip(renderer: Renderer):
    scene = draw_scene(random.Random(2))
    assert torch.allclose(renderer([scene])[:, :, [0, 5, 16]], renderer([scene], [0, 5, 16]), atol=1e-6)


def test_another_seed_varies_the_clip_a_little(renderer: Renderer):
    first = renderer([Scene("cube", "red", "still", "plain", seed=1)])
    second = renderer([Scene("cube", "red", "still", "plain", seed=2)])
    assert 0 < (first - second).abs().mean() < 0.2


@pytest.mark.parametrize("color", [row.name for row in COLORS])
def test_the_fill_has_the_named_color(renderer: Renderer, color: str):
    clip = renderer([Scene("cube", color, "still", "plain")])
    wanted = torch.tensor(next(row.rgb for row in COLORS if row.name == color)) * 2 - 1
    assert torch.allclose(clip[0, :, 8, 34, 32], wanted, atol=0.02)


@pytest.mark.parametrize("subject", [row.name for row in SUBJECTS])
def test_a_subject_fills_a_third_to_a_half_of_the_height(subject: str):
    still = Renderer(64, 1, variation=0.0)
    scene = Scene(subject, "red", "still", "plain")
    differs = (still([scene]) - still([scene], subject=False)).abs().amax(1)[0, 0] > 0.3
    rows = differs.any(1).sum().item() / 64
    assert 0.2 < rows < 0.52


def test_drifting_left_moves_the_subject_left(renderer: Renderer):
    scene = Scene("ball", "red", "drift left", "plain")
    differs = (renderer([scene]) - renderer([scene], subject=False)).abs().amax(1)[0] > 0.5
    columns = [frame.any(0).nonzero().float().mean().item() for frame in differs[[0, 8, 16]]]
    assert columns[0] > columns[1] + 10 > columns[2] + 20


def test_the_camera_moves_the_backdrop_and_leaves_the_subject(renderer: Renderer):
    panned, static = (renderer([Scene("ball", "red", "still", "snow", camera)]) for camera in ("pan right", "static"))
    assert torch.allclose(panned[:, :, 0], static[:, :, 0], atol=1e-5)
    assert (panned[:, :, 16] - static[:, :, 16]).abs().mean() > 0.05
    assert torch.allclose(panned[0, :, 16, 34, 32], static[0, :, 16, 34, 32], atol=0.05)


def test_tilting_up_brings_the_sky_down(renderer: Renderer):
    tilted = renderer([Scene("ball", "red", "still", "sea", "tilt up")], [0, 16], subject=False)[0, 2]
    horizon = (tilted[:, :, 5] < 0.5).float().argmax(1)
    assert horizon[1] > horizon[0] + 8


def test_rain_falls_and_other_weather_does_not(renderer: Renderer):
    wet, dry = renderer([Scene("ball", "red", "still", "rain"), Scene("ball", "red", "still", "city")], subject=False)
    assert (wet[:, 1] - wet[:, 0]).abs().max() > 0.3
    assert torch.equal(dry[:, 1], dry[:, 0])


def test_a_companion_rests_in_the_corner_behind_the_subject(renderer: Renderer):
    alone = Scene("cube", "red", "roll", "plain", seed=4)
    company = replace(alone, companion=Companion("ball", "green"))
    with_it, without = renderer([company, alone])
    assert with_it[1, 0, 53, 53] > without[1, 0, 53, 53] - 0.3
    differs = (with_it - without).abs().amax(0) > 0.2
    rows, columns = differs[0].nonzero().unbind(1)
    assert rows.min() > 42
    assert columns.min() > 42
    assert differs[0].sum() > differs[16].sum() > 0


@pytest.mark.parametrize("light", ["dim", "sunset", "night"])
def test_a_light_changes_subject_and_backdrop(renderer: Renderer, light: str):
    even, lit = renderer([Scene("cube", "white", "still", "beach", light=name) for name in ("even", light)])
    assert lit.mean() < even.mean() - 0.1
    assert lit[:, 8, 34, 32].mean() < even[:, 8, 34, 32].mean() - 0.1


def test_a_gloomy_mood_takes_color_away(renderer: Renderer):
    even, gloomy = renderer([Scene("cube", "red", "still", "grass", mood=mood) for mood in ("neutral", "gloomy")])
    assert gloomy.std(0).mean() < 0.7 * even.std(0).mean()


def test_grading_one_clip_leaves_its_neighbors_alone(renderer: Renderer):
    scenes = [Scene("star", "red", "still", "sea", light=light, seed=1) for light in ("even", "night", "even")]
    clips = renderer(scenes)
    assert torch.equal(clips[0], clips[2])
    assert not torch.equal(clips[0], clips[1])


def test_every_action_has_its_own_path():
    u = torch.linspace(0, 1, 17)
    paths = {name: torch.stack(path(u)) for name, path in PATHS.items()}
    names = sorted(paths)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            assert (paths[name] - paths[other]).abs().max() > 0.3, (name, other)


def test_a_polygon_field_measures_distance_to_its_edge():
    x, y = torch.tensor([0.0, 2.0, 2.0, 0.9]), torch.tensor([0.0, 0.0, 2.0, 0.0])
    square = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
    wanted = torch.tensor([-1.0, 1.0, math.sqrt(2), -0.1])
    assert torch.allclose(polygon(x, y, square), wanted, atol=1e-5)
    assert torch.allclose(polygon(x, y, square[::-1]), wanted, atol=1e-5)
