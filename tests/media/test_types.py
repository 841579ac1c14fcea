"""Clips as descriptions: what they check, and that every pass starts and ends cleanly."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from server.media.errors import MediaError
from server.media.types import CHUNK_BYTES, Audio, Clip, Image, Mask


def test_types_load_no_heavy_library() -> None:
    code = "import server.media.types, sys; print({'numpy', 'av', 'PIL', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"


def test_every_pass_starts_the_production_again() -> None:
    starts = []

    def produce() -> Iterator[np.ndarray]:
        starts.append(1)
        yield np.zeros((2, 4, 4, 3), np.uint8)

    clip = Clip(produce, 4, 4, Fraction(24), 2)
    assert [len(list(clip.frames())), len(list(clip.chunks()))] == [2, 1]
    assert len(starts) == 2


def test_closing_a_pass_early_closes_its_producer() -> None:
    closed = []

    def produce() -> Iterator[np.ndarray]:
        try:
            while True:
                yield np.zeros((1, 4, 4, 3), np.uint8)
        finally:
            closed.append(1)

    frames = Clip(produce, 4, 4, Fraction(24)).frames()
    next(frames)
    frames.close()
    assert closed == [1]


def test_a_producer_that_is_a_plain_iterator_works() -> None:
    clip = Clip(lambda: iter([np.zeros((1, 4, 4, 3), np.uint8)]), 4, 4, Fraction(24))
    assert len(list(clip.frames())) == 1


@pytest.mark.parametrize(
    "block",
    [np.zeros((1, 4, 5, 3), np.uint8), np.zeros((1, 4, 4, 3), np.float32), np.zeros((1, 4, 4, 4), np.uint8)],
    ids=["size", "dtype", "channels"],
)
def test_a_block_that_is_not_what_the_clip_declares_is_an_error(block: np.ndarray) -> None:
    with pytest.raises(MediaError, match="declares frames of"):
        list(Clip(lambda: iter([block]), 4, 4, Fraction(24)).chunks())


@pytest.mark.parametrize("produced", [1, 3])
def test_a_wrong_number_of_frames_is_an_error(produced: int) -> None:
    clip = Clip(lambda: iter([np.zeros((produced, 4, 4, 3), np.uint8)]), 4, 4, Fraction(24), 2)
    with pytest.raises(MediaError, match=f"declares 2 frames but {produced}"):
        list(clip.chunks())


def test_blocks_of_an_array_are_small_and_share_its_memory() -> None:
    array = np.zeros((40, 720, 1280, 3), np.uint8)
    blocks = list(Clip.from_array(array, 24).chunks())
    assert max(block.nbytes for block in blocks) <= CHUNK_BYTES
    assert sum(len(block) for block in blocks) == 40
    assert all(np.shares_memory(block, array) for block in blocks)


def test_durations_are_exact_fractions() -> None:
    clip = Clip.from_array(np.zeros((30, 4, 4, 3), np.uint8), Fraction(30000, 1001))
    assert clip.duration_s == Fraction(1001, 1000)
    assert Clip(clip.producer, 4, 4, Fraction(24)).duration_s is None
    assert Audio(np.zeros((2, 44100), np.float32), 44100).duration_s == 1


def test_a_derived_clip_keeps_what_is_not_changed(small_clip: Clip) -> None:
    derived = small_clip.derive(small_clip.producer, fps=Fraction(48))
    assert (derived.fps, derived.width, derived.color) == (48, small_clip.width, small_clip.color)


@pytest.mark.parametrize(
    "changes",
    [{"fps": 23.976}, {"fps": Fraction(0)}, {"width": 0}, {"frame_count": -1}, {"dtype": "int32"}],
    ids=lambda changes: next(iter(changes)),
)
def test_impossible_clips_are_refused_with_a_hint(small_clip: Clip, changes: dict[str, object]) -> None:
    with pytest.raises(MediaError) as caught:
        small_clip.derive(small_clip.producer, **changes)
    assert caught.value.hint


def test_arrays_of_the_wrong_shape_are_refused() -> None:
    for make in (
        lambda: Clip.from_array(np.zeros((2, 3, 4, 4), np.uint8), 24),
        lambda: Image(np.zeros((4, 4, 4), np.uint8)),
        lambda: Mask(np.zeros((4, 4, 1), np.float32)),
        lambda: Audio(np.zeros(100, np.float32), 48000),
        lambda: Audio(np.zeros((1, 100), np.float32), 0),
    ):
        with pytest.raises(MediaError):
            make()


def test_errors_cross_processes_with_their_hint() -> None:
    error = pickle.loads(pickle.dumps(MediaError("too odd", "try 64")))
    assert (error.message, error.hint, str(error)) == ("too odd", "try 64", "too odd; try 64")
