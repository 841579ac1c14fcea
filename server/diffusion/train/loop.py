"""The trainer: flow matching on rendered clips, resumable at any checkpoint."""

import json
import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from server.diffusion.scenes.captions import caption_of, caption_words
from server.diffusion.scenes.render import Renderer

from .attention import attention_that_trains_fast
from .checkpoint import Progress, latest_checkpoint, load_checkpoint, save_checkpoint
from .codec import fit_patch_code
from .curriculum import batch_size, draw_frames, draw_training_scene, learning_rate
from .model import SHIFT, ModelSize, Starter, build_starter, embed_text, tokens_in_frame
from .runfile import Run, load_run, save_run
from .text import with_strange_word
from .warmstart import read_code, read_size, take_weights

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a run.

    Attributes:
        out: Folder for checkpoints and the log.
        minutes: Length of the run, over which the curriculum and the learning rate are laid out.
        steps: Stops after this many optimizer steps in all; None trains for `minutes`.
        size: Widths and depths of the networks.
        resolution: Height and width of the clips in pixels.
        frames: Length of a clip.
        peak_rate: Largest learning rate.
        caption_dropout: Share of captions that are replaced by an empty one, for guidance.
        strange_words: Share of captions that get one unknown word.
        turning: Share of scenes whose action is drawn anew among those that turn or curve, which are learned last.
        given_first: Share of steps, among those on several frames, in which the first frame is given without noise.
        average_decay: Decay of the running average of the weights, for each step.
        checkpoint_seconds: Time between checkpoints.
        seed: Seeds the weights, the scenes and the noise.
        device: Where rendering and training run.
        batch_factor: How many times as many clips a step takes as on one CPU core.
        half: Compute in bfloat16 where that is safe, as a GPU and a CPU with matrix units do faster.
        compiled: Compile the transformer's blocks, which wants a C++ compiler on a CPU.
        begin: Place in the curriculum where the run begins, in [0, 1); 0.5 suits one that starts from a model.
        start_from: Folder of an exported model whose size, patch code and weights a new run starts with.
    """

    out: Path
    minutes: float = 90.0
    steps: int | None = None
    size: ModelSize = field(default_factory=ModelSize)
    resolution: int = 64
    frames: int = 17
    peak_rate: float = 1e-3
    caption_dropout: float = 0.1
    strange_words: float = 0.04
    turning: float = 0.45
    given_first: float = 0.25
    average_decay: float = 0.998
    checkpoint_seconds: float = 180.0
    seed: int = 0
    device: str = "cpu"
    batch_factor: int = 1
    half: bool = False
    compiled: bool = False
    begin: float = 0.0
    start_from: Path | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's data.

    Attributes:
        latents: Clean latents, shaped (B, C, T, H / 8, W / 8).
        captions: One text a clip; empty where it was dropped.
        frames: Indices of the T frames.
        first_given: Whether the first of them is given, and the others are to be made from it.
    """

    latents: Tensor
    captions: list[str]
    frames: list[int]
    first_given: bool = False


class Trainer:
    """Holds what a run changes: weights, their average, the optimizer, and how far it has come.

    Args:
        config: Settings of the run.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.renderer = Renderer(config.resolution, config.frames, config.device)
        run = load_run(config.out)
        if run is None:
            run = _new_run(config)
            save_run(config.out, run)
        self.starter: Starter = build_starter(run.size, run.code, seed=config.seed)
        if config.start_from is not None:
            known = take_weights(self.starter, config.start_from)
            log.info("took the weights of %s, with %d known words", config.start_from, known)
        self.modules = nn.ModuleDict(
            {"transformer": self.starter.transformer, "text_encoder": self.starter.text_encoder}
        )
        self.modules.to(config.device)
        self.average = {name: value.detach().clone() for name, value in self.modules.named_parameters()}
        self.optimizer = torch.optim.AdamW(self._groups(), lr=config.peak_rate, betas=(0.9, 0.98), fused=True)
        self.progress = Progress()
        if config.compiled:
            self.starter.transformer.compile_repeated_blocks(dynamic=False)

    def _groups(self) -> list[dict[str, object]]:
        matrices = [value for value in self.modules.parameters() if value.ndim > 1]
        vectors = [value for value in self.modules.parameters() if value.ndim <= 1]
        return [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]

    def resume(self, path: Path, *, with_optimizer: bool = True) -> None:
        """Goes on from a checkpoint.

        Args:
            path: A checkpoint's folder.
            with_optimizer: False starts the optimizer afresh, as one does from a checkpoint that came without it.
        """
        self.progress = load_checkpoint(path, self.modules, self.average, self.optimizer if with_optimizer else None)

    @property
    def share(self) -> float:
        """Place in the curriculum, in [0, 1]."""
        done = min(self.progress.seconds / (self.config.minutes * 60), 1.0)
        return 1 - (1 - self.config.begin) * (1 - done)

    def draw_batch(self) -> Batch:
        """Renders the current step's clips; the same step of the same seed gives the same batch at the same share."""
        rng = random.Random(f"{self.config.seed}:{self.progress.step}")
        frames = draw_frames(self.share, self.config.frames, rng)
        count = batch_size(len(frames)) * self.config.batch_factor
        scenes = [draw_training_scene(rng, turning=self.config.turning) for _ in range(count)]
        captions = [self._caption(caption_of(scene, rng), rng) for scene in scenes]
        first_given = len(frames) > 1 and rng.random() < self.config.given_first
        return Batch(self.starter.code.encode(self.renderer(scenes, frames)), captions, frames, first_given)

    def _caption(self, caption: str, rng: random.Random) -> str:
        if rng.random() < self.config.caption_dropout:
            return ""
        return with_strange_word(caption, rng) if rng.random() < self.config.strange_words else caption

    def step(self) -> tuple[float, int]:
        """Takes one optimizer step; gives its loss and the number of frames that it trained on."""
        started = time.monotonic()
        batch = self.draw_batch()
        rate = learning_rate(self.share, self.progress.step, peak=self.config.peak_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        generator = torch.Generator(self.config.device).manual_seed(self.config.seed * 1_000_003 + self.progress.step)
        kind = torch.device(self.config.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.config.half), attention_that_trains_fast(kind):
            loss = flow_matching_loss(self.starter, batch, generator)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.modules.parameters(), 1.0)
        self.optimizer.step()
        self._average()
        spent = self.progress.seconds + time.monotonic() - started
        self.progress = Progress(self.progress.step + 1, spent, self.progress.clips + len(batch.captions))
        return loss.item(), len(batch.frames)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.average_decay, (1 + self.progress.step) / (10 + self.progress.step))
        for name, value in self.modules.named_parameters():
            self.average[name].lerp_(value, 1 - decay)

    def save(self) -> Path:
        """Writes a checkpoint."""
        return save_checkpoint(self.config.out, self.modules, self.average, self.optimizer, self.progress)


def _new_run(config: TrainConfig) -> Run:
    words = tuple(caption_words())
    if config.start_from is not None:
        model = config.start_from
        return Run(read_size(model), read_code(model), config.resolution, config.frames, words)
    code = fit_patch_code(Renderer(config.resolution, config.frames), channels=config.size.latent_channels)
    return Run(config.size, code, config.resolution, config.frames, words)


def flow_matching_loss(starter: Starter, batch: Batch, generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted velocity, noise minus clip, at noise levels of the sampler's shifted line.

    A first frame that is given has no noise, its tokens are told so (as Wan 2.2 does from an image), and its velocity
    does not count.

    Args:
        starter: The networks.
        batch: Clean latents and their captions.
        generator: Draws noise and noise levels, on the latents' device.
    """
    latents = batch.latents
    noise = torch.randn(latents.shape, generator=generator, device=latents.device)
    # One stratum a clip: a batch of six still sees the whole range of noise levels.
    strata = torch.arange(len(latents), device=latents.device) + torch.rand(
        len(latents), generator=generator, device=latents.device
    )
    line = strata / len(latents)
    sigma = SHIFT * line / (1 + (SHIFT - 1) * line)
    levels = sigma[:, None].repeat(1, latents.shape[2])
    if batch.first_given:
        levels[:, 0] = 0
    spread = levels[:, None, :, None, None]
    noisy = (1 - spread) * latents + spread * noise
    timestep = sigma * 1000
    if batch.first_given:
        timestep = (levels * 1000).repeat_interleave(tokens_in_frame(latents), 1)
    starter.rope.frames = batch.frames
    velocity = starter.transformer(noisy, timestep, embed_text(starter, batch.captions), return_dict=False)[0]
    made = slice(1 if batch.first_given else 0, None)
    return nn.functional.mse_loss(velocity[:, :, made], (noise - latents)[:, :, made])


def train(config: TrainConfig, *, resume: bool = False, with_optimizer: bool = True) -> Trainer:
    """Trains until the time or the steps are used up, with checkpoints and a JSON-lines log in `config.out`.

    Args:
        config: Settings of the run.
        resume: Go on from the newest checkpoint in `config.out`, if there is one.
        with_optimizer: Take the optimizer's state from it as well.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config)
    newest = latest_checkpoint(config.out) if resume else None
    if newest is not None:
        trainer.resume(newest, with_optimizer=with_optimizer)
        log.info("resumed from %s", newest)
    saved = trainer.progress.seconds
    with (config.out / "log.jsonl").open("a", encoding="utf-8") as lines:
        for record in _steps(trainer):
            if record["step"] % 20 == 0:
                lines.write(json.dumps(record) + "\n")
                lines.flush()
            if trainer.progress.seconds - saved >= config.checkpoint_seconds:
                trainer.save()
                saved = trainer.progress.seconds
    trainer.save()
    return trainer


def _steps(trainer: Trainer) -> Iterator[dict[str, float | int]]:
    limit = trainer.config.steps
    means: dict[int, float] = {}
    while trainer.share < 1.0 and (limit is None or trainer.progress.step < limit):
        loss, frames = trainer.step()
        means[frames] = loss if frames not in means else 0.95 * means[frames] + 0.05 * loss
        progress = trainer.progress
        yield {
            "step": progress.step,
            "seconds": round(progress.seconds, 1),
            "clips": progress.clips,
            **{f"loss_{count}": round(mean, 4) for count, mean in sorted(means.items())},
        }
