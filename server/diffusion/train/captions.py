"""English for a scene: synonyms, reordered clauses, and the words that a caption may use."""

import random
import re

from .scene import Scene
from .vocabulary import ACTIONS, CAMERAS, COLORS, SETTINGS, SUBJECTS

_TEMPLATES = (
    "{thing} {verb} {place}",
    "{place}, {thing} {verb}",
    "{thing} {verb}, {place}",
    "{thing} {place} {verb}",
    "{thing} that {verb} {place}",
)
_LEADS = ("", "", "", "", "a video of ", "animation of ", "there is ")
_VOWELS = "aeiou"


def caption_of(scene: Scene, rng: random.Random) -> str:
    """Writes one caption, such as "at sunset, a blue ball bounces, camera pans left".

    Args:
        scene: What the clip shows.
        rng: Chooses synonyms and the order of clauses.
    """
    action = next(row for row in ACTIONS if row.name == scene.action)
    setting = next(row for row in SETTINGS if row.name == scene.setting)
    camera = next(row for row in CAMERAS if row.name == scene.camera)
    color = rng.choice(next(row for row in COLORS if row.name == scene.color).adjectives)
    noun = rng.choice(next(row for row in SUBJECTS if row.name == scene.subject).nouns)
    article = rng.choice(("the", "an" if color[0] in _VOWELS else "a", "an" if color[0] in _VOWELS else "a"))
    place = rng.choice(setting.crossings if action.crosses else setting.places)
    clause = rng.choice(_TEMPLATES).format(
        thing=f"{article} {color} {noun}", verb=rng.choice(action.verbs), place=place
    )
    said = rng.choice(camera.phrases)
    parts = [rng.choice(_LEADS) + clause, said] if said else [rng.choice(_LEADS) + clause]
    if said and rng.random() < 0.2:
        parts.reverse()
    return ", ".join(parts)


def plain_caption(scene: Scene) -> str:
    """Writes the one caption that uses the first word of every row, for sheets and documentation."""
    action = next(row for row in ACTIONS if row.name == scene.action)
    setting = next(row for row in SETTINGS if row.name == scene.setting)
    camera = next(row for row in CAMERAS if row.name == scene.camera)
    article = "an" if scene.color[0] in _VOWELS else "a"
    place = (setting.crossings if action.crosses else setting.places)[0]
    said = f", {camera.phrases[0]}" if camera.phrases[0] else ""
    return f"{article} {scene.color} {scene.subject} {action.verbs[0]} {place}{said}"


def caption_words() -> list[str]:
    """Lists every word that `caption_of` can write, sorted, without punctuation."""
    sources = [*_TEMPLATES, *_LEADS, "a an the"]
    sources += [text for row in SUBJECTS for text in row.nouns]
    sources += [text for row in COLORS for text in row.adjectives]
    sources += [text for row in ACTIONS for text in row.verbs]
    sources += [text for row in SETTINGS for text in (*row.places, *row.crossings)]
    sources += [text for row in CAMERAS for text in row.phrases]
    text = re.sub(r"\{\w+\}", " ", " ".join(sources))
    return sorted(set(re.findall(r"[a-z]+", text)))
