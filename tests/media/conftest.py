"""What the media tests share: small moving clips, an independent reader, a full disk, a count of open files."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from server.media.types import Audio, Clip
from tests.machine import skip_unless, small_disk


@pytest.fixture
def ffprobe() -> Callable[[Path], dict[str, Any]]:
    """Return an independent reader: path -> ffprobe's own description, with the frames counted by decoding them."""
    program = shutil.which("ffprobe")
    skip_unless(program is not None, "ffprobe is not installed, so there is no second witness")

    def read(path: Path) -> dict[str, Any]:
        command = [
            str(program),
            "-v",
            "error",
            "-of",
            "json",
            "-count_frames",
            "-show_format",
            "-show_streams",
            str(path),
        ]
        done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
        description = json.loads(done.stdout)
        streams = {stream["codec_type"]: stream for stream in description["streams"]}
        return {"format": description["format"], **streams}

    return read


@pytest.fixture
def ffmpeg() -> Callable[..., None]:
    """Return a way to make files that our own encoder does not make: arguments -> run."""
    program = shutil.which("ffmpeg")
    skip_unless(program is not None, "ffmpeg is not installed, so foreign files cannot be made")

    def run(*arguments: object) -> None:
        command = [str(program), "-v", "error", "-y", *(str(argument) for argument in arguments)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    return run


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 256 kB."""
    with small_disk(tmp_path / "disk", "256k") as folder:
        yield folder


@pytest.fixture
def open_files() -> Callable[[Path], int]:
    """Return a count of this process's open files and maps inside a folder."""
    process = psutil.Process()

    def count(folder: Path) -> int:
        inside = str(folder.resolve())
        names = [item.path for item in process.open_files()]
        if hasattr(process, "memory_maps"):
            names += [item.path for item in process.memory_maps()]
        return sum(name.startswith(inside) for name in names)

    return count


@pytest.fixture
def moving_frames() -> Callable[..., np.ndarray]:
    """Return a maker of frames that all differ: a soft gradient with a bright square that moves a little each frame."""

    def make(count: int = 24, width: int = 96, height: int = 64, dtype: str = "uint8") -> np.ndarray:
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        frames = np.empty((count, height, width, 3), np.float32)
        for index in range(count):
            frames[index, :, :, 0] = x / width * 0.6 + 0.2
            frames[index, :, :, 1] = y / height * 0.6 + 0.2
            frames[index, :, :, 2] = 0.2 + 0.6 * index / max(1, count - 1)
            left = 4 + index * 2 % (width - 24)
            frames[index, 20:36, left : left + 16] = 0.9
        scale = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
        return (np.rint(frames * scale) if scale > 1 else frames).astype(dtype)

    return make


@pytest.fixture
def chirp() -> Callable[..., Audio]:
    """Return a maker of sound whose every moment is recognisable: a tone that rises."""

    def make(duration_s: float = 1.0, rate: int = 48000, channels: int = 1) -> Audio:
        time = np.arange(round(duration_s * rate)) / rate
        wave = 0.5 * np.sin(2 * np.pi * (300 * time + 800 * time * time))
        return Audio(np.tile(wave.astype(np.float32), (channels, 1)), rate)

    return make


@pytest.fixture
def small_clip(moving_frames: Callable[..., np.ndarray]) -> Clip:
    """Return one second of moving frames, 96x64, 24 frames a second, silent."""
    return Clip.from_array(moving_frames(), Fraction(24))


@pytest.fixture
def psnr() -> Callable[[np.ndarray, np.ndarray], float]:
    """Return the peak signal-to-noise ratio of two arrays of the same dtype, in decibels."""

    def measure(first: np.ndarray, second: np.ndarray) -> float:
        peak = float(np.iinfo(first.dtype).max) if first.dtype.kind == "u" else 1.0
        error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
        return float("inf") if error == 0 else 10 * np.log10(peak**2 / error)

    return measure
