"""From a checkpoint to a model that anyone can load: a WanPipeline folder in fp16 with our manifest beside it."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import WanPipeline
from safetensors.torch import load_file
from torch import nn

from server.diffusion.scenes.captions import caption_words, plain_caption
from server.diffusion.scenes.scene import Scene
from server.diffusion.scenes.vocabulary import ACTIONS, CAMERAS, COLORS, LIGHTS, MOODS, SETTINGS, SUBJECTS

from .checkpoint import latest_checkpoint
from .codec import build_vae
from .model import SHIFT, Starter, build_scheduler, build_starter
from .runfile import Run, load_run
from .text import MAX_SEQUENCE_LENGTH

MANIFEST = "kinegraph.json"
FPS = 8
GUIDANCE_SCALE = 2.0
STEPS = 20
SHARD_SIZE = "14MB"
_EXAMPLES = (
    Scene("boat", "red", "drift left", "sea"),
    Scene("ball", "blue", "bounce", "sunset"),
    Scene("star", "green", "spin", "snow", "pan right"),
    Scene("heart", "pink", "grow", "grass"),
    Scene("fish", "orange", "drift right", "night"),
    Scene("rocket", "white", "drift up", "space"),
    Scene("car", "yellow", "drift right", "city", light="night"),
)


def load_starter(run_folder: Path, *, averaged: bool = True) -> tuple[Run, Starter]:
    """Builds the starter with the weights of a run's newest checkpoint.

    Args:
        run_folder: The `--out` of a training run.
        averaged: Take the running average of the weights, which samples better.

    Raises:
        FileNotFoundError: Where the folder holds no run or no checkpoint yet.
    """
    run, checkpoint = load_run(run_folder), latest_checkpoint(run_folder)
    if run is None or checkpoint is None:
        raise FileNotFoundError(f"{run_folder} holds no checkpoint yet; train one with the `run` command first")
    starter = build_starter(run.size, run.code)
    weights = load_file(checkpoint / ("average.safetensors" if averaged else "weights.safetensors"))
    modules = nn.ModuleDict({"transformer": starter.transformer, "text_encoder": starter.text_encoder})
    with torch.no_grad():
        for name, value in modules.named_parameters():
            value.copy_(weights[name])
    return run, starter


def build_pipeline(starter: Starter) -> WanPipeline:
    """Puts a starter into the stock pipeline."""
    return WanPipeline(
        tokenizer=starter.tokenizer,  # pyright: ignore[reportArgumentType]
        text_encoder=starter.text_encoder.eval(),
        vae=build_vae(starter.code),
        scheduler=build_scheduler(),
        transformer=starter.transformer.eval(),
        expand_timesteps=True,
    )


def export_model(run_folder: Path, target: Path, *, metrics: dict[str, Any] | None = None) -> Path:
    """Writes a run's newest checkpoint as a WanPipeline folder with its manifest.

    Args:
        run_folder: The `--out` of a training run.
        target: The model's folder; its weights and manifest are replaced, its model card stays.
        metrics: Figures of these weights, from `evaluate`.
    """
    run, starter = load_starter(run_folder)
    for part in ("transformer", "vae", "text_encoder", "tokenizer", "scheduler"):
        shutil.rmtree(target / part, ignore_errors=True)
    pipeline = build_pipeline(starter).to(dtype=torch.float16)
    pipeline.save_pretrained(target, safe_serialization=True, max_shard_size=SHARD_SIZE)
    _name_tokenizer(target / "model_index.json")
    write_manifest(target, run, metrics or {})
    return target


def _name_tokenizer(index: Path) -> None:
    """Names the tokenizer's class as every release of transformers knows it; release 5 writes its own private name."""
    document = json.loads(index.read_text(encoding="utf-8"))
    document["tokenizer"] = ["transformers", "PreTrainedTokenizerFast"]
    index.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_manifest(target: Path, run: Run, metrics: dict[str, Any]) -> None:
    """Writes `kinegraph.json`: what the files are, how to call the model, and which words it knows."""
    manifest = {
        "kinegraph_model": 1,
        "name": "starter_text_to_video",
        "title": "Starter text to video",
        "family": "wan",
        "task": "text_to_video",
        "version": "0.1.0",
        "licence": "Apache-2.0",
        "max_sequence_length": MAX_SEQUENCE_LENGTH,
        "defaults": {
            "width": run.resolution,
            "height": run.resolution,
            "frames": run.frames,
            "fps": FPS,
            "steps": STEPS,
            "guidance_scale": GUIDANCE_SCALE,
            "shift": SHIFT,
            "negative_prompt": "",
        },
        "spatial_multiple": 16,
        "temporal_compression": 1,
        "trained": {"width": run.resolution, "height": run.resolution, "frames": run.frames},
        "files": {
            path.relative_to(target).as_posix(): _file_entry(path) for path in sorted(target.rglob("*.safetensors"))
        },
        "vocabulary": _vocabulary(),
        "examples": [plain_caption(scene) for scene in _EXAMPLES],
        "metrics": metrics,
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _file_entry(path: Path) -> dict[str, str | int]:
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def _vocabulary() -> dict[str, str | list[str]]:
    return {
        "file": "tokenizer/tokenizer.json",
        "words": caption_words(),
        "subjects": [noun for row in SUBJECTS for noun in row.nouns],
        "colors": [adjective for row in COLORS for adjective in row.adjectives],
        "actions": [verb for row in ACTIONS for verb in row.verbs],
        "settings": [place for row in SETTINGS for place in row.places],
        "cameras": sorted({phrase for row in CAMERAS for phrase in row.phrases if phrase}),
        "lights": [phrase for row in LIGHTS for phrase in row.phrases if phrase],
        "moods": [phrase for row in MOODS for phrase in row.phrases if phrase],
    }
