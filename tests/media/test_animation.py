"""Animated GIF and WebP, read back by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from server.media.animation import write_animation
from server.media.errors import MediaError
from server.media.pattern import pattern_clip
from server.media.types import Clip


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_has_its_frames_at_their_times(suffix: str, tmp_path: Path) -> None:
    clip = pattern_clip(64, 48, fps=Fraction(12), frame_count=9)
    told: list[int] = []
    path = tmp_path / f"a{suffix}"
    write_animation(path, clip, progress=lambda done, _total: told.append(done))
    assert told == list(range(1, 10))
    originals = np.concatenate(list(clip.chunks())).astype(float)
    durations = []
    with PIL.Image.open(path) as picture:
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (9, (64, 48), 0)
        for index in range(9):
            picture.seek(index)
            shown = np.asarray(picture.convert("RGB")).astype(float)
            errors = np.abs(originals - shown).mean(axis=(1, 2, 3))
            assert errors.argmin() == index
            # Both lose detail, dithered or at half the color resolution, but no color is shifted as a whole.
            assert errors[index] < 10
            assert np.abs((originals[index] - shown).mean(axis=(0, 1))).max() < 1
            durations.append(picture.info["duration"])
    assert abs(sum(durations) - 750) <= 30


def test_deep_pixels_and_odd_sizes_are_written(tmp_path: Path) -> None:
    frames = np.linspace(0, 1, 3 * 15 * 21 * 3, dtype=np.float32).reshape(3, 15, 21, 3)
    for suffix in (".gif", ".webp"):
        write_animation(tmp_path / f"a{suffix}", Clip.from_array(frames, 10))
        with PIL.Image.open(tmp_path / f"a{suffix}") as picture:
            assert (picture.n_frames, picture.size) == (3, (21, 15))


def test_what_cannot_be_is_refused_and_leaves_no_file(tmp_path: Path, small_clip: Clip) -> None:
    fast = small_clip.derive(small_clip.producer, fps=Fraction(60))
    empty = Clip.from_array(np.zeros((0, 16, 16, 3), np.uint8), 10)
    for name, clip in (("a.png", small_clip), ("a.gif", fast), ("a.gif", empty), ("a.webp", empty)):
        with pytest.raises(MediaError) as caught:
            write_animation(tmp_path / name, clip)
        assert caught.value.hint
    with pytest.raises(MediaError):
        write_animation(tmp_path / "a.webp", small_clip, quality=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_full_disk_leaves_no_half_animation(suffix: str, full_disk: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 256, 256, 3)).astype(np.uint8)
    with pytest.raises(MediaError, match="full"):
        write_animation(full_disk / f"a{suffix}", Clip.from_array(noise, 10), quality=100)
    assert list(full_disk.iterdir()) == []


def test_a_webp_keeps_transparency_and_a_gif_refuses_it(tmp_path: Path) -> None:
    clip = pattern_clip(64, 48, fps=Fraction(12), frame_count=3)
    opacity = np.tile((np.arange(64, dtype=np.uint8) * 4)[None, None, :, None], (3, 48, 1, 3))
    alpha = Clip.from_array(opacity, 12)
    write_animation(tmp_path / "a.webp", clip, alpha=alpha, workflow="{}")
    with PIL.Image.open(tmp_path / "a.webp") as picture:
        assert (picture.n_frames, picture.info["xmp"][:10]) == (3, b"<x:xmpmeta")
        for number in range(3):
            picture.seek(number)
            np.testing.assert_array_equal(np.asarray(picture.convert("RGBA"))[:, :, 3], opacity[number, :, :, 0])
    for name, bad in (("a.gif", alpha), ("b.webp", alpha.derive(alpha.producer, fps=Fraction(10)))):
        with pytest.raises(MediaError, match="transparency") as caught:
            write_animation(tmp_path / name, clip, alpha=bad)
        assert caught.value.hint


@pytest.mark.parametrize(("suffix", "side", "limit"), [(".webp", 16384, "16383"), (".gif", 65536, "65535")])
def test_an_animation_too_large_for_its_format_is_refused_before_a_frame_is_made(
    suffix: str, side: int, limit: str, tmp_path: Path
) -> None:
    def produce() -> Iterator[np.ndarray]:
        message = "frames were made for nothing"
        raise AssertionError(message)
        yield

    with pytest.raises(MediaError, match=f"sides are {limit} at most"):
        write_animation(tmp_path / f"a{suffix}", Clip(produce, side, 16, Fraction(12), 2))
    assert list(tmp_path.iterdir()) == []
