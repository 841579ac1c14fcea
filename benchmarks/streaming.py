"""Time and memory of a 1080p clip as a stream, beside the same work written by hand as one PyAV loop with threads.

Load, scale to 1280x720, grade, twice the frame rate by blending, save as H.264. Each run has a process of its own, and
the variants take turns. `long_clip` does the same for minutes of it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchmarks.table import Table, spread

ROUNDS = 5
SECONDS = (4, 16)
FPS = 30
SIZE = (1920, 1080)
WIDTH, HEIGHT = 1280, 720
GAIN, GAMMA = 0.9, 1.2
CRF, PRESET = 20, "veryfast"
MIB = 2**20

Work = Callable[[Path, Path], None]


def run() -> Table:
    """Run every variant in turn, several times at the longer length and once at the shorter."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        short, long = (write_source(home / f"{seconds}.mp4", seconds) for seconds in SECONDS)
        taken: dict[str, list[Measured]] = {title: [] for title in VARIANTS}
        for _ in range(ROUNDS):
            for title, work in VARIANTS.items():
                taken[title].append(measured(work, long, home))
        before = {title: measured(work, short, home) for title, work in VARIANTS.items()}
    by_hand_s = [one.seconds for one in taken[BY_HAND]]
    rows: list[list[str]] = []
    for title, runs in taken.items():
        ratios = [one.seconds / hand for one, hand in zip(runs, by_hand_s, strict=True)]
        peak = max(one.grown_bytes for one in runs)
        rows.append(
            [
                title,
                spread([one.seconds for one in runs], " s", 1),
                spread(ratios) if title != BY_HAND else "1",
                f"{before[title].grown_bytes / MIB:.0f} MiB",
                f"{peak / MIB:.0f} MiB",
            ]
        )
    head = ["what", "time", "ratio, pair by pair", f"memory at {SECONDS[0]} s", f"memory at {SECONDS[1]} s"]
    note = (
        f"{SIZE[0]}x{SIZE[1]} at {FPS} frames a second, {SECONDS[1]} s of it, loaded, scaled to {WIDTH}x{HEIGHT}, "
        f"graded, interpolated to {2 * FPS} by blending, saved (H.264, {PRESET}). The loop by hand has every thread "
        f"that PyAV offers: of the decoder, of swscale and of the encoder. {ROUNDS} runs of each in turn, median "
        "(smallest to largest). Memory is the highest resident size above that of the idle process, which has every "
        "library loaded."
    )
    return Table("A 1080p clip as a stream", note, head, rows)


def write_source(path: Path, seconds: int) -> Path:
    """Write a clip of a test pattern: two seconds of it, encoded once and repeated."""
    import av

    from server.media.encode import write_video
    from server.media.pattern import pattern_clip

    once = path.with_name(f"once-{path.name}")
    write_video(once, pattern_clip(*SIZE, fps=FPS, frame_count=2 * FPS), preset="ultrafast")
    with av.open(str(path), "w") as writer, av.open(str(once)) as first:
        track: Any = writer.add_stream_from_template(first.streams.video[0])
        for number in range(seconds // 2):
            with av.open(str(once)) as reader:
                for packet in reader.demux(video=0):
                    if packet.dts is None or packet.pts is None or packet.time_base is None:
                        continue
                    later = int(2 * number / packet.time_base)
                    packet.dts, packet.pts, packet.stream = packet.dts + later, packet.pts + later, track
                    writer.mux(packet)
    once.unlink()
    return path


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: its seconds, the resident size of its process before it, and the most that it grew by."""

    seconds: float
    idle_bytes: int
    grown_bytes: int


def measured(work: Work, source: Path, home: Path) -> Measured:
    """Do the work in a process of its own, and watch its memory."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(work, source, home, theirs))
    process.start()
    theirs.close()  # else the end of a process that fails would not be seen
    idle = ours.recv()
    watched, highest, stop = psutil.Process(process.pid), idle, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not stop.wait(0.01):
            try:
                highest = max(highest, watched.memory_info().rss)
            except psutil.NoSuchProcess:
                return

    thread = threading.Thread(target=watch)
    thread.start()
    ours.send("go")
    try:
        taken = ours.recv()
    finally:
        stop.set()
        thread.join()
        process.join()
    return Measured(taken, idle, highest - idle)


def _child(work: Work, source: Path, home: Path, pipe: Connection) -> None:
    """Load what the work needs, say how large that is, do it, and say how long it took."""
    import server.media.decode
    import server.media.encode
    import server.media.grade  # noqa: F401

    pipe.send(psutil.Process().memory_info().rss)
    pipe.recv()
    began = time.perf_counter()
    work(source, home)
    pipe.send(time.perf_counter() - began)


def by_hand(source: Path, home: Path) -> None:
    """Do the work as one loop over PyAV: swscale scales, a table grades, the encoder gets every frame and a blend."""
    import av
    import numpy as np

    table = np.rint(255 * np.clip(GAIN * np.arange(256) / 255, 0, 1) ** (1 / GAMMA)).astype(np.uint8)
    with av.open(str(source)) as reader, av.open(str(home / "hand.mp4"), "w") as writer:
        decoder = reader.streams.video[0]
        decoder.thread_type = "AUTO"
        encoder: Any = writer.add_stream("libx264", rate=Fraction(2 * FPS), options={"crf": str(CRF), "preset": PRESET})
        encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        encoder.thread_type = "AUTO"

        def write(pixels: Any) -> None:
            writer.mux(encoder.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))

        last = None
        for frame in reader.decode(decoder):
            scaled = frame.reformat(WIDTH, HEIGHT, "rgb24", interpolation="LANCZOS", threads=0)
            pixels = table[scaled.to_ndarray()]
            if last is not None:
                write(last)
                write(((last.astype(np.uint16) + pixels + 1) >> 1).astype(np.uint8))
            last = pixels
        write(last)
        write(last)
        writer.mux(encoder.encode(None))


def by_library(source: Path, home: Path) -> None:
    """Do the work with the media library: one stream on one thread, no engine."""
    from server.media.decode import load_clip
    from server.media.encode import write_video
    from server.media.grade import Grade, grade_clip
    from server.media.interpolate import interpolate_clip
    from server.media.resize import resize_clip

    scaled = resize_clip(load_clip(source), WIDTH, HEIGHT)
    smooth = interpolate_clip(grade_clip(scaled, Grade(gain=GAIN, gamma=GAMMA)), 2)
    write_video(home / "library.mp4", smooth, crf=CRF, preset=PRESET)


Chain = list[tuple[str, str, dict[str, object]]]

CHAIN: Chain = [
    ("load", "load_video", {"file": "source.mp4"}),
    ("scale", "resize_clip", {"width": WIDTH, "height": HEIGHT}),
    ("grade", "grade_clip", {"gain": GAIN, "gamma": GAMMA}),
    ("smooth", "interpolate_frames", {"factor": 2, "method": "blend"}),
    ("save", "save_video", {"crf": CRF, "preset": PRESET}),
]


def by_graph(source: Path, home: Path, chain: Chain = CHAIN) -> None:
    """Do the work as a graph in a worker: plan, cache keys, a thread for each stage."""
    from server.engine.cancel import CancelToken
    from server.jobs.service import worker_hello
    from server.jobs.session import WorkerSession
    from server.settings import Settings

    with tempfile.TemporaryDirectory(dir=home) as name:
        settings = Settings.load({**os.environ, "KINEGRAPH_HOME": name}).create_folders()
        os.link(source, settings.folders.uploads / "source.mp4")
        session = WorkerSession(worker_hello(settings))
        outcome = session.run(json.dumps(_document(chain)), {}, emit=lambda _event: None, cancel=CancelToken())
        session.close()
        assert outcome.result, outcome.error
        assert outcome.result.artifacts, outcome.error


def _document(chain: Chain) -> dict[str, object]:
    nodes: dict[str, object] = {}
    before = None
    for name, kind, inputs in chain:
        linked = {**inputs, "clip": {"link": [before, "clip"]}} if before else inputs
        nodes[name] = {"type": kind, "version": 1, "inputs": linked}
        before = name
    return {"kinegraph": 1, "inputs": {}, "outputs": {"file": {"node": "save", "output": "file"}}, "nodes": nodes}


BY_HAND = "one PyAV loop, by hand"
VARIANTS: dict[str, Work] = {
    BY_HAND: by_hand,
    "`server.media`, as one stream": by_library,
    "the graph in a worker": partial(by_graph, chain=CHAIN),
}
