"""The rendered scene: a clip that is drawn, not generated, with the sentence that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, get_args

from nodes import Advanced, Clip, Context, Number, Seed, ShownIf, Slider, node
from nodes.rates import exact_rate, frames_within

if TYPE_CHECKING:
    from server.media.types import Array

Subject = Literal[
    "ball", "cube", "star", "heart", "ring", "triangle", "boat", "fish", "car", "bird", "balloon", "kite", "rocket"
]
Color = Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "gray", "white", "black"]
Action = Literal[
    "drift left",
    "drift right",
    "drift up",
    "drift down",
    "bounce",
    "spin",
    "grow",
    "shrink",
    "roll",
    "swing",
    "circle",
    "still",
]
Setting = Literal[
    "plain", "grass", "night", "sea", "beach", "desert", "snow", "sunset", "city", "rain", "clouds", "space"
]
Camera = Literal["static", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out"]
Light = Literal["even", "warm", "dim", "sunset", "night"]
Mood = Literal["neutral", "dreamy", "gloomy"]
Companion = Literal[
    "none",
    "ball",
    "cube",
    "star",
    "heart",
    "ring",
    "triangle",
    "boat",
    "fish",
    "car",
    "bird",
    "balloon",
    "kite",
    "rocket",
]


class Rendered(NamedTuple):
    """A rendered scene and what it shows.

    Attributes:
        clip: The clip, square.
        caption: A sentence that says what it shows; one of many that the starter model was trained on.
    """

    clip: Clip
    caption: str


@node(
    category="video",
    aliases=("procedural clip", "test scene", "cartoon", "synthetic", "source", "training clip", "generator"),
)
def rendered_scene(
    *,
    subject: Subject = "boat",
    color: Color = "red",
    action: Action = "drift left",
    setting: Setting = "sea",
    camera: Camera = "static",
    light: Light = "even",
    mood: Mood = "neutral",
    companion: Companion = "none",
    companion_color: Annotated[Color, ShownIf("companion", get_args(Subject))] = "yellow",
    size: Annotated[int, Slider(32, 1024, step=16, unit="px")] = 256,
    seconds: Annotated[float, Number(min=0.01, max=600, step=0.5, unit="s")] = 2.0,
    fps: Annotated[float, Number(min=1, max=120, unit="fps")] = 16.0,
    seed: Annotated[int, Seed(), Advanced()] = 0,
    ctx: Context,
) -> Rendered:
    """Draw a flat-style animated scene. This is a renderer, not a model: it shows just what is chosen, at once.

    The starter models were trained on such scenes. Use it to try out a workflow, or as a source for demonstrations.

    Args:
        subject: What moves.
        color: Its color.
        action: What it does, once over the length of the clip.
        setting: Where it is.
        camera: How the view moves.
        light: The light on everything; night, sunset and space have a light of their own, so leave it even there.
        mood: The mood of the colors.
        companion: A second, smaller subject that rests in the lower right corner.
        companion_color: Its color.
        size: Width and height in pixels.
        seconds: Length in seconds.
        fps: Frames a second.
        seed: Varies place, size and light a little, and how the caption is said.

    Returns:
        The clip and its caption.
    """
    from server.diffusion.scenes import scene as scenes
    from server.diffusion.scenes.captions import own_caption

    second = None if companion == "none" else scenes.Companion(companion, companion_color)
    scene = scenes.Scene(subject, color, action, setting, camera, light, mood, second, seed)
    rate = exact_rate(fps)
    count = frames_within(seconds, rate)

    def produce() -> Iterator[Array]:
        from server.diffusion.scenes.render import render_blocks

        done = 0
        for block in render_blocks(scene, size, count):
            done += len(block)
            ctx.report(done, count, "frame")
            yield block

    return Rendered(Clip(produce, size, size, rate, count), own_caption(scene))
