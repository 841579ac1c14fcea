"""Time of a whole clip through the graph, over the bare diffusers pipeline's on the same weights in the same process."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.table import Table, spread

PAIRS = 7
PROMPT = "a red ball drifts right across a green meadow"


def run() -> Table:
    """Run both in turn, several times, each from the prompt to decoded frames; a new seed each time defeats the cache."""
    import torch

    torch.set_num_threads(min(2, os.cpu_count() or 1))
    bare, ours = _bare_pipeline(), _graph()
    bare(0), ours(0)
    pairs = [(_timed(ours, seed), _timed(bare, seed)) for seed in range(1, PAIRS + 1)]
    ratios = [mine / theirs for mine, theirs in pairs]
    rows = [
        ["bare WanPipeline", spread([theirs for _mine, theirs in pairs], " s")],
        ["the graph, engine and cache included", spread([mine for mine, _theirs in pairs], " s")],
        ["ratio, pair by pair", f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"],
    ]
    note = f"64x64, 17 frames, 20 steps, guidance 2; {PAIRS} pairs, median (smallest to largest)."
    return Table("Generation over the bare diffusers pipeline", note, ["what", "time"], rows)


def _timed(call, seed: int) -> float:
    began = time.perf_counter()
    call(seed)
    return time.perf_counter() - began
