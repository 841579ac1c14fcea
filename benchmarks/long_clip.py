"""Memory of two and of ten minutes of 1080p through a graph: it must not grow with the length. Takes half an hour."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.streaming import CHAIN, CRF, FPS, MIB, PRESET, SIZE, Chain, Measured, by_graph, measured, write_source
from benchmarks.table import Table

MINUTES = (2, 10)
UPSCALED_S = (10, 40)
SHRUNK = (SIZE[0] // 2, SIZE[1] // 2)

SOUNDING: Chain = [
    ("load", "load_video", {"file": "source.mp4"}),
    ("save", "save_video", {"crf": CRF, "preset": "ultrafast"}),
]

UPSCALING: Chain = [
    ("load", "load_video", {"file": "source.mp4"}),
    ("small", "resize_clip", {"width": SHRUNK[0], "height": SHRUNK[1]}),
    ("large", "upscale_clip", {"factor": 2.0, "method": "lanczos"}),
    ("save", "save_video", {"crf": CRF, "preset": PRESET}),
]

# By the network that ships. It takes its time on a CPU, and whether memory grows shows on small frames too.
STARTER_S = (4, 12)
STARTER: Chain = [
    ("load", "load_video", {"file": "source.mp4"}),
    ("small", "resize_clip", {"width": SIZE[0] // 12, "height": SIZE[1] // 12}),
    ("large", "upscale_clip", {"factor": 2.0, "method": "starter"}),
    ("save", "save_video", {"crf": CRF, "preset": "ultrafast"}),
]


def run() -> Table:
    """Run the chain at both lengths, a small picture with sound likewise, and an upscaler at two shorter ones."""
    seconds = [60 * minutes for minutes in MINUTES]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        rows = [
            row("load, scale, grade, interpolate, save", home, CHAIN, seconds, write_source),
            row("load and save, 320x180 with sound", home, SOUNDING, seconds, _write_sounding),
            row(f"{SHRUNK[0]}x{SHRUNK[1]} upscaled to twice the size", home, UPSCALING, list(UPSCALED_S), write_source),
            row(
                f"{SIZE[0] // 12}x{SIZE[1] // 12} doubled by the starter upscaler",
                home,
                STARTER,
                list(STARTER_S),
                write_source,
            ),
        ]
    note = (
        f"{SIZE[0]}x{SIZE[1]} at {FPS} frames a second through the graph of the table above, in a worker. Memory is "
        "the highest resident size above that of the idle process; growth compares the process's whole peaks."
    )
    head = ["what", "lengths", "times", "memory at the shorter", "memory at the longer", "growth of the peak"]
    return Table("Minutes of 1080p", note, head, rows)


def row(title: str, home: Path, chain: Chain, lengths_s: list[int], write: Callable[[Path, int], Path]) -> list[str]:
    """Return what a chain takes at two lengths."""
    taken: list[Measured] = []
    for seconds in lengths_s:
        source = write(home / "source.mp4", seconds)
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


def _write_sounding(path: Path, seconds: int) -> Path:
    from server.media.encode import write_video
    from server.media.pattern import pattern_clip

    write_video(path, pattern_clip(320, 180, fps=FPS, frame_count=FPS * seconds, tone_hz=440), preset="ultrafast")
    return path
