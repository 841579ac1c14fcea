"""A rule-based reader of clips: which setting, light, camera, subject, color and action do the pixels show?

Setting, light and mood are read from small pictures; then light and mood are taken off again, and everything else is
read from what is left. It knows what the renderer draws and nothing of any model, so the same rules judge rendered and
generated clips. Its own accuracy on rendered clips is reported beside every score, and so is what guessing would reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from server.diffusion.scenes.motion import PATHS, VIEWS, Pose
from server.diffusion.scenes.render import CORNER, OUTLINE, REST, SMALL, Renderer, grade
from server.diffusion.scenes.scene import Companion, Scene
from server.diffusion.scenes.shapes import TABLE_EXTENT, distance_tables
from server.diffusion.scenes.vocabulary import ACTIONS, CAMERAS, COLORS, LIGHTS, LIT, MOODS, SETTINGS, SUBJECTS

_CAP = 0.5
_DIFFERS = 0.34
_CLEARLY_DIFFERS = 0.55
_MIN_PIXELS = 12
_MAX_SHARE = 0.5
_COARSE = 8
_STEADY = 0.5
_PRESENT = 0.6


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clip shows; an empty name where nothing was found.

    Attributes:
        subject: Name of a row of `SUBJECTS`.
        color: Name of a row of `COLORS`.
        action: Name of a row of `ACTIONS`.
        setting: Name of a row of `SETTINGS`.
        camera: Name of a row of `CAMERAS`.
        light: Name of a row of `LIGHTS`.
        mood: Name of a row of `MOODS`.
        companion: The second subject, if one was found.
        overlap: How well the best silhouette covers what was found, in [0, 1].
        steady: Share of frames in which it covers at least half, in [0, 1].
    """

    subject: str
    color: str
    action: str
    setting: str
    camera: str
    light: str
    mood: str
    companion: Companion | None = None
    overlap: float = 0.0
    steady: float = 0.0


class Detector:
    """Reads clips of one size and length.

    Args:
        size: Height and width of the frames in pixels.
        frames: Frames of a clip.
    """

    def __init__(self, size: int = 64, frames: int = 17) -> None:
        empty = [Scene("ball", "red", "still", setting.name, camera.name) for setting in SETTINGS for camera in CAMERAS]
        backdrops = Renderer(size, frames, variation=0.0)(empty, subject=False)
        self._backdrops = backdrops.unflatten(0, (len(SETTINGS), len(CAMERAS)))
        self._grades = [
            (setting, light.name, mood.name)
            for setting in range(len(SETTINGS))
            for light in (LIGHTS[:1] if SETTINGS[setting].name in LIT else LIGHTS)
            for mood in MOODS
        ]
        small = _coarse(backdrops).unflatten(0, (len(SETTINGS), len(CAMERAS)))
        self._small = torch.stack([_graded(small[row], light, mood) for row, light, mood in self._grades])
        self._tables = distance_tables([row.name for row in SUBJECTS])
        self._fills = torch.tensor([row.rgb for row in COLORS]) * 2 - 1
        self._u = torch.linspace(0, 1, frames)
        axis = (torch.arange(size) + 0.5) / size * 2 - 1
        self._y, self._x = torch.meshgrid(axis, axis, indexing="ij")

    def read(self, clip: Tensor) -> Reading:
        """Reads one clip in [-1, 1], shaped (3, frames, size, size)."""
        errors = (self._small - _coarse(clip.unsqueeze(0))).abs().clamp(max=_CAP).mean((2, 3, 4, 5)).amin(1)
        row, light, mood = self._grades[int(errors.argmin())]
        clip = _ungraded(clip, light, mood)
        errors = (self._backdrops[row] - clip).abs().clamp(max=_CAP).mean((1, 2, 3, 4))
        view = int(errors.argmin())
        setting, camera = SETTINGS[row].name, CAMERAS[view].name
        backdrop = self._backdrops[row, view]
        mask = self._subject_mask(clip, backdrop, _DIFFERS)
        companion, corner = self._companion(clip, mask, camera)
        if companion is not None:
            mask = mask * ~corner
        area = float(mask.sum(dim=(1, 2)).median())
        if not _MIN_PIXELS < area < _MAX_SHARE * mask[0].numel():
            return Reading("", "", "", setting, camera, light, mood, companion)
        color = self._color(clip, mask)
        outline = self._subject_mask(clip, backdrop, _CLEARLY_DIFFERS)
        if companion is not None:
            outline = outline * ~corner
        subject, action, overlaps = self._subject_and_action(outline, camera)
        steady = float((overlaps >= _STEADY).float().mean())
        return Reading(subject, color, action, setting, camera, light, mood, companion, float(overlaps.mean()), steady)

    def _companion(self, clip: Tensor, mask: Tensor, camera: str) -> tuple[Companion | None, Tensor]:
        """The second subject, and where it may be: true or false, shaped (frames, size, size)."""
        zoom = VIEWS[camera](self._u).zoom[:, None, None]
        away = torch.hypot(self._x / zoom - CORNER[0], self._y / zoom - CORNER[1])
        corner, middle = away < 1.3 * SMALL, away < 0.95 * SMALL
        filled = (mask * middle).sum((1, 2)) > 0.3 * middle.sum((1, 2))
        if float(filled.float().mean()) < _PRESENT:
            return None, corner
        found = mask * corner * filled[:, None, None]
        area = found.sum((1, 2)).clamp(min=1)
        x, y = (found * self._x).sum((1, 2)) / area, (found * self._y).sum((1, 2)) / area
        _, subject = self._silhouette(found, x, y, area, torch.zeros_like(area))
        return Companion(subject, self._color(clip, found)), corner

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

    def _subject_and_action(self, mask: Tensor, camera: str) -> tuple[str, str, Tensor]:
        zoom = VIEWS[camera](self._u).zoom
        area = mask.sum(dim=(1, 2)).clamp(min=1)
        x = (mask * self._x).sum(dim=(1, 2)) / area
        y = (mask * self._y).sum(dim=(1, 2)) / area
        action = self._action(x / zoom, y / zoom, area.sqrt() / zoom)
        turns = ("still", "spin") if action in ("still", "spin") else (action,)
        found = [(*self._silhouette(mask, x, y, area, PATHS[name](self._u).angle), name) for name in turns]
        overlaps, subject, action = max(found, key=lambda row: float(row[0].mean()))
        return subject, action, overlaps

    def _action(self, x: Tensor, y: Tensor, size: Tensor) -> str:
        """The action whose path lies nearest; a spin and a rest have the same path."""
        growth = size.log()
        seen = torch.stack([x, y - REST[1], growth - growth.mean()])
        best = {}
        for row in ACTIONS:
            pose = PATHS[row.name](self._u)
            growth = pose.scale.log()
            path = torch.stack([pose.x, pose.y, growth - growth.mean()])
            best[row.name] = float((seen - path).abs().mean())
        return min(best, key=best.__getitem__)

    def _silhouette(self, mask: Tensor, x: Tensor, y: Tensor, area: Tensor, angle: Tensor) -> tuple[Tensor, str]:
        """The subject whose outline, at the found place and area, overlaps most, and its overlap in each frame.

        Without its dark edge as well: that does not differ from a dark backdrop.
        """
        best, name = torch.zeros(len(mask)), ""
        for index, row in enumerate(SUBJECTS):
            for edge in (0.0, -OUTLINE):
                drawn = self._drawn(index, Pose(x, y, area, angle), edge)
                union = torch.maximum(drawn, mask).sum(dim=(1, 2)).clamp(min=1)
                overlap = (drawn * mask).sum(dim=(1, 2)) / union
                if overlap.mean() > best.mean():
                    best, name = overlap, row.name
        return best, name

    def _drawn(self, index: int, pose: Pose, edge: float) -> Tensor:
        """A subject's silhouette with a given centroid and angle; `pose.scale` is its area in pixels."""
        inside = (self._tables[index, 0] < edge).float()
        cell, pixel = 2 * TABLE_EXTENT / len(inside), 2 / len(self._x)
        line = (torch.arange(len(inside)) + 0.5) * cell - TABLE_EXTENT
        center_x, center_y = (inside.sum(0) * line).sum() / inside.sum(), (inside.sum(1) * line).sum() / inside.sum()
        scale = (pose.scale * pixel**2 / (inside.sum() * cell**2)).sqrt()[:, None, None]
        cos, sin = pose.angle.cos()[:, None, None], pose.angle.sin()[:, None, None]
        dx, dy = (self._x - pose.x[:, None, None]) / scale, (self._y - pose.y[:, None, None]) / scale
        grid = torch.stack([dx * cos + dy * sin + center_x, dy * cos - dx * sin + center_y], -1) / TABLE_EXTENT
        tables = self._tables[index : index + 1].expand(len(grid), -1, -1, -1)
        field = functional.grid_sample(tables, grid, padding_mode="border", align_corners=False)
        return _without_specks((field.squeeze(1) < edge).float())


def _without_specks(mask: Tensor) -> Tensor:
    """Keeps what most of its 3x3 neighborhood agrees with; silhouettes to compare with pass through it as well."""
    smooth = functional.avg_pool2d(mask.unsqueeze(1), 3, stride=1, padding=1, count_include_pad=False)
    return (smooth > 0.5).squeeze(1).float()


def _coarse(clips: Tensor) -> Tensor:
    """Every fourth frame, an eighth as large: (B, 3, T, H, W) to (B, 3, T / 4, H / 8, W / 8)."""
    return functional.avg_pool3d(clips[:, :, ::4], (1, _COARSE, _COARSE))


def _graded(clips: Tensor, light: str, mood: str) -> Tensor:
    colors = grade((clips.movedim(1, -1) + 1) / 2, light, mood)
    return (colors.clamp(0, 1) * 2 - 1).movedim(-1, 1)


def _ungraded(clip: Tensor, light: str, mood: str) -> Tensor:
    """Takes a grade off one clip, shaped (3, T, H, W): what it does to colors is an affine map."""
    offset = grade(torch.zeros(3), light, mood)
    matrix = (grade(torch.eye(3), light, mood) - offset).inverse()
    colors = ((clip.movedim(0, -1) + 1) / 2 - offset) @ matrix
    return (colors.clamp(0, 1) * 2 - 1).movedim(-1, 0)


def accuracy(readings: Sequence[Reading], scenes: Sequence[Scene]) -> dict[str, float]:
    """Shares of clips whose reading agrees with the scene.

    Returns:
        One share for each aspect; "all" for color, setting, subject and action together; "companion" among the scenes
        that have one, where any has. Nothing where there are no clips.
    """
    if not scenes:
        return {}
    pairs = list(zip(readings, scenes, strict=True))
    aspects = ("color", "setting", "subject", "action", "camera", "light", "mood")
    hits = {aspect: [getattr(r, aspect) == getattr(s, aspect) for r, s in pairs] for aspect in aspects}
    scores = {aspect: sum(values) / len(values) for aspect, values in hits.items()}
    scores["all"] = sum(all(hits[a][i] for a in aspects[:4]) for i in range(len(pairs))) / len(pairs)
    company = [r.companion == s.companion for r, s in pairs if s.companion is not None]
    if company:
        scores["companion"] = sum(company) / len(company)
    return {aspect: round(score, 3) for aspect, score in scores.items()}
