"""How much better the finishing networks are than the classical methods, on material that training never saw."""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from server.diffusion.interpolator import between, load_interpolator
from server.diffusion.scenes.render import Renderer
from server.diffusion.scenes.scene import Scene, draw_scene
from server.diffusion.upscaler import load_upscaler, upscale

from .export import MANIFEST
from .finishing import WEIGHTS, bicubic_upscaler, halved
from .footage import read_footage

_SIZE = 64
_BORDER = 4
_STRIDE = 6


def judge_upscaler(weights: Path, footage: Path | None, names: Sequence[str], *, scenes: int = 24) -> dict[str, Any]:
    """Compares the 2x upscaler with bicubic enlargement.

    Args:
        weights: A safetensors file.
        footage: Folder with video files; None judges on scenes only.
        names: Files in it that training never saw.
        scenes: Number of held-out scenes.

    Returns:
        For each kind of material the mean PSNR in dB of both, without a border of four pixels, the margin, and the
        share of frames on which the network is ahead.
    """
    network, classical = load_upscaler(weights), bicubic_upscaler().eval()

    def compare(pairs: Sequence[tuple[Tensor, Tensor]]) -> dict[str, float]:
        inner = (..., slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
        ours, theirs = (
            torch.cat([_psnr(upscale(net, given)[inner], wanted[inner]) for given, wanted in pairs])
            for net in (network, classical)
        )
        return _margin(ours, theirs, "bicubic")

    drawn = _held_out(scenes)
    large, small = (_middles(Renderer(size), drawn) for size in (2 * _SIZE, _SIZE))
    result = {
        "scenes, shrunk": compare([(halved(large), large)]),
        "scenes, drawn at both sizes": compare([(small, large)]),
    }
    for name, clip in _clips(footage, names):
        frames = clip[::_STRIDE, :, : clip.shape[2] // 2 * 2, : clip.shape[3] // 2 * 2].float() / 255
        result[name] = compare([(halved(frame), frame) for frame in frames.split(1)])
    return result


def judge_interpolator(
    weights: Path, footage: Path | None, names: Sequence[str], *, scenes: int = 24
) -> dict[str, Any]:
    """Compares the interpolator with blending, on frames whose neighbors two frames apart are given.

    Args:
        weights: A safetensors file.
        footage: Folder with video files; None judges on scenes only.
        names: Files in it that training never saw.
        scenes: Number of held-out scenes.

    Returns:
        For each kind of material the mean PSNR in dB of both, the margin, and the share of frames on which the network
        is ahead.
    """
    network, half = load_interpolator(weights), torch.tensor([0.5])

    def compare(triples: Sequence[Tensor]) -> dict[str, float]:
        ours = [_psnr(between(network, first, last, half), middle[None]) for first, middle, last in triples]
        theirs = [_psnr(((first + last) / 2)[None], middle[None]) for first, middle, last in triples]
        return _margin(torch.cat(ours), torch.cat(theirs), "blend")

    result: dict[str, Any] = {}
    for size in (_SIZE, 2 * _SIZE):
        renderer = Renderer(size)
        clips = [renderer([scene])[0].transpose(0, 1) / 2 + 0.5 for scene in _held_out(scenes)]
        result[f"scenes at {size}x{size}"] = compare(
            [clip[start : start + 3] for clip in clips for start in (2, 7, 12)]
        )
    for name, clip in _clips(footage, names):
        moving = range(0, len(clip) - 2, _STRIDE)
        result[name] = compare([clip[start : start + 3].float() / 255 for start in moving])
    return result


def publish(weights: Path, target: Path, what: str, metrics: dict[str, Any]) -> None:
    """Writes a network and its figures into a model folder; its model card stays.

    Args:
        weights: A safetensors file.
        target: The folder.
        what: `upscaler` or `interpolator`.
        metrics: What a judge found.
    """
    target.mkdir(parents=True, exist_ok=True)
    data = weights.read_bytes()
    (target / WEIGHTS).write_bytes(data)
    manifest = {
        "kinegraph_model": 1,
        "name": f"starter_{what}",
        "task": what,
        "version": "0.1.0",
        "licence": "Apache-2.0",
        "files": {WEIGHTS: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}},
        "metrics": metrics,
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


JUDGES: dict[str, Callable[..., dict[str, Any]]] = {"upscaler": judge_upscaler, "interpolator": judge_interpolator}


def _held_out(count: int) -> list[Scene]:
    rng = random.Random("finishing")
    return [draw_scene(rng, held_out=True) for _ in range(count)]


def _middles(renderer: Renderer, scenes: Sequence[Scene]) -> Tensor:
    """One frame from the middle of each clip, in [0, 1], shaped (N, 3, size, size)."""
    return renderer(scenes, [renderer.frames // 2])[:, :, 0] / 2 + 0.5


def _clips(footage: Path | None, names: Sequence[str]) -> list[tuple[str, Tensor]]:
    return [] if footage is None else [(name, read_footage(footage, only=[name])[0]) for name in names]


def _psnr(frames: Tensor, wanted: Tensor) -> Tensor:
    error = functional.mse_loss(frames, wanted, reduction="none").mean((1, 2, 3))
    return -10 * torch.log10(error.clamp(min=1e-6))


def _margin(ours: Tensor, theirs: Tensor, method: str) -> dict[str, float]:
    return {
        "network": round(float(ours.mean()), 2),
        method: round(float(theirs.mean()), 2),
        "margin": round(float((ours - theirs).mean()), 2),
        "ahead": round(float((ours > theirs).float().mean()), 2),
        "frames": len(ours),
    }
