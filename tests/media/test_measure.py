"""Numbers about clips: against FFmpeg's filters, against formulas, and on clips made to have what is looked for."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from server.media.errors import MediaError
from server.media.finish import add_grain
from server.media.measure import compare_clips, measure_activity, psnr_db, ssim
from server.media.pattern import pattern_clip
from server.media.types import Clip
from tests.media.conftest import skip_unless


def gray(levels: list[float], height: int = 16, width: int = 24) -> Clip:
    frames = np.array(levels, np.float32)[:, None, None, None] * np.ones((1, height, width, 3), np.float32)
    return Clip.from_array(frames, 24)


def test_equal_clips_are_equal() -> None:
    clip = pattern_clip(64, 48, frame_count=3)
    same = compare_clips(clip, clip)
    assert same.psnr_db == [100, 100, 100]
    np.testing.assert_allclose(same.ssim, 1, atol=1e-9)


def test_psnr_is_its_formula() -> None:
    assert abs(psnr_db(np.full((4, 4), 0.5, np.float32), np.full((4, 4), 0.6, np.float32)) - 20) < 1e-4
    assert abs(compare_clips(gray([0.3, 0.3]), gray([0.31, 0.3])).psnr_db[0] - 40) < 0.01


def test_ffmpegs_filters_give_the_same_numbers(tmp_path: Path) -> None:
    program = shutil.which("ffmpeg")
    skip_unless(program is not None, "ffmpeg is not installed, so there is no second witness")
    # Gray frames, so that luma is the same number on both sides.
    frames = np.concatenate(list(pattern_clip(64, 48, frame_count=4).chunks()))[..., 1:2].repeat(3, axis=3)
    clip = Clip.from_array(frames, 24)
    noisy = np.concatenate(list(add_grain(clip, amount=0.08, size=2).chunks()))
    paths = [tmp_path / "a.raw", tmp_path / "b.raw"]
    for path, pixels in zip(paths, (frames, noisy), strict=True):
        path.write_bytes(np.ascontiguousarray(pixels[..., 0]).tobytes())
    sources = [
        word for path in paths for word in ("-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x48", "-i", str(path))
    ]
    said = {}
    for name in ("ssim", "psnr"):
        command = [str(program), *sources, "-lavfi", name, "-f", "null", "-"]
        said[name] = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stderr
    ours = compare_clips(Clip.from_array(noisy, 24), clip)
    theirs = float(re.findall(r"SSIM Y:([\d.]+)", said["ssim"])[-1])
    assert abs(np.mean(ours.ssim) - theirs) < 1e-4
    errors = np.mean([10 ** (-value / 10) for value in ours.psnr_db])
    assert abs(-10 * np.log10(errors) - float(re.findall(r"average:([\d.]+)", said["psnr"])[-1])) < 0.01


def test_similarity_falls_with_damage_and_tiny_planes_have_one_too() -> None:
    plane = np.random.default_rng(0).random((5, 6)).astype(np.float32)
    assert ssim(plane, plane) == pytest.approx(1)
    assert -1 <= ssim(plane, 1 - plane) < 0.2
    clip = pattern_clip(64, 48, frame_count=1)
    steps = [compare_clips(add_grain(clip, amount=amount), clip).ssim[0] for amount in (0.02, 0.05, 0.2)]
    assert steps == sorted(steps, reverse=True)


def test_clips_that_cannot_be_compared_are_refused_with_a_hint() -> None:
    clip = gray([0.1, 0.2])
    unknown = gray([0.1])
    for other in (gray([0.1]), gray([0.1, 0.2], 8), clip.derive(clip.producer, fps=Fraction(25))):
        with pytest.raises(MediaError) as caught:
            compare_clips(clip, other)
        assert caught.value.hint
    with pytest.raises(MediaError, match="after 1 frames"):
        compare_clips(clip, unknown.derive(unknown.producer, frame_count=None))


# activity


def test_a_steady_fade_has_motion_and_no_flicker() -> None:
    fade = measure_activity(gray([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert fade.flicker < 1e-6
    assert abs(fade.motion - 0.1) < 1e-6
    assert (fade.scene_cuts, fade.duplicates, fade.black) == ([], [], [])


def test_flicker_is_how_far_brightness_bends() -> None:
    assert abs(measure_activity(gray([0.4, 0.5, 0.4, 0.5, 0.4])).flicker - 0.2) < 1e-6
    assert measure_activity(gray([0.4, 0.5])).flicker == 0


def test_cuts_duplicates_and_black_frames_are_found_where_they_are() -> None:
    moving = np.concatenate(list(pattern_clip(64, 48, frame_count=5).chunks())).astype(np.float32) / 255
    dark = np.zeros((2, 48, 64, 3), np.float32)
    bright = np.full((3, 48, 64, 3), 0.9, np.float32)
    found = measure_activity(Clip.from_array(np.concatenate([moving, dark, bright]), 24))
    assert found.scene_cuts == [5, 7]
    assert found.duplicates == [6, 8, 9]
    assert found.black == [5, 6]
    assert found.motion < 0.05


def test_fast_motion_is_not_taken_for_cuts() -> None:
    noise = np.random.default_rng(0).random((10, 16, 16, 3), np.float32)
    found = measure_activity(Clip.from_array(noise, 24), cut_threshold=0.1)
    assert min(found.change[1:]) > 0.1
    assert found.scene_cuts == []
    assert measure_activity(gray([0.1, 0.9])).scene_cuts == [1]


def test_progress_is_told_and_can_cancel() -> None:
    told: list[tuple[int, int | None]] = []
    measure_activity(gray([0.1, 0.2]), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]

    def cancel(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_clips(gray([0.1]), gray([0.1]), progress=cancel)
