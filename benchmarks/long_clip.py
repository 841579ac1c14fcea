"""Memory of two and of ten minutes of 1080p through a graph: it must not grow with the length. Takes half an hour."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.streaming import CHAIN, CRF, FPS, MIB, PRESET, SIZE, Chain, Measured, by_graph, measured, write_source
from benchmarks.table import Table

MINUTES = (2, 10)
UPSCALED_S = (10, 40)
SHRUNK = (SIZE[0] // 2, SIZE[1] // 2)

UPSCALING: Chain = [
    ("load", "load_video", {"file": "source.mp4"}),
    ("small", "resize_clip", {"width": SHRUNK[0], "height": SHRUNK[1]}),
    ("large", "upscale_clip", {"factor": 2.0}),
    ("save", "save_video", {"crf": CRF, "preset": PRESET}),
]


def run() -> Table:
    """Run the chain at both lengths, silent and with sound, and an upscaler at two shorter ones."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        rows = [
            _row("load, scale, grade, interpolate, save", home, CHAIN, [60 * minutes for minutes in MINUTES], None),
            _row("the same with a stereo track's worth of sound", home, CHAIN, [60 * m for m in MINUTES], 440.0),
            _row(f"{SHRUNK[0]}x{SHRUNK[1]} upscaled to twice the size", home, UPSCALING, list(UPSCALED_S), None),
        ]
    note = (
        f"{SIZE[0]}x{SIZE[1]} at {FPS} frames a second through the graph of the table above, in a worker. Memory is "
        "the highest resident size above that of the idle process; growth compares the process's whole peaks."
    )
    head = ["what", "lengths", "times", "memory at the shorter", "memory at the longer", "growth of the peak"]
    return Table("Minutes of 1080p", note, head, rows)


def _row(title: str, home: Path, chain: Chain, lengths_s: list[int], tone_hz: float | None) -> list[str]:
    taken: list[Measured] = []
    for seconds in lengths_s:
        source = write_source(home / "source.mp4", seconds, tone_hz)
        taken.append(measured(partial(by_graph, chain=chain), source, home))
        source.unlink()
    short, long = taken
    growth = (long.idle_bytes + long.grown_bytes) / (short.idle_bytes + short.grown_bytes) - 1
    return [
        title,
        " and ".join(f"{seconds} s" for seconds in lengths_s),
        " and ".join(f"{one.seconds:.0f} s" for one in taken),
        f"{short.grown_bytes / MIB:.0f} MiB",
        f"{long.grown_bytes / MIB:.0f} MiB",
        f"{growth * 100:+.1f} %",
    ]
