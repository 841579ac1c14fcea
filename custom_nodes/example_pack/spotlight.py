"""A node with a widget of its own: the place is chosen on a small pad, which `web/widget.js` draws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from nodes import Clip, InputProblem, PackWidget, Slider, node


@node(category="video/color", aliases=("vignette", "light", "focus"))
def spotlight(
    clip: Clip,
    *,
    place: Annotated[str, PackWidget("xy_pad", height=132, options={"x": "across", "y": "down"})] = "0.50 0.50",
    radius: Annotated[float, Slider(0.05, 1.0, step=0.05)] = 0.4,
) -> Clip:
    """Darken a clip but for a soft circle.

    Args:
        clip: What to darken.
        place: Middle of the circle: two numbers from 0 to 1, across and down.
        radius: Of the circle, as a share of the height.

    Returns:
        The darkened clip, with the same size, rate and sound.
    """
    import numpy as np

    from server.media.colors import convert_dtype

    x, y = read_place(place)
    rows, columns = np.mgrid[0 : clip.height, 0 : clip.width].astype(np.float32)
    distance = np.hypot(columns - x * clip.width, rows - y * clip.height) / (radius * clip.height)
    light = (1 / (1 + distance**4))[:, :, None].astype(np.float32)

    def produce():
        for block in clip.chunks():
            yield convert_dtype(block, "float32") * light

    return clip.derive(produce, dtype="float32")


@spotlight.check
def _place_is_inside(place: str) -> Iterator[InputProblem]:
    try:
        read_place(place)
    except ValueError as error:
        yield InputProblem("place", str(error), "write two numbers from 0 to 1, such as 0.5 0.5")


def read_place(text: str) -> tuple[float, float]:
    """Return the two numbers of a place.

    Raises:
        ValueError: They are not two, or not from 0 to 1.
    """
    try:
        x, y = (float(part) for part in text.split())
    except ValueError as error:
        message = f"{text!r} is no place"
        raise ValueError(message) from error
    if not (0 <= x <= 1 and 0 <= y <= 1):
        message = f"{text!r} lies outside the picture"
        raise ValueError(message)
    return x, y
