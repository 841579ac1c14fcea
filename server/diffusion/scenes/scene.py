"""A scene: which row of each table a clip shows, how one is drawn at random, and which of them training never sees."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from .vocabulary import ACTIONS, CAMERAS, COLORS, LIGHTS, LIT, MOODS, SETTINGS, SUBJECTS, Camera, Grade

HELD_OUT_TENTHS = 1
_COMPANY = 0.1


@dataclass(frozen=True, slots=True)
class Companion:
    """A second, smaller subject that rests in the lower right corner, behind the first.

    Attributes:
        subject: Name of a row of `SUBJECTS`.
        color: Name of a row of `COLORS`.
    """

    subject: str
    color: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip's content.

    Attributes:
        subject: Name of a row of `SUBJECTS`.
        color: Name of a row of `COLORS`.
        action: Name of a row of `ACTIONS`.
        setting: Name of a row of `SETTINGS`.
        camera: Name of a row of `CAMERAS`.
        light: Name of a row of `LIGHTS`.
        mood: Name of a row of `MOODS`.
        companion: A second subject, if there is one.
        seed: Seeds the small variation in place, size, light and framing.
    """

    subject: str
    color: str
    action: str
    setting: str
    camera: str = "static"
    light: str = "even"
    mood: str = "neutral"
    companion: Companion | None = None
    seed: int = 0


def is_held_out(color: str, subject: str, setting: str) -> bool:
    """Tells whether training never sees this combination (about one in ten; the same on every machine)."""
    digest = hashlib.blake2b(f"{color}|{subject}|{setting}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 10 < HELD_OUT_TENTHS


def draw_scene(rng: random.Random, *, held_out: bool = False) -> Scene:
    """Draws one scene from the training split, or from the held-out one.

    Args:
        rng: Source of randomness; equal states give equal scenes.
        held_out: Draw a combination of color, subject and setting that training never sees.
    """
    while True:
        subject, color, setting = rng.choice(SUBJECTS), rng.choice(COLORS), rng.choice(SETTINGS)
        if is_held_out(color.name, subject.name, setting.name) == held_out:
            break
    action = rng.choice([row for row in ACTIONS if not (row.turns and subject.round)])
    camera, light, mood = _weighted(CAMERAS, rng), _weighted(LIGHTS, rng), _weighted(MOODS, rng)
    if setting.name in LIT:
        light = LIGHTS[0].name
    company = rng.random() < _COMPANY
    companion = Companion(rng.choice(SUBJECTS).name, rng.choice(COLORS).name) if company else None
    return Scene(
        subject.name, color.name, action.name, setting.name, camera, light, mood, companion, rng.getrandbits(31)
    )


def _weighted(rows: Sequence[Camera] | Sequence[Grade], rng: random.Random) -> str:
    return rng.choices(rows, weights=[row.weight for row in rows])[0].name
