"""Reading files that others made: exact frames, variable rates, rotation, limits; broken and hostile files."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import PictureType
from PIL import Image as PilImage

from server.media.audio import read_audio
from server.media.audio_files import write_audio
from server.media.decode import load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.pattern import pattern_clip
from server.media.probe import probe
from server.media.types import Clip

STEP = 4


def gray_clip(count: int, fps: Fraction | int = 24, size: int = 64) -> Clip:
    """Return frames whose gray level is their number times STEP, so that each is known when it comes back."""
    levels = np.arange(count, dtype=np.uint8) * STEP
    return Clip.from_array(np.broadcast_to(levels[:, None, None, None], (count, size, size, 3)).copy(), fps)


def numbers(clip: Clip) -> list[int]:
    return [round(float(frame.mean()) / STEP) for frame in clip.frames()]


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """Return a file of 60 numbered frames with B-frames and several key frames."""
    path = tmp_path / "numbered.mp4"
    write_video(path, gray_clip(60), crf=5)
    return path


def test_frame_n_is_frame_n_wherever_reading_starts(numbered: Path) -> None:
    with av.open(str(numbered)) as container:
        kinds = {PictureType(frame.pict_type) for frame in container.decode(video=0)}
    assert PictureType.B in kinds
    for first in (0, 1, 7, 24, 31, 58, 59):
        clip = load_clip(numbered, start_s=Fraction(first, 24), duration_s=Fraction(3, 24))
        assert numbers(clip) == list(range(first, min(first + 3, 60)))
        assert clip.frame_count == min(3, 60 - first)


def test_several_key_frames_do_not_shift_the_start(tmp_path: Path, ffmpeg: Callable[..., None], numbered: Path) -> None:
    ffmpeg("-i", numbered, "-c:v", "libx264", "-g", "10", "-bf", "3", "-crf", "5", tmp_path / "keys.mkv")
    for first in (9, 10, 11, 25, 40):
        assert numbers(load_clip(tmp_path / "keys.mkv", start_s=first / 24, duration_s=0.1)) == [first, first + 1]


def test_a_clip_can_be_read_again_and_again(numbered: Path) -> None:
    clip = load_clip(numbered, duration_s=0.5)
    assert numbers(clip) == numbers(clip) == list(range(12))


def test_sound_starts_with_the_frames(tmp_path: Path, small_clip: Clip, chirp: Any) -> None:
    sound = chirp(1.0)
    write_video(tmp_path / "out.mkv", small_clip.derive(small_clip.producer, audio=sound), codec="ffv1")
    part = load_clip(tmp_path / "out.mkv", start_s=0.5, duration_s=0.25).audio
    assert part is not None
    assert part.samples.shape == (1, 12000)
    assert np.abs(part.samples - sound.samples[:, 24000:36000]).max() < 1e-4


def test_sound_that_starts_late_is_led_by_silence(tmp_path: Path, chirp: Any, numbered: Path, ffmpeg: Any) -> None:
    write_video(tmp_path / "sound.mkv", gray_clip(24).derive(gray_clip(24).producer, audio=chirp(1.0)), codec="ffv1")
    late = tmp_path / "late.mkv"
    ffmpeg(
        "-i",
        numbered,
        "-itsoffset",
        "0.5",
        "-i",
        tmp_path / "sound.mkv",
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c",
        "copy",
        late,
    )
    audio = load_clip(late, duration_s=1.5).audio
    assert audio is not None
    assert np.abs(audio.samples[:, : 24000 - 100]).max() == 0
    assert np.abs(audio.samples[:, 24100:48000] - chirp(1.0).samples[:, 100:24000]).max() < 0.03


def write_at(path: Path, times_ms: list[int], rotation: int | None = None) -> None:
    """Write numbered frames at given times, as a phone or a screen recorder would."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number, time in enumerate(times_ms):
            pixels = np.full((48, 64, 3), number * STEP, np.uint8)
            if rotation is not None:
                pixels[:, :32] = 255
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_variable_rate_becomes_constant_with_every_frame_at_its_time(tmp_path: Path) -> None:
    times = [0, 40, 80, 120, 320, 360, 400, 440, 480, 520]
    write_at(tmp_path / "vfr.mp4", times)
    clip = load_clip(tmp_path / "vfr.mp4")
    shown = numbers(clip)
    assert len(shown) == clip.frame_count
    for index, number in enumerate(shown):
        time_ms = float(index / clip.fps) * 1000
        assert number == max(place for place, start in enumerate(times) if start <= time_ms + 1.5)
    for first in range(clip.frame_count):
        assert numbers(load_clip(tmp_path / "vfr.mp4", start_s=first / clip.fps)) == shown[first:]


def test_a_rate_that_has_every_time_of_a_variable_one_gives_what_is_on_screen(tmp_path: Path) -> None:
    thirtieths = [*range(30), *range(30, 108, 5)]
    write_at(tmp_path / "vfr.mp4", [round(1000 * place / 30) for place in thirtieths])
    shown = numbers(load_clip(tmp_path / "vfr.mp4", fps=30))
    assert shown == [max(n for n, place in enumerate(thirtieths) if place <= slot) for slot in range(len(shown))]
    assert len(shown) >= 106


@pytest.mark.parametrize(
    ("fps", "shown"),
    [(10, [10, 60, *[110] * 5, 160, *[210] * 12]), (None, [10, 110, 210, 210, 210])],
    ids=["rate of its times", "average rate"],
)
def test_the_pictures_of_a_gif_are_shown_for_their_times(fps: int | None, shown: list[int], tmp_path: Path) -> None:
    first, *rest = (PilImage.new("RGB", (32, 32), (level,) * 3) for level in (10, 60, 110, 160, 210))
    delays = [100, 100, 500, 100, 1200]
    first.save(tmp_path / "slow.gif", save_all=True, append_images=rest, duration=delays, loop=0)
    clip = load_clip(tmp_path / "slow.gif", fps=fps)
    assert [int(frame.mean()) for frame in clip.frames()] == shown


def test_a_camera_that_wavers_loses_no_frame(tmp_path: Path) -> None:
    wavering = np.random.default_rng(1).integers(-3, 4, 48)
    wavering[0] = 0
    write_at(tmp_path / "phone.mp4", [round(1000 * n / 30) + int(off) for n, off in enumerate(wavering)])
    clip = load_clip(tmp_path / "phone.mp4")
    assert numbers(clip) == list(range(48))


@pytest.mark.parametrize(
    ("rotation", "size", "bright"),
    [(0, (64, 48), "left"), (90, (48, 64), "bottom"), (180, (64, 48), "right"), (-90, (48, 64), "top")],
)
def test_rotated_footage_comes_upright(rotation: int, size: tuple[int, int], bright: str, tmp_path: Path) -> None:
    write_at(tmp_path / "phone.mp4", [0, 40, 80, 120], rotation)
    clip = load_clip(tmp_path / "phone.mp4")
    assert (clip.width, clip.height) == size
    frame = next(clip.frames()).mean(axis=2)
    half_y, half_x = frame.shape[0] // 2, frame.shape[1] // 2
    halves = {"left": frame[:, :half_x], "right": frame[:, half_x:], "top": frame[:half_y], "bottom": frame[half_y:]}
    assert max(halves, key=lambda side: halves[side].mean()) == bright


def test_untagged_small_video_is_read_as_bt601_and_large_as_bt709(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    for width, height, matrix in ((320, 240, "smpte170m"), (1280, 720, "bt709")):
        source = f"color=red:size={width}x{height}:rate=5:duration=0.4"
        convert = f"scale=out_color_matrix={'bt601' if matrix == 'smpte170m' else 'bt709'},format=yuv420p"
        path = tmp_path / f"{height}.avi"
        ffmpeg("-f", "lavfi", "-i", source, "-vf", convert, "-c:v", "rawvideo", path)
        info = probe(path).video
        assert info is not None
        assert info.color.matrix == matrix
        assert np.abs(next(load_clip(path).frames()).astype(int) - [254, 0, 0]).max() <= 4


def test_closing_early_leaves_no_file_open(numbered: Path, open_files: Callable[[Path], int]) -> None:
    clip = load_clip(numbered)
    for _ in range(3):
        frames = clip.frames()
        next(frames)
        assert open_files(numbered.parent) == 1
        frames.close()
        assert open_files(numbered.parent) == 0
    assert len(list(clip.frames())) == 60
    assert open_files(numbered.parent) == 0


def test_a_file_cut_off_after_its_index_says_so_and_gives_what_is_there(tmp_path: Path, open_files: Any) -> None:
    whole = tmp_path / "whole.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 64, 3), np.uint8)
    write_video(whole, Clip.from_array(noise, 24))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    clip = load_clip(cut)
    with pytest.raises(MediaError) as caught:
        list(clip.chunks())
    assert "cut" in str(caught.value)
    assert open_files(tmp_path) == 0
    assert len(list(load_clip(cut, duration_s=0.5).frames())) == 12


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
@pytest.mark.parametrize("sounding", [False, True])
def test_a_file_without_an_index_that_ends_before_its_header_says_is_cut_off(
    suffix: str, sounding: bool, tmp_path: Path, chirp: Any
) -> None:
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 64, 3), np.uint8)
    sound = chirp(2.0, channels=2) if sounding else None
    codec = "vp9" if suffix == ".webm" else "h264"
    write_video(whole, Clip.from_array(noise, 24, audio=sound), codec=codec, preset="ultrafast")
    assert len(list(load_clip(whole).frames())) == 48
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(MediaError, match=r"is cut off: it says 4[89] frames but ends after 2"):
        list(load_clip(cut).chunks())
    assert len(list(load_clip(cut, duration_s=0.5).frames())) == 12


def test_sound_that_lasts_longer_than_the_frames_is_no_sign_of_damage(
    tmp_path: Path, small_clip: Clip, chirp: Any, ffmpeg: Any
) -> None:
    write_video(tmp_path / "short.mkv", small_clip)
    write_audio(tmp_path / "long.wav", chirp(4.0))
    ffmpeg("-i", tmp_path / "short.mkv", "-i", tmp_path / "long.wav", "-c:v", "copy", tmp_path / "both.mkv")
    assert len(list(load_clip(tmp_path / "both.mkv").frames())) == small_clip.frame_count


@pytest.mark.parametrize("extra", [-8, 0, 200, 600])
def test_a_file_cut_off_in_its_index_is_refused(extra: int, tmp_path: Path, small_clip: Clip) -> None:
    whole = tmp_path / "whole.mp4"
    write_video(whole, small_clip)
    data = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: data.find(b"moov") + extra])
    with pytest.raises(MediaError, match="cut off"):
        load_clip(cut)


def test_the_content_counts_and_not_the_suffix(tmp_path: Path, small_clip: Clip) -> None:
    write_video(tmp_path / "real.mp4", small_clip)
    wrong = (tmp_path / "real.mp4").rename(tmp_path / "wrong.avi")
    assert len(list(load_clip(wrong).frames())) == 24


def write_hostile(folder: Path, kind: str) -> Path | str:
    """Make one file, or address, that must not be opened."""
    path = folder / "bad.mp4"
    contents = {
        "zero bytes": b"",
        "text": b"this is no video\n" * 100,
        "noise": np.random.default_rng(0).bytes(50_000),
        "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n",
        "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "dash": b"<?xml version='1.0'?>\n<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>\n",
        "huge": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"\x2c" + bytes(500),
    }
    if kind in contents:
        path.write_bytes(contents[kind])
        return path
    if kind == "folder":
        return folder
    if kind == "pipe":
        os.mkfifo(path)
        return path
    return {"missing": path, "http": "http://127.0.0.1:1/a.mp4", "concat protocol": "concat:/etc/passwd|/etc/hosts"}[
        kind
    ]


KINDS = ["zero bytes", "text", "noise", "hls", "concat", "dash", "huge", "folder", "missing", "http", "concat protocol"]


@pytest.mark.parametrize(
    "kind", [*KINDS, pytest.param("pipe", marks=pytest.mark.skipif(os.name == "nt", reason="no FIFOs"))]
)
def test_bad_files_are_refused_with_a_hint(kind: str, tmp_path: Path, open_files: Callable[[Path], int]) -> None:
    target = write_hostile(tmp_path, kind)
    with pytest.raises(MediaError) as caught:
        load_clip(target)
    assert caught.value.hint
    assert open_files(tmp_path) == 0


@pytest.mark.parametrize("suffix", [".m3u8", ".mp4", ".ts"])
def test_a_playlist_reaches_no_network(suffix: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        # The blank lines would hide the first line from a check of the first bytes alone.
        text = "\n" * 600 + f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n"
        for start in (text, text.lstrip()):
            (tmp_path / f"list{suffix}").write_text(start, encoding="utf-8")
            with pytest.raises(MediaError):
                load_clip(tmp_path / f"list{suffix}")
        with pytest.raises(TimeoutError):
            server.accept()


def test_frames_above_the_limit_are_refused_before_decoding(numbered: Path) -> None:
    with pytest.raises(MediaError, match="above the limit of 4095 pixels"):
        load_clip(numbered, max_pixels=64 * 64 - 1)


def test_sound_without_video_is_told_from_video(tmp_path: Path, chirp: Any) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        samples = np.rint(chirp(0.5).samples * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="sound but no video"):
        load_clip(path)
    audio = read_audio(path)
    assert audio is not None
    assert np.abs(audio.samples - chirp(0.5).samples).max() < 1e-4


@pytest.mark.parametrize("span", [{"start_s": 99}, {"start_s": -1}, {"duration_s": 0}, {"start_s": 2.5}])
def test_a_span_outside_the_file_is_refused(span: dict[str, float], numbered: Path) -> None:
    with pytest.raises(MediaError) as caught:
        load_clip(numbered, **span)
    assert caught.value.hint


def test_a_gif_is_read_as_a_clip(tmp_path: Path) -> None:
    pictures = list(pattern_clip(64, 48, fps=10, frame_count=5).frames())
    first, *rest = (PilImage.fromarray(picture) for picture in pictures)
    first.save(tmp_path / "small.gif", save_all=True, append_images=rest, duration=100, loop=0)
    clip = load_clip(tmp_path / "small.gif")
    assert (clip.frame_count, clip.fps, len(list(clip.frames()))) == (5, 10, 5)


MATRICES = {
    "as it is": (1, 0, 0, 1),
    "mirror": (-1, 0, 0, 1),
    "flip": (1, 0, 0, -1),
    "half turn": (-1, 0, 0, -1),
    "quarter turn clockwise": (0, 1, -1, 0),
    "quarter turn back": (0, -1, 1, 0),
    "transpose": (0, 1, 1, 0),
    "other transpose": (0, -1, -1, 0),
}


@pytest.mark.parametrize("name", MATRICES)
def test_a_display_matrix_turns_and_mirrors(name: str, tmp_path: Path) -> None:
    a, b, c, d = MATRICES[name]
    path = tmp_path / "selfie.mp4"
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:24, :32], stored[:24, 32:], stored[24:, :32] = 60, 120, 180
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_matrix([a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, "rgb24")))
        container.mux(stream.encode(None))
    clip = load_clip(path)
    shown = next(clip.frames())
    assert shown.shape == (clip.height, clip.width, 3) == ((48, 64, 3) if a else (64, 48, 3))
    # The matrix brings where a quarter is, from the center, to where it is seen: (x, y) to (ax + cy, bx + dy).
    for x, y, level in ((-1, -1, 60), (1, -1, 120), (-1, 1, 180), (1, 1, 0)):
        row, column = (2 + b * x + d * y) * clip.height // 4, (2 + a * x + c * y) * clip.width // 4
        assert abs(int(shown[row, column, 0]) - level) <= 4


def test_a_recording_that_begins_between_key_frames_is_not_cut_off(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    whole, capture = tmp_path / "whole.ts", tmp_path / "capture.ts"
    source = "testsrc=s=320x240:r=25:d=8"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mpeg2video", "-g", "50", "-pix_fmt", "yuv420p", whole)
    data = whole.read_bytes()
    capture.write_bytes(data[188 * 333 :])
    clip = load_clip(capture)
    assert clip.frame_count is not None
    assert len(list(clip.frames())) == clip.frame_count
    assert clip.frame_count % 50 == 0


@pytest.mark.parametrize("fps", [24000, 48000, 60000, 120000, 240000])
@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_broadcast_rates_survive_every_container(suffix: str, fps: int, tmp_path: Path) -> None:
    frames = np.zeros((20, 16, 16, 3), np.uint8)
    clip = Clip.from_array(frames, Fraction(fps, 1001))
    codec = "vp9" if suffix == ".webm" else "h264"
    info = write_video(tmp_path / f"a{suffix}", clip, codec=codec, preset="ultrafast").video
    assert info is not None
    assert (info.fps, info.frame_count) == (Fraction(fps, 1001), 20)
