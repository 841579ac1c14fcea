"""Image sequences: written, read by Pillow and ffmpeg, read back; folders with gaps, archives, broken pictures."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from server.media.errors import MediaError
from server.media.linear import from_linear, to_linear
from server.media.sequence import find_sequence, load_sequence, load_sequence_alpha, write_sequence
from server.media.stills import decode_still, read_exr_tags
from server.media.types import Clip
from tests.media.test_matrix import tool

NTSC = Fraction(24000, 1001)
WORKFLOW = '{"prompt": "海 é"}'


def ramps(dtype: str = "float32", width: int = 33) -> np.ndarray:
    """Return 4 frames (21, width), of every level from black to white and a little more in each."""
    values = np.linspace(0, 1, width, dtype=np.float32)[None, None, :, None] * np.ones((4, 21, 1, 3), np.float32)
    values[..., 1] *= np.linspace(0.2, 1, 4, dtype=np.float32)[:, None, None]
    scale = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    return (np.rint(values * scale) if scale > 1 else values).astype(dtype)


def write(folder: Path, clip: Clip, **options: Any) -> Path:
    assert write_sequence(folder / "shot", clip, metadata={"workflow": WORKFLOW}, **options) == 4
    return folder / "shot"


@pytest.mark.parametrize(("kind", "dtype"), [("png", "uint8"), ("png16", "uint16")])
def test_pictures_lose_nothing(kind: str, dtype: str, tmp_path: Path) -> None:
    folder = write(tmp_path, Clip.from_array(ramps(dtype), NTSC), kind=kind)
    assert sorted(path.name for path in folder.iterdir()) == [f"frame_{number:06d}.png" for number in (1, 2, 3, 4)]
    back = load_sequence(find_sequence(folder))
    assert (back.fps, back.frame_count, back.dtype, back.audio) == (NTSC, 4, dtype, None)
    np.testing.assert_array_equal(np.concatenate(list(back.chunks())), ramps(dtype))
    with PIL.Image.open(folder / "frame_000001.png") as picture:
        assert picture.text["workflow"] == WORKFLOW  # type: ignore[attr-defined]
        eight = np.asarray(picture.convert("RGB"))
    assert np.abs(eight - ramps("uint8")[0].astype(int)).max() <= 1


def test_openexr_holds_linear_light_in_half_floats(tmp_path: Path) -> None:
    frames = ramps("uint16")
    folder = write(tmp_path, Clip.from_array(frames, NTSC), kind="exr")
    first = folder / "frame_000001.exr"
    data = first.read_bytes()
    # The channel list: half floats are of type 1.
    assert data[data.index(b"chlist\0") + 7 + 6 :][:4] == b"\1\0\0\0"
    assert read_exr_tags(data) | {"writer": ""} == {"workflow": WORKFLOW, "fps": "24000/1001", "writer": ""}
    command = [tool("ffmpeg"), "-v", "error", "-i", str(first), "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-"]
    seen = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
    green, blue, red = seen.reshape(3, 21, 33)
    light = to_linear(frames[0] / 65535, "bt709")
    np.testing.assert_allclose(np.stack([red, green, blue], axis=2), light, rtol=1e-3, atol=1e-6)
    back = load_sequence(find_sequence(folder))
    assert (back.dtype, back.fps) == ("float32", NTSC)
    assert np.abs(np.concatenate(list(back.chunks())) - frames / 65535).max() < 1 / 2000


def test_linear_light_is_told_by_a_well_known_point_of_each_curve() -> None:
    assert to_linear(np.array([0.5]), "bt709")[0] == pytest.approx(0.2595894, abs=1e-6)
    assert to_linear(np.array([0.5]), "iec61966-2-1")[0] == pytest.approx(0.2140411, abs=1e-6)
    signal = np.linspace(0, 1, 1001)
    for transfer in ("bt709", "iec61966-2-1", "gamma22", "gamma28", "linear", "smpte170m"):
        np.testing.assert_allclose(from_linear(to_linear(signal, transfer), transfer), signal, atol=3e-4)
    with pytest.raises(MediaError, match="smpte2084"):
        to_linear(signal, "smpte2084")


@pytest.mark.parametrize("kind", ["png", "png16", "exr"])
def test_transparency_and_sound_go_along(kind: str, tmp_path: Path, chirp: Any) -> None:
    opacity = ramps("uint16")[..., :1].repeat(3, axis=3)
    clip = Clip.from_array(ramps("uint8"), 4, audio=chirp(1.0, channels=2))
    folder = write(tmp_path, clip, kind=kind, alpha=Clip.from_array(opacity, 4))
    sequence = find_sequence(folder)
    alpha = np.concatenate(list(load_sequence_alpha(sequence).chunks())).astype(float)
    alpha /= {"png": 255, "png16": 65535, "exr": 1}[kind]
    assert np.abs(alpha - opacity / 65535).max() <= {"png": 1 / 510, "png16": 0, "exr": 1 / 2048}[kind] + 1e-9
    part = load_sequence(sequence, start=1, count=2)
    assert part.audio is not None
    np.testing.assert_allclose(part.audio.samples, chirp(1.0, channels=2).samples[:, 12000:36000], atol=1e-6)
    color = np.concatenate(list(part.chunks())).astype(float) / {"png": 255, "png16": 65535, "exr": 1}[kind]
    assert np.abs(color - ramps("uint8")[1:3] / 255).max() < 1 / 500


def numbered(folder: Path, names: list[str]) -> Path:
    for level, name in enumerate(names):
        PIL.Image.new("RGB", (8, 6), (level * 20, 0, 0)).save(folder / name)
    return folder


def levels(clip: Clip) -> list[int]:
    return [round(float(frame[0, 0, 0]) / 20) for frame in clip.frames()]


def test_numbers_are_counted_and_not_spelled(tmp_path: Path) -> None:
    numbered(tmp_path, [f"shot.{number}.png" for number in range(8, 13)])
    (tmp_path / "notes.txt").write_text("ignored", encoding="utf-8")
    PIL.Image.new("RGB", (8, 6)).save(tmp_path / "poster_1.png")
    sequence = find_sequence(tmp_path)
    assert levels(load_sequence(sequence, fps=25)) == [0, 1, 2, 3, 4]
    strided = load_sequence(sequence, fps=25, start=1, stride=2)
    assert (levels(strided), strided.fps) == ([1, 3], Fraction(25, 2))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp", "tga"])
def test_the_usual_kinds_of_pictures_are_read(suffix: str, tmp_path: Path) -> None:
    numbered(tmp_path, [f"f{number:03d}.{suffix}" for number in range(4)])
    assert levels(load_sequence(find_sequence(tmp_path))) == [0, 1, 2, 3]


def test_dpx_of_ten_bits_is_read(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=0x804020:s=16x8:d=0.1:r=20", "-pix_fmt", "gbrp10le", tmp_path / "f%03d.dpx")
    clip = load_sequence(find_sequence(tmp_path))
    assert clip.dtype == "uint16"
    assert np.abs(next(clip.frames())[4, 8] / 257 - [0x80, 0x40, 0x20]).max() < 1.5


def test_an_archive_is_read_as_a_folder_is(tmp_path: Path) -> None:
    folder = numbered(tmp_path, [f"f{number}.png" for number in range(4)])
    with zipfile.ZipFile(tmp_path / "shot.zip", "w") as archive:
        for path in sorted(folder.glob("*.png")):
            archive.write(path, f"shot/{path.name}")
    assert levels(load_sequence(find_sequence(tmp_path / "shot.zip"))) == [0, 1, 2, 3]


def test_what_is_no_whole_sequence_is_refused_with_a_hint(tmp_path: Path) -> None:
    gap, empty, odd = tmp_path / "gap", tmp_path / "empty", tmp_path / "odd"
    for folder in (gap, empty, odd):
        folder.mkdir()
    numbered(gap, ["f1.png", "f2.png", "f4.png"])
    (tmp_path / "text.zip").write_text("no archive", encoding="utf-8")
    numbered(odd, ["f1.png", "f2.png", "f3.png"])
    PIL.Image.new("RGB", (9, 6)).save(odd / "f2.png")
    for path, told in ((gap, "3 is missing"), (empty, "no numbered"), (tmp_path / "text.zip", "neither")):
        with pytest.raises(MediaError, match=told) as caught:
            find_sequence(path)
        assert caught.value.hint
    with pytest.raises(MediaError, match=r"f2\.png is 9x6"):
        levels(load_sequence(find_sequence(odd)))
    (odd / "f2.png").write_bytes((odd / "f1.png").read_bytes()[:40])
    with pytest.raises(MediaError, match=r"f2\.png is not a readable picture"):
        levels(load_sequence(find_sequence(odd)))
    for span in ({"start": 3}, {"start": -1}, {"count": 0}, {"stride": 0}):
        with pytest.raises(MediaError, match="none is left"):
            load_sequence(find_sequence(odd), **span)
    with pytest.raises(MediaError, match="no transparency"):
        load_sequence_alpha(find_sequence(odd))


def test_two_pictures_of_one_number_are_refused_with_their_names(tmp_path: Path) -> None:
    numbered(tmp_path, ["a_1.png", "a_01.png", "a_2.png"])
    with pytest.raises(MediaError, match=r"two pictures of one number, a_01\.png and a_1\.png"):
        find_sequence(tmp_path)


def test_a_picture_above_the_limit_is_not_decoded() -> None:
    from tests.media.test_hostile import huge_png

    with pytest.raises(MediaError, match="not a readable picture"):
        decode_still(huge_png(), "a.png")


def test_an_empty_clip_and_a_full_disk_are_told(tmp_path: Path, full_disk: Path) -> None:
    with pytest.raises(MediaError, match="no frames"):
        write_sequence(tmp_path / "none", Clip.from_array(np.zeros((0, 8, 8, 3), np.uint8), 24))
    noise = np.random.default_rng(0).integers(0, 256, (8, 200, 200, 3), np.uint8)
    with pytest.raises(MediaError, match="the disk is full"):
        write_sequence(full_disk / "shot", Clip.from_array(noise, 24))
