"""A rule-based reader of clips: which setting, camera, subject, color and action do the pixels show?

It knows what the renderer draws and nothing of any model, so the same rules judge rendered and generated clips. Its own
accuracy on rendered clips is reported beside every score, and so is what guessing would reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .motion import PATHS, VIEWS, Pose
from .render import Renderer
from .scene import Scene
from .shapes import TABLE_EXTENT, distance_tables
from .vocabulary import ACTIONS, CAMERAS, COLORS, SETTINGS, SUBJECTS

_CAP = 0.5
_DIFFERS = 0.34
_CLEARLY_DIFFERS = 0.55
_MIN_PIXELS = 12
_MAX_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clip shows; an empty name where nothing was found.

    Attributes:
        subject: Name of a row of `SUBJECTS`.
        color: Name of a row of `COLORS`.
        action: Name of a row of `ACTIONS`.
        setting: Name of a row of `SETTINGS`.
        camera: Name of a row of `CAMERAS`.
        overlap: How well the best silhouette covers what was found, in [0, 1].
    """

    subject: str
    color: str
    action: str
    setting: str
    camera: str
    overlap: float


class Detector:
    """Reads clips of one size and length.

    Args:
        size: Height and width of the frames in pixels.
        frames: Frames of a clip.
    """

    def __init__(self, size: int = 64, frames: int = 17) -> None:
        self._views = [(setting.name, camera.name) for setting in SETTINGS for camera in CAMERAS]
        empty = [Scene("ball", "red", "still", setting, camera) for setting, camera in self._views]
        self._backdrops = Renderer(size, frames, variation=0.0)(empty, subject=False)
        self._tables = distance_tables([row.name for row in SUBJECTS])
        self._fills = torch.tensor([row.rgb for row in COLORS]) * 2 - 1
        self._u = torch.linspace(0, 1, frames)
        axis = (torch.arange(size) + 0.5) / size * 2 - 1
        self._y, self._x = torch.meshgrid(axis, axis, indexing="ij")

    def read(self, clip: Tensor) -> Reading:
        """Reads one clip in [-1, 1], shaped (3, frames, size, size)."""
        errors = (self._backdrops - clip).abs().clamp(max=_CAP).mean((1, 2, 3, 4))
        view = int(errors.argmin())
        setting, camera = self._views[view]
        mask = self._subject_mask(clip, self._backdrops[view], _DIFFERS)
        area = float(mask.sum(dim=(1, 2)).median())
        if not _MIN_PIXELS < area < _MAX_SHARE * mask[0].numel():
            return Reading("", "", "", setting, camera, 0.0)
        color = self._color(clip, mask)
        outline = self._subject_mask(clip, self._backdrops[view], _CLEARLY_DIFFERS)
        subject, action, overlap = self._subject_and_action(outline, camera)
        return Reading(subject, color, action, setting, camera, overlap)

    @staticmethod
    def _subject_mask(clip: Tensor, backdrop: Tensor, threshold: float) -> Tensor:
        """Where the clip differs from its backdrop: 0 or 1, shaped (frames, size, size), without specks."""
        return _without_specks(((clip - backdrop).abs().amax(0) > threshold).float())

    def _color(self, clip: Tensor, mask: Tensor) -> str:
        """The fill that most pixels well inside the subject are nearest to."""
        for margin in (7, 5, 3, 1):
            inside = -functional.max_pool2d(-mask.unsqueeze(1), margin, stride=1, padding=margin // 2).squeeze(1) > 0.5
            if int(inside.sum()) >= _MIN_PIXELS * len(mask) // 2 or margin == 1:
                break
        pixels = clip.permute(1, 2, 3, 0)[inside]
        nearest = torch.cdist(pixels, self._fills).argmin(1)
        return COLORS[int(nearest.bincount(minlength=len(COLORS)).argmax())].name

    def _subject_and_action(self, mask: Tensor, camera: str) -> tuple[str, str, float]:
        zoom = VIEWS[camera](self._u).zoom
        area = mask.sum(dim=(1, 2)).clamp(min=1)
        x = (mask * self._x).sum(dim=(1, 2)) / area
        y = (mask * self._y).sum(dim=(1, 2)) / area
        action = self._action(x / zoom, y / zoom, area.sqrt() / zoom)
        turns = ("still", "spin") if action in ("still", "spin") else (action,)
        found = [(*self._silhouette(mask, x, y, area, PATHS[name](self._u).angle), name) for name in turns]
        overlap, subject, action = max(found)
        return subject, action, overlap

    def _action(self, x: Tensor, y: Tensor, size: Tensor) -> str:
        """The action whose path lies nearest; a spin and a rest have the same path."""
        growth = size.log()
        seen = torch.stack([x, y - y.mean(), growth - growth.mean()])
        best = {}
        for row in ACTIONS:
            pose = PATHS[row.name](self._u)
            growth = pose.scale.log()
            path = torch.stack([pose.x, pose.y - pose.y.mean(), growth - growth.mean()])
            best[row.name] = float((seen - path).abs().mean())
        return min(best, key=best.__getitem__)

    def _silhouette(self, mask: Tensor, x: Tensor, y: Tensor, area: Tensor, angle: Tensor) -> tuple[float, str]:
        """The subject whose outline, at the found place and area, overlaps most."""
        best = (0.0, "")
        for index, row in enumerate(SUBJECTS):
            drawn = self._drawn(index, Pose(x, y, area, angle))
            union = torch.maximum(drawn, mask).sum(dim=(1, 2)).clamp(min=1)
            best = max(best, (float(((drawn * mask).sum(dim=(1, 2)) / union).mean()), row.name))
        return best

    def _drawn(self, index: int, pose: Pose) -> Tensor:
        """A subject's silhouette with a given centroid and angle; `pose.scale` is its area in pixels."""
        inside = (self._tables[index, 0] < 0).float()
        cell, pixel = 2 * TABLE_EXTENT / len(inside), 2 / len(self._x)
        line = (torch.arange(len(inside)) + 0.5) * cell - TABLE_EXTENT
        center_x, center_y = (inside.sum(0) * line).sum() / inside.sum(), (inside.sum(1) * line).sum() / inside.sum()
        scale = (pose.scale * pixel**2 / (inside.sum() * cell**2)).sqrt()[:, None, None]
        cos, sin = pose.angle.cos()[:, None, None], pose.angle.sin()[:, None, None]
        dx, dy = (self._x - pose.x[:, None, None]) / scale, (self._y - pose.y[:, None, None]) / scale
        grid = torch.stack([dx * cos + dy * sin + center_x, dy * cos - dx * sin + center_y], -1) / TABLE_EXTENT
        tables = self._tables[index : index + 1].expand(len(grid), -1, -1, -1)
        field = functional.grid_sample(tables, grid, padding_mode="border", align_corners=False)
        return _without_specks((field.squeeze(1) < 0).float())


def _without_specks(mask: Tensor) -> Tensor:
    """Keeps what most of its 3x3 neighborhood agrees with; silhouettes to compare with pass through it as well."""
    smooth = functional.avg_pool2d(mask.unsqueeze(1), 3, stride=1, padding=1, count_include_pad=False)
    return (smooth > 0.5).squeeze(1).float()


def accuracy(readings: Sequence[Reading], scenes: Sequence[Scene]) -> dict[str, float]:
    """Shares of clips whose reading agrees with the scene, for each aspect and for all but the camera together."""
    aspects = ("color", "setting", "subject", "action", "camera")
    hits = {
        aspect: [getattr(r, aspect) == getattr(s, aspect) for r, s in zip(readings, scenes, strict=True)]
        for aspect in aspects
    }
    scores = {aspect: sum(values) / len(values) for aspect, values in hits.items()}
    scores["all"] = sum(all(hits[a][i] for a in aspects[:4]) for i in range(len(scenes))) / len(scenes)
    return {aspect: round(score, 3) for aspect, score in scores.items()}
