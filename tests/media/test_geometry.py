"""Frames fitted, cropped, padded, turned, laid over each other: against plain array arithmetic, in every dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.colors import convert_dtype
from server.media.composite import Placement, grid_clips, overlay_clip
from server.media.errors import MediaError
from server.media.frames import windows
from server.media.geometry import crop_clip, fit_clip, pad_clip, turn_clip
from server.media.types import Clip, Mask

DTYPES = ["uint8", "uint16", "float16", "float32"]


def all_frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


@pytest.fixture
def clip(moving_frames: Callable[..., np.ndarray]) -> Clip:
    return Clip.from_array(moving_frames(6, 64, 48), Fraction(24))


def flat(level: float, count: int = 3, width: int = 8, height: int = 6, dtype: str = "uint8") -> Clip:
    pixels = np.full((count, height, width, 3), level, np.float32)
    return Clip.from_array(convert_dtype(pixels, dtype), 24)


@pytest.mark.parametrize(
    ("fit", "box", "multiple", "size"),
    [
        ("fit", (32, 48), 1, (32, 24)),
        ("fit", (100, 30), 8, (40, 32)),
        ("pad", (32, 48), 1, (32, 48)),
        ("fill", (33, 50), 16, (32, 48)),
        ("stretch", (10, 50), 1, (10, 50)),
    ],
)
def test_a_clip_is_fitted_into_a_box(
    fit: Any, box: tuple[int, int], multiple: int, size: tuple[int, int], clip: Clip
) -> None:
    fitted = fit_clip(clip, *box, fit=fit, multiple_of=multiple)
    assert (fitted.width, fitted.height) == size
    assert all_frames(fitted).shape == (6, size[1], size[0], 3)
    assert (fitted.fps, fitted.audio) == (clip.fps, clip.audio)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40), st.integers(1, 40), st.integers(1, 9))
def test_pad_fill_and_stretch_give_exactly_the_box(
    width: int, height: int, box_width: int, box_height: int, multiple: int
) -> None:
    source = flat(0.5, 1, width, height)
    wanted = tuple(max(multiple, round(side / multiple) * multiple) for side in (box_width, box_height))
    for fit in ("pad", "fill", "stretch"):
        fitted = fit_clip(source, box_width, box_height, fit=fit, multiple_of=multiple, color=(0.5, 0.5, 0.5))
        assert (fitted.width, fitted.height) == wanted
        assert set(all_frames(fitted).ravel()) == {128}


def test_bars_have_their_color_and_the_picture_is_in_the_middle() -> None:
    padded = all_frames(fit_clip(flat(1.0, 1, 8, 8), 8, 16, fit="pad", color=(1, 0, 0.5)))[0]
    assert (padded[4:12] == 255).all()
    assert (padded[[0, 3, 12, 15]] == (255, 0, 128)).all()


def test_fill_keeps_the_middle() -> None:
    ramp = np.repeat(np.arange(40, dtype=np.uint8)[None, None, :, None], 3, axis=3)
    frames = np.repeat(ramp, 20, axis=1)
    np.testing.assert_array_equal(
        all_frames(fit_clip(Clip.from_array(frames, 24), 20, 20, fit="fill")), frames[:, :, 10:30]
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_crop_and_pad_undo_each_other(dtype: str, moving_frames: Any) -> None:
    frames = moving_frames(3, 32, 24, dtype=dtype)
    source = Clip.from_array(frames, 24)
    cropped = crop_clip(source, left=5, top=3, width=20, height=16)
    np.testing.assert_array_equal(all_frames(cropped), frames[:, 3:19, 5:25])
    padded = pad_clip(cropped, left=5, top=3, right=7, bottom=5)
    assert (padded.width, padded.height, padded.dtype) == (32, 24, dtype)
    np.testing.assert_array_equal(
        all_frames(crop_clip(padded, left=5, top=3, width=20, height=16)), all_frames(cropped)
    )
    assert all_frames(padded)[:, :3].max() == 0


@pytest.mark.parametrize("turns", range(5))
def test_turning_is_numpys(turns: int, clip: Clip) -> None:
    turned = turn_clip(clip, quarter_turns=turns, mirror=True)
    np.testing.assert_array_equal(all_frames(turned), np.rot90(all_frames(clip)[:, :, ::-1], -turns, axes=(1, 2)))
    upside = turn_clip(clip, upside_down=True)
    np.testing.assert_array_equal(all_frames(upside), all_frames(clip)[:, ::-1])


@pytest.mark.parametrize(
    "change",
    [
        lambda clip: crop_clip(clip, left=60, top=0, width=10, height=10),
        lambda clip: crop_clip(clip, left=0, top=-1, width=10, height=10),
        lambda clip: pad_clip(clip, left=-1),
        lambda clip: fit_clip(clip, 0, 10),
        lambda clip: fit_clip(clip, 10, 10, fit="squeeze"),
        lambda clip: overlay_clip(clip, clip, place=Placement(opacity=2)),
        lambda clip: overlay_clip(clip, clip.derive(clip.producer, fps=Fraction(25))),
        lambda clip: grid_clips([], 2),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(change: Callable[[Clip], Clip], clip: Clip) -> None:
    with pytest.raises(MediaError) as caught:
        change(clip)
    assert caught.value.hint


# overlay


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_overlay_covers_its_rectangle_by_its_opacity(dtype: str) -> None:
    place = Placement(x=1.0, y=0.0, opacity=0.25)
    laid = overlay_clip(flat(0.2, 2, 8, 6, dtype), flat(1.0, 2, 4, 2), place=place)
    frames = convert_dtype(all_frames(laid), "float32")
    assert laid.dtype == dtype
    assert np.abs(frames[:, :2, 4:] - 0.4).max() < 1 / 255
    assert np.abs(frames[:, 2:] - 0.2).max() < 1 / 255
    assert np.abs(frames[:, :, :4] - 0.2).max() < 1 / 255


def test_an_overlay_that_stands_over_is_cut_at_the_edge(clip: Clip) -> None:
    large = pad_clip(clip, left=10, right=10, top=4, bottom=4)
    np.testing.assert_array_equal(all_frames(overlay_clip(clip, large)), all_frames(clip))


def test_a_mask_says_where_an_overlay_shows() -> None:
    mask = np.zeros((6, 8), np.float32)
    mask[:, :4] = 1
    frames = all_frames(overlay_clip(flat(0.0, 1), flat(1.0, 1), mask=Mask(mask)))[0]
    assert (frames[:, :4] == 255).all()
    assert (frames[:, 4:] == 0).all()


def test_a_share_of_the_width_keeps_the_proportions() -> None:
    laid = all_frames(overlay_clip(flat(0.0, 1, 40, 40), flat(1.0, 1, 80, 40), place=Placement(width=0.5)))[0]
    assert (laid == 255).all(axis=2).sum() == 20 * 10


def test_an_overlay_that_ends_is_held_or_hidden() -> None:
    base, short = flat(0.0, 4), flat(1.0, 2)
    held = all_frames(overlay_clip(base, short))
    hidden = all_frames(overlay_clip(base, short, place=Placement(after_end="hide")))
    assert [int(frame.max()) for frame in held] == [255, 255, 255, 255]
    assert [int(frame.max()) for frame in hidden] == [255, 255, 0, 0]
    assert all_frames(overlay_clip(short, base)).shape[0] == 2


# grid


def test_a_grid_holds_each_clip_in_its_cell_as_long_as_the_longest(clip: Clip) -> None:
    grid = grid_clips([clip, flat(1.0, 2, 64, 48), flat(0.5, 8, 32, 24)], 2, gap=4, color=(0, 0, 1))
    frames = all_frames(grid)
    assert frames.shape == (8, 100, 132, 3)
    assert grid.frame_count == 8
    np.testing.assert_array_equal(frames[:6, :48, :64], all_frames(clip))
    np.testing.assert_array_equal(frames[7, :48, :64], all_frames(clip)[5])
    assert (frames[:, :48, 68:] == 255).all()
    assert (frames[:, 52:, :64] == 128).all()
    assert (frames[:, 52:, 68:] == (0, 0, 255)).all()
    assert (frames[:, 48:52] == (0, 0, 255)).all()


# streams


@given(st.integers(0, 12), st.integers(1, 4))
def test_windows_are_slices(count: int, radius: int) -> None:
    clip = Clip.from_array(np.arange(count * 3, dtype=np.uint8).reshape(count, 1, 1, 3), 24)
    seen = [([int(frame[0, 0, 0]) // 3 for frame in ring], center) for ring, center in windows(clip, radius)]
    wanted = []
    for index in range(count):
        first = max(0, index - radius)
        wanted.append((list(range(first, min(count, index + radius + 1))), index - first))
    assert seen == wanted


def test_a_closed_stream_closes_all_that_it_reads() -> None:
    closed: list[str] = []

    def source(name: str) -> Clip:
        def produce() -> Iterator[np.ndarray]:
            try:
                for _ in range(100):
                    yield np.zeros((1, 6, 8, 3), np.uint8)
            finally:
                closed.append(name)

        return Clip(produce, 8, 6, Fraction(24), 100)

    made = grid_clips([overlay_clip(turn_clip(source("a")), source("b")), pad_clip(source("c"), left=2)], 2)
    blocks = made.chunks()
    next(blocks)
    blocks.close()
    assert sorted(closed) == ["a", "b", "c"]
