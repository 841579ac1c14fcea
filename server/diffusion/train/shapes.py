"""Signed distance fields of the subjects, tabulated once so that a batch of any mixture is one lookup.

Coordinates are those of the subject: x to the right and y down, with the silhouette about inside the unit circle.
Distances are negative inside. A new subject is one more function and one more row of `FIELDS`.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

TABLE_SIZE = 96
TABLE_EXTENT = 1.5


def polygon(x: Tensor, y: Tensor, corners: Sequence[tuple[float, float]]) -> Tensor:
    """Signed distance to a simple polygon.

    Args:
        x: Coordinates, any shape.
        y: Coordinates, of the same shape.
        corners: Corners in order, either way round.
    """
    distance = torch.full_like(x, math.inf)
    sign = torch.ones_like(x)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey = bx - ax, by - ay
        wx, wy = x - ax, y - ay
        along = ((wx * ex + wy * ey) / (ex * ex + ey * ey)).clamp(0, 1)
        distance = torch.minimum(distance, (wx - ex * along) ** 2 + (wy - ey * along) ** 2)
        crosses = ((ay <= y) & (y < by) | (by <= y) & (y < ay)) & (
            ex * wy * math.copysign(1, ey) < ey * wx * math.copysign(1, ey)
        )
        sign = torch.where(crosses, -sign, sign)
    return sign * distance.sqrt()


def _ball(x: Tensor, y: Tensor) -> Tensor:
    return torch.hypot(x, y) - 0.92


def _cube(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) - 0.80


def _star(x: Tensor, y: Tensor) -> Tensor:
    turns = [(k * math.pi / 5, 1.08 if k % 2 == 0 else 0.44) for k in range(10)]
    return polygon(x, y, [(r * math.sin(a), -r * math.cos(a)) for a, r in turns])


def _heart(x: Tensor, y: Tensor) -> Tensor:
    unit = 0.6
    hx, hy = x.abs() * unit, (0.9 - y) * unit
    lobe = torch.hypot(hx - 0.25, hy - 0.75) - math.sqrt(2) / 4
    nearest = 0.5 * (hx + hy).clamp(min=0)
    side = torch.minimum(torch.hypot(hx, hy - 1), torch.hypot(hx - nearest, hy - nearest))
    return torch.where(hx + hy > 1, lobe, side * torch.sign(hx - hy)) / unit


def _ring(x: Tensor, y: Tensor) -> Tensor:
    return (torch.hypot(x, y) - 0.70).abs() - 0.25


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    return polygon(x, y, [(0.0, -0.95), (0.98, 0.75), (-0.98, 0.75)])


def _boat(x: Tensor, y: Tensor) -> Tensor:
    hull = polygon(x, y, [(-1.05, 0.25), (1.05, 0.25), (0.65, 0.85), (-0.65, 0.85)])
    sail = polygon(x, y, [(-0.05, -1.0), (-0.05, 0.12), (-0.85, 0.12)])
    jib = polygon(x, y, [(0.10, -0.85), (0.80, 0.12), (0.10, 0.12)])
    mast = torch.maximum((x - 0.02).abs() - 0.06, (y + 0.35).abs() - 0.65)
    return torch.minimum(torch.minimum(hull, mast), torch.minimum(sail, jib))


def _fish(x: Tensor, y: Tensor) -> Tensor:
    body = (torch.hypot((x - 0.20) / 0.80, y / 0.52) - 1.0) * 0.52
    tail = polygon(x, y, [(-0.40, 0.0), (-1.05, -0.58), (-1.05, 0.58)])
    return torch.minimum(body, tail)


FIELDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ball": _ball,
    "cube": _cube,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
    "triangle": _triangle,
    "boat": _boat,
    "fish": _fish,
}


def distance_tables(names: Sequence[str], device: torch.device | str = "cpu") -> Tensor:
    """Tabulates signed distances on a square grid over [-1.5, 1.5].

    Args:
        names: Subjects, each a key of `FIELDS`.
        device: Where the tables are kept.

    Returns:
        Distances, shaped (subjects, 1, 96, 96), with pixel centers as `grid_sample(align_corners=False)` reads them.
    """
    step = 2 * TABLE_EXTENT / TABLE_SIZE
    axis = (torch.arange(TABLE_SIZE, device=device) + 0.5) * step - TABLE_EXTENT
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([FIELDS[name](x, y) for name in names]).unsqueeze(1)
