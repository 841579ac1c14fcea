"""Time of a clip through the graph, over the bare diffusers pipeline's on the same weights in the same process."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Table, spread
from server.engine.cancel import CancelToken
from server.jobs.service import worker_hello
from server.jobs.session import WorkerSession
from server.settings import Settings

PAIRS = 9
STEPS = 20
ROOT = Path(__file__).parent.parent
STARTER = ROOT / "server" / "diffusion" / "starter" / "text_to_video"
SUBJECTS = [
    f"a {color} {shape}" for color, shape in itertools.product(("red", "blue", "green"), ("ball", "star", "heart"))
]


def run() -> Table:
    """Run both in turn, from the prompt to decoded frames; a new prompt and seed each time, so nothing is cached."""
    import torch

    torch.set_num_threads(min(2, os.cpu_count() or 1))
    bare = _bare_pipeline()
    with _graph() as ours:
        ours(0)
        bare(0)
        pairs = [(_timed(ours, seed), _timed(bare, seed)) for seed in range(1, PAIRS + 1)]
    ratios = [mine / theirs for mine, theirs in pairs]
    rows = [
        ["bare WanPipeline", spread([theirs for _mine, theirs in pairs], " s")],
        ["the graph: engine, cache, previews and spooling included", spread([mine for mine, _theirs in pairs], " s")],
        ["ratio, pair by pair", f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"],
    ]
    note = (
        f"Starter model, 64x64, 17 frames, {STEPS} steps, guidance 2, prompt to frames; "
        f"{PAIRS} pairs in turn in one process, median (smallest to largest)."
    )
    return Table("Generation over the bare diffusers pipeline", note, ["what", "time"], rows)


def _timed(call: Callable[[int], None], seed: int) -> float:
    began = time.perf_counter()
    call(seed)
    return time.perf_counter() - began


def _prompt(seed: int) -> str:
    return f"{SUBJECTS[seed % len(SUBJECTS)]} drifts right across the sea"


def _bare_pipeline() -> Callable[[int], None]:
    import torch
    from diffusers import WanPipeline

    pipeline = WanPipeline.from_pretrained(STARTER, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)

    def generate(seed: int) -> None:
        pipeline(
            _prompt(seed),
            negative_prompt="",
            width=64,
            height=64,
            num_frames=16,  # at a temporal scale of 1 the pipeline makes one more
            num_inference_steps=STEPS,
            guidance_scale=2.0,
            max_sequence_length=32,
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="np",
        )

    return generate


@contextmanager
def _graph() -> Iterator[Callable[[int], None]]:
    """Yield the template's graph up to the decoded clip, in a home of its own."""
    document = json.loads((ROOT / "workflows" / "text_to_video.json").read_text(encoding="utf-8"))
    for name in ("upscale", "smooth", "save"):
        del document["nodes"][name]
    document["outputs"] = {"frames": {"node": "decode", "output": "clip"}}
    text = json.dumps(document)
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.load({**os.environ, "KINEGRAPH_HOME": home}).create_folders()
        session = WorkerSession(worker_hello(settings))

        def generate(seed: int) -> None:
            values = {"prompt": _prompt(seed), "seed": seed, "steps": STEPS}
            outcome = session.run(text, values, emit=lambda _event: None, cancel=CancelToken())
            assert outcome.result, outcome.error
            frames = sum(len(block) for block in outcome.result.outputs["frames"].chunks())
            assert frames == 17

        yield generate
        session.close()
