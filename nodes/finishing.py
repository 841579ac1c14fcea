"""Nodes for the finish of a clip: sharpness, grain and vignette."""

from __future__ import annotations

from typing import Annotated

from nodes import Clip, Seed, Slider, node
from nodes.blame import blaming


@node(category="video/finish", aliases=("unsharp mask", "detail", "crisp", "blur", "soften"))
def sharpen_clip(
    clip: Clip,
    *,
    amount: Annotated[float, Slider(-1.0, 5.0, step=0.05)] = 0.5,
    radius: Annotated[float, Slider(0.1, 10.0, step=0.1, unit="px")] = 1.0,
) -> Clip:
    """Sharpen a clip, or blur it.

    Args:
        clip: What to sharpen.
        amount: How much; below 0 softens, and -1 is a Gaussian blur.
        radius: Size of the details that are meant.

    Returns:
        The sharper clip.
    """
    from server.media import finish

    with blaming("radius"):
        return finish.sharpen_clip(clip, amount=amount, radius=radius)


@node(category="video/finish", title="Film grain", aliases=("noise", "grain", "texture", "dither"))
def add_film_grain(
    clip: Clip,
    *,
    amount: Annotated[float, Slider(0.0, 0.5, step=0.005)] = 0.05,
    size: Annotated[float, Slider(1.0, 16.0, step=0.1, unit="px")] = 1.0,
    seed: Annotated[int, Seed()] = 0,
) -> Clip:
    """Add film grain: gray noise, strongest in the middle tones, another one on each frame.

    Args:
        clip: What to add it to.
        amount: Its strength.
        size: Size of a grain.
        seed: The same seed gives the same grain.

    Returns:
        The grainy clip.
    """
    from server.media import finish

    with blaming("amount"):
        return finish.add_grain(clip, amount=amount, size=size, seed=seed)


@node(category="video/finish", title="Vignette", aliases=("darken corners", "edges", "lens"))
def add_vignette(
    clip: Clip,
    *,
    amount: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.5,
    start: Annotated[float, Slider(0.0, 0.95, step=0.01)] = 0.4,
) -> Clip:
    """Darken a clip towards its corners.

    Args:
        clip: What to darken.
        amount: How much of the light is gone in the corners.
        start: Where it begins: 0 in the middle, 1 in the corners.

    Returns:
        The darkened clip.
    """
    from server.media import finish

    with blaming("amount"):
        return finish.add_vignette(clip, amount=amount, start=start)
