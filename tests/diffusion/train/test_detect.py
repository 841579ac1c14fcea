"""The detector reads what the renderer draws, and does not guess."""

from __future__ import annotations

import random

import torch

from server.diffusion.train.detect import Detector, accuracy
from server.diffusion.train.render import Renderer
from server.diffusion.train.scene import Scene, draw_scene


def test_rendered_clips_are_read_as_what_they_show(renderer: Renderer):
    rng = random.Random(11)
    scenes = [draw_scene(rng) for _ in range(48)]
    scores = accuracy([Detector().read(clip) for clip in renderer(scenes)], scenes)
    assert scores["color"] >= 0.95
    assert scores["setting"] == 1.0
    assert scores["camera"] >= 0.95
    assert scores["action"] >= 0.9
    assert scores["subject"] >= 0.85


def test_an_empty_backdrop_has_no_subject(renderer: Renderer):
    reading = Detector().read(renderer([Scene("ball", "red", "still", "beach")], subject=False)[0])
    assert (reading.subject, reading.color, reading.action) == ("", "", "")
    assert reading.setting == "beach"


def test_noise_has_no_subject():
    noise = torch.rand(3, 17, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert Detector().read(noise).subject == ""


def test_accuracy_counts_each_aspect(renderer: Renderer):
    scenes = [Scene("cube", "red", "still", "plain"), Scene("cube", "blue", "grow", "night")]
    readings = [Detector().read(clip) for clip in renderer(scenes)]
    swapped = accuracy(readings, scenes[::-1])
    assert accuracy(readings, scenes)["all"] == 1.0
    assert (swapped["color"], swapped["setting"], swapped["subject"]) == (0.0, 0.0, 1.0)
