"""Training of the two finishing networks, upscaler and interpolator, on rendered scenes and real footage half and half.

Both start as the classical method that they must beat: bicubic enlargement, and blending.
"""

import json
import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from server.diffusion.interpolator import Interpolator
from server.diffusion.scenes.render import Renderer
from server.diffusion.scenes.scene import draw_scene
from server.diffusion.upscaler import CompactUpscaler

from .footage import cut_pieces, read_footage

log = logging.getLogger(__name__)

WEIGHTS = "model.safetensors"
_PROGRESS = "progress.json"
_LARGE = 128
_BICUBIC = (-0.0234375, 0.2265625, 0.8671875, -0.0703125)  # Keys, a = -1/2, for a quarter of a pixel to the left
_DECAY = 0.998

Draw = Callable[[random.Random], tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class FinishingConfig:
    """Settings of a run.

    Attributes:
        out: Folder for the weights and the log.
        footage: Folder with video files.
        held_out: Names of files that training never sees.
        minutes: Length of the run.
        steps: Stops after this many steps in all; None trains for `minutes`.
        peak_rate: Largest learning rate.
        seed: Seeds the weights and the pieces.
        save_seconds: Time between checkpoints.
    """

    out: Path
    footage: Path
    held_out: tuple[str, ...] = ()
    minutes: float = 20.0
    steps: int | None = None
    peak_rate: float = 1e-3
    seed: int = 0
    save_seconds: float = 60.0


def train_upscaler(config: FinishingConfig) -> Path:
    """Trains the 2x upscaler; goes on from what is in `config.out`. Returns the file of its averaged weights."""
    torch.manual_seed(config.seed)
    network = bicubic_upscaler()
    small, large = Renderer(_LARGE // 2), Renderer(_LARGE)
    clips = read_footage(config.footage, without=config.held_out)

    def draw(rng: random.Random) -> tuple[Tensor, ...]:
        real = cut_pieces(clips, 8, frames=1, size=64, rng=rng)[:, 0]
        scenes, frame = [draw_scene(rng) for _ in range(8)], [rng.randrange(17)]
        drawn = large(scenes, frame)[:, :, 0] / 2 + 0.5
        native = small(scenes, frame)[:, :, 0] / 2 + 0.5
        top, left = rng.randrange(33), rng.randrange(33)
        wanted = torch.cat([real, drawn[:, :, 2 * top : 2 * top + 64, 2 * left : 2 * left + 64]])
        given = halved(wanted)
        # Half of the scenes are drawn at both sizes: that is what the text-to-video model makes, soft edges and all.
        given[12:] = native[4:, :, top : top + 32, left : left + 32]
        return given, wanted

    def loss(pair: tuple[Tensor, ...]) -> Tensor:
        return functional.l1_loss(network(pair[0])[..., 4:-4, 4:-4], pair[1][..., 4:-4, 4:-4])

    return _train(network, config, draw, loss)


def train_interpolator(config: FinishingConfig) -> Path:
    """Trains the interpolator; goes on from what is in `config.out`. Returns the file of its averaged weights."""
    torch.manual_seed(config.seed)
    network = Interpolator()
    renderer = Renderer(96)
    clips = read_footage(config.footage, without=config.held_out)

    def draw(rng: random.Random) -> tuple[Tensor, ...]:
        span = rng.choice((2, 2, 4))
        real = cut_pieces(clips, 4, frames=span + 1, size=96, rng=rng)
        start = rng.randrange(17 - span)
        drawn = renderer([draw_scene(rng) for _ in range(4)], range(start, start + span + 1))
        pieces = torch.cat([real, drawn.transpose(1, 2) / 2 + 0.5])
        middle = rng.randrange(1, span)
        return pieces[:, 0], pieces[:, span], pieces[:, middle], torch.full((len(pieces),), middle / span)

    def loss(parts: tuple[Tensor, ...]) -> Tensor:
        first, second, wanted, when = parts
        return functional.l1_loss(network(first, second, when), wanted)

    return _train(network, config, draw, loss)


def halved(frames: Tensor) -> Tensor:
    """Shrinks frames in [0, 1] to half their size, with a bicubic filter that does not alias, to 8 bits."""
    small = functional.interpolate(frames, scale_factor=0.5, mode="bicubic", antialias=True)
    return small.clamp(0, 1).mul(255).round() / 255


@torch.no_grad()
def bicubic_upscaler(channels: int = 32, layers: int = 6) -> CompactUpscaler:
    """Builds a 2x network that begins as bicubic enlargement exactly, away from borders.

    The layout adds its result to the nearest neighbor. So fifteen channels are carried through unchanged (a PReLU of
    slope 1 is no bend): the picture, to take the nearest neighbor off, and for each color and each of the four places
    in a pixel a filter of three taps, which the last convolution completes to the five taps of the bicubic one.
    """
    network = CompactUpscaler(channels, layers, 2)
    carried = range(15)
    convolutions = [layer for layer in network.body if isinstance(layer, nn.Conv2d)]
    bends = [layer for layer in network.body if isinstance(layer, nn.PReLU)]
    first, last = convolutions[0], convolutions[-1]
    for bend in bends:
        bend.weight[: len(carried)] = 1.0
    for layer in convolutions:
        layer.weight[: len(carried)] = 0.0
        layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
    for layer in convolutions[1:-1]:
        layer.weight[carried, carried, 1, 1] = 1.0
    last.weight.zero_()
    filters = [_two_filters(taps) for taps in ((*_BICUBIC, 0.0), (0.0, *_BICUBIC[::-1]))]
    for color in range(3):
        first.weight[color, color, 1, 1] = 1.0
        for place, (row, column) in enumerate(product(filters, filters), start=4 * color):
            first.weight[3 + place, color] = torch.outer(row[0], column[0])
            last.weight[place, 3 + place] = torch.outer(row[1], column[1])
            last.weight[place, color, 1, 1] = -1.0
    return network


def _two_filters(taps: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Writes a filter of five taps, of which one at an end is zero, as one of three taps after another."""
    padded_left = taps[0] == 0.0
    polynomial = np.array(taps[1:] if padded_left else taps[:-1])
    root = next(value.real for value in np.roots(polynomial) if abs(value.imag) < 1e-9)
    quadratic, _ = np.polydiv(polynomial, np.array([1.0, -root]))
    linear = [0.0, 1.0, -root] if padded_left else [1.0, -root, 0.0]
    return torch.tensor(quadratic, dtype=torch.float32), torch.tensor(linear, dtype=torch.float32)


def _train(
    network: nn.Module, config: FinishingConfig, draw: Draw, loss: Callable[[tuple[Tensor, ...]], Tensor]
) -> Path:
    step, spent = _resume(network, config.out)
    average = {name: value.detach().clone() for name, value in network.named_parameters()}
    optimizer = torch.optim.Adam(network.parameters(), lr=config.peak_rate)
    saved, mean = spent, math.nan
    while spent < config.minutes * 60 and (config.steps is None or step < config.steps):
        started = time.monotonic()
        share = min(spent / (config.minutes * 60), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = (
                config.peak_rate * min((step + 1) / 100, 1.0) * (0.02 + 0.49 * (1 + math.cos(math.pi * share)))
            )
        found = loss(draw(random.Random(f"{config.seed}:{step}")))
        optimizer.zero_grad(set_to_none=True)
        found.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step, spent = step + 1, spent + time.monotonic() - started
        decay = min(_DECAY, (1 + step) / (10 + step))
        for name, value in network.named_parameters():
            average[name].lerp_(value.detach(), 1 - decay)
        mean = found.item() if math.isnan(mean) else 0.99 * mean + 0.01 * found.item()
        if spent - saved >= config.save_seconds:
            _save(average, config.out, step, spent, mean)
            saved = spent
    return _save(average, config.out, step, spent, mean)


def _resume(network: nn.Module, folder: Path) -> tuple[int, float]:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / _PROGRESS).exists():
        return 0, 0.0
    network.load_state_dict(load_file(folder / WEIGHTS))
    progress = json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))
    log.info("resumed after %d steps", progress["step"])
    return progress["step"], progress["seconds"]


def _save(average: dict[str, Tensor], folder: Path, step: int, seconds: float, loss: float) -> Path:
    part = folder / f"{WEIGHTS}.part"
    save_file({name: value.contiguous() for name, value in average.items()}, part)
    part.replace(folder / WEIGHTS)
    record = {"step": step, "seconds": round(seconds, 1), "loss": round(loss, 5)}
    (folder / _PROGRESS).write_text(json.dumps(record), encoding="utf-8")
    log.info("%s", record)
    return folder / WEIGHTS
