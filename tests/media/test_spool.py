"""Clips on disk: bit for bit, recorded while they pass, and honest about recordings that ended early."""

from __future__ import annotations

import gc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.media import spool
from server.media.decode import load_clip
from server.media.encode import write_video
from server.media.errors import MediaError
from server.media.recording import Recording
from server.media.types import Clip, ColorTags, as_pixels
from server.media.yuv import YuvBlock


def all_frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
def test_a_stored_clip_is_the_same_clip(dtype: str, tmp_path: Path, moving_frames: Any, chirp: Any) -> None:
    frames = moving_frames(20, dtype=dtype)
    clip = Clip.from_array(
        frames, Fraction(30000, 1001), color=ColorTags("bt2020", "smpte2084"), audio=chirp(channels=2)
    )
    spool.write(clip, tmp_path / "clip")
    back = spool.read(tmp_path / "clip")
    assert (back.width, back.height, back.fps, back.frame_count, back.dtype, back.color) == (
        (96, 64, Fraction(30000, 1001), 20, dtype, clip.color)
    )
    assert np.array_equal(all_frames(back), frames)
    assert back.audio is not None
    assert clip.audio is not None
    assert np.array_equal(back.audio.samples, clip.audio.samples)


def test_reading_maps_one_block_at_a_time(tmp_path: Path, small_clip: Clip, open_files: Callable[[Path], int]) -> None:
    spool.write(small_clip, tmp_path / "clip")
    blocks = spool.read(tmp_path / "clip").chunks()
    first = next(blocks)
    assert len(first) == 16
    assert first.flags.writeable
    assert 1 <= open_files(tmp_path) <= 2
    del first
    blocks.close()
    gc.collect()
    assert open_files(tmp_path) == 0


def test_changing_a_block_that_was_read_does_not_change_the_file(tmp_path: Path, small_clip: Clip) -> None:
    spool.write(small_clip, tmp_path / "clip")
    stored = spool.read(tmp_path / "clip")
    for block in stored.chunks():
        block[:] = 0
    assert np.array_equal(all_frames(stored), all_frames(small_clip))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
def test_what_was_added_can_be_read_back_at_once(
    dtype: str, tmp_path: Path, moving_frames: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.media.recording.PART_BYTES", 200_000)  # so that there are several files
    frames = moving_frames(40, dtype=dtype)
    clip = Clip.from_array(frames, 24)
    recording = Recording(clip, tmp_path / "clip")
    recording.start()
    blocks = [frames[:1], frames[1:17], frames[17:20], frames[20:40]]
    for block in blocks:
        recording.add(block)
        assert all(np.array_equal(recording.piece(number), past) for number, past in enumerate(blocks) if past is block)
    recording.finish()
    assert len(list((tmp_path / "clip").glob("*.raw"))) > 1
    assert all(np.array_equal(recording.piece(number), block) for number, block in enumerate(blocks))
    assert np.array_equal(all_frames(spool.read(tmp_path / "clip")), frames)
    (tmp_path / "clip" / "000000.raw").write_bytes(b"")
    with pytest.raises(OSError, match="too short"):
        recording.piece(0)


def test_decoded_frames_can_be_read_back_too(tmp_path: Path, small_clip: Clip) -> None:
    write_video(tmp_path / "film.mp4", small_clip)
    clip = load_clip(tmp_path / "film.mp4")
    recording = Recording(clip, tmp_path / "clip")
    recording.start()
    for number, block in enumerate(clip.blocks()):
        recording.add(block)
        back = recording.piece(number)
        assert isinstance(back, YuvBlock)
        assert np.array_equal(back.pixels(), as_pixels(block))
    recording.discard()


def test_a_recording_that_is_given_up_leaves_nothing(
    tmp_path: Path, small_clip: Clip, open_files: Callable[[Path], int]
) -> None:
    recording = Recording(small_clip, tmp_path / "clip")
    recording.start()
    recording.add(next(small_clip.chunks()))
    recording.discard()
    assert list((tmp_path / "clip").iterdir()) == []
    assert open_files(tmp_path) == 0
    with pytest.raises(MediaError):
        spool.read(tmp_path / "clip")


def test_a_full_disk_is_told_and_leaves_nothing(full_disk: Path, open_files: Callable[[Path], int]) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (40, 128, 128, 3), np.uint8)
    clip = Clip.from_array(frames, 24)
    recording = Recording(clip, full_disk / "clip")
    recording.start()
    with pytest.raises(OSError, match="No space left"):
        list(map(recording.add, clip.chunks()))
    recording.discard()
    assert list((full_disk / "clip").iterdir()) == []
    with pytest.raises(MediaError, match="the disk is full"):
        spool.write(clip, full_disk / "other")
    assert list((full_disk / "other").iterdir()) == []
    assert open_files(full_disk) == 0


@pytest.mark.parametrize("damage", ["meta", "block", "version"])
def test_a_damaged_folder_is_told(damage: str, tmp_path: Path, small_clip: Clip) -> None:
    folder = tmp_path / "clip"
    spool.write(small_clip, folder)
    if damage == "meta":
        (folder / "meta.json").write_text("{", encoding="utf-8")
    elif damage == "version":
        text = (folder / "meta.json").read_text(encoding="utf-8")
        (folder / "meta.json").write_text(text.replace('"version": 2', '"version": 99'), encoding="utf-8")
    else:
        (folder / "000000.raw").write_bytes(b"")
    with pytest.raises(MediaError):
        all_frames(spool.read(folder))
