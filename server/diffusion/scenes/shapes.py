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


def _car(x: Tensor, y: Tensor) -> Tensor:
    body = polygon(x, y, [(-1.08, -0.08), (1.0, -0.08), (1.1, 0.12), (1.1, 0.48), (-1.1, 0.48), (-1.1, 0.1)])
    cabin = polygon(x, y, [(-0.62, 0.0), (-0.38, -0.58), (0.28, -0.58), (0.62, 0.0)])
    wheels = torch.hypot(x.abs() - 0.60, y - 0.48) - 0.30
    return torch.minimum(torch.minimum(body, cabin), wheels)


def _bird(x: Tensor, y: Tensor) -> Tensor:
    body = (torch.hypot(x / 0.78, (y - 0.12) / 0.34) - 1.0) * 0.34
    head = torch.hypot(x - 0.72, y + 0.08) - 0.27
    beak = polygon(x, y, [(0.90, -0.20), (1.22, -0.02), (0.90, 0.08)])
    tail = polygon(x, y, [(-0.55, 0.12), (-1.15, -0.12), (-1.10, 0.42)])
    wing = polygon(x, y, [(0.32, 0.0), (-0.38, 0.05), (-0.52, -0.95), (-0.05, -0.72)])
    return torch.minimum(torch.minimum(torch.minimum(body, head), torch.minimum(beak, tail)), wing)


def _balloon(x: Tensor, y: Tensor) -> Tensor:
    skin = (torch.hypot(x / 0.70, (y + 0.36) / 0.80) - 1.0) * 0.70
    knot = polygon(x, y, [(0.0, 0.34), (0.20, 0.60), (-0.20, 0.60)])
    string = torch.maximum((x - 0.08 * torch.sin(9 * y)).abs() - 0.07, (y - 0.80).abs() - 0.35)
    return torch.minimum(torch.minimum(skin, knot), string)


def _kite(x: Tensor, y: Tensor) -> Tensor:
    sail = polygon(x, y, [(0.0, -1.15), (0.80, -0.36), (0.0, 0.60), (-0.80, -0.36)])
    bows = torch.minimum(
        polygon(x, y, [(0.0, 0.56), (0.30, 0.78), (-0.30, 0.78)]),
        polygon(x, y, [(0.0, 0.76), (0.34, 1.06), (-0.34, 1.06)]),
    )
    return torch.minimum(sail, bows)


def _rocket(x: Tensor, y: Tensor) -> Tensor:
    hull = polygon(
        x,
        y,
        [(0.0, -1.15), (0.30, -0.82), (0.46, -0.35), (0.46, 0.62), (-0.46, 0.62), (-0.46, -0.35), (-0.30, -0.82)],
    )
    fin = polygon(x.abs(), y, [(0.30, 0.0), (0.86, 0.58), (0.86, 1.0), (0.30, 0.66)])
    nozzle = torch.maximum(x.abs() - 0.26, (y - 0.72).abs() - 0.16)
    return torch.minimum(torch.minimum(hull, fin), nozzle)


FIELDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ball": _ball,
    "cube": _cube,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
    "triangle": _triangle,
    "boat": _boat,
    "fish": _fish,
    "car": _car,
    "bird": _bird,
    "balloon": _balloon,
    "kite": _kite,
    "rocket": _rocket,
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
