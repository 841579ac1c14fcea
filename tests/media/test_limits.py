"""The edges of what encoders take: sizes at which they break are written safely, and what they refuse is told early."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.types import Clip

WRITE = """
import sys
import numpy as np
from server.media.encode import write_video
from server.media.types import Clip
path, codec, *sizes = sys.argv[1:]
noise = np.random.default_rng(0)
for size in sizes:
    width, height = map(int, size.split("x"))
    frames = noise.integers(0, 255, (6, height, width, 3), np.uint8)
    write_video(path, Clip.from_array(frames, 24), codec=codec)
    print(size, flush=True)
"""


def written(path: Path, codec: str, sizes: list[str]) -> list[str]:
    """Write clips of these sizes in a process of its own, and return those that were done."""
    command = [sys.executable, "-c", WRITE, str(path), codec, *sizes]
    environment = os.environ | {"MALLOC_PERTURB_": "165", "MALLOC_CHECK_": "3"}
    try:
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode().split()
    return told.stdout.split()


def test_small_pictures_do_not_break_the_heap_in_h265(tmp_path: Path) -> None:
    sizes = ["34x18", "40x24", "48x30", "16x16", "32x18", "40x40", "64x16"]
    assert written(tmp_path / "a.mp4", "h265", sizes) == sizes


def test_thin_pictures_do_not_wait_for_ever_in_av1(tmp_path: Path) -> None:
    sizes = ["320x16", "640x8", "6x640", "66x20", "4x4"]
    assert written(tmp_path / "a.mp4", "av1", sizes) == sizes


def never() -> Iterator[np.ndarray]:
    message = "frames were made for nothing"
    raise AssertionError(message)
    yield


@pytest.mark.parametrize(
    ("codec", "size", "fps", "message"),
    [
        ("h264", (64, 64), Fraction(1001), "^out.mp4 cannot have 1001 frames a second, above the limit of 1000"),
        ("av1", (64, 64), Fraction(241), "^av1 stores 240 frames a second at most, not 241"),
        ("av1", (2, 64), Fraction(24), "^2x64 is too small for av1, whose sides are 4 pixels or more"),
        ("h265", (64, 14), Fraction(24), "^64x14 is too small for h265, whose sides are 16 pixels or more"),
    ],
)
def test_what_an_encoder_refuses_is_told_before_a_frame_is_made(
    codec: str, size: tuple[int, int], fps: Fraction, message: str, tmp_path: Path
) -> None:
    clip = Clip(never, *size, fps, 24)
    with pytest.raises(MediaError, match=message):
        write_video(tmp_path / "out.mp4", clip, codec=codec)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("codec", "size", "fps"), [("h264", (64, 64), 1000), ("av1", (4, 64), 240), ("h265", (16, 16), 24)]
)
def test_the_limits_themselves_are_written(codec: str, size: tuple[int, int], fps: int, tmp_path: Path) -> None:
    frames = np.zeros((4, size[1], size[0], 3), np.uint8)
    info = write_video(tmp_path / "out.mp4", Clip.from_array(frames, fps), codec=codec)
    assert info.video is not None
    assert (info.video.width, info.video.height, info.video.fps, info.video.frame_count) == (*size, fps, 4)
