"""What each step of a run trains on, by the share of the run done: how many frames and clips, and how fast it learns.

A step costs about the same at any number of frames. Few frames come first, so that shapes, colors and settings are
learned at a fraction of the price; whole clips come last. Frame 0 is always among the frames: rotary positions are
relative, and the first frame is what the others count from.
"""

import math
import random
from dataclasses import dataclass, replace

from server.diffusion.scenes.scene import Scene, draw_scene
from server.diffusion.scenes.vocabulary import SUBJECTS


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a run.

    Attributes:
        until: Share of the run at which it ends, in (0, 1].
        weights: Relative frequency of each number of frames; 0 stands for whole clips.
    """

    until: float
    weights: tuple[tuple[int, float], ...]


PHASES = (
    Phase(0.20, ((1, 0.60), (4, 0.40))),
    Phase(0.50, ((1, 0.20), (4, 0.50), (8, 0.30))),
    Phase(0.75, ((4, 0.30), (8, 0.35), (0, 0.35))),
    Phase(1.00, ((4, 0.10), (8, 0.20), (0, 0.70))),
)
# An even draw of actions leaves these far behind the others: in one clip they show the subject at every angle.
_TURNING_WHEN_ROUND = {"roll": 2, "swing": 1, "circle": 1}
_TURNING = {"spin": 2, **_TURNING_WHEN_ROUND}
_ROUND = {row.name for row in SUBJECTS if row.round}
_BATCHES = ((1, 40), (4, 14), (8, 9))
_WHOLE_BATCH = 6


def draw_frames(share: float, frames: int, rng: random.Random) -> list[int]:
    """Draws the frame indices of a step: sorted, distinct, frame 0 among them.

    Args:
        share: Share of the run done, in [0, 1].
        frames: Length of a whole clip.
        rng: Source of randomness.
    """
    phase = next((row for row in PHASES if share < row.until), PHASES[-1])
    count = rng.choices([count for count, _ in phase.weights], weights=[weight for _, weight in phase.weights])[0]
    if count == 0 or count >= frames:
        return list(range(frames))
    return [0, *sorted(rng.sample(range(1, frames), count - 1))]


def draw_training_scene(rng: random.Random, *, turning: float) -> Scene:
    """Draws a scene of the training split.

    Args:
        rng: Source of randomness.
        turning: Share of scenes whose action is then drawn among those that turn the subject or lead it around.
    """
    scene = draw_scene(rng)
    if rng.random() >= turning:
        return scene
    weights = _TURNING_WHEN_ROUND if scene.subject in _ROUND else _TURNING
    return replace(scene, action=rng.choices(list(weights), list(weights.values()))[0])


def batch_size(count: int) -> int:
    """Clips in a step that trains on `count` frames of each."""
    return next((size for limit, size in _BATCHES if count <= limit), _WHOLE_BATCH)


def learning_rate(share: float, step: int, *, peak: float, warmup: int = 100) -> float:
    """Rises over `warmup` steps, stays, and falls along a cosine over the last half of the run to 3% of its peak."""
    fall = 0.5 * (1 + math.cos(math.pi * min(max((share - 0.5) / 0.5, 0.0), 1.0)))
    return peak * min((step + 1) / warmup, 1.0) * (0.03 + 0.97 * fall)
