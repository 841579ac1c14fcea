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
_ZOOM = 0.4


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
        zoom: Magnification of backdrop and subject.
    """

    shift: Tensor
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


PATHS: dict[str, Callable[[Tensor], Pose]] = {
    "drift left": lambda u: _pose(u, x=_REACH * (1 - 2 * u)),
    "drift right": lambda u: _pose(u, x=_REACH * (2 * u - 1)),
    "drift up": lambda u: _pose(u, y=_REACH * (1 - 2 * u)),
    "drift down": lambda u: _pose(u, y=_REACH * (2 * u - 1)),
    "bounce": lambda u: _pose(u, y=0.40 - 0.85 * torch.sin(2 * math.pi * u).abs()),
    "spin": lambda u: _pose(u, angle=2 * math.pi * u),
    "grow": lambda u: _pose(u, scale=0.45 + 0.95 * u),
    "shrink": lambda u: _pose(u, scale=1.40 - 0.95 * u),
    "still": _pose,
}

VIEWS: dict[str, Callable[[Tensor], View]] = {
    "static": lambda u: View(torch.zeros_like(u), torch.ones_like(u)),
    "pan left": lambda u: View(-_PAN * u, torch.ones_like(u)),
    "pan right": lambda u: View(_PAN * u, torch.ones_like(u)),
    "zoom in": lambda u: View(torch.zeros_like(u), 1 + _ZOOM * u),
}
