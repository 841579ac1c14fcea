"""Frames as a decoder left them mean exactly their pixels, whatever path they take: cut, joined, stored or scaled."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from server.media import spool
from server.media.colors import PixelConverter
from server.media.decode import load_clip
from server.media.edit import concatenate_clips, trim_frames
from server.media.encode import write_video
from server.media.pattern import pattern_clip
from server.media.probe import probe
from server.media.resize import resize_clip, resize_frame
from server.media.types import Clip, as_pixels
from server.media.yuv import Restorer, YuvBlock, is_yuv, siting_of


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_video(path, pattern_clip(320, 180, fps=8, frame_count=20), crf=10, preset="ultrafast")
    return path


def pixels_of(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


def decoded(path: Path) -> np.ndarray:
    """Decode as plainly as can be: every frame through swscale, at its own size."""
    info = probe(path).video
    assert info is not None
    converter = PixelConverter(info.color)
    with av.open(str(path)) as container:
        return np.stack([converter.to_rgb(frame, deep=False) for frame in container.decode(video=0)])


def undeveloped(clip: Clip) -> bool:
    return all(isinstance(block, YuvBlock) for block in clip.blocks())


def test_a_block_means_the_pixels_that_plain_decoding_gives(film: Path) -> None:
    clip = load_clip(film)
    assert undeveloped(clip)
    assert np.array_equal(pixels_of(clip), decoded(film))
    for block in clip.blocks():
        assert (block.shape, block.dtype) == (as_pixels(block).shape, as_pixels(block).dtype)


def test_cutting_and_joining_leave_frames_undeveloped(film: Path) -> None:
    clip = load_clip(film)
    joined = concatenate_clips([trim_frames(clip, start=3, count=9), clip])
    assert undeveloped(joined)
    frames = decoded(film)
    assert np.array_equal(pixels_of(joined), np.concatenate([frames[3:12], frames]))


def test_a_stored_clip_is_as_undeveloped_as_it_was_and_half_as_large(film: Path, tmp_path: Path) -> None:
    clip = load_clip(film)
    spool.write(clip, tmp_path / "clip")
    stored = spool.read(tmp_path / "clip")
    assert undeveloped(stored)
    assert np.array_equal(pixels_of(stored), decoded(film))
    assert np.array_equal(pixels_of(spool.read_backwards(tmp_path / "clip")), decoded(film)[::-1])
    size = sum(path.stat().st_size for path in (tmp_path / "clip").glob("*.raw"))
    assert size == 20 * 320 * 180 * 3 // 2
    # What is made of it is the same too, bit for bit: a cached result must not depend on where its frames came from.
    assert np.array_equal(pixels_of(resize_clip(stored, 200, 112)), pixels_of(resize_clip(clip, 200, 112)))


def test_blocks_of_both_kinds_are_stored_in_their_order(film: Path, tmp_path: Path) -> None:
    clip = load_clip(film)
    drawn = pattern_clip(320, 180, fps=8, frame_count=5)
    mixed = concatenate_clips([drawn, clip, drawn])
    spool.write(mixed, tmp_path / "clip")
    assert np.array_equal(pixels_of(spool.read(tmp_path / "clip")), pixels_of(mixed))
    backwards = spool.read_backwards(tmp_path / "clip")
    assert np.array_equal(pixels_of(backwards), pixels_of(mixed)[::-1])


@pytest.mark.parametrize("size", [(200, 112), (640, 360), (96, 180)])
def test_scaling_in_one_step_is_scaling_after_conversion(
    size: tuple[int, int], film: Path, psnr: Callable[..., float]
) -> None:
    once = pixels_of(resize_clip(load_clip(film), *size))
    twice = np.stack([resize_frame(frame, *size) for frame in decoded(film)])
    assert once.shape == twice.shape
    # Luma agrees to rounding; chroma, which is scaled from half size at once, is only near.
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert np.mean(np.abs(once @ weights - twice @ weights)) < 0.5
    assert psnr(once, twice) > 38


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 0, 255), (16, 200, 90)])
def test_hard_edges_between_extremes_do_not_wrap_around(color: tuple[int, int, int], tmp_path: Path) -> None:
    y, x = np.mgrid[0:180, 0:320]
    frame = np.where(((x // 10 + y // 10) % 2)[..., None], np.array(color), 255 - np.array(color)).astype(np.uint8)
    write_video(tmp_path / "edges.mkv", Clip.from_array(np.stack([frame] * 2), 8), crf=0, preset="ultrafast")
    [block] = load_clip(tmp_path / "edges.mkv").blocks()
    assert isinstance(block, YuvBlock)
    [once, _] = block.resized(480, 270)
    twice = resize_frame(block.pixels()[0], 480, 270)
    assert np.abs(once.astype(int) - twice).max() < 100  # wrapping around makes it 255
    assert np.mean(np.abs(once.astype(int) - twice)) < 10


def test_other_methods_than_lanczos_take_the_pixels(film: Path) -> None:
    nearest = pixels_of(resize_clip(load_clip(film), 160, 90, method="nearest"))
    assert np.array_equal(nearest, np.stack([resize_frame(f, 160, 90, method="nearest") for f in decoded(film)]))


@pytest.mark.parametrize(("codec", "pixel_format"), [("ffv1", None), ("h264", "yuv444p"), ("h264", "yuv420p10le")])
def test_formats_that_are_not_passed_on_become_rgb(codec: str, pixel_format: str | None, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    write_video(path, pattern_clip(64, 48, fps=8, frame_count=3), codec=codec, pixel_format=pixel_format)
    read = load_clip(path)
    assert all(isinstance(block, np.ndarray) for block in read.blocks())
    assert pixels_of(read).shape == (3, 48, 64, 3)


@pytest.mark.parametrize("siting", ["left", "center", "topleft", "top", "bottomleft", "bottom"])
def test_where_chroma_lies_is_found_out_and_stored(siting: str, film: Path, tmp_path: Path) -> None:
    first = next(load_clip(film).blocks())
    assert isinstance(first, YuvBlock)
    assert siting_of(first) == "left"
    block = Restorer(first.developer.tags, siting, 320, 180).block(first.planes())
    assert siting_of(block) == siting
    assert np.array_equal(block.pixels(), first.pixels()) is (siting == "left")
    clip = Clip(lambda: iter([block]), 320, 180, Fraction(8), len(block.frames))
    spool.write(clip, tmp_path / "clip")
    assert np.array_equal(pixels_of(spool.read(tmp_path / "clip")), block.pixels())


def test_only_even_sizes_of_one_format_are_passed_on() -> None:
    assert is_yuv(av.VideoFrame(64, 48, "yuv420p"))
    assert not is_yuv(av.VideoFrame(63, 48, "yuv420p"))
    assert not is_yuv(av.VideoFrame(64, 47, "yuv420p"))
    assert not is_yuv(av.VideoFrame(64, 48, "rgb24"))
