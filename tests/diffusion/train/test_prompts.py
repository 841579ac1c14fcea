"""What a model is judged by: prompts that training never saw, within the words that the model knows."""

from __future__ import annotations

import re

from server.diffusion.scenes.captions import caption_words
from server.diffusion.scenes.scene import is_held_out
from server.diffusion.scenes.vocabulary import ACTIONS, CAMERAS, COLORS, SETTINGS, SUBJECTS
from server.diffusion.train.prompts import FREE_SENTENCES, held_out_prompts, still_prompts


def test_prompts_are_held_out_and_spread_over_every_row():
    scenes = [scene for scene, _ in held_out_prompts(200)]
    assert all(is_held_out(scene.color, scene.subject, scene.setting) for scene in scenes)
    assert {scene.subject for scene in scenes} == {row.name for row in SUBJECTS}
    assert {scene.action for scene in scenes} == {row.name for row in ACTIONS}
    assert {scene.setting for scene in scenes} == {row.name for row in SETTINGS}


def test_a_model_with_few_words_is_asked_for_no_others():
    known = set(caption_words()) - {"rocket", "spaceship", "camera", "night", "small", "little"}
    pairs = held_out_prompts(40, seed=3, words=known)
    assert all(set(re.findall(r"\w+", caption)) <= known for _, caption in pairs)
    assert len({scene.action for scene, _ in pairs}) > 8


def test_nothing_moves_in_a_still_prompt():
    assert {(scene.action, scene.camera) for scene, _ in still_prompts(8)} == {("still", "static")}


def test_what_free_sentences_ask_for_exists():
    tables = {"subject": SUBJECTS, "color": COLORS, "action": ACTIONS, "setting": SETTINGS, "camera": CAMERAS}
    assert len(FREE_SENTENCES) == 20
    for _, wanted in FREE_SENTENCES:
        assert all(name in {row.name for row in tables[aspect]} for aspect, name in wanted.items())
