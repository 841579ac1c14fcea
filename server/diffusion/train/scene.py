"""A scene: which row of each table a clip shows, how one is drawn at random, and which of them training never sees."""

import hashlib
import random
from dataclasses import dataclass

from .vocabulary import ACTIONS, CAMERAS, COLORS, SETTINGS, SUBJECTS

HELD_OUT_TENTHS = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip's content.

    Attributes:
        subject: Name of a row of `SUBJECTS`.
        color: Name of a row of `COLORS`.
        action: Name of a row of `ACTIONS`.
        setting: Name of a row of `SETTINGS`.
        camera: Name of a row of `CAMERAS`.
        seed: Seeds the small variation in place, size, light and framing.
    """

    subject: str
    color: str
    action: str
    setting: str
    camera: str = "static"
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
    camera = rng.choices(CAMERAS, weights=[row.weight for row in CAMERAS])[0]
    return Scene(subject.name, color.name, action.name, setting.name, camera.name, rng.getrandbits(31))
