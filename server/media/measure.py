"""Numbers about clips: how alike two are, and what one does in time. One pass, a frame or two in memory."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .colors import convert_dtype
from .errors import MediaError
from .frames import in_step, require_one_rate
from .grade import luma_weights
from .types import Clip

if TYPE_CHECKING:
    from .types import Array

MAX_PSNR_DB = 100.0
_SSIM_BLOCK = 4
_CUT_REACH = 8

Progress = Callable[[int, "int | None"], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold how alike two clips are, frame by frame.

    Attributes:
        psnr_db: Peak signal-to-noise ratio over the red, green and blue values of each frame; 100 where they are equal.
        ssim: Structural similarity of the luma of each frame, up to 1.
    """

    psnr_db: list[float]
    ssim: list[float]


@dataclass(frozen=True, slots=True)
class Activity:
    """Hold what a clip does in time.

    Attributes:
        brightness: Mean luma of each frame, in [0, 1].
        change: Mean absolute difference of luma between each frame and the one before, in [0, 1]; 0 for the first.
        scene_cuts: Numbers of the frames that begin another scene.
        duplicates: Numbers of the frames that equal the one before.
        black: Numbers of the frames that are black.
    """

    brightness: list[float]
    change: list[float]
    scene_cuts: list[int]
    duplicates: list[int]
    black: list[int]

    @property
    def flicker(self) -> float:
        """Mean of how far brightness bends between neighbors, in [0, 1]; a steady fade has none."""
        return float(np.abs(np.diff(self.brightness, 2)).mean()) if len(self.brightness) > 2 else 0.0

    @property
    def motion(self) -> float:
        """Mean change between neighbors within scenes, in [0, 1]."""
        within = [value for index, value in enumerate(self.change) if index and index not in set(self.scene_cuts)]
        return sum(within) / len(within) if within else 0.0


def compare_clips(clip: Clip, reference: Clip, *, progress: Progress | None = None) -> Comparison:
    """Compare two clips of the same size, rate and length, frame by frame.

    Args:
        clip: What is judged.
        reference: What it should look like.
        progress: Called after each frame with the frames done and the frame count or None; raising in it cancels.

    Raises:
        MediaError: Sizes, rates or color spaces differ, or one clip ends before the other.
    """
    check_comparable(clip, reference)
    weights = luma_weights(clip)
    result = Comparison([], [])
    with closing(in_step([clip, reference])) as rows:
        for first, second in rows:
            if first is None or second is None:
                done = len(result.ssim)
                raise MediaError(f"one of the clips ends after {done} frames", "trim both to the same length")
            mine, theirs = convert_dtype(first, "float32"), convert_dtype(second, "float32")
            result.psnr_db.append(psnr_db(mine, theirs))
            result.ssim.append(ssim(mine @ weights, theirs @ weights))
            if progress is not None:
                progress(len(result.ssim), clip.frame_count)
    return result


def check_comparable(clip: Clip, reference: Clip) -> None:
    """Refuse clips that differ in rate, color space, size, or in a length that is known.

    Raises:
        MediaError: They differ.
    """
    require_one_rate([clip, reference])
    if (clip.width, clip.height) != (reference.width, reference.height):
        raise MediaError(
            f"a clip of {clip.width}x{clip.height} cannot be compared with one of {reference.width}x{reference.height}",
            "resize one of them first",
        )
    counts = (clip.frame_count, reference.frame_count)
    if None not in counts and counts[0] != counts[1]:
        raise MediaError(f"clips of {counts[0]} and {counts[1]} frames cannot be compared", "trim the longer one")


def psnr_db(first: Array, second: Array) -> float:
    """Return the peak signal-to-noise ratio of float values in [0, 1], at most 100 dB."""
    error = float(np.mean((first - second).astype(np.float64) ** 2))
    return MAX_PSNR_DB if error == 0 else min(MAX_PSNR_DB, -10 * math.log10(error))


def ssim(first: Array, second: Array) -> float:
    """Return the mean structural similarity (Wang 2004) of two planes (H, W) in [0, 1].

    Windows are 8x8 pixels, 4 apart, as in FFmpeg's filter of that name; planes below 8x8 are one window.
    """
    if min(first.shape) < 2 * _SSIM_BLOCK:
        windows = [np.array(value).reshape(1, 1) for value in _sums(first, second)]
        count = first.size
    else:
        rows, columns = (side // _SSIM_BLOCK * _SSIM_BLOCK for side in first.shape)
        blocks = [_block_sums(plane[:rows, :columns]) for plane in _products(first, second)]
        windows = [b[:-1, :-1] + b[1:, :-1] + b[:-1, 1:] + b[1:, 1:] for b in blocks]
        count = (2 * _SSIM_BLOCK) ** 2
    one, two, squares, both = (window / count for window in windows)
    # Variances with N - 1, as FFmpeg counts them.
    unbiased = count / max(1, count - 1)
    variance, covariance = (squares - one**2 - two**2) * unbiased, (both - one * two) * unbiased
    luma = (2 * one * two + 0.01**2) / (one**2 + two**2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variance + 0.03**2)
    return float((luma * structure).mean())


def _products(first: Array, second: Array) -> Generator[Array]:
    one, two = first.astype(np.float64), second.astype(np.float64)
    yield one
    yield two
    yield one * one + two * two
    yield one * two


def _sums(first: Array, second: Array) -> list[float]:
    return [float(plane.sum()) for plane in _products(first, second)]


def _block_sums(plane: Array) -> Array:
    height, width = plane.shape
    return plane.reshape(height // _SSIM_BLOCK, _SSIM_BLOCK, width // _SSIM_BLOCK, _SSIM_BLOCK).sum(axis=(1, 3))


def measure_activity(
    clip: Clip,
    *,
    cut_threshold: float = 0.15,
    duplicate_threshold: float = 0.0005,
    black_threshold: float = 0.02,
    progress: Progress | None = None,
) -> Activity:
    """Measure what happens in a clip, in one pass.

    A frame begins a scene when its change exceeds the threshold and three times the median of the changes around
    it, up to eight on each side, so that fast motion is not taken for cuts.

    Args:
        clip: Any clip.
        cut_threshold: Change above which a frame may begin a scene, in [0, 1].
        duplicate_threshold: Change up to which a frame is one that was there before.
        black_threshold: Luma that no more than 1 in 1000 pixels of a black frame exceeds.
        progress: Called after each frame with the frames done and the frame count or None; raising in it cancels.
    """
    weights = luma_weights(clip)
    result = Activity([], [], [], [], [])
    before: Array | None = None
    with closing(clip.frames()) as frames:
        for index, pixels in enumerate(frames):
            luma = convert_dtype(pixels, "float32") @ weights
            change = 0.0 if before is None else float(np.abs(luma - before).mean())
            if before is not None and change <= duplicate_threshold:
                result.duplicates.append(index)
            if float((luma > black_threshold).mean()) <= 0.001:
                result.black.append(index)
            result.brightness.append(float(luma.mean()))
            result.change.append(change)
            before = luma
            if progress is not None:
                progress(index + 1, clip.frame_count)
    result.scene_cuts.extend(find_cuts(result.change, cut_threshold))
    return result


def find_cuts(change: list[float], threshold: float = 0.15) -> Generator[int]:
    """Yield the numbers of the frames that begin another scene, as ``measure_activity`` tells them from fast motion."""
    for index, value in enumerate(change):
        around = change[max(1, index - _CUT_REACH) : index] + change[index + 1 : index + 1 + _CUT_REACH]
        if value > threshold and value > 3 * (statistics.median(around) if around else 0):
            yield index
