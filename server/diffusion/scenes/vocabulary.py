"""What a rendered scene can contain, as tables: one row a subject, color, action, setting, camera, light or mood.

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
        goes: Verbs that suit it where it moves sideways ("sails", as in "sails left").
        round: True where a turn cannot be seen, so that it is never asked to spin.
    """

    name: str
    nouns: tuple[str, ...]
    goes: tuple[str, ...] = ()
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
        way: Adverb that follows a subject's own verbs ("left"); empty where they do not fit.
    """

    name: str
    verbs: tuple[str, ...]
    crosses: bool = False
    turns: bool = False
    way: str = ""


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


@dataclass(frozen=True, slots=True)
class Grade:
    """A light or a mood: what happens to all colors of the clip.

    Attributes:
        name: Key of the row.
        phrases: Phrases that captions use; an empty one leaves it unsaid.
        weight: Relative frequency in training.
        gain: Factors of red, green and blue.
        saturation: 1 keeps colors, 0 leaves gray.
        haze: Share of `HAZE` that is mixed in at last.
    """

    name: str
    phrases: tuple[str, ...]
    weight: float
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    haze: float = 0.0


SUBJECTS = (
    Subject("ball", ("ball", "circle", "disc"), round=True),
    Subject("cube", ("cube", "square", "box")),
    Subject("star", ("star",)),
    Subject("heart", ("heart",)),
    Subject("ring", ("ring", "hoop"), round=True),
    Subject("triangle", ("triangle", "pyramid")),
    Subject("boat", ("boat", "ship", "sailboat"), goes=("sails",)),
    Subject("fish", ("fish",), goes=("swims",)),
    Subject("car", ("car", "automobile"), goes=("drives",)),
    Subject("bird", ("bird", "seagull"), goes=("flies",)),
    Subject("balloon", ("balloon",), goes=("flies",)),
    Subject("kite", ("kite",), goes=("flies",)),
    Subject("rocket", ("rocket", "spaceship"), goes=("flies",)),
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
    Color("brown", ("brown",), (0.45, 0.24, 0.08)),
    Color("gray", ("gray", "grey"), (0.46, 0.47, 0.50)),
    Color("white", ("white",), (0.98, 0.98, 0.98)),
    Color("black", ("black",), (0.04, 0.04, 0.05)),
)

ACTIONS = (
    Action("drift left", ("drifts left", "moves to the left", "glides left", "floats left"), crosses=True, way="left"),
    Action(
        "drift right", ("drifts right", "moves to the right", "glides right", "floats right"), crosses=True, way="right"
    ),
    Action("drift up", ("rises", "drifts up", "floats up", "moves up", "flies up")),
    Action("drift down", ("falls", "drifts down", "sinks", "moves down")),
    Action("bounce", ("bounces", "bounces up and down", "hops", "jumps up and down")),
    Action("spin", ("spins", "rotates", "turns around"), turns=True),
    Action("grow", ("grows", "gets bigger", "expands")),
    Action("shrink", ("shrinks", "gets smaller")),
    Action("roll", ("rolls to the right", "rolls along", "tumbles along"), crosses=True),
    Action("swing", ("swings", "swings from side to side", "sways from side to side")),
    Action("circle", ("circles around", "moves in a circle", "goes around in circles")),
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
    Setting(
        "city",
        ("in the city", "over the city skyline", "in front of tall buildings"),
        ("across the city", "over the city skyline", "past tall buildings"),
    ),
    Setting(
        "rain",
        ("in the rain", "on a rainy day", "in a rain storm"),
        ("through the rain", "on a rainy day", "through a rain storm"),
    ),
    Setting(
        "clouds",
        ("in the clouds", "among white clouds", "in a cloudy sky"),
        ("through the clouds", "between white clouds", "across a cloudy sky"),
    ),
    Setting(
        "space",
        ("in space", "in outer space", "among the planets"),
        ("through space", "across outer space", "past the planets"),
    ),
)

CAMERAS = (
    Camera("static", ("", "", "", "static camera"), 0.52),
    Camera("pan left", ("camera pans left", "the camera moves left"), 0.09),
    Camera("pan right", ("camera pans right", "the camera moves right"), 0.09),
    Camera("tilt up", ("camera tilts up", "the camera looks up"), 0.075),
    Camera("tilt down", ("camera tilts down", "the camera looks down"), 0.075),
    Camera("zoom in", ("camera zooms in", "the camera zooms in slowly"), 0.075),
    Camera("zoom out", ("camera zooms out", "the camera zooms out slowly"), 0.075),
)

HAZE = (1.0, 0.93, 0.98)

LIGHTS = (
    Grade("even", ("",), 0.76),
    Grade("warm", ("in warm light", "warmly lit"), 0.06, gain=(1.08, 0.94, 0.66)),
    Grade("dim", ("in dim light", "dimly lit"), 0.06, gain=(0.55, 0.55, 0.60)),
    Grade("sunset", ("at sunset", "in the evening light"), 0.06, gain=(1.04, 0.64, 0.50)),
    Grade("night", ("at night",), 0.06, gain=(0.42, 0.46, 0.80)),
)
LIT = ("night", "sunset", "space")
"""Settings that have a light of their own."""

MOODS = (
    Grade("neutral", ("",), 0.86),
    Grade("dreamy", ("dreamy mood", "it feels dreamy"), 0.07, haze=0.38),
    Grade("gloomy", ("gloomy mood", "it feels gloomy"), 0.07, gain=(0.86, 0.90, 1.0), saturation=0.45),
)
