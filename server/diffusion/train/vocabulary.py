"""What a rendered scene can contain, as tables: one row a subject, color, action, setting or camera.

Words and numbers only. How a row looks is drawn by `shapes`, `backdrops` and `motion`, which are keyed by the same
names; how it is said is put together by `captions`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that can move.

    Attributes:
        name: Key of the row and the plain English noun.
        nouns: Nouns that captions use, the plain one first.
        round: True where a turn cannot be seen, so that it is never asked to spin.
    """

    name: str
    nouns: tuple[str, ...]
    round: bool = False


@dataclass(frozen=True, slots=True)
class Color:
    """A fill color.

    Attributes:
        name: Key of the row and the plain English adjective.
        adjectives: Adjectives that captions use, the plain one first.
        rgb: Fill, each channel in [0, 1].
    """

    name: str
    adjectives: tuple[str, ...]
    rgb: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Action:
    """What the subject does during the clip.

    Attributes:
        name: Key of the row.
        verbs: Phrases in the third person ("drifts left"), the plain one first.
        crosses: True where "across the sea" reads better than "at the sea".
        turns: True where the subject must show a turn.
    """

    name: str
    verbs: tuple[str, ...]
    crosses: bool = False
    turns: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the scene is.

    Attributes:
        name: Key of the row.
        places: Phrases that begin with a preposition ("on the beach"), the plain one first.
        crossings: The same place for a subject that crosses it ("across the beach").
    """

    name: str
    places: tuple[str, ...]
    crossings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Camera:
    """How the view moves.

    Attributes:
        name: Key of the row.
        phrases: Clauses that captions use; an empty one leaves the camera unsaid.
        weight: Relative frequency in training.
    """

    name: str
    phrases: tuple[str, ...]
    weight: float


SUBJECTS = (
    Subject("ball", ("ball", "circle", "disc"), round=True),
    Subject("cube", ("cube", "square", "box")),
    Subject("star", ("star",)),
    Subject("heart", ("heart",)),
    Subject("ring", ("ring", "hoop"), round=True),
    Subject("triangle", ("triangle", "pyramid")),
    Subject("boat", ("boat", "ship", "sailboat")),
    Subject("fish", ("fish",)),
)

COLORS = (
    Color("red", ("red", "scarlet"), (0.90, 0.10, 0.12)),
    Color("orange", ("orange",), (1.00, 0.53, 0.05)),
    Color("yellow", ("yellow", "golden"), (1.00, 0.90, 0.10)),
    Color("green", ("green",), (0.10, 0.62, 0.15)),
    Color("cyan", ("cyan", "turquoise"), (0.10, 0.88, 0.88)),
    Color("blue", ("blue",), (0.10, 0.22, 0.92)),
    Color("purple", ("purple", "violet"), (0.52, 0.12, 0.70)),
    Color("pink", ("pink",), (1.00, 0.45, 0.75)),
    Color("white", ("white",), (0.98, 0.98, 0.98)),
    Color("black", ("black",), (0.04, 0.04, 0.05)),
)

ACTIONS = (
    Action("drift left", ("drifts left", "moves to the left", "glides left", "floats left"), crosses=True),
    Action("drift right", ("drifts right", "moves to the right", "glides right", "floats right"), crosses=True),
    Action("drift up", ("rises", "drifts up", "floats up", "moves up")),
    Action("drift down", ("falls", "drifts down", "sinks", "moves down")),
    Action("bounce", ("bounces", "bounces up and down", "hops")),
    Action("spin", ("spins", "rotates", "turns around"), turns=True),
    Action("grow", ("grows", "gets bigger", "expands")),
    Action("shrink", ("shrinks", "gets smaller")),
    Action("still", ("stays still", "rests", "does not move", "hovers")),
)

SETTINGS = (
    Setting(
        "plain",
        ("on a plain background", "in an empty room", "on a gray background"),
        ("across a plain background", "across an empty room", "across a gray background"),
    ),
    Setting(
        "grass",
        ("on a grassy field", "on the grass", "over a green meadow"),
        ("across a grassy field", "over the grass", "across a green meadow"),
    ),
    Setting(
        "night",
        ("at night", "under a starry sky", "in the night sky"),
        ("at night", "under a starry sky", "across the night sky"),
    ),
    Setting(
        "sea",
        ("on the sea", "over the ocean", "on the water"),
        ("across the sea", "over the ocean", "across the water"),
    ),
    Setting(
        "beach",
        ("on the beach", "at the beach", "on a sandy shore"),
        ("across the beach", "along the beach", "along a sandy shore"),
    ),
    Setting(
        "desert",
        ("in the desert", "over sand dunes", "in a dry desert"),
        ("across the desert", "over sand dunes", "across a dry desert"),
    ),
    Setting(
        "snow",
        ("in the snow", "over a snowy field", "in winter"),
        ("across the snow", "over a snowy field", "in winter"),
    ),
    Setting(
        "sunset",
        ("at sunset", "in the evening light", "under a sunset sky"),
        ("at sunset", "in the evening light", "across a sunset sky"),
    ),
)

CAMERAS = (
    Camera("static", ("", "", "", "static camera"), 0.55),
    Camera("pan left", ("camera pans left", "the camera moves left"), 0.15),
    Camera("pan right", ("camera pans right", "the camera moves right"), 0.15),
    Camera("zoom in", ("camera zooms in", "the camera zooms in slowly"), 0.15),
)
