"""Broken and hostile files, each read in a process of its own: a clear problem, little memory, no crash, no hang."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as PilImage

from server.media.audio_files import write_audio
from server.media.decode import load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.pattern import pattern_clip
from server.media.types import Audio

ROOT = Path(__file__).parent.parent.parent
TIME_LIMIT_S = 120
# What the libraries take when they are first used, and a frame or two; nothing that a header asks for.
HELD_LIMIT = 300 * 2**20


def read_apart(paths: list[Path]) -> list[dict[str, str]]:
    """Read files in one other process and return how each ended.

    Raises:
        AssertionError: The process crashed, hung or held too much.
    """
    command = [sys.executable, "-m", "tests.media.bounded", *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=TIME_LIMIT_S, check=False, encoding="utf-8")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    unread = paths[len(told)].name if len(told) < len(paths) else ""
    assert done.returncode == 0, f"{unread}: {done.stderr[-2000:]}"
    for entry in told:
        assert entry["held"] < HELD_LIMIT, entry
    return told


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png(side: int = 100_000) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def jpeg(side: int, *, claimed: int | None = None) -> bytes:
    """Return a gray JPEG, whose header may claim another size."""
    buffer = io.BytesIO()
    PilImage.new("L", (side, side), 90).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    if claimed is not None:
        start = data.index(b"\xff\xc0")
        data[start + 5 : start + 9] = struct.pack(">HH", claimed, claimed)
    return bytes(data)


def motion_jpeg(path: Path, pictures: list[bytes]) -> Path:
    """Write pictures as the frames of a video, unseen by any encoder."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for number, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base, packet.is_keyframe = Fraction(1, 10), True
            container.mux(packet)
    return path


def png_in_mov(path: Path, picture: bytes) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        packet = av.Packet(picture)
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 10)
        container.mux(packet)
    return path


def patched(data: bytes, marker: bytes, offset: int, value: bytes) -> bytes:
    """Return a file with bytes after a marker replaced."""
    place = data.index(marker) + len(marker) + offset
    return data[:place] + value + data[place + len(value) :]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one small whole file of each kind."""
    folder = tmp_path_factory.mktemp("small")
    tone = Audio(np.sin(np.arange(24000, dtype=np.float32) / 20)[None] * np.float32(0.3), 24000)
    clip = pattern_clip(64, 48, fps=12, frame_count=12)
    clip = clip.derive(clip.producer, audio=tone)
    for name, codec in (
        ("a.mp4", "h264"),
        ("a.mov", "prores"),
        ("a.webm", "vp9"),
        ("a.mkv", "ffv1"),
        ("b.mkv", "h265"),
    ):
        write_video(folder / name, clip, codec=codec, metadata={"workflow": "{}"})
    motion_jpeg(folder / "a.avi", [jpeg(64)] * 12)
    write_audio(folder / "a.wav", tone)
    for suffix in (".ts", ".aac"):
        with av.open(str(folder / "a.mp4")) as whole, av.open(str(folder / f"a{suffix}"), "w") as copy:
            picked = [stream for stream in whole.streams if suffix == ".ts" or stream.type == "audio"]
            streams = {stream.index: copy.add_stream_from_template(stream) for stream in picked}
            for packet in whole.demux(picked):
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    copy.mux(packet)
    PilImage.new("RGB", (64, 48), (200, 100, 50)).save(folder / "a.png")
    PilImage.new("RGB", (64, 48), (200, 100, 50)).save(folder / "a.tif", compression="packbits")
    return folder


def write_hostile(small: Path, folder: Path) -> dict[str, Path]:
    """Write one file of each hostile kind."""
    mp4, mkv = (small / "a.mp4").read_bytes(), (small / "a.mkv").read_bytes()
    contents = {
        "no frames.mp4": patched(mp4, b"stsz", 8, bytes(4)),
        "a huge picture.png": huge_png(),
        "a huge picture.mp4": huge_png(),
        "a huge frame.y4m": b"YUV4MPEG2 W100000 H100000 F25:1\nFRAME\n" + bytes(4096),
        "a huge track.mkv": mkv.replace(b"\xb0\x81\x40\xba\x81\x30", b"\xb0\x83\x01\x86\xa0\xba\x83\x01\x86\xa0", 1),
        "a huge track.mp4": patched(mp4, b"avc1", 24, struct.pack(">HH", 65535, 65535)),
        "countless frames.mp4": patched(mp4, b"stts", 4, struct.pack(">III", 1, 0x7FFFFFFF, 0x7FFFFFFF)),
        "countless samples.mp4": patched(mp4, b"stsz", 4, struct.pack(">II", 1, 0x7FFFFFFF)),
        "a program.mp4": b"\x7fELF\x02\x01\x01" + bytes(5000),
        "an archive.mkv": b"PK\x03\x04" + bytes(5000),
        "a web page.webm": b"<!doctype html><title>404</title>" * 50,
        "a picture.mp4": jpeg(64),
        "only sound.mp4": (small / "a.aac").read_bytes(),
        "much sound.wav": patched((small / "a.wav").read_bytes(), b"fmt ", 6, struct.pack("<HI", 65535, 0x7FFFFFFF)),
    }
    paths = {name: folder / name for name in contents}
    for name, data in contents.items():
        paths[name].write_bytes(data)
    assert mkv != contents["a huge track.mkv"]
    paths["a frame that grows.avi"] = motion_jpeg(
        folder / "a frame that grows.avi", [jpeg(64), jpeg(64, claimed=65500), jpeg(64)]
    )
    paths["a huge first frame.avi"] = motion_jpeg(folder / "a huge first frame.avi", [jpeg(64, claimed=65500)])
    paths["a huge inner picture.mov"] = png_in_mov(folder / "a huge inner picture.mov", huge_png())
    return paths


@pytest.fixture(scope="module")
def outcomes(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Return how each hostile file ended."""
    paths = write_hostile(small, tmp_path_factory.mktemp("hostile"))
    return dict(zip(paths, read_apart(list(paths.values())), strict=True))


TOLD = {
    "no frames.mp4": "no frames",
    "a huge picture.png": "far more pixels than a picture may have",
    "a huge picture.mp4": "not in a container",
    "a huge frame.y4m": "not in a container",
    "a huge track.mkv": "no frame size, or one above",
    "countless samples.mp4": "no frames",
    "a program.mp4": "not a readable",
    "an archive.mkv": "not a readable",
    "a web page.webm": "not a readable",
    "a picture.mp4": "not in a container",
    "only sound.mp4": "sound but no video",
    "much sound.wav": "audio channels",
    "a frame that grows.avi": "not a readable",
    "a huge first frame.avi": "not a readable",
    "a huge inner picture.mov": "not a readable",
}
# Damage that a player would not notice either: the frames themselves say what they are.
HARMLESS = {"a huge track.mp4", "countless frames.mp4"}


@pytest.mark.parametrize("kind", TOLD)
def test_a_hostile_file_is_a_clear_problem(kind: str, outcomes: dict[str, dict[str, str]]) -> None:
    assert TOLD[kind] in outcomes[kind]["problem"]
    assert kind in outcomes[kind]["problem"]
    assert outcomes[kind]["hint"]


def test_every_hostile_file_is_judged(outcomes: dict[str, dict[str, str]]) -> None:
    assert set(outcomes) == set(TOLD) | HARMLESS


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Return a file cut off, with wild numbers in it, or with noise in its head or all over."""
    broken = bytearray(data)
    match dice.choice(("cut", "numbers", "head", "noise")):
        case "cut":
            return data[: dice.randrange(1, len(data))]
        case "numbers":
            for _ in range(3):
                place = dice.randrange(len(data) - 8)
                broken[place : place + 4] = dice.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4)))
        case "head":
            for _ in range(5):
                broken[dice.randrange(min(len(data), 2000))] = dice.randrange(256)
        case _:
            for _ in range(dice.choice((1, 5, 50))):
                broken[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(broken)


def test_damage_anywhere_ends_no_process_and_takes_no_memory(small: Path, tmp_path: Path) -> None:
    dice = random.Random(5)
    paths: list[Path] = []
    for whole in sorted(small.iterdir()):
        for number in range(12):
            paths.append(tmp_path / f"{whole.stem}{number}{whole.suffix}")
            paths[-1].write_bytes(damaged(whole.read_bytes(), dice))
    told = read_apart(paths)
    refused = [entry for entry in told if entry["problem"]]
    assert all(entry["hint"] for entry in refused)
    # Both happen: what is read in spite of its damage, and what is not.
    assert len(told) / 4 < len(refused) < len(told)


def test_whole_files_are_read_in_the_same_way(small: Path) -> None:
    assert [entry["problem"] for entry in read_apart(sorted(small.iterdir()))] == [""] * len(list(small.iterdir()))


def test_an_8k_frame_above_the_limit_is_refused_and_below_it_is_read(tmp_path: Path) -> None:
    wide = io.BytesIO()
    PilImage.new("L", (7680, 4320), 90).save(wide, "JPEG")
    path = motion_jpeg(tmp_path / "8k.avi", [wide.getvalue()])
    with pytest.raises(MediaError, match="7680x4320, above the limit of 8847360 pixels") as caught:
        load_clip(path, max_pixels=4096 * 2160)
    assert "limit" in caught.value.hint
    assert next(load_clip(path).frames()).shape == (4320, 7680, 3)


def test_a_stream_that_turns_up_midway_and_sound_that_changes_are_read(
    tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    def part(name: str, layout: str, *more: object) -> Path:
        picture = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1"]
        coders = ["-c:v", "mpeg2video", "-c:a", "mp2", "-ac", layout]
        ffmpeg(*picture, *more, *coders, "-map", "0:v", "-map", "1:a", tmp_path / name)
        return tmp_path / name

    first, second = part("mono.ts", "1").read_bytes(), part("stereo.ts", "2").read_bytes()
    (tmp_path / "both.ts").write_bytes(first + second)
    clip = load_clip(tmp_path / "both.ts")
    assert clip.audio is not None
    assert clip.audio.channels == 1
    assert clip.audio.duration_s > 0.9
