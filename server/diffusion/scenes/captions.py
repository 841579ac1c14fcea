"""English for a scene: synonyms, reordered clauses, and the words that a caption may use."""

import random
import re

from .scene import Companion, Scene
from .vocabulary import ACTIONS, CAMERAS, COLORS, LIGHTS, MOODS, SETTINGS, SUBJECTS, Action, Setting, Subject

_TEMPLATES = (
    "{thing} {verb} {place}",
    "{place}, {thing} {verb}",
    "{thing} {verb}, {place}",
    "{thing} {place} {verb}",
    "{thing} that {verb} {place}",
    "{thing} {verbing} {place}",
    "{place}, {thing} {verbing}",
)
_LEADS = ("", "", "", "", "a video of ", "animation of ", "there is ")
_COMPANY = ("next to", "beside", "near")
_SIZES = ("small", "little")
_ODD_FORMS = {
    "flies": "flying",
    "gets": "getting",
    "goes": "going",
    "hops": "hopping",
    "spins": "spinning",
    "swims": "swimming",
}
_VOWELS = "aeiou"


def caption_of(scene: Scene, rng: random.Random) -> str:
    """Writes one caption, such as "at sunset, a blue ball bounces, camera pans left".

    Args:
        scene: What the clip shows.
        rng: Chooses synonyms and the order of clauses.
    """
    subject, action, setting = _rows(scene)
    color = rng.choice(next(row for row in COLORS if row.name == scene.color).adjectives)
    article = rng.choice(("the", _article(color), _article(color)))
    place = rng.choice(setting.crossings if action.crosses else setting.places)
    thing, verb = f"{article} {color} {rng.choice(subject.nouns)}", rng.choice(_verbs(subject, action))
    clause = rng.choice(_TEMPLATES).format(thing=thing, verb=verb, verbing=_participle(verb), place=place)
    if scene.companion is not None:
        clause += f" {rng.choice(_COMPANY)} {_small(scene.companion, rng)}"
    else:
        clause = rng.choice(_LEADS) + clause
    light = rng.choice(next(row for row in LIGHTS if row.name == scene.light).phrases)
    if light:
        clause += rng.choice((" ", ", ")) + light
    camera = rng.choice(next(row for row in CAMERAS if row.name == scene.camera).phrases)
    mood = rng.choice(next(row for row in MOODS if row.name == scene.mood).phrases)
    parts = [clause, *(part for part in (camera, mood) if part)]
    if rng.random() < 0.2:
        parts.reverse()
    return ", ".join(parts)


def own_caption(scene: Scene) -> str:
    """Writes the one caption that a scene's own seed chooses."""
    return caption_of(scene, random.Random(scene.seed))


def plain_caption(scene: Scene) -> str:
    """Writes the one caption that uses the first word of every row, for sheets and documentation."""
    _, action, setting = _rows(scene)
    place = (setting.crossings if action.crosses else setting.places)[0]
    text = f"{_article(scene.color)} {scene.color} {scene.subject} {action.verbs[0]} {place}"
    if scene.companion is not None:
        color = scene.companion.color
        text += f" {_COMPANY[0]} a {_SIZES[0]} {color} {scene.companion.subject}"
    light = next(row for row in LIGHTS if row.name == scene.light).phrases[0]
    text += f" {light}" if light else ""
    camera = next(row for row in CAMERAS if row.name == scene.camera).phrases[0]
    mood = next(row for row in MOODS if row.name == scene.mood).phrases[0]
    return ", ".join(part for part in (text, camera, mood) if part)


def caption_words() -> list[str]:
    """Lists every word that `caption_of` can write, sorted, without punctuation."""
    sources = [*_TEMPLATES, *_LEADS, *_COMPANY, *_SIZES, "a an the"]
    sources += [text for row in SUBJECTS for text in (*row.nouns, *row.goes)]
    sources += [text for row in COLORS for text in row.adjectives]
    sources += [text for row in ACTIONS for text in (*row.verbs, row.way)]
    sources += [text for row in SETTINGS for text in (*row.places, *row.crossings)]
    sources += [text for row in (*CAMERAS, *LIGHTS, *MOODS) for text in row.phrases]
    sources += [_participle(text) for row in ACTIONS for text in row.verbs]
    sources += [_participle(text) for row in SUBJECTS for text in row.goes]
    text = re.sub(r"\{\w+\}", " ", " ".join(sources))
    return sorted(set(re.findall(r"[a-z]+", text)))


def _rows(scene: Scene) -> tuple[Subject, Action, Setting]:
    return (
        next(row for row in SUBJECTS if row.name == scene.subject),
        next(row for row in ACTIONS if row.name == scene.action),
        next(row for row in SETTINGS if row.name == scene.setting),
    )


def _verbs(subject: Subject, action: Action) -> tuple[str, ...]:
    return (*action.verbs, *(f"{verb} {action.way}" for verb in subject.goes if action.way))


def _participle(verb: str) -> str:
    """Turns "gets bigger" into "getting bigger"."""
    if verb == "does not move":
        return "not moving"
    first, _, rest = verb.partition(" ")
    stem = first.removesuffix("s").removesuffix("e")
    return f"{_ODD_FORMS.get(first, stem + 'ing')} {rest}".strip()


def _article(word: str) -> str:
    return "an" if word[0] in _VOWELS else "a"


def _small(companion: Companion, rng: random.Random) -> str:
    color = rng.choice(next(row for row in COLORS if row.name == companion.color).adjectives)
    noun = rng.choice(next(row for row in SUBJECTS if row.name == companion.subject).nouns)
    return f"a {rng.choice(_SIZES)} {color} {noun}"
