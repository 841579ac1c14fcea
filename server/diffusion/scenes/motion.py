"""Paths over time: where the subject is, how large and how turned, and how the view moves.

All functions are of time u in [0, 1] over the clip, elementwise, so that any subset of frames costs only what it shows.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

_REACH = 0.55
_PAN = 0.6
_TILT = 0.4
_ZOOM = 0.4
_LOW = 0.34


class Pose(NamedTuple):
    """A subject's place in the frame at each time.

    Attributes:
        x: Center, -1 at the left edge and 1 at the right.
        y: Center, -1 at the top and 1 at the bottom.
        scale: Size relative to the resting size.
        angle: Clockwise turn in radians.
    """

    x: Tensor
    y: Tensor
    scale: Tensor
    angle: Tensor


class View(NamedTuple):
    """What the camera does at each time.

    Attributes:
        shift: How far the view has moved to the right over the backdrop, in half frame widths.
        sink: How far it has moved down, in half frame heights.
        zoom: Magnification of backdrop and subject.
    """

    shift: Tensor
    sink: Tensor
    zoom: Tensor


def _pose(
    u: Tensor,
    *,
    x: Tensor | None = None,
    y: Tensor | None = None,
    scale: Tensor | None = None,
    angle: Tensor | None = None,
) -> Pose:
    zero, one = torch.zeros_like(u), torch.ones_like(u)
    return Pose(
        zero if x is None else x,
        zero if y is None else y,
        one if scale is None else scale,
        zero if angle is None else angle,
    )


def _roll(u: Tensor) -> Pose:
    x = _REACH * (2 * u - 1)
    return _pose(u, x=x, y=torch.full_like(u, _LOW), angle=2 * math.pi * u)


def _swing(u: Tensor) -> Pose:
    side = torch.sin(2 * math.pi * u)
    return _pose(u, x=0.5 * side, y=-0.16 * side.square(), angle=-0.5 * side)


def _circle(u: Tensor) -> Pose:
    turn = 2 * math.pi * u
    return _pose(u, x=0.42 * torch.sin(turn), y=-0.42 * torch.cos(turn))


PATHS: dict[str, Callable[[Tensor], Pose]] = {
    "drift left": lambda u: _pose(u, x=_REACH * (1 - 2 * u)),
    "drift right": lambda u: _pose(u, x=_REACH * (2 * u - 1)),
    "drift up": lambda u: _pose(u, y=_REACH * (1 - 2 * u)),
    "drift down": lambda u: _pose(u, y=_REACH * (2 * u - 1)),
    "bounce": lambda u: _pose(u, y=0.40 - 0.85 * torch.sin(2 * math.pi * u).abs()),
    "spin": lambda u: _pose(u, angle=2 * math.pi * u),
    "grow": lambda u: _pose(u, scale=0.45 + 0.95 * u),
    "shrink": lambda u: _pose(u, scale=1.40 - 0.95 * u),
    "roll": _roll,
    "swing": _swing,
    "circle": _circle,
    "still": _pose,
}


def _view(u: Tensor, *, shift: float = 0.0, sink: float = 0.0, zoom: Tensor | None = None) -> View:
    return View(shift * u, sink * u, torch.ones_like(u) if zoom is None else zoom)


VIEWS: dict[str, Callable[[Tensor], View]] = {
    "static": _view,
    "pan left": lambda u: _view(u, shift=-_PAN),
    "pan right": lambda u: _view(u, shift=_PAN),
    "tilt up": lambda u: _view(u, sink=-_TILT),
    "tilt down": lambda u: _view(u, sink=_TILT),
    "zoom in": lambda u: _view(u, zoom=1 + _ZOOM * u),
    "zoom out": lambda u: _view(u, zoom=1 + _ZOOM * (1 - u)),
}
