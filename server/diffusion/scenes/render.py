"""Scenes to clips: the backdrop that the camera sees and the subject over it, anti-aliased, a whole batch at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .backdrops import HEIGHT, WIDTH, panoramas, rainfall
from .motion import PATHS, VIEWS, Pose, View
from .scene import Scene
from .shapes import TABLE_EXTENT, distance_tables
from .vocabulary import COLORS, HAZE, LIGHTS, MOODS, SETTINGS, SUBJECTS

RADIUS = 0.45
OUTLINE = 0.10
_SOFT = 1.7
REST = (0.0, 0.08)
CORNER = (0.70, 0.70)
SMALL = 0.24
_JITTER = 0.05
_FAR_LIGHT = 0.76
_NEAR_GLOW = 0.10
_LUMA = (0.299, 0.587, 0.114)
_BLOCK_PIXELS = 2**20
_DARK = (0.10, 0.09, 0.12)
_LIGHT = (0.92, 0.92, 0.95)


class Renderer:
    """Renders scenes of one frame size.

    Args:
        size: Height and width of the frames in pixels.
        frames: Length of a full clip; frame indices run from 0 to frames - 1.
        device: Where the tables live and the clips are made.
        variation: How much place, size, light and framing vary with a scene's seed; 0 gives the nominal clip.
        settings: Names of the settings that it can render; all of them by default. Each is a picture in memory.
    """

    def __init__(
        self,
        size: int = 64,
        frames: int = 17,
        device: torch.device | str = "cpu",
        *,
        variation: float = 1.0,
        settings: Sequence[str] | None = None,
    ) -> None:
        names = [row.name for row in SETTINGS] if settings is None else settings
        self.size, self.frames, self.device, self._variation = size, frames, torch.device(device), variation
        self._tables = distance_tables([row.name for row in SUBJECTS], device)
        self._panoramas = panoramas(names, size, device)
        self._subject = {row.name: index for index, row in enumerate(SUBJECTS)}
        self._setting = {name: index for index, name in enumerate(names)}
        self._fills = {row.name: row.rgb for row in COLORS}
        axis = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
        self._y, self._x = torch.meshgrid(axis, axis, indexing="ij")
        # Light falls from the left: with relative positions alone a model cannot tell the sides of a symmetric scene.
        across = (self._x + 1) / 2
        self._light, self._glow = 1 - (1 - _FAR_LIGHT) * across, _NEAR_GLOW * (0.5 - across)

    def __call__(
        self, scenes: Sequence[Scene], indices: Sequence[int] | None = None, *, subject: bool = True
    ) -> Tensor:
        """Renders a batch; equal scenes give equal pixels.

        Args:
            scenes: What each clip shows.
            indices: Frames to render, each in [0, frames); all of them by default.
            subject: False leaves the backdrop alone.

        Returns:
            Clips in [-1, 1], shaped (batch, 3, len(indices), size, size).
        """
        chosen = range(self.frames) if indices is None else indices
        u = torch.tensor(list(chosen), dtype=torch.float32, device=self.device) / max(self.frames - 1, 1)
        jitter = torch.stack([torch.rand(5, generator=torch.Generator().manual_seed(s.seed)) for s in scenes])
        jitter = self._variation * (jitter.to(self.device) * 2 - 1).unsqueeze(-1)
        views = [VIEWS[scene.camera](u) for scene in scenes]
        view = View(*(torch.stack(parts) for parts in zip(*views, strict=True)))
        view = view._replace(shift=view.shift + _JITTER * jitter[:, 0])
        picture = self._backdrop(scenes, view)
        wet = [index for index, scene in enumerate(scenes) if scene.setting == "rain"]
        if wet:
            picture[wet] = torch.lerp(
                picture[wet], torch.ones_like(picture[wet]), rainfall(self._x, self._y, u)[:, None]
            )
        picture = (picture * self._light + self._glow) * (1 + 0.04 * jitter[:, 1, :, None, None, None])
        if subject:
            picture = self._company_over(picture, scenes, view, jitter)
            poses = [PATHS[scene.action](u) for scene in scenes]
            pose = Pose(*(torch.stack(parts) for parts in zip(*poses, strict=True)))
            things = [(scene.subject, scene.color) for scene in scenes]
            picture = self._subject_over(picture, things, self._staged(pose, view, jitter))
        return self._graded(picture, scenes).clamp(0, 1).transpose(1, 2).mul(2).sub(1)

    def _staged(self, pose: Pose, view: View, jitter: Tensor) -> Pose:
        x = (pose.x + REST[0] + _JITTER * jitter[:, 2]) * view.zoom
        y = (pose.y + REST[1] + _JITTER * jitter[:, 3]) * view.zoom
        return Pose(x, y, RADIUS * pose.scale * view.zoom * (1 + 0.06 * jitter[:, 4]), pose.angle)

    def _backdrop(self, scenes: Sequence[Scene], view: View) -> Tensor:
        """Shaped (batch, frames, 3, size, size), in [0, 1]."""
        batch, frames = view.zoom.shape
        zoom = view.zoom[..., None, None]
        x = (self._x / zoom + view.shift[..., None, None]) / WIDTH
        y = (self._y / zoom + view.sink[..., None, None]) / HEIGHT
        grid = torch.stack([x, y], -1).flatten(1, 2)
        pictures = self._panoramas[[self._setting[scene.setting] for scene in scenes]]
        seen = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        return seen.unflatten(2, (frames, self.size)).transpose(1, 2).reshape(batch, frames, 3, self.size, self.size)

    def _company_over(self, picture: Tensor, scenes: Sequence[Scene], view: View, jitter: Tensor) -> Tensor:
        found = [(index, scene.companion) for index, scene in enumerate(scenes) if scene.companion is not None]
        if not found:
            return picture
        rows = [index for index, _ in found]
        zoom, jitter = view.zoom[rows], jitter[rows]
        x = (CORNER[0] + _JITTER * jitter[:, 2]) * zoom
        y = (CORNER[1] + _JITTER * jitter[:, 3]) * zoom
        pose = Pose(x, y, SMALL * zoom, torch.zeros_like(zoom))
        things = [(thing.subject, thing.color) for _, thing in found]
        picture[rows] = self._subject_over(picture[rows], things, pose)
        return picture

    def _subject_over(self, picture: Tensor, things: Sequence[tuple[str, str]], pose: Pose) -> Tensor:
        scale = pose.scale[..., None, None]
        dx, dy = self._x - pose.x[..., None, None], self._y - pose.y[..., None, None]
        cos, sin = torch.cos(pose.angle)[..., None, None], torch.sin(pose.angle)[..., None, None]
        x, y = (dx * cos + dy * sin) / scale, (dy * cos - dx * sin) / scale
        grid = torch.stack([x, y], -1).flatten(1, 2) / TABLE_EXTENT
        tables = self._tables[[self._subject[name] for name, _ in things]]
        distance = functional.grid_sample(tables, grid, padding_mode="border", align_corners=False)
        distance = distance.unflatten(2, (x.shape[1], self.size)).transpose(1, 2)
        pixel = _SOFT * (2 / self.size) / scale.unsqueeze(2)
        body = (0.5 - distance / pixel).clamp(0, 1)
        inside = (0.5 - (distance + OUTLINE) / pixel).clamp(0, 1)
        fills = self._colors([self._fills[color] for _, color in things])
        edges = self._colors([_LIGHT if color == "black" else _DARK for _, color in things])
        painted = edges + (fills - edges) * inside
        return picture + (painted - picture) * body

    def _colors(self, rows: Sequence[tuple[float, float, float]]) -> Tensor:
        return torch.tensor(rows, device=self.device).view(-1, 1, 3, 1, 1)

    def _graded(self, picture: Tensor, scenes: Sequence[Scene]) -> Tensor:
        for index, scene in enumerate(scenes):
            if (scene.light, scene.mood) != (LIGHTS[0].name, MOODS[0].name):
                picture[index] = grade(picture[index].movedim(1, -1), scene.light, scene.mood).movedim(-1, 1)
        return picture


def render_blocks(scene: Scene, size: int, frames: int) -> Iterator[NDArray[np.uint8]]:
    """Renders one scene of any length a few frames at a time.

    Args:
        scene: What the clip shows; its action takes the whole clip.
        size: Height and width of the frames in pixels.
        frames: Length of the clip.

    Yields:
        Blocks of frames in uint8, shaped (N, size, size, 3).
    """
    renderer = Renderer(size, frames, settings=[scene.setting])
    step = max(_BLOCK_PIXELS // size**2, 1)
    for start in range(0, frames, step):
        clip = renderer([scene], range(start, min(start + step, frames)))[0]
        yield clip.add(1).mul(127.5).round().byte().permute(1, 2, 3, 0).contiguous().numpy()


def grade(colors: Tensor, light: str, mood: str) -> Tensor:
    """Shows colors as a light and a mood leave them.

    Args:
        colors: In [0, 1], shaped (..., 3).
        light: Name of a row of `LIGHTS`.
        mood: Name of a row of `MOODS`.

    Returns:
        Graded colors, of the same shape.
    """
    luma, haze = colors.new_tensor(_LUMA), colors.new_tensor(HAZE)
    for row in (next(row for row in LIGHTS if row.name == light), next(row for row in MOODS if row.name == mood)):
        brightness = (colors * luma).sum(-1, keepdim=True)
        colors = (brightness + row.saturation * (colors - brightness)) * colors.new_tensor(row.gain)
        colors = colors + row.haze * (haze - colors)
    return colors
