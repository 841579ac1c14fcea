"""How well a model follows prompts: held-out ones, sampled by the stock pipeline and read back from the pixels."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import WanImageToVideoPipeline, WanPipeline
from PIL import Image
from torch import Tensor

from server.diffusion.scenes.render import Renderer

from .detect import Detector, Reading, accuracy
from .export import MANIFEST
from .prompts import FREE_SENTENCES, held_out_prompts, still_prompts

_ROUND_TRIPS = 32
_STILLS = 8
_FIRST_FRAMES = 24


@dataclass(frozen=True, slots=True)
class Sampling:
    """How clips are sampled.

    Attributes:
        steps: Evaluations of the solver.
        guidance_scale: Classifier-free guidance; 1 turns it off.
        seed: Seeds the noise; clip number n of a run has seed + n.
        batch: Clips sampled at once.
    """

    steps: int = 20
    guidance_scale: float = 2.0
    seed: int = 0
    batch: int = 8


def load_pipeline(folder: Path) -> WanPipeline:
    """Loads an exported model for the CPU, without any network."""
    pipeline = WanPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def sample(pipeline: WanPipeline, prompts: Sequence[str], manifest: dict[str, Any], sampling: Sampling) -> Tensor:
    """Samples one clip a prompt.

    Args:
        pipeline: The model.
        prompts: Texts.
        manifest: The model's `kinegraph.json`: size, frames and length of its texts.
        sampling: Steps, guidance and seed.

    Returns:
        Clips in [-1, 1], shaped (len(prompts), 3, frames, height, width).
    """
    size = manifest["trained"]
    shape = (pipeline.transformer.config.in_channels, size["frames"], size["height"] // 8, size["width"] // 8)
    clips = []
    for start in range(0, len(prompts), sampling.batch):
        part = list(prompts[start : start + sampling.batch])
        seeds = range(sampling.seed + start, sampling.seed + start + len(part))
        noise = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        (frames,) = pipeline(
            part,
            height=size["height"],
            width=size["width"],
            latents=noise,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance_scale,
            max_sequence_length=manifest["max_sequence_length"],
            output_type="pt",
            return_dict=False,
        )
        clips.append(frames.transpose(1, 2) * 2 - 1)
    return torch.cat(clips)


def sample_from_first_frames(
    pipeline: WanPipeline, first: Tensor, prompts: Sequence[str], manifest: dict[str, Any], sampling: Sampling
) -> Tensor:
    """Samples one clip a first frame, as Wan 2.2 goes on from an image.

    Args:
        pipeline: A model whose tokens have timesteps of their own.
        first: Frames in [-1, 1], shaped (len(prompts), 3, height, width).
        prompts: Texts.
        manifest: The model's `kinegraph.json`.
        sampling: Steps, guidance and seed.

    Returns:
        Clips in [-1, 1], shaped (len(prompts), 3, frames, height, width).
    """
    parts = {name: getattr(pipeline, name) for name in ("tokenizer", "text_encoder", "vae", "scheduler", "transformer")}
    from_image = WanImageToVideoPipeline(**parts, expand_timesteps=True)
    from_image.set_progress_bar_config(disable=True)
    size, length = manifest["trained"], manifest["max_sequence_length"]
    clips = []
    for index, prompt in enumerate(prompts):
        # Encoded here, since this pipeline cleans texts with a library that is not required.
        positive, negative = pipeline.encode_prompt(prompt, "", max_sequence_length=length)
        (frames,) = from_image(
            first[index : index + 1] / 2 + 0.5,
            prompt_embeds=positive,
            negative_prompt_embeds=negative,
            height=size["height"],
            width=size["width"],
            num_frames=size["frames"] - 1,  # with temporal scale 1 the pipeline adds one
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance_scale,
            generator=torch.Generator().manual_seed(sampling.seed + index),
            output_type="pt",
            return_dict=False,
        )
        clips.append(frames.transpose(1, 2) * 2 - 1)
    return torch.cat(clips)


def evaluate(folder: Path, count: int, sampling: Sampling, sheet: Path | None = None) -> dict[str, Any]:
    """Scores an exported model on held-out prompts within its own vocabulary.

    Args:
        folder: The model's folder.
        count: Number of prompts.
        sampling: Steps, guidance and seed.
        sheet: Where a contact sheet of the first 24 clips is written, if anywhere.

    Returns:
        Accuracies of the model, of the detector on rendered clips, through the VAE alone and by chance; consistency of
        the subject; flicker of clips in which nothing moves; and settings.
    """
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    size, frames = manifest["trained"]["height"], manifest["trained"]["frames"]
    pairs = held_out_prompts(count, sampling.seed, words=manifest["vocabulary"]["words"])
    scenes = [scene for scene, _ in pairs]
    pipeline, detector = load_pipeline(folder), Detector(size, frames)
    captions = [caption for _, caption in pairs]
    clips = sample(pipeline, captions, manifest, sampling)
    if sheet is not None:
        contact_sheet(clips[:24], sheet)
    renderer = Renderer(size, frames)
    rendered = [renderer([scene])[0] for scene in scenes]
    decoded = _through_vae(pipeline, torch.stack(rendered[:_ROUND_TRIPS]))
    continued = _continued(pipeline, rendered, captions, manifest, sampling)
    readings, truths = [detector.read(clip) for clip in clips], [detector.read(clip) for clip in rendered]
    return {
        "model": accuracy(readings, scenes),
        "rendered": accuracy(truths, scenes),
        "vae": accuracy([detector.read(clip) for clip in decoded], scenes[:_ROUND_TRIPS]),
        "chance": accuracy(readings, random.Random(sampling.seed).sample(scenes, len(scenes))),
        "overlap": {"model": _mean(readings, "overlap"), "rendered": _mean(truths, "overlap")},
        "consistency": {"model": _mean(readings, "steady"), "rendered": _mean(truths, "steady")},
        "flicker": _flicker_of_stills(pipeline, manifest, sampling),
        "from_first_frame": accuracy([detector.read(clip) for clip in continued], scenes[: len(continued)]),
        "vae_psnr": round(_psnr(decoded, torch.stack(rendered[:_ROUND_TRIPS])), 2),
        "prompts": count,
        "steps": sampling.steps,
        "guidance_scale": sampling.guidance_scale,
        "seed": sampling.seed,
    }


def evaluate_free(folder: Path, sampling: Sampling, sheet: Path | None = None) -> dict[str, Any]:
    """Scores an exported model on sentences as a new user types them; each counts for what it says clearly.

    Returns:
        For each aspect, how many sentences name it and how many clips show it; and what was read from each clip.
    """
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    detector = Detector(manifest["trained"]["height"], manifest["trained"]["frames"])
    clips = sample(load_pipeline(folder), [text for text, _ in FREE_SENTENCES], manifest, sampling)
    if sheet is not None:
        contact_sheet(clips, sheet)
    rows, asked, shown = [], Counter[str](), Counter[str]()
    for clip, (text, wanted) in zip(clips, FREE_SENTENCES, strict=True):
        reading = detector.read(clip)
        missed = [aspect for aspect, name in wanted.items() if getattr(reading, aspect) != name]
        asked.update(wanted.keys())
        shown.update(aspect for aspect in wanted if aspect not in missed)
        rows.append({"text": text, "missed": {aspect: getattr(reading, aspect) for aspect in missed}})
    return {"shown": {aspect: f"{shown[aspect]} of {count}" for aspect, count in asked.items()}, "sentences": rows}


def _continued(
    pipeline: WanPipeline,
    rendered: Sequence[Tensor],
    captions: Sequence[str],
    manifest: dict[str, Any],
    sampling: Sampling,
) -> Sequence[Tensor]:
    """Clips that go on from rendered first frames; none of a model that takes no image."""
    if not pipeline.config["expand_timesteps"]:
        return ()
    first = torch.stack([clip[:, 0] for clip in rendered[:_FIRST_FRAMES]])
    return sample_from_first_frames(pipeline, first, captions[:_FIRST_FRAMES], manifest, sampling).unbind()


def _mean(readings: Sequence[Reading], field: str) -> float:
    return round(sum(getattr(reading, field) for reading in readings) / len(readings), 3)


def _flicker_of_stills(pipeline: WanPipeline, manifest: dict[str, Any], sampling: Sampling) -> dict[str, float]:
    """Mean difference of neighboring frames, in levels of 255, of clips in which nothing moves (it does not rain)."""
    pairs = still_prompts(_STILLS, sampling.seed, words=manifest["vocabulary"]["words"])
    clips = sample(pipeline, [caption for _, caption in pairs], manifest, sampling)
    return {"model": round(float(clips.diff(dim=2).abs().mean()) * 127.5, 3), "rendered": 0.0}


@torch.no_grad()
def _through_vae(pipeline: WanPipeline, clips: Tensor) -> Tensor:
    parts = [pipeline.vae.decode(pipeline.vae.encode(part).latent_dist.mode()).sample for part in clips.split(8)]
    return torch.cat(parts)


def _psnr(clips: Tensor, truth: Tensor) -> float:
    error = (clips - truth).square().mean(dim=(1, 2, 3, 4)).clamp(min=1e-10)
    return float((10 * torch.log10(4 / error)).mean())


def contact_sheet(clips: Tensor, path: Path, *, columns: int = 2, frames: int = 5) -> None:
    """Writes a picture with a few frames of each clip, from left to right, at twice the size."""
    chosen = torch.linspace(0, clips.shape[2] - 1, frames).round().long()
    strips = torch.cat(list(clips[:, :, chosen].unbind(2)), dim=-1)
    rows = [
        torch.cat(list(strips[start : start + columns]), dim=-1)
        for start in range(0, len(strips) // columns * columns, columns)
    ]
    picture = (torch.cat(rows, dim=-2) + 1).mul(127.5).clamp(0, 255).byte().permute(1, 2, 0)
    image = Image.fromarray(picture.numpy())
    image.resize((image.width * 2, image.height * 2), Image.Resampling.NEAREST).save(path)
