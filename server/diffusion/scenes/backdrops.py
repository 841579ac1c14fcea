"""Panoramas of the settings: wide pictures over which the view moves, drawn once for each size.

Coordinates are those of the frame: [-1, 1] across and down; a panorama goes on beyond all sides so that the camera can
pan and tilt. A new setting is one more function and one more row of `PANORAMAS`.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WIDTH = 1.8
HEIGHT = 1.5
_SEED = 7


def _rgb(x: Tensor, *color: float) -> Tensor:
    return torch.tensor(color, device=x.device).view(3, 1, 1).expand(3, *x.shape)


def _mix(below: Tensor, above: Tensor, amount: Tensor) -> Tensor:
    return below + (above - below) * amount.clamp(0, 1)


def _edge(distance: Tensor, soft: float = 0.06) -> Tensor:
    """1 where distance is negative, 0 outside, with a ramp as wide as two pixels of a 64 pixel frame."""
    return (0.5 - distance / soft).clamp(0, 1)


def _fade(x: Tensor, y: Tensor, top: tuple[float, float, float], bottom: tuple[float, float, float]) -> Tensor:
    return _mix(_rgb(x, *top), _rgb(x, *bottom), (y + 1) / 2)


def _clouds(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    for cx, cy, r in ((-1.35, -0.62, 0.20), (-0.55, -0.72, 0.16), (0.45, -0.66, 0.20), (1.30, -0.74, 0.17)):
        puff = torch.hypot((x - cx) / 1.9, y - cy) - r
        picture = _mix(picture, _rgb(x, 1.0, 1.0, 1.0), _edge(puff, 0.09))
    return picture


def _plain(x: Tensor, y: Tensor) -> Tensor:
    stripe = _edge((torch.remainder(x + 0.3, 0.6) - 0.3).abs() - 0.03)
    return _mix(_rgb(x, 0.72, 0.72, 0.74), _rgb(x, 0.62, 0.62, 0.64), stripe)


def _grass(x: Tensor, y: Tensor) -> Tensor:
    sky = _clouds(_fade(x, y, (0.45, 0.72, 0.98), (0.75, 0.90, 1.0)), x, y)
    hills = 0.18 + 0.07 * torch.sin(2.6 * x)
    return _mix(sky, _rgb(x, 0.40, 0.78, 0.25), _edge(hills - y))


def _night(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.02, 0.02, 0.12), (0.08, 0.07, 0.28))
    spots = torch.rand(26, 2, generator=torch.Generator().manual_seed(_SEED)) * torch.tensor([2 * WIDTH, 2.0])
    for sx, sy in (spots - torch.tensor([WIDTH, 1.05])).tolist():
        picture = _mix(picture, _rgb(x, 0.95, 0.95, 0.8), _edge(torch.hypot(x - sx, y - sy) - 0.025))
    moon = torch.maximum(torch.hypot(x - 0.68, y + 0.68) - 0.20, 0.19 - torch.hypot(x - 0.58, y + 0.72))
    return _mix(picture, _rgb(x, 1.0, 0.97, 0.75), _edge(moon))


def _sea(x: Tensor, y: Tensor) -> Tensor:
    sky = _clouds(_fade(x, y, (0.55, 0.80, 0.98), (0.85, 0.95, 1.0)), x, y)
    water = _fade(x, y, (0.10, 0.50, 0.75), (0.02, 0.25, 0.55))
    crest = torch.sin(5 * x + 2 * torch.sin(6 * y)) * torch.sin(16 * y)
    water = _mix(water, _rgb(x, 0.65, 0.85, 0.95), ((crest - 0.5) * 2).clamp(0, 0.6))
    return _mix(sky, water, _edge(-0.12 - y))


def _beach(x: Tensor, y: Tensor) -> Tensor:
    sky = _fade(x, y, (0.35, 0.70, 0.98), (0.70, 0.92, 1.0))
    sun = torch.hypot(x + 0.68, y + 0.68) - 0.19
    sky = _mix(sky, _rgb(x, 1.0, 0.93, 0.35), _edge(sun))
    sea = _mix(sky, _rgb(x, 0.05, 0.55, 0.70), _edge(-0.20 - y))
    shore = 0.12 + 0.06 * torch.sin(3.2 * x + 0.8)
    return _mix(sea, _rgb(x, 0.96, 0.86, 0.58), _edge(shore - y))


def _desert(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.98, 0.80, 0.50), (1.0, 0.92, 0.75))
    far = 0.05 + 0.16 * torch.sin(2.1 * x + 1.2)
    near = 0.45 + 0.14 * torch.sin(2.7 * x - 0.6)
    picture = _mix(picture, _rgb(x, 0.85, 0.55, 0.25), _edge(far - y))
    return _mix(picture, _rgb(x, 0.70, 0.40, 0.16), _edge(near - y))


def _snow(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.60, 0.68, 0.80), (0.80, 0.85, 0.92))
    picture = _mix(picture, _rgb(x, 0.95, 0.97, 1.0), _edge(0.25 + 0.10 * torch.sin(2.3 * x + 0.5) - y))
    for cx in (-1.5, -0.75, 0.75, 1.5):
        tree = torch.maximum((x - cx).abs() * 2.2 - (y + 0.45), y - 0.32)
        picture = _mix(picture, _rgb(x, 0.12, 0.33, 0.28), _edge(tree, 0.12))
    return picture


def _sunset(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.35, 0.12, 0.45), (1.0, 0.55, 0.15))
    picture = _mix(picture, _rgb(x, 1.0, 0.85, 0.35), _edge(torch.hypot(x, y - 0.38) - 0.42))
    ground = 0.38 + 0.05 * torch.sin(3.1 * x)
    return _mix(picture, _rgb(x, 0.22, 0.08, 0.20), _edge(ground - y))


def _city(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.62, 0.76, 0.92), (1.0, 0.88, 0.74))
    for column, top in enumerate((-0.05, -0.50, -0.15, -0.62, 0.0, -0.42, -0.20, -0.58)):
        across = (x + WIDTH - 0.45 * column - 0.225).abs()
        tower = torch.maximum(across - 0.20, top - y)
        picture = _mix(picture, _rgb(x, 0.36, 0.40, 0.54), _edge(tower))
        floors = (torch.remainder(y - top - 0.1, 0.36) - 0.18).abs() - 0.08
        panes = torch.maximum(torch.maximum((across - 0.09).abs() - 0.05, floors), torch.maximum(top - y, y - 0.5))
        picture = _mix(picture, _rgb(x, 0.98, 0.88, 0.55), _edge(panes))
    return _mix(picture, _rgb(x, 0.26, 0.26, 0.31), _edge(0.60 - y))


def _rain(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.36, 0.40, 0.47), (0.58, 0.62, 0.67))
    for cx, cy, r in ((-1.40, -0.86, 0.30), (-0.62, -0.96, 0.34), (0.22, -0.88, 0.30), (1.05, -0.96, 0.36)):
        picture = _mix(picture, _rgb(x, 0.25, 0.27, 0.33), _edge(torch.hypot((x - cx) / 1.6, y - cy) - r, 0.12))
    return _mix(picture, _rgb(x, 0.24, 0.36, 0.30), _edge(0.60 + 0.05 * torch.sin(2.4 * x) - y))


def _cloudy(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.25, 0.55, 0.95), (0.55, 0.80, 1.0))
    rows = ((-1.45, -0.55, 0.30), (-0.72, 0.05, 0.26), (-0.30, -0.78, 0.28), (0.40, 0.62, 0.34), (0.78, -0.35, 0.30))
    for cx, cy, r in (*rows, (1.50, 0.20, 0.30), (-1.10, 0.78, 0.34)):
        for dx, lift, size in ((-0.30, 0.06, 0.62), (0.0, -0.06, 1.0), (0.32, 0.05, 0.70)):
            puff = torch.hypot((x - cx - dx) / 1.25, y - cy - lift) - r * size * 0.8
            picture = _mix(picture, _rgb(x, 0.98, 0.98, 1.0), _edge(puff, 0.12))
    return picture


def _space(x: Tensor, y: Tensor) -> Tensor:
    picture = _fade(x, y, (0.16, 0.02, 0.20), (0.04, 0.0, 0.10))
    band = (y + 0.35 * x + 0.1).abs() - 0.18
    picture = _mix(picture, _rgb(x, 0.42, 0.10, 0.45), 0.6 * _edge(band, 0.5))
    spots = torch.rand(20, 2, generator=torch.Generator().manual_seed(_SEED + 1)) * torch.tensor([2 * WIDTH, 2.0])
    for sx, sy in (spots - torch.tensor([WIDTH, 1.0])).tolist():
        picture = _mix(picture, _rgb(x, 1.0, 1.0, 1.0), _edge(torch.hypot(x - sx, y - sy) - 0.02))
    for cx, cy, r, color in ((-0.66, -0.58, 0.26, (0.95, 0.55, 0.30)), (0.74, 0.62, 0.20, (0.35, 0.75, 0.75))):
        picture = _mix(picture, _rgb(x, *color), _edge(torch.hypot(x - cx, y - cy) - r))
    ring = (torch.hypot((x + 0.66) / 0.46, (y + 0.58 - 0.2 * (x + 0.66)) / 0.10) - 1.0).abs() - 0.22
    return _mix(picture, _rgb(x, 0.98, 0.85, 0.62), _edge(ring * 0.12, 0.05))


def rainfall(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """How much of falling rain covers each pixel of the frame, in [0, 1].

    Args:
        x: Coordinates of the frame, shaped (rows, columns).
        y: Coordinates of the frame, of the same shape.
        u: Times in [0, 1] over the clip, shaped (frames,); a drop falls two frame heights in that.

    Returns:
        Cover, shaped (frames, rows, columns).
    """
    lanes = torch.floor((x + 0.12 * y + 4) / 0.25)
    across = torch.remainder(x + 0.12 * y + 4, 0.25) - 0.125
    fallen = torch.remainder(y + 0.37 * lanes - 4 * u.view(-1, 1, 1), 1.0) - 0.5
    return 0.75 * _edge(torch.maximum(across.abs() * 1.6, fallen.abs() - 0.14) - 0.025, 0.05)


PANORAMAS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "plain": _plain,
    "grass": _grass,
    "night": _night,
    "sea": _sea,
    "beach": _beach,
    "desert": _desert,
    "snow": _snow,
    "sunset": _sunset,
    "city": _city,
    "rain": _rain,
    "clouds": _cloudy,
    "space": _space,
}


def panoramas(names: Sequence[str], height: int, device: torch.device | str = "cpu") -> Tensor:
    """Draws the panoramas at 1.5 times the frame's density.

    Args:
        names: Settings, each a key of `PANORAMAS`.
        height: Height of the frames in pixels.
        device: Where the pictures are kept.

    Returns:
        Pictures in [0, 1], shaped (settings, 3, rows, columns), over [-1.8, 1.8] across and [-1.5, 1.5] down.
    """
    rows, columns = math.ceil(height * 1.5 * HEIGHT), math.ceil(height * 1.5 * WIDTH)
    y = ((torch.arange(rows, device=device) + 0.5) / rows * 2 - 1) * HEIGHT
    x = ((torch.arange(columns, device=device) + 0.5) / columns * 2 - 1) * WIDTH
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([PANORAMAS[name](grid_x, grid_y).clamp(0, 1) for name in names])
