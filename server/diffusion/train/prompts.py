"""Prompts to judge a model by: held-out scenes with captions, scenes in which nothing moves, and free sentences."""

import random
import re
from collections.abc import Collection
from dataclasses import replace

from server.diffusion.scenes.captions import caption_of, plain_caption
from server.diffusion.scenes.scene import Scene, draw_scene, is_held_out
from server.diffusion.scenes.vocabulary import ACTIONS, COLORS, LIT, SETTINGS, SUBJECTS

_TRIES = 2000

FREE_SENTENCES: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "a red boat drifts left across the sea at sunset, camera pans right",
        {"subject": "boat", "color": "red", "action": "drift left", "setting": "sea", "camera": "pan right"},
    ),
    ("Blue ball bouncing on a beach", {"subject": "ball", "color": "blue", "action": "bounce", "setting": "beach"}),
    ("a yellow bird flying over the ocean", {"subject": "bird", "color": "yellow", "setting": "sea"}),
    ("green car driving through the city at night", {"subject": "car", "color": "green", "setting": "city"}),
    (
        "A white rocket flies up into space.",
        {"subject": "rocket", "color": "white", "action": "drift up", "setting": "space"},
    ),
    ("a big orange balloon floating up in the sky", {"subject": "balloon", "color": "orange", "action": "drift up"}),
    (
        "pink heart growing on a plain background",
        {"subject": "heart", "color": "pink", "action": "grow", "setting": "plain"},
    ),
    ("fish swimming in the sea", {"subject": "fish", "setting": "sea"}),
    ("two yellow stars spinning in the night sky", {"color": "yellow", "action": "spin", "setting": "night"}),
    ("a purple kite in the wind over a green field", {"subject": "kite", "color": "purple", "setting": "grass"}),
    ("red car in the rain", {"subject": "car", "color": "red", "setting": "rain"}),
    (
        "a black cube rotating in an empty room, dim light",
        {"subject": "cube", "color": "black", "action": "spin", "setting": "plain"},
    ),
    (
        "a golden ring rolling along the beach",
        {"subject": "ring", "color": "yellow", "action": "roll", "setting": "beach"},
    ),
    (
        "snow, a brown triangle slides to the right",
        {"subject": "triangle", "color": "brown", "action": "drift right", "setting": "snow"},
    ),
    (
        "a cute grey bird hopping in the snow",
        {"subject": "bird", "color": "gray", "action": "bounce", "setting": "snow"},
    ),
    (
        "a blue ship sailing to the right under a starry sky",
        {"subject": "boat", "color": "blue", "action": "drift right", "setting": "night"},
    ),
    ("turquoise fish in outer space, dreamy", {"subject": "fish", "color": "cyan", "setting": "space"}),
    (
        "white balloon rising above the desert, slow zoom in",
        {"subject": "balloon", "color": "white", "action": "drift up", "setting": "desert", "camera": "zoom in"},
    ),
    (
        "a red heart swinging from side to side in the city",
        {"subject": "heart", "color": "red", "action": "swing", "setting": "city"},
    ),
    (
        "an orange star falls from the sky at night over the sea",
        {"subject": "star", "color": "orange", "action": "drift down", "setting": "sea"},
    ),
)
"""Sentences, and what the clip must show where the sentence says it clearly: names of rows of the tables."""


def held_out_prompts(count: int, seed: int = 0, *, words: Collection[str] | None = None) -> list[tuple[Scene, str]]:
    """Takes scenes evenly out of all held-out combinations of color, subject, setting and action, with a caption each.

    Args:
        count: Number of prompts.
        seed: Chooses where in the list to begin, camera, light, mood, companion, and the captions.
        words: Every word that a caption may use; all of them by default. A model with fewer words is asked for less.
    """
    listed = _held_out_combinations(words)
    chosen = [listed[(seed + index * len(listed) // count) % len(listed)] for index in range(count)]
    rng = random.Random(f"held out {seed}")
    return [_prompt(row, words, rng) for row in chosen]


def still_prompts(count: int, seed: int = 0, *, words: Collection[str] | None = None) -> list[tuple[Scene, str]]:
    """Takes held-out scenes in which neither subject nor camera moves and no rain falls, with a plain caption each."""
    listed = [row for row in _held_out_combinations(words) if row[3] == "still" and row[2] != "rain"]
    chosen = [listed[(seed + index * len(listed) // count) % len(listed)] for index in range(count)]
    scenes = [
        Scene(subject, color, action, setting, seed=index)
        for index, (subject, color, setting, action) in enumerate(chosen)
    ]
    return [(scene, plain_caption(scene)) for scene in scenes]


def _held_out_combinations(words: Collection[str] | None) -> list[tuple[str, str, str, str]]:
    return [
        (subject.name, color.name, setting.name, action.name)
        for subject in SUBJECTS
        for color in COLORS
        for setting in SETTINGS
        if is_held_out(color.name, subject.name, setting.name)
        for action in ACTIONS
        if not (action.turns and subject.round)
        and _is_known(plain_caption(Scene(subject.name, color.name, action.name, setting.name)), words)
    ]


def _prompt(row: tuple[str, str, str, str], words: Collection[str] | None, rng: random.Random) -> tuple[Scene, str]:
    subject, color, setting, action = row
    for _ in range(_TRIES):
        staging = draw_scene(rng)
        light = "even" if setting in LIT else staging.light
        scene = replace(staging, subject=subject, color=color, setting=setting, action=action, light=light)
        caption = caption_of(scene, rng)
        if _is_known(caption, words):
            return scene, caption
    raise ValueError(f"no caption of a {color} {subject} is within the model's words")


def _is_known(caption: str, words: Collection[str] | None) -> bool:
    return words is None or set(re.findall(r"\w+", caption)) <= set(words)
