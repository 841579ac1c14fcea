"""Scenes, their split and their captions."""

from __future__ import annotations

import random
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from server.diffusion.scenes.backdrops import PANORAMAS
from server.diffusion.scenes.captions import caption_of, caption_words, plain_caption
from server.diffusion.scenes.motion import PATHS, VIEWS
from server.diffusion.scenes.scene import Companion, Scene, draw_scene, is_held_out
from server.diffusion.scenes.shapes import FIELDS
from server.diffusion.scenes.vocabulary import ACTIONS, CAMERAS, COLORS, LIGHTS, LIT, MOODS, SETTINGS, SUBJECTS


def test_every_row_of_the_tables_can_be_drawn():
    assert {row.name for row in SUBJECTS} == set(FIELDS)
    assert {row.name for row in ACTIONS} == set(PATHS)
    assert {row.name for row in SETTINGS} == set(PANORAMAS)
    assert {row.name for row in CAMERAS} == set(VIEWS)


def test_names_are_unique_in_each_table():
    for table in (SUBJECTS, COLORS, ACTIONS, SETTINGS, CAMERAS, LIGHTS, MOODS):
        names = [row.name for row in table]
        assert len(names) == len(set(names))


@given(st.integers(0, 2**32))
def test_training_never_draws_what_is_held_out(seed: int):
    seen, unseen = draw_scene(random.Random(seed)), draw_scene(random.Random(seed), held_out=True)
    assert not is_held_out(seen.color, seen.subject, seen.setting)
    assert is_held_out(unseen.color, unseen.subject, unseen.setting)


def test_about_a_tenth_of_the_combinations_is_held_out():
    split = Counter(is_held_out(c.name, s.name, p.name) for c in COLORS for s in SUBJECTS for p in SETTINGS)
    assert 0.06 < split[True] / split.total() < 0.14


def test_held_out_combinations_cover_every_color_subject_and_setting():
    found = [(c.name, s.name, p.name) for c in COLORS for s in SUBJECTS for p in SETTINGS]
    found = [names for names in found if is_held_out(*names)]
    assert {c for c, _, _ in found} == {row.name for row in COLORS}
    assert {s for _, s, _ in found} == {row.name for row in SUBJECTS}
    assert {p for _, _, p in found} == {row.name for row in SETTINGS}


@given(st.integers(0, 2**32))
def test_a_setting_with_a_light_of_its_own_gets_no_other(seed: int):
    scene = draw_scene(random.Random(seed))
    assert scene.light == "even" or scene.setting not in LIT


@given(st.integers(0, 2**32))
def test_what_is_round_never_spins(seed: int):
    scene = draw_scene(random.Random(seed))
    assert not (scene.action == "spin" and scene.subject in {"ball", "ring"})


@given(st.integers(0, 2**32))
def test_a_caption_uses_only_words_of_the_vocabulary(seed: int):
    rng = random.Random(seed)
    caption = caption_of(draw_scene(rng), rng)
    assert set(re.findall(r"\w+", caption)) <= set(caption_words())


@given(st.integers(0, 2**32))
def test_a_caption_names_color_and_subject(seed: int):
    rng = random.Random(seed)
    scene = draw_scene(rng)
    words = caption_of(scene, rng).replace(",", "").split()
    assert set(words) & set(next(row for row in COLORS if row.name == scene.color).adjectives)
    assert set(words) & set(next(row for row in SUBJECTS if row.name == scene.subject).nouns)


def test_captions_of_one_scene_vary():
    rng, scene = random.Random(1), Scene("boat", "red", "drift left", "sea", "pan right")
    assert len({caption_of(scene, rng) for _ in range(50)}) > 30


def test_the_plain_caption_reads_as_english():
    assert plain_caption(Scene("boat", "red", "drift left", "sea")) == "a red boat drifts left across the sea"
    assert plain_caption(Scene("star", "orange", "spin", "snow", "pan right")) == (
        "an orange star spins in the snow, camera pans right"
    )
    company = Companion("ball", "green")
    assert plain_caption(Scene("car", "gray", "roll", "city", "static", "night", "dreamy", company)) == (
        "a gray car rolls to the right across the city next to a small green ball at night, dreamy mood"
    )
