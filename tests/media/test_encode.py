"""Files that we write, read back: frames, rate, duration, colour, sound, metadata; and what happens when it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from server.media.codecs import SPEEDS, choose_options
from server.media.colors import convert_dtype
from server.media.decode import load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.probe import probe
from server.media.types import Audio, Clip, ColorTags

WRITTEN = [
    ("h264", ".mp4"),
    ("h264", ".mkv"),
    ("h265", ".mp4"),
    ("vp9", ".webm"),
    ("av1", ".mp4"),
    ("prores", ".mov"),
    ("ffv1", ".mkv"),
]
NTSC = Fraction(24000, 1001)


def all_frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.mark.parametrize("kind", WRITTEN, ids="".join)
def test_a_written_file_reads_back_as_what_was_written(
    kind: tuple[str, str], tmp_path: Path, moving_frames: Any, chirp: Any, psnr: Any
) -> None:
    codec, suffix = kind
    frames = moving_frames(24)
    path = tmp_path / f"out{suffix}"
    info = write_video(path, Clip.from_array(frames, NTSC, audio=chirp(24 / NTSC, channels=2)), codec=codec)
    assert info == probe(path)
    assert info.video is not None
    assert info.audio is not None
    assert (info.video.width, info.video.height, info.video.frame_count) == (96, 64, 24)
    assert (info.video.fps, info.video.duration_s) == (NTSC, 24 / NTSC)
    assert (info.video.color.primaries, info.video.color.transfer) == ("bt709", "bt709")
    back = load_clip(path)
    assert psnr(convert_dtype(all_frames(back), "uint8"), frames) > (100 if codec == "ffv1" else 30)
    assert back.audio is not None
    assert abs(back.audio.duration_s - 24 / NTSC) < 1 / NTSC


@pytest.mark.parametrize("kind", WRITTEN, ids="".join)
def test_an_independent_reader_agrees(
    kind: tuple[str, str], tmp_path: Path, moving_frames: Any, chirp: Any, ffprobe: Any
) -> None:
    codec, suffix = kind
    path = tmp_path / f"out{suffix}"
    clip = Clip.from_array(moving_frames(24), NTSC, audio=chirp(24 / NTSC))
    write_video(path, clip, codec=codec, metadata={"workflow": '{"a": "é"}'})
    seen = ffprobe(path)
    video = seen["video"]
    assert int(video["nb_read_frames"]) == 24
    assert (video["width"], video["height"], video["avg_frame_rate"]) == (96, 64, "24000/1001")
    assert abs(float(seen["format"]["duration"]) - float(24 / NTSC)) < float(1 / NTSC)
    tags = {key.lower(): value for key, value in seen["format"]["tags"].items()}
    assert tags["workflow"] == '{"a": "é"}'
    if codec != "ffv1":
        colors = [video[f"color_{name}"] for name in ("range", "space", "transfer", "primaries")]
        assert colors == ["tv", "bt709", "bt709", "bt709"]
    assert abs(_sound_length(path) - float(24 / NTSC)) < float(1 / NTSC)


def _sound_length(path: Path) -> float:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    return float(frames[-1].pts * frames[-1].time_base) + frames[-1].samples / frames[-1].sample_rate


def bt709(rgb: np.ndarray) -> np.ndarray:
    """Return limited-range 8-bit YCbCr from RGB in 0..255, after ITU-R BT.709-6, sections 3.2 to 3.5."""
    red, green, blue = rgb.astype(float).T / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return np.stack([16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748], axis=1)


def color_chart() -> tuple[np.ndarray, np.ndarray]:
    """Return 64 colours and a (1, 128, 128, 3) frame of 16x16 patches of them."""
    levels = np.array([0, 85, 170, 255], np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    chart = colors.reshape(8, 8, 3).repeat(16, axis=0).repeat(16, axis=1)
    return colors, chart[None]


def patch_centres(frame: np.ndarray, size: int) -> np.ndarray:
    return frame[size // 2 :: size, size // 2 :: size].reshape(64, -1)


def test_colours_are_stored_with_the_bt709_matrix_in_limited_range(tmp_path: Path) -> None:
    colors, chart = color_chart()
    path = tmp_path / "chart.mp4"
    write_video(path, Clip.from_array(chart, 24), crf=1)
    with av.open(str(path)) as container:
        planes = next(container.decode(video=0)).to_ndarray()
    luma, chroma = planes[:128], planes[128:].reshape(2, 64, 64)
    stored = np.concatenate([patch_centres(luma, 16), *(patch_centres(plane, 8) for plane in chroma)], axis=1)
    assert np.abs(stored.astype(float) - bt709(colors)).max() <= 1.5


@pytest.mark.parametrize(("codec", "suffix", "levels"), [("h264", ".mp4", 3), ("vp9", ".webm", 3), ("ffv1", ".mkv", 0)])
def test_a_colour_chart_survives_within_a_few_levels(codec: str, suffix: str, levels: int, tmp_path: Path) -> None:
    colors, chart = color_chart()
    path = tmp_path / f"chart{suffix}"
    write_video(path, Clip.from_array(chart, 24), codec=codec, crf=1)
    back = patch_centres(next(load_clip(path).frames()), 16)
    assert np.abs(back.astype(int) - colors).max() <= levels


def test_ten_bit_files_keep_more_than_eight_bits(tmp_path: Path) -> None:
    ramp = np.linspace(0.2, 0.8, 256, dtype=np.float32)
    frames = np.tile(ramp[None, None, :, None], (3, 64, 1, 3))
    info = write_video(tmp_path / "deep.mp4", Clip.from_array(frames, 24), pixel_format="yuv420p10le", crf=1)
    assert info.video is not None
    assert info.video.bit_depth == 10
    back = load_clip(tmp_path / "deep.mp4")
    assert back.dtype == "uint16"
    assert np.abs(all_frames(back) / 65535 - frames).max() < 1 / 300


@pytest.mark.parametrize(
    "color",
    [ColorTags("bt2020", "smpte2084", "bt2020nc"), ColorTags(full_range=True), ColorTags(matrix="smpte170m")],
    ids=["HDR", "full range", "BT.601"],
)
def test_other_colour_spaces_are_tagged_and_come_back_alike(color: ColorTags, tmp_path: Path) -> None:
    colors, chart = color_chart()
    path = tmp_path / "chart.mp4"
    write_video(path, Clip.from_array(chart, 24, color=color), codec="h265", pixel_format="yuv420p10le", crf=1)
    info = probe(path).video
    assert info is not None
    assert info.color == color
    clip = load_clip(path)
    assert (clip.color.primaries, clip.color.transfer) == (color.primaries, color.transfer)
    back = patch_centres(next(clip.frames()), 16) / 257
    assert np.abs(back - colors).max() <= 3


FEW = """
import sys
import numpy as np
from server.media.encode import write_video
from server.media.types import Clip
for count in (1, 2):
    write_video(sys.argv[1], Clip.from_array(np.zeros((count, 64, 64, 3), np.uint8), 1000), codec="h265")
    print(count)
"""


@pytest.mark.parametrize("fill", ["1", "254"])
def test_one_frame_and_two_are_written_whatever_memory_held(fill: str, tmp_path: Path) -> None:
    # glibc fills new memory with this; elsewhere the test is only less strict. At 1,000 frames a second no clock of the
    # container makes an absent time of an absurd one.
    told = subprocess.run(
        [sys.executable, "-c", FEW, str(tmp_path / "few.mp4")],
        env=os.environ | {"MALLOC_PERTURB_": fill},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == ["1", "2"], told.stderr
    with av.open(tmp_path / "few.mp4") as container:
        assert [packet.dts for packet in container.demux() if packet.size] == [0, 16]


def test_floats_outside_the_range_are_clipped_and_not_wrapped(tmp_path: Path) -> None:
    frames = np.full((2, 32, 32, 3), 1.7, np.float32)
    frames[:, :, :16] = -0.4
    frames[:, 0, 0] = np.nan
    write_video(tmp_path / "over.mkv", Clip.from_array(frames, 24), codec="ffv1")
    back = next(load_clip(tmp_path / "over.mkv").frames())
    assert (back[8, 4].tolist(), back[8, 24].tolist()) == ([0, 0, 0], [65535] * 3)


@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("h264", ".mov"), ("vp9", ".webm"), ("ffv1", ".mkv")])
def test_a_workflow_of_80_kb_survives(codec: str, suffix: str, tmp_path: Path, small_clip: Clip) -> None:
    workflow = json.dumps({"prompt": "海の上の赤い舟 🚣 é" * 3000}, ensure_ascii=False)
    assert len(workflow.encode()) > 80_000
    metadata = {"workflow": workflow, "title": "Red boat"}
    write_video(tmp_path / f"out{suffix}", small_clip, codec=codec, metadata=metadata)
    info = probe(tmp_path / f"out{suffix}")
    assert info.workflow == workflow
    assert info.tags["title"] == "Red boat"


def test_mp4_starts_with_its_index(tmp_path: Path, small_clip: Clip) -> None:
    write_video(tmp_path / "out.mp4", small_clip)
    data = (tmp_path / "out.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


@pytest.mark.parametrize("sound_s", [0.3, 1.0, 2.5])
def test_sound_gets_the_length_of_the_frames(sound_s: float, tmp_path: Path, small_clip: Clip, chirp: Any) -> None:
    clip = small_clip.derive(small_clip.producer, audio=chirp(sound_s))
    write_video(tmp_path / "out.mp4", clip)
    assert abs(_sound_length(tmp_path / "out.mp4") - 1.0) < 1 / 24


@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("vp9", ".webm"), ("ffv1", ".mkv")])
def test_sound_comes_back_at_its_very_sample(
    codec: str, suffix: str, tmp_path: Path, small_clip: Clip, chirp: Any
) -> None:
    sound: Audio = chirp(1.0)
    write_video(tmp_path / f"out{suffix}", small_clip.derive(small_clip.producer, audio=sound), codec=codec)
    back = load_clip(tmp_path / f"out{suffix}").audio
    assert back is not None
    wanted = sound.samples[0, 4000:20000]
    lags = range(-1500, 1501)
    match = [float(np.dot(wanted, back.samples[0, 4000 + lag : 20000 + lag])) for lag in lags]
    assert lags[int(np.argmax(match))] == 0


def test_sound_of_an_unusual_rate_is_resampled(tmp_path: Path, small_clip: Clip, chirp: Any) -> None:
    clip = small_clip.derive(small_clip.producer, audio=chirp(1.0, rate=30000, channels=2))
    info = write_video(tmp_path / "out.mp4", clip)
    assert info.audio is not None
    assert (info.audio.sample_rate, info.audio.channels) == (48000, 2)


def test_progress_is_told_for_every_block(tmp_path: Path, small_clip: Clip) -> None:
    calls: list[tuple[int, int | None]] = []
    write_video(tmp_path / "out.mp4", small_clip, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(16, 24), (24, 24)]


def test_a_clip_of_unknown_length_is_written_to_its_end(tmp_path: Path, small_clip: Clip, chirp: Any) -> None:
    clip = small_clip.derive(small_clip.producer, frame_count=None, audio=chirp(0.5))
    info = write_video(tmp_path / "out.mp4", clip)
    assert info.video is not None
    assert info.video.frame_count == 24


class Canceled(Exception):
    """What a progress callback raises to stop."""


def test_canceling_leaves_the_older_file_as_it_was(tmp_path: Path, small_clip: Clip) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")

    def cancel(done: int, total: int | None) -> None:
        raise Canceled

    with pytest.raises(Canceled):
        write_video(path, small_clip, progress=cancel)
    assert [item.name for item in tmp_path.iterdir()] == ["out.mp4"]
    assert path.read_bytes() == b"older"


def test_a_failing_producer_leaves_no_file_and_no_handle(tmp_path: Path, open_files: Callable[[Path], int]) -> None:
    def produce() -> Any:
        yield np.zeros((4, 64, 64, 3), np.uint8)
        raise MediaError("the upstream broke", "mend it")

    with pytest.raises(MediaError, match="the upstream broke"):
        write_video(tmp_path / "out.mp4", Clip(produce, 64, 64, Fraction(24)))
    assert list(tmp_path.iterdir()) == []
    assert open_files(tmp_path) == 0


def test_a_full_disk_is_told_and_leaves_no_half_file(full_disk: Path, open_files: Callable[[Path], int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (24, 192, 192, 3), np.uint8)
    for name, codec in (("out.mp4", "h264"), ("out.mkv", "ffv1")):
        with pytest.raises(MediaError, match="the disk is full") as caught:
            write_video(full_disk / name, Clip.from_array(noise, 24), codec=codec)
        assert "free space" in caught.value.hint
        assert list(full_disk.iterdir()) == []
        assert open_files(full_disk) == 0


@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("ffv1", ".mkv")])
def test_a_disk_with_no_room_for_the_metadata_is_told_too(
    codec: str, suffix: str, full_disk: Path, small_clip: Clip, open_files: Callable[[Path], int]
) -> None:
    # MP4 fails with its very last write, MKV with its first.
    with pytest.raises(MediaError, match="the disk is full"):
        write_video(full_disk / f"out{suffix}", small_clip, codec=codec, metadata={"workflow": "x" * 300_000})
    assert list(full_disk.iterdir()) == []
    assert open_files(full_disk) == 0


def test_an_error_of_the_producer_is_not_taken_for_one_of_the_disk(tmp_path: Path) -> None:
    def produce() -> Any:
        yield np.zeros((4, 64, 64, 3), np.uint8)
        (tmp_path / "not there").read_bytes()

    with pytest.raises(FileNotFoundError):
        write_video(tmp_path / "out.mp4", Clip(produce, 64, 64, Fraction(24)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "size", "options", "hint"),
    [
        ("out.mp4", (63, 64), {}, "try 64"),
        ("out.mp4", (64, 63), {}, "try 64"),
        ("out.avi", (64, 64), {}, "out.mp4"),
        ("out.mp4", (64, 64), {"codec": "vp9"}, "out.webm"),
        ("out.mp4", (64, 64), {"codec": "divx"}, "h264"),
        ("out.mp4", (64, 64), {"crf": 99}, "try 18"),
        ("out.mp4", (64, 64), {"preset": "warp"}, "veryfast"),
        ("out.mp4", (64, 64), {"pixel_format": "rgb24"}, "yuv420p"),
        ("none/out.mp4", (64, 64), {}, "create"),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_hint(
    name: str, size: tuple[int, int], options: dict[str, Any], hint: str, tmp_path: Path
) -> None:
    width, height = size
    clip = Clip.from_array(np.zeros((2, height, width, 3), np.uint8), 24)
    with pytest.raises(MediaError) as caught:
        write_video(tmp_path / name, clip, **options)
    assert hint in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_empty_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no frames"):
        write_video(tmp_path / "out.mp4", Clip.from_array(np.zeros((0, 64, 64, 3), np.uint8), 24))
    assert list(tmp_path.iterdir()) == []


def test_odd_sizes_are_fine_where_colour_is_not_halved(tmp_path: Path) -> None:
    clip = Clip.from_array(np.zeros((2, 63, 65, 3), np.uint8), 24)
    info = write_video(tmp_path / "out.mkv", clip, codec="ffv1")
    assert info.video is not None
    assert (info.video.width, info.video.height) == (65, 63)


@pytest.mark.parametrize(
    ("codec", "suffix", "pixel_format"),
    [
        ("h264", ".mp4", "yuv420p"),
        ("h264", ".mp4", "yuv422p"),
        ("h264", ".mp4", "yuv420p10le"),
        ("h265", ".mp4", "yuv420p"),
        ("vp9", ".webm", "yuv420p"),
        ("av1", ".mp4", "yuv420p"),
        ("prores", ".mov", "yuv422p10le"),
        ("ffv1", ".mkv", "yuv420p"),
    ],
)
def test_colors_do_not_shift_sideways(
    codec: str, suffix: str, pixel_format: str, tmp_path: Path, psnr: Callable[..., float]
) -> None:
    y, x = np.mgrid[0:120, 0:160].astype(np.float32)
    waves = [128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), 128 + 80 * np.sin((x + y) / 12)]
    frame = np.rint(np.stack(waves, axis=2)).astype(np.uint8)
    crf = None if codec in {"prores", "ffv1"} else 1
    clip = Clip.from_array(np.stack([frame] * 2), 8)
    write_video(tmp_path / f"waves{suffix}", clip, codec=codec, crf=crf, pixel_format=pixel_format)
    back = next(load_clip(tmp_path / f"waves{suffix}").frames())
    # Chroma that is read half a pixel beside where it was written costs some 8 dB: 40 are left.
    assert psnr(convert_dtype(back, "uint8"), frame) > 45


@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("av1", ".mp4"), ("vp9", ".webm")])
def test_every_speed_has_the_same_words(codec: str, suffix: str, tmp_path: Path, small_clip: Clip) -> None:
    for preset in ("ultrafast", "medium"):
        info = write_video(tmp_path / f"{preset}{suffix}", small_clip, codec=codec, preset=preset)
        assert info.video is not None
        assert info.video.frame_count == 24
    options = [choose_options(codec, None, preset, "yuv420p") for preset in SPEEDS]
    assert len({tuple(one.items()) for one in options}) == len(SPEEDS)
