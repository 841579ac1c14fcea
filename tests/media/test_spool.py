"""Clips on disk: bit for bit, recorded once while they pass, and honest about passes that ended early."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.media import spool
from server.media.errors import MediaError
from server.media.types import Clip, ColorTags


def all_frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


class Calls:
    """Count what a tee reports and how often its producer ran."""

    def __init__(self) -> None:
        self.completed = 0
        self.aborted: list[str] = []
        self.produced = 0

    def complete(self) -> None:
        self.completed += 1

    def watch(self, clip: Clip) -> Clip:
        def produce() -> Iterator[np.ndarray]:
            self.produced += 1
            yield from clip.chunks()

        return clip.derive(produce)

    def tee(self, clip: Clip, folder: Path) -> Clip:
        return spool.tee(self.watch(clip), folder, self.complete, self.aborted.append)


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


def test_the_first_full_pass_records_and_the_producer_runs_once(tmp_path: Path, small_clip: Clip) -> None:
    calls = Calls()
    passing = calls.tee(small_clip, tmp_path / "clip")
    assert np.array_equal(all_frames(passing), all_frames(small_clip))
    assert (calls.completed, calls.aborted) == (1, [])
    assert np.array_equal(all_frames(passing), all_frames(small_clip))
    assert (calls.completed, calls.produced) == (1, 1)
    assert np.array_equal(all_frames(spool.read(tmp_path / "clip")), all_frames(small_clip))


def test_the_folder_may_move_when_it_is_complete(tmp_path: Path, small_clip: Clip) -> None:
    def move() -> Path:
        return (tmp_path / "clip.part").rename(tmp_path / "clip")

    calls = Calls()
    passing = spool.tee(calls.watch(small_clip), tmp_path / "clip.part", move, calls.aborted.append)
    for _ in range(2):
        assert np.array_equal(all_frames(passing), all_frames(small_clip))
    assert calls.produced == 1


def test_a_recording_that_was_evicted_is_produced_again(tmp_path: Path, small_clip: Clip) -> None:
    calls = Calls()
    passing = calls.tee(small_clip, tmp_path / "clip")
    all_frames(passing)
    for path in (tmp_path / "clip").iterdir():
        path.unlink()
    assert np.array_equal(all_frames(passing), all_frames(small_clip))
    assert (calls.completed, calls.produced) == (1, 2)


def test_a_pass_that_ends_early_is_discarded_and_the_next_one_records(tmp_path: Path, small_clip: Clip) -> None:
    calls = Calls()
    passing = calls.tee(small_clip, tmp_path / "clip")
    frames = passing.frames()
    next(frames)
    frames.close()
    assert (calls.completed, calls.aborted) == (0, ["the consumer stopped before the end"])
    assert list((tmp_path / "clip").iterdir()) == []
    with pytest.raises(MediaError):
        spool.read(tmp_path / "clip")
    all_frames(passing)
    assert (calls.completed, len(calls.aborted)) == (1, 1)


def test_a_consumer_that_takes_every_frame_and_leaves_has_recorded(tmp_path: Path, small_clip: Clip) -> None:
    calls = Calls()
    blocks = calls.tee(small_clip, tmp_path / "clip").chunks()
    assert sum(len(next(blocks)) for _ in range(2)) == 24
    blocks.close()
    assert (calls.completed, calls.aborted) == (1, [])
    assert np.array_equal(all_frames(spool.read(tmp_path / "clip")), all_frames(small_clip))


def test_a_pass_that_never_starts_blocks_nobody(tmp_path: Path, small_clip: Clip) -> None:
    calls = Calls()
    passing = calls.tee(small_clip, tmp_path / "clip")
    idle = passing.chunks()
    all_frames(passing)
    assert calls.completed == 1
    idle.close()
    assert calls.aborted == []


def test_a_second_consumer_at_the_same_time_gets_every_frame(tmp_path: Path, small_clip: Clip) -> None:
    calls = Calls()
    passing = calls.tee(small_clip, tmp_path / "clip")
    pairs = list(zip(passing.frames(), passing.frames(), strict=True))
    assert len(pairs) == 24
    assert all(np.array_equal(first, second) for first, second in pairs)
    assert (calls.completed, calls.produced) == (1, 2)


def test_a_failing_producer_aborts_and_its_error_arrives(tmp_path: Path) -> None:
    def produce() -> Iterator[np.ndarray]:
        yield np.zeros((1, 4, 4, 3), np.uint8)
        raise MediaError("the sampler broke", "mend it")

    calls = Calls()
    passing = calls.tee(Clip(produce, 4, 4, Fraction(24)), tmp_path / "clip")
    with pytest.raises(MediaError, match="the sampler broke"):
        all_frames(passing)
    assert (calls.completed, calls.aborted) == (0, ["the production failed"])
    assert list((tmp_path / "clip").iterdir()) == []


def test_a_full_disk_ends_the_recording_and_not_the_stream(full_disk: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (40, 128, 128, 3), np.uint8)
    calls = Calls()
    passing = calls.tee(Clip.from_array(frames, 24), full_disk / "clip")
    assert np.array_equal(all_frames(passing), frames)
    assert calls.completed == 0
    assert len(calls.aborted) == 1
    assert "the disk is full" in calls.aborted[0]
    assert list((full_disk / "clip").iterdir()) == []
    with pytest.raises(MediaError, match="the disk is full"):
        spool.write(Clip.from_array(frames, 24), full_disk / "other")
    assert list((full_disk / "other").iterdir()) == []


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
