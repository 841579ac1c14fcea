"""Files from other programs: every frame at its place in many codecs and containers; fields, transparency, odd pixels.

The files are made by Debian's ffmpeg, whose encoders share nothing with ours but the name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from server.media.decode import load_alpha, load_clip
from server.media.errors import MediaError
from server.media.probe import probe
from server.media.types import Chapter, Clip

STEP = 4
COUNT = 60
FIRSTS = (0, 1, 11, 12, 13, 24, 35, 58)

FORMATS = {
    "open-gop.mp4": "-c:v libx264 -crf 5 -g 12 -bf 3 -x264-params open-gop=1 -pix_fmt yuv420p",
    "open-gop.ts": "-c:v libx264 -crf 5 -g 12 -bf 3 -x264-params open-gop=1 -pix_fmt yuv420p",
    "raw.h264": "-c:v libx264 -crf 5 -g 12 -bf 3 -pix_fmt yuv420p",
    "h265.mkv": "-c:v libx265 -crf 5 -x265-params keyint=12:open-gop=1:log-level=error -pix_fmt yuv420p10le",
    "mpeg2.ts": "-c:v mpeg2video -q:v 2 -g 12 -bf 2 -pix_fmt yuv420p",
    "mpeg2.mxf": "-c:v mpeg2video -q:v 2 -g 12 -bf 2 -pix_fmt yuv420p",
    "mpeg4.avi": "-c:v mpeg4 -q:v 2 -g 12 -bf 2 -pix_fmt yuv420p",
    "hidden-frames.webm": "-c:v libvpx-vp9 -b:v 0 -crf 5 -g 12 -auto-alt-ref 1 -pix_fmt yuv420p",
    "vp8.webm": "-c:v libvpx -b:v 2M -crf 4 -g 12 -pix_fmt yuv420p",
    "av1.mp4": "-c:v libaom-av1 -crf 5 -g 12 -cpu-used 8 -pix_fmt yuv420p",
    "theora.ogv": "-c:v libtheora -q:v 10 -g 12 -pix_fmt yuv420p",
    "prores.mov": "-c:v prores_ks -pix_fmt yuv422p10le",
    "motion.avi": "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p",
    "gray.mkv": "-c:v ffv1 -pix_fmt gray",
    "flash.flv": "-c:v flv1 -q:v 2 -g 12",
}


@pytest.fixture
def numbered(tmp_path: Path) -> list[object]:
    """Return ffmpeg's arguments for frames whose gray level is their number times STEP."""
    raw = tmp_path / "numbered.raw"
    raw.write_bytes(np.repeat(np.arange(COUNT, dtype=np.uint8) * STEP, 64 * 64).tobytes())
    return ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x64", "-r", "24", "-i", raw]


def numbers(clip: Clip) -> list[int]:
    depth = 257 if clip.dtype == "uint16" else 1
    return [round(float(frame.mean()) / depth / STEP) for frame in clip.frames()]


@pytest.mark.parametrize("name", FORMATS)
def test_frame_n_is_frame_n_in_every_format(
    name: str, numbered: list[object], tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    path = tmp_path / name
    ffmpeg(*numbered, *FORMATS[name].split(), path)
    video = probe(path).video
    assert video is not None
    assert video.frame_count == COUNT
    # Raw streams carry no rate but the one that their codec may have.
    rate = video.fps
    for first in FIRSTS:
        part = load_clip(path, start_s=first / rate, duration_s=3 / rate)
        assert numbers(part) == list(range(first, min(first + 3, COUNT)))


@pytest.mark.parametrize(("fps", "step"), [(Fraction(12), 2), (Fraction(8), 3), (Fraction(48), 0.5), (Fraction(6), 4)])
def test_another_rate_takes_what_is_on_screen_then(
    fps: Fraction, step: float, numbered: list[object], tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    ffmpeg(*numbered, *FORMATS["open-gop.mp4"].split(), tmp_path / "a.mp4")
    clip = load_clip(tmp_path / "a.mp4", start_s=0.5, fps=fps)
    assert (clip.fps, clip.duration_s) == (fps, 2)
    assert numbers(clip) == [12 + int(index * step) for index in range(int(fps) * 2)]


@pytest.mark.parametrize("coder", [("mpeg2video", "a.ts"), ("libx264", "a.mp4")], ids=["MPEG-2", "H.264"])
def test_fields_are_made_whole(coder: tuple[str, str], tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    # Upright bars that move 4 pixels a field: every row of a whole frame is like the row below.
    bars = "nullsrc=s=128x96:r=50:d=1,geq=lum='if(lt(mod(X+4*N\\,32)\\,16)\\,200\\,40)':cb=128:cr=128"
    path = tmp_path / coder[1]
    fields = ["-vf", "interlace=scan=tff:lowpass=off", "-flags", "+ildct+ilme", "-pix_fmt", "yuv420p"]
    ffmpeg("-f", "lavfi", "-i", bars, *fields, "-c:v", coder[0], "-top", "1", "-q:v", "1", "-b:v", "8M", path)
    info = probe(path).video
    assert info is not None
    assert (info.interlaced, info.frame_count) == (True, 25)
    frames = np.concatenate(list(load_clip(path).chunks())).astype(int)
    assert len(frames) == 25
    combing = np.abs(np.diff(frames[:, :, :, 1], axis=1)).mean()
    # Left as they are, half of the pixels beside each edge would jump by 160 from row to row.
    assert combing < 4
    part = load_clip(path, start_s=Fraction(10, 25), duration_s=Fraction(3, 25))
    np.testing.assert_array_equal(np.concatenate(list(part.chunks())), frames[10:13])


ALPHA_FORMATS = {
    "prores.mov": "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le",
    "vp9.webm": "-c:v libvpx-vp9 -b:v 0 -crf 5 -pix_fmt yuva420p",
    "vp8.webm": "-c:v libvpx -b:v 2M -crf 4 -auto-alt-ref 0 -pix_fmt yuva420p",
    "lossless.mkv": "-c:v ffv1 -pix_fmt bgra",
    "animation.mov": "-c:v qtrle -pix_fmt argb",
    "picture.png": "-c:v apng -f apng -pix_fmt rgba",
}


@pytest.mark.parametrize("name", ALPHA_FORMATS)
def test_transparency_comes_as_a_gray_clip(name: str, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    # Opacity rises from left to right, and by one level with each frame.
    ramp = "nullsrc=s=64x48:r=10:d=1,format=rgba,geq=r=200:g=60:b=30:a='X*3+N'"
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", ramp, *ALPHA_FORMATS[name].split(), path)
    info = probe(path).video
    assert info is not None
    assert info.has_alpha
    alpha = load_alpha(path, start_s=0.3)
    depth = 257 if alpha.dtype == "uint16" else 1
    frames = np.concatenate(list(alpha.chunks())) / depth
    assert frames.shape == (7, 48, 64, 3)
    wanted = np.arange(64)[None, :] * 3 + np.arange(3, 10)[:, None]
    assert np.abs(frames - wanted[:, None, :, None]).max() <= 3
    assert np.abs(next(load_clip(path).frames())[24, 60] / depth - [200, 60, 30]).max() <= 6


def test_a_file_without_transparency_has_none_to_load(
    numbered: list[object], tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    ffmpeg(*numbered, *FORMATS["open-gop.mp4"].split(), tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="no transparency"):
        load_alpha(tmp_path / "a.mp4")


def test_ten_bits_and_odd_sizes_are_read(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    ramp = "nullsrc=s=101x57:r=10:d=0.3,format=gbrp10le,geq=r='X*10':g='X*10':b='X*10'"
    path = tmp_path / "odd.mkv"
    ffmpeg("-f", "lavfi", "-i", ramp, "-c:v", "ffv1", "-pix_fmt", "gbrp10le", path)
    clip = load_clip(path)
    assert (clip.width, clip.height, clip.dtype) == (101, 57, "uint16")
    frame = next(clip.frames())
    np.testing.assert_allclose(frame[28, :, 0] / 65535, np.arange(101) * 10 / 1023, atol=1 / 4096)
    halved = tmp_path / "odd.mp4"
    ffmpeg("-i", path, "-c:v", "mpeg4", "-q:v", "1", "-pix_fmt", "yuv420p", halved)
    assert next(load_clip(halved).frames()).shape == (57, 101, 3)


def test_pixels_that_are_not_square_become_so(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    source = ["-f", "lavfi", "-i", "testsrc=s=72x58:r=5:d=0.4"]
    ffmpeg(*source, "-vf", "setsar=16/11", "-c:v", "libx264", "-pix_fmt", "yuv420p", tmp_path / "wide.mp4")
    ffmpeg(*source, "-c:v", "libx264", "-pix_fmt", "yuv420p", tmp_path / "square.mp4")
    aspects = [probe(tmp_path / name).video.pixel_aspect for name in ("wide.mp4", "square.mp4")]  # type: ignore[union-attr]
    assert aspects == [Fraction(16, 11), 1]
    clip = load_clip(tmp_path / "wide.mp4")
    assert (clip.width, clip.height, next(clip.frames()).shape) == (104, 58, (58, 104, 3))


def test_a_stride_leaves_frames_out_and_keeps_the_time(
    numbered: list[object], tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    ffmpeg(*numbered, *FORMATS["open-gop.mp4"].split(), tmp_path / "a.mp4")
    clip = load_clip(tmp_path / "a.mp4", stride=5)
    assert (clip.fps, clip.duration_s, numbers(clip)) == (Fraction(24, 5), Fraction(5, 2), list(range(0, 60, 5)))
    with pytest.raises(MediaError, match="out of range"):
        load_clip(tmp_path / "a.mp4", stride=0)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_chapters_come_with_the_clip_and_are_cut_with_it(
    suffix: str, numbered: list[object], tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    marks = [(0, 1000, "Intro"), (1000, 2500, "Börse = #1; ok")]
    lines = [f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}" for start, end, title in marks]
    text = "\n".join([";FFMETADATA1", *lines]).replace("= #1;", "\\= \\#1\\;")
    (tmp_path / "marks.txt").write_text(text, encoding="utf-8")
    path = tmp_path / f"a.{suffix}"
    ffmpeg(*numbered, "-i", tmp_path / "marks.txt", "-map_metadata", "1", "-map", "0:v", "-c:v", "libx264", path)
    told = tuple(Chapter(Fraction(start, 1000), Fraction(end, 1000), title) for start, end, title in marks)
    assert load_clip(path).chapters == told
    half = Fraction(1, 2)
    cut = (Chapter(Fraction(0), half, "Intro"), Chapter(half, Fraction(3, 2), told[1].title))
    assert load_clip(path, start_s=half, duration_s=3 * half).chapters == cut
