"""The detector reads what the renderer draws, and does not guess."""

from __future__ import annotations

import random
from dataclasses import replace

import torch

from server.diffusion.scenes.render import Renderer
from server.diffusion.scenes.scene import Companion, Scene, draw_scene
from server.diffusion.train.detect import Detector, accuracy


def test_rendered_clips_are_read_as_what_they_show(renderer: Renderer):
    rng = random.Random(11)
    scenes = [draw_scene(rng) for _ in range(60)]
    scores = accuracy([Detector().read(clip) for clip in renderer(scenes)], scenes)
    assert scores["color"] >= 0.95
    assert scores["setting"] == 1.0
    assert scores["camera"] >= 0.95
    assert scores["action"] >= 0.9
    assert scores["subject"] >= 0.85
    assert scores["light"] >= 0.95
    assert scores["mood"] >= 0.95


def test_an_empty_backdrop_has_no_subject(renderer: Renderer):
    reading = Detector().read(renderer([Scene("ball", "red", "still", "beach")], subject=False)[0])
    assert (reading.subject, reading.color, reading.action) == ("", "", "")
    assert reading.setting == "beach"


def test_noise_has_no_subject():
    noise = torch.rand(3, 17, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert Detector().read(noise).subject == ""


def test_a_companion_is_found_and_told_from_the_subject(renderer: Renderer):
    company = Companion("star", "yellow")
    scene = Scene("car", "red", "drift left", "snow", companion=company, seed=2)
    together, alone = (Detector().read(clip) for clip in renderer([scene, replace(scene, companion=None)]))
    assert together.companion == company
    assert alone.companion is None
    assert (together.subject, together.color, together.action) == ("car", "red", "drift left")


def test_the_subject_of_a_rendered_clip_is_there_in_every_frame(renderer: Renderer):
    reading = Detector().read(renderer([Scene("heart", "red", "drift right", "plain")])[0])
    assert reading.steady == 1.0
    flickering = renderer([Scene("heart", "red", "drift right", "plain")])[0]
    flickering[:, ::2] = renderer([Scene("heart", "red", "drift right", "plain")], subject=False)[0, :, ::2]
    assert Detector().read(flickering).steady < 0.6


def test_accuracy_counts_each_aspect(renderer: Renderer):
    scenes = [Scene("cube", "red", "still", "plain"), Scene("cube", "blue", "grow", "night")]
    readings = [Detector().read(clip) for clip in renderer(scenes)]
    swapped = accuracy(readings, scenes[::-1])
    assert accuracy(readings, scenes)["all"] == 1.0
    assert (swapped["color"], swapped["setting"], swapped["subject"]) == (0.0, 0.0, 1.0)
