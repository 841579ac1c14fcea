"""Still pictures, previews and contact sheets."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from server.media.errors import MediaError
from server.media.files import describe_file
from server.media.pictures import image_as_clip, read_image, read_image_tags, read_mask, write_image
from server.media.preview import contact_sheet, encode_moving_preview, encode_preview
from server.media.types import Clip, Image


@pytest.mark.parametrize(("suffix", "levels"), [(".png", 0), (".bmp", 0), (".tif", 0), (".jpg", 12), (".webp", 12)])
def test_a_written_picture_reads_back(suffix: str, levels: int, tmp_path: Path, moving_frames: Any) -> None:
    pixels = moving_frames(1)[0]
    write_image(tmp_path / f"out{suffix}", Image(pixels), quality=98)
    back = read_image(tmp_path / f"out{suffix}")
    assert np.abs(back.pixels.astype(int) - pixels).mean() <= levels / 6
    assert back.pixels.dtype == np.uint8


def test_a_png_keeps_the_workflow(tmp_path: Path) -> None:
    workflow = '{"prompt": "海 é"}' * 5000
    image = Image(np.full((8, 8, 3), 0.5, np.float32))
    write_image(tmp_path / "out.png", image, metadata={"Workflow": workflow})
    assert read_image_tags(tmp_path / "out.png")["workflow"] == workflow
    with pytest.raises(MediaError, match="keeps no text tags"):
        write_image(tmp_path / "out.jpg", image, metadata={"workflow": workflow})


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :8] = 255
    exif = PilImage.Exif()
    exif[0x0112] = 6
    PilImage.fromarray(pixels).save(tmp_path / "phone.jpg", exif=exif, quality=95)
    upright = read_image(tmp_path / "phone.jpg").pixels
    assert upright.shape == (32, 16, 3)
    assert upright[:6].mean() > 240
    assert upright[-6:].mean() < 20


def test_sixteen_bit_pictures_keep_their_depth(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    PilImage.fromarray(values).save(tmp_path / "deep.png")
    assert np.abs(read_image(tmp_path / "deep.png").pixels[:, :, 1] - values / 65535).max() < 1e-6
    assert np.abs(read_mask(tmp_path / "deep.png").values - values / 65535).max() < 1e-6


@pytest.mark.parametrize("name", ["color.png", "clear.png", "color.tif"])
def test_colors_of_sixteen_bits_keep_their_depth(name: str, tmp_path: Path, ffmpeg: Any) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (6, 8, 3), np.uint16)
    (tmp_path / "deep.raw").write_bytes(values.tobytes())
    layout = "rgba64be" if name == "clear.png" else "rgb48be" if name.endswith("png") else "rgb48le"
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", "8x6", "-i", tmp_path / "deep.raw")
    ffmpeg(*raw, "-pix_fmt", layout, "-frames:v", 1, "-update", 1, tmp_path / name)
    pixels = read_image(tmp_path / name).pixels
    assert pixels.dtype == np.float32
    assert np.abs(pixels - values / 65535).max() < 1e-6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_colors_are_turned_upright_as_others_are(orientation: int, tmp_path: Path, ffmpeg: Any) -> None:
    values = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    PilImage.fromarray(values).save(tmp_path / "plain.png", exif=exif)
    ffmpeg("-noautorotate", "-i", tmp_path / "plain.png", "-pix_fmt", "rgb48be", "-update", 1, tmp_path / "deep.png")
    # FFmpeg drops the orientation; the chunk that has it is put behind the header again.
    data, plain = (tmp_path / "deep.png").read_bytes(), (tmp_path / "plain.png").read_bytes()
    start = plain.index(b"eXIf") - 4
    chunk = plain[start : start + 12 + int.from_bytes(plain[start : start + 4], "big")]
    if b"eXIf" not in data:
        (tmp_path / "deep.png").write_bytes(data[:33] + chunk + data[33:])
    deep = read_image(tmp_path / "deep.png").pixels
    assert deep.dtype == np.float32
    # FFmpeg fills the low bits with noise.
    assert np.abs(deep - read_image(tmp_path / "plain.png").pixels / 255).max() < 1 / 200


@pytest.mark.parametrize(("suffix", "side", "limit"), [(".webp", 16384, "16383"), (".jpg", 65501, "65500")])
def test_a_picture_too_large_for_its_format_is_refused(suffix: str, side: int, limit: str, tmp_path: Path) -> None:
    for shape in ((1, side, 3), (side, 1, 3)):
        with pytest.raises(MediaError, match=f"sides are {limit} at most") as caught:
            write_image(tmp_path / f"out{suffix}", Image(np.zeros(shape, np.uint8)))
        assert "PNG" in caught.value.hint
    write_image(tmp_path / f"fits{suffix}", Image(np.zeros((1, side - 1, 3), np.uint8)))
    assert [path.stem for path in tmp_path.iterdir()] == ["fits"]


def test_a_contact_sheet_of_tall_frames_fits_a_webp(tmp_path: Path) -> None:
    clip = Clip.from_array(np.zeros((12, 3000, 8, 3), np.uint8), 24)
    sheet = contact_sheet(clip)
    assert max(sheet.width, sheet.height) <= 16383
    write_image(tmp_path / "sheet.webp", sheet)


def test_a_mask_is_the_opacity_or_else_the_brightness(tmp_path: Path) -> None:
    rgba = np.full((4, 4, 4), 255, np.uint8)
    rgba[:2, :, 3] = 0
    PilImage.fromarray(rgba).save(tmp_path / "alpha.png")
    PilImage.fromarray(rgba[:, :, 3]).save(tmp_path / "gray.png")
    for name in ("alpha.png", "gray.png"):
        assert read_mask(tmp_path / name).values.mean(axis=1).tolist() == [0, 0, 1, 1]


def png_header(width: int, height: int) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\0" * 100)) + part(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", png_header(100_000, 100_000), png_header(9000, 9000), png_header(64, 64)[:60]],
    ids=["empty", "text", "100,000 pixels square", "above our limit", "cut off"],
)
def test_bad_pictures_are_refused_with_a_hint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(MediaError) as caught:
        read_image(tmp_path / "bad.png")
    assert caught.value.hint


def test_a_picture_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    image = Image(np.zeros((4, 4, 3), np.uint8))
    for name, quality in (("out.doc", 90), ("out.jpg", 0), ("none/out.png", 90)):
        with pytest.raises(MediaError):
            write_image(tmp_path / name, image, quality=quality)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_half_picture(full_disk: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    with pytest.raises(MediaError, match="the disk is full"):
        write_image(full_disk / "out.png", Image(noise))
    assert list(full_disk.iterdir()) == []


def test_a_picture_becomes_a_clip_of_any_length() -> None:
    clip = image_as_clip(Image(np.full((4, 6, 3), 7, np.uint8)), Fraction(12), 40)
    assert (clip.width, clip.height, clip.duration_s) == (6, 4, Fraction(10, 3))
    assert np.concatenate(list(clip.chunks())).shape == (40, 4, 6, 3)


@pytest.mark.parametrize(("file_format", "dtype"), [("jpeg", "uint8"), ("webp", "float32"), ("jpeg", "uint16")])
def test_a_preview_is_small_and_looks_like_its_frame(file_format: Any, dtype: str, moving_frames: Any) -> None:
    frame = moving_frames(1, 400, 200, dtype=dtype)[0]
    picture = PilImage.open(io.BytesIO(encode_preview(frame, max_side=100, file_format=file_format)))
    assert (picture.size, picture.format) == ((100, 50), file_format.upper())
    wanted = moving_frames(1, 400, 200)[0].mean(axis=(0, 1))
    assert np.abs(np.asarray(picture).mean(axis=(0, 1)) - wanted).max() < 4


def test_a_moving_preview_moves_at_its_own_pace(moving_frames: Any) -> None:
    frames = np.stack(moving_frames(6))
    picture: Any = PilImage.open(io.BytesIO(encode_moving_preview(frames, seconds=0.9)))
    assert (picture.format, picture.n_frames, picture.size) == ("WEBP", 6, frames.shape[2:0:-1])
    for number, frame in enumerate(frames):
        picture.seek(number)
        assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - frame).mean() < 8
        assert picture.info["duration"] == 150


def test_a_moving_preview_of_one_frame_is_a_still(moving_frames: Any) -> None:
    picture: Any = PilImage.open(io.BytesIO(encode_moving_preview(np.stack(moving_frames(1)), seconds=0)))
    assert (picture.format, picture.n_frames) == ("WEBP", 1)


def test_a_preview_is_never_enlarged() -> None:
    picture = PilImage.open(io.BytesIO(encode_preview(np.zeros((20, 30, 3), np.uint8))))
    assert picture.size == (30, 20)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("frames", "count", "shown"), [(40, 6, 6), (3, 6, 3), (1, 6, 1)])
def test_a_contact_sheet_shows_the_first_and_the_last_frame(known: bool, frames: int, count: int, shown: int) -> None:
    levels = np.linspace(50, 250, frames).astype(np.uint8)
    clip = Clip.from_array(np.broadcast_to(levels[:, None, None, None], (frames, 8, 16, 3)).copy(), 24)
    clip = clip if known else clip.derive(clip.producer, frame_count=None)
    sheet = contact_sheet(clip, count=count, columns=3, width=32).pixels
    columns, rows = min(3, shown), -(-shown // 3)
    assert sheet.shape == (rows * 20 + 4, columns * 36 + 4, 3)
    tiles = [int(sheet[4 + 20 * (n // 3) + 8, 4 + 36 * (n % 3) + 16, 0]) for n in range(shown)]
    assert tiles == sorted(tiles)
    assert tiles[0] == 50
    assert tiles[-1] >= (250 if known and frames > 1 else int(levels[-1]) - 60)


def test_an_empty_contact_sheet_is_refused(small_clip: Clip) -> None:
    with pytest.raises(MediaError):
        contact_sheet(small_clip, count=0)
    with pytest.raises(MediaError, match="no frames"):
        contact_sheet(Clip.from_array(np.zeros((0, 4, 4, 3), np.uint8), 24))


def test_a_described_file_has_its_size_type_and_digest(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"abc")
    (tmp_path / "b.mp4").write_bytes(b"abd")
    first, second = describe_file(tmp_path / "a.mp4"), describe_file(tmp_path / "b.mp4")
    assert (first.size_bytes, first.media_type) == (3, "video/mp4")
    assert first.digest != second.digest
    assert first.digest == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
    with pytest.raises(MediaError):
        describe_file(tmp_path / "none.mp4")
