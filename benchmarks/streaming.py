"""Time and memory of a 1080p clip as a stream, at two lengths, beside the same work written by hand as one PyAV loop.

Load, scale to 1280x720, grade, twice the frame rate by blending, save as H.264. Each run has a process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchmarks.table import Table

SECONDS = (10, 40)
FPS = 6
WIDTH, HEIGHT = 1280, 720
GAIN, GAMMA = 0.9, 1.2
CRF, PRESET = 20, "veryfast"
_MIB = 2**20


def run() -> Table:
    """Run every variant at both lengths, each in a fresh process, from a source that is encoded once."""
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for seconds in SECONDS:
            _write_source(home / f"{seconds}.mp4", seconds)
        for title, work in VARIANTS.items():
            figures = [_measured(work, home / f"{seconds}.mp4", home) for seconds in SECONDS]
            times = [f"{taken:.1f} s" for taken, _memory in figures]
            memories = [f"{memory / _MIB:.0f} MiB" for _taken, memory in figures]
            growth = f"{(figures[1][1] / figures[0][1] - 1) * 100:+.1f} %"
            rows.append([title, *times, *memories, growth])
    short, long = SECONDS
    head = ["what", f"{short} s", f"{long} s", f"memory at {short} s", f"memory at {long} s", "growth"]
    note = (
        f"1920x1080 at {FPS} frames a second, loaded, scaled to {WIDTH}x{HEIGHT}, graded, interpolated to {2 * FPS} by "
        f"blending, saved (H.264, {PRESET}). Memory is the highest resident size above that of the idle process, which "
        "has every library loaded. One run of each, in turn."
    )
    return Table("A 1080p clip as a stream", note, head, rows)


def _write_source(path: Path, seconds: int) -> None:
    from server.media.encode import write_video
    from server.media.pattern import pattern_clip

    write_video(path, pattern_clip(1920, 1080, fps=FPS, frame_count=FPS * seconds), preset="ultrafast")


def _measured(work: Callable[[Path, Path], None], source: Path, home: Path) -> tuple[float, int]:
    """Return the seconds that the work took, and the most bytes that its process grew by meanwhile."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(work, source, home, theirs))
    process.start()
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
    return taken, highest - idle


def _child(work: Callable[[Path, Path], None], source: Path, home: Path, pipe: Connection) -> None:
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

        def write(pixels: Any) -> None:
            writer.mux(encoder.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))

        last = None
        for frame in reader.decode(decoder):
            scaled = frame.reformat(WIDTH, HEIGHT, "rgb24", interpolation="LANCZOS")
            pixels = table[scaled.to_ndarray()]
            if last is not None:
                write(last)
                write(((last.astype(np.uint16) + pixels + 1) >> 1).astype(np.uint8))
            last = pixels
        write(last)
        write(last)
        writer.mux(encoder.encode(None))


def by_library(source: Path, home: Path) -> None:
    """Do the work with the media library: one stream, no engine."""
    from server.media.decode import load_clip
    from server.media.encode import write_video
    from server.media.grade import Grade, grade_clip
    from server.media.interpolate import interpolate_clip
    from server.media.resize import resize_clip

    scaled = resize_clip(load_clip(source), WIDTH, HEIGHT)
    smooth = interpolate_clip(grade_clip(scaled, Grade(gain=GAIN, gamma=GAMMA)), 2)
    write_video(home / "library.mp4", smooth, crf=CRF, preset=PRESET)


def by_graph(source: Path, home: Path) -> None:
    """Do the work as a graph in a worker: plan, cache keys and the lossless copy for the next run included."""
    from server.engine.cancel import CancelToken
    from server.jobs.service import worker_hello
    from server.jobs.session import WorkerSession
    from server.settings import Settings

    with tempfile.TemporaryDirectory(dir=home) as name:
        settings = Settings.load({**os.environ, "KINEGRAPH_HOME": name}).create_folders()
        os.link(source, settings.folders.uploads / "source.mp4")
        session = WorkerSession(worker_hello(settings))
        outcome = session.run(json.dumps(_document()), {}, emit=lambda _event: None, cancel=CancelToken())
        session.close()
        assert outcome.result, outcome.error


def _document() -> dict[str, object]:
    chain: list[tuple[str, str, dict[str, object]]] = [
        ("load", "load_video", {"file": "source.mp4"}),
        ("scale", "resize_clip", {"width": WIDTH, "height": HEIGHT}),
        ("grade", "grade_clip", {"gain": GAIN, "gamma": GAMMA}),
        ("smooth", "interpolate_frames", {"factor": 2}),
        ("save", "save_video", {"crf": CRF, "preset": PRESET}),
    ]
    nodes: dict[str, object] = {}
    before = None
    for name, kind, inputs in chain:
        linked = {**inputs, "clip": {"link": [before, "clip"]}} if before else inputs
        nodes[name] = {"type": kind, "version": 1, "inputs": linked}
        before = name
    return {"kinegraph": 1, "inputs": {}, "outputs": {"file": {"node": "save", "output": "file"}}, "nodes": nodes}


VARIANTS: dict[str, Callable[[Path, Path], None]] = {
    "one PyAV loop, by hand": by_hand,
    "`server.media`, as one stream": by_library,
    "the graph in a worker": by_graph,
}
