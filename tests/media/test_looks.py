"""Looks at files: the right frames in the strip, the right loudness in the peaks, the same frames in the copy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from server.media.audio_files import write_audio
from server.media.decode import frames_at, load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.looks import STRIP_HEIGHT, sound_peaks, write_filmstrip, write_playable
from server.media.pictures import read_image
from server.media.probe import probe
from server.media.types import Audio
from tests.media.test_decode import STEP, gray_clip, numbers


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    path = tmp_path / "numbered.mp4"
    write_video(path, gray_clip(60, Fraction(24000, 1001)), crf=5)
    return path


def tiles(strip: Path, count: int) -> list[int]:
    pixels = read_image(strip).pixels
    assert pixels.shape == (STRIP_HEIGHT, STRIP_HEIGHT * count, 3)
    return [round(float(part.mean()) / STEP) for part in np.split(pixels, count, axis=1)]


def test_a_strip_shows_the_first_the_last_and_evenly_spaced_frames(numbered: Path, tmp_path: Path) -> None:
    write_filmstrip(numbered, tmp_path / "strip.webp", 5)
    assert tiles(tmp_path / "strip.webp", 5) == pytest.approx([0, 15, 30, 44, 59], abs=0.5)


def test_a_strip_of_more_frames_than_there_are_has_each_once(tmp_path: Path) -> None:
    write_video(tmp_path / "short.mp4", gray_clip(3), crf=5)
    write_filmstrip(tmp_path / "short.mp4", tmp_path / "strip.webp", 16)
    assert tiles(tmp_path / "strip.webp", 3) == [0, 1, 2]


def test_single_frames_are_found_across_key_frames(tmp_path: Path, ffmpeg: Callable[..., None], numbered: Path) -> None:
    long = tmp_path / "long.mkv"
    ffmpeg("-stream_loop", 3, "-i", numbered, "-c:v", "libx264", "-g", 20, "-bf", 2, "-crf", 4, long)
    wanted = [0, 1, 59, 60, 175, 176, 239]
    with closing(frames_at(probe(long), wanted)) as frames:
        found = [round(float(frame.mean()) / STEP) for frame in frames]
    assert found == [number % 60 for number in wanted]


def test_a_strip_of_a_wide_video_keeps_its_shape_up_to_a_limit(tmp_path: Path) -> None:
    clip = gray_clip(2)
    wide = clip.derive(lambda: (np.repeat(block, 8, axis=2) for block in clip.chunks()), width=512)
    write_video(tmp_path / "wide.mp4", wide)
    write_filmstrip(tmp_path / "wide.mp4", tmp_path / "strip.webp", 1)
    assert read_image(tmp_path / "strip.webp").width == 240


def test_peaks_follow_the_loudness(tmp_path: Path) -> None:
    rate = 8000
    envelope = np.repeat(np.array([0.1, 0.8, 0.0, 0.4], np.float32), rate)
    wave = np.sin(np.arange(4 * rate) * 0.7, dtype=np.float32) * envelope
    write_audio(tmp_path / "a.wav", Audio(np.stack([wave * 0.5, wave]), rate))
    assert sound_peaks(tmp_path / "a.wav", 4) == pytest.approx([0.1, 0.8, 0.0, 0.4], abs=0.01)
    assert max(sound_peaks(tmp_path / "a.wav", 400)) == pytest.approx(0.8, abs=0.01)


def test_a_silent_video_has_no_peaks(numbered: Path) -> None:
    assert sound_peaks(numbered, 10) == []


def test_a_playable_copy_has_the_same_frames_at_the_same_times(tmp_path: Path) -> None:
    clip = gray_clip(30, Fraction(30000, 1001))
    write_video(tmp_path / "master.mov", clip, codec="prores")
    write_playable(tmp_path / "master.mov", tmp_path / "copy.mp4")
    original, copy = probe(tmp_path / "master.mov"), probe(tmp_path / "copy.mp4")
    assert original.video
    assert copy.video
    assert (copy.video.codec, copy.video.pixel_format) == ("h264", "yuv420p")
    assert (copy.video.fps, copy.video.frame_count) == (original.video.fps, 30)
    assert numbers(load_clip(tmp_path / "copy.mp4")) == list(range(30))


def test_a_large_video_becomes_a_small_copy(tmp_path: Path) -> None:
    write_video(tmp_path / "large.mkv", gray_clip(2, size=1000), codec="ffv1")
    write_playable(tmp_path / "large.mkv", tmp_path / "copy.mp4")
    copy = probe(tmp_path / "copy.mp4").video
    assert copy
    assert (copy.width, copy.height) == (960, 960)


@pytest.mark.parametrize("count", [0, -1, 65])
def test_wrong_numbers_are_refused(numbered: Path, tmp_path: Path, count: int) -> None:
    with pytest.raises(MediaError):
        write_filmstrip(numbered, tmp_path / "strip.webp", count)
    assert not (tmp_path / "strip.webp").exists()


@pytest.mark.parametrize("content", [b"", b"no video", b"\0" * 4000])
def test_what_is_no_video_is_refused_with_a_hint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.mp4").write_bytes(content)
    for look in (
        lambda: write_filmstrip(tmp_path / "bad.mp4", tmp_path / "strip.webp", 4),
        lambda: sound_peaks(tmp_path / "bad.mp4", 4),
        lambda: write_playable(tmp_path / "bad.mp4", tmp_path / "copy.mp4"),
    ):
        with pytest.raises(MediaError) as caught:
            look()
        assert caught.value.hint
