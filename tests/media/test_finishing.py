"""Color, LUTs, sharpness, grain, vignette, noise, flicker: against formulas, and FFmpeg's own LUT filter."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from server.media.colors import convert_dtype
from server.media.cube import apply_cube, read_cube
from server.media.decode import load_clip
from server.media.errors import MediaError
from server.media.finish import add_grain, add_vignette, blur, sharpen_clip
from server.media.grade import Grade, grade_clip, match_color
from server.media.steady import deflicker_clip, denoise_clip
from server.media.types import Clip, ColorTags, Image

DTYPES = ["uint8", "uint16", "float16", "float32"]
STEP = {"uint8": 1 / 255, "uint16": 2e-4, "float16": 2e-3, "float32": 1e-5}


def all_frames(clip: Clip) -> np.ndarray:
    return np.concatenate(list(clip.chunks()))


def noisy(count: int = 3, height: int = 24, width: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, height, width, 3), np.float32)


def clip_of(frames: np.ndarray, dtype: str = "float32") -> Clip:
    return Clip.from_array(convert_dtype(frames, dtype), 24)


def as_floats(clip: Clip) -> np.ndarray:
    return convert_dtype(all_frames(clip), "float32")


# grade


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("grade", "formula"),
    [
        (Grade(), lambda x: x),
        (Grade(exposure=1), lambda x: np.clip(2 * x, 0, 1)),
        (Grade(lift=0.2), lambda x: x + 0.2 * (1 - x)),
        (Grade(gamma=2), np.sqrt),
        (Grade(gain=0.5), lambda x: 0.5 * x),
        (Grade(contrast=2), lambda x: np.clip(2 * x - 0.5, 0, 1)),
        (Grade(temperature=0.5, tint=1), lambda x: np.clip(x * 2.0 ** np.array([0.25, -0.5, -0.25]), 0, 1)),
        (Grade(saturation=0), lambda x: np.repeat((x @ [0.2126, 0.7152, 0.0722])[..., None], 3, axis=-1)),
    ],
)
def test_a_grade_is_its_formula(grade: Grade, formula: Callable[[np.ndarray], np.ndarray], dtype: str) -> None:
    clip = clip_of(noisy(), dtype)
    graded = grade_clip(clip, grade)
    assert graded.dtype == dtype
    assert np.abs(as_floats(graded) - formula(as_floats(clip).astype(float))).max() < STEP[dtype]


def test_saturation_keeps_the_luma_of_the_clips_own_primaries() -> None:
    frames = noisy() * 0.2 + 0.4
    wide = clip_of(frames).derive(clip_of(frames).producer, color=ColorTags("bt2020", "bt709", "bt2020nc"))
    graded = as_floats(grade_clip(wide, Grade(saturation=1.5)))
    weights = np.array([0.2627, 0.6780, 0.0593])
    np.testing.assert_allclose(graded @ weights, frames @ weights, atol=1e-5)
    assert graded.std(axis=-1).mean() > frames.std(axis=-1).mean() * 1.4


@pytest.mark.parametrize("size", [(64, 48), (7, 5), (1, 1)])
def test_a_table_for_pairs_of_bytes_gives_what_a_table_for_bytes_gives(size: tuple[int, int]) -> None:
    frames = np.random.default_rng(3).integers(0, 256, (2, size[1], size[0], 3), np.uint8)
    grade = Grade(gamma=1.7, lift=0.1, contrast=1.2)
    graded = np.concatenate(list(grade_clip(Clip.from_array(frames, 24), grade).chunks()))
    # As deep pixels, they take the table that has one entry for each value.
    deep = grade_clip(Clip.from_array(frames.astype(np.uint16) * 257, 24), grade)
    assert np.abs(np.concatenate(list(deep.chunks())) / 257 - graded).max() <= 0.5 + 1e-3
    views = grade_clip(Clip.from_array(frames[:, ::-1, ::-1], 24), grade)
    assert np.array_equal(np.concatenate(list(views.chunks())), graded[:, ::-1, ::-1])


def test_deep_pixels_are_graded_like_shallow_ones() -> None:
    grade = Grade(0.3, 0.2, -0.1, 0.05, 1.3, 0.9, 1.2, 1.4)
    shallow = convert_dtype(noisy(), "uint8")
    wanted = as_floats(grade_clip(clip_of(convert_dtype(shallow, "float32")), grade))
    for dtype in DTYPES:
        assert np.abs(as_floats(grade_clip(clip_of(shallow, dtype), grade)) - wanted).max() < 2 * STEP["uint8"]


# matching


def test_the_first_frame_gets_the_mean_and_covariance_of_the_reference() -> None:
    mixing = np.array([[0.5, 0.2, 0], [0.1, 0.4, 0.1], [0, 0.1, 0.3]], np.float32)
    frames, reference = noisy() * 0.3 + 0.3, (noisy(1, 40, 40, 7)[0] - 0.5) * 0.5 @ mixing + 0.5
    matched = all_frames(match_color(clip_of(frames), Image(reference.astype(np.float32))))
    got, wanted = matched[0].reshape(-1, 3), reference.reshape(-1, 3)
    np.testing.assert_allclose(got.mean(axis=0), wanted.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(np.cov(got.T), np.cov(wanted.T), atol=2e-4)


def test_a_clip_that_matches_already_stays_and_later_frames_keep_their_difference() -> None:
    frames = noisy() * 0.4 + 0.2
    frames[2] = frames[0] + 0.1
    same = all_frames(match_color(clip_of(frames), Image(frames[0])))
    np.testing.assert_allclose(same, frames, atol=1e-4)
    brighter = Image(frames[0] + np.float32(0.2))
    moved = all_frames(match_color(clip_of(frames), brighter, strength=0.5))
    np.testing.assert_allclose(moved, frames + 0.1, atol=1e-4)


# LUT


def write_cube(path: Path, function: Callable[[np.ndarray], np.ndarray], size: int = 9, head: str = "") -> Path:
    axis = np.linspace(0, 1, size)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    rows = function(np.stack([red, green, blue], axis=-1).reshape(-1, 3))
    lines = [f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in rows]
    path.write_text(f'# made by a test\nTITLE "look"\nLUT_3D_SIZE {size}\n{head}' + "\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_linear_lut_is_its_matrix(dtype: str, tmp_path: Path) -> None:
    matrix = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0, 0.9]])
    cube = read_cube(write_cube(tmp_path / "a.cube", lambda x: x @ matrix.T))
    clip = clip_of(noisy(), dtype)
    for strength in (1.0, 0.25):
        wanted = as_floats(clip) @ (np.eye(3) + strength * (matrix - np.eye(3))).T
        assert np.abs(as_floats(apply_cube(clip, cube, strength=strength)) - wanted).max() < 1.1 * STEP[dtype]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_ffmpegs_lut_filter_gives_the_same(dtype: str, ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.cube", lambda x: np.stack([x[:, 0] ** 2, np.sqrt(x[:, 2]), 1 - x[:, 1]], axis=1))
    frames = convert_dtype(noisy(2), dtype)
    (tmp_path / "in.raw").write_bytes(frames.tobytes())
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24" if dtype == "uint8" else "rgb48le")
    table = f"lut3d=file={path.as_posix()}:interp=trilinear"
    ffmpeg(*raw, "-s", "32x24", "-i", tmp_path / "in.raw", "-vf", table, *raw, tmp_path / "out.raw")
    theirs = np.frombuffer((tmp_path / "out.raw").read_bytes(), frames.dtype).reshape(frames.shape)
    ours = all_frames(apply_cube(Clip.from_array(frames, 24), read_cube(path)))
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= (1 if dtype == "uint8" else 16)


def test_a_lut_of_one_dimension_and_another_domain(tmp_path: Path) -> None:
    rows = "\n".join(f"{value} {value / 2} {1 - value}" for value in np.linspace(0, 1, 5))
    head = "LUT_1D_SIZE 5\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 0.5 1 1\n"
    (tmp_path / "a.cube").write_text(head + rows, encoding="utf-8")
    frames = noisy()
    got = all_frames(apply_cube(clip_of(frames), read_cube(tmp_path / "a.cube")))
    wanted = np.stack([np.minimum(frames[..., 0] * 2, 1), frames[..., 1] / 2, 1 - frames[..., 2]], axis=-1)
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_a_lut_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    rows = "LUT_1D_SIZE 2\n0 0 0\n1 0.5 0\n"
    (tmp_path / "a.cube").write_text(rows, encoding="utf-8-sig")
    np.testing.assert_array_equal(read_cube(tmp_path / "a.cube").table, [[0, 0, 0], [1, 0.5, 0]])


def test_the_input_range_of_resolve_is_the_domain(tmp_path: Path) -> None:
    cube = read_cube(write_cube(tmp_path / "a.cube", lambda x: x, head="LUT_3D_INPUT_RANGE -0.5 1.5\n"))
    frames = noisy()
    np.testing.assert_allclose(all_frames(apply_cube(clip_of(frames), cube)), frames / 2 + 0.25, atol=1e-5)
    (tmp_path / "b.cube").write_text("LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 0 2\n0 0 0\n1 1 1\n", encoding="utf-8")
    assert read_cube(tmp_path / "b.cube").high.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 1\n0 0 0\n1 1 1\n",
        "LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 1 0\n0 0 0\n1 1 1\n",
        "hello world",
        "LUT_3D_SIZE 2\n0 0 0\n",
        "LUT_3D_SIZE 100000\n0 0 0\n",
        "LUT_3D_SIZE two\n",
        "LUT_1D_SIZE 2\n0 0 0\nnan 1 1\n",
        "LUT_1D_SIZE 2\n0 0 0\n1 1\n",
        "LUT_1D_SIZE 2\nDOMAIN_MIN 1 1 1\nDOMAIN_MAX 1 1 1\n0 0 0\n1 1 1\n",
        "\x00\x01\x02" * 100,
    ],
)
def test_a_broken_cube_file_is_refused_with_a_hint(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.cube"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(MediaError) as caught:
        read_cube(path)
    assert caught.value.hint


# finish


def test_a_blur_is_the_gaussian_and_keeps_the_mean() -> None:
    point = np.zeros((31, 31, 1), np.float32)
    point[15, 15] = 1
    spread = blur(point, 1.5)[:, :, 0]
    y, x = np.mgrid[-15:16, -15:16]
    wanted = np.exp(-(x * x + y * y) / (2 * 1.5**2))
    np.testing.assert_allclose(spread, wanted / wanted.sum(), atol=1e-4)
    np.testing.assert_allclose(blur(np.full((9, 9, 3), 0.3, np.float32), 3.0), 0.3, atol=1e-6)


def test_sharpening_is_an_unsharp_mask() -> None:
    frames = noisy(1) * 0.2 + 0.4
    blurred = blur(frames[0], 1.0)
    sharp = all_frames(sharpen_clip(clip_of(frames), amount=0.5))[0]
    np.testing.assert_allclose(sharp, frames[0] + 0.5 * (frames[0] - blurred), atol=1e-6)
    np.testing.assert_allclose(all_frames(sharpen_clip(clip_of(frames), amount=-1))[0], blurred, atol=1e-6)
    np.testing.assert_array_equal(
        all_frames(sharpen_clip(clip_of(frames, "uint8"), amount=0)), convert_dtype(frames, "uint8")
    )


def test_grain_has_its_deviation_and_spares_black_and_white() -> None:
    gray = np.full((2, 96, 96, 3), 0.5, np.float32)
    for size in (1.0, 3.0):
        grain = all_frames(add_grain(clip_of(gray), amount=0.05, size=size)) - 0.5
        assert abs(grain.std() - 0.05) < 0.003
        assert abs(grain.mean()) < 0.005
        np.testing.assert_allclose(grain[..., 0], grain[..., 2])
    fine, coarse = (all_frames(add_grain(clip_of(gray), size=size))[0, :, :, 0] - 0.5 for size in (1.0, 4.0))
    alike = [np.corrcoef(grain[:, 1:].ravel(), grain[:, :-1].ravel())[0, 1] for grain in (fine, coarse)]
    assert abs(alike[0]) < 0.05
    assert alike[1] > 0.7
    for level in (0.0, 1.0):
        assert (all_frames(add_grain(clip_of(gray * 0 + np.float32(level)))) == level).all()


def test_grain_follows_its_seed_and_changes_with_each_frame() -> None:
    clip = clip_of(np.full((3, 16, 16, 3), 0.5, np.float32))
    first = all_frames(add_grain(clip, seed=3))
    np.testing.assert_array_equal(first, all_frames(add_grain(clip, seed=3)))
    assert (first[0] != first[1]).mean() > 0.9
    assert (first[0] != all_frames(add_grain(clip, seed=4))[0]).mean() > 0.9


def test_a_vignette_spares_the_middle_and_takes_its_share_of_the_corners() -> None:
    white = np.ones((1, 100, 100, 3), np.float32)
    frame = all_frames(add_vignette(clip_of(white), amount=0.6, start=0.3))[0, :, :, 0]
    assert (frame[40:60, 40:60] == 1).all()
    assert abs(frame[0, 0] - 0.4) < 0.01
    np.testing.assert_allclose(frame, frame[::-1, ::-1], atol=1e-6)
    diagonal = np.diagonal(frame)[:50]
    assert (np.diff(diagonal) >= 0).all()


# windows


def test_temporal_denoising_lowers_noise_and_keeps_motion() -> None:
    truth = np.full((12, 24, 32, 3), 0.4, np.float32)
    truth[6:, :, 16:] = 0.9
    dirty = truth + np.random.default_rng(1).normal(0, 0.02, truth.shape).astype(np.float32)
    clean = all_frames(denoise_clip(clip_of(dirty), strength=0.15, radius=2))
    before, after = (np.sqrt(np.mean((frames - truth) ** 2)) for frames in (dirty, clean))
    assert after < before * 0.65
    assert np.abs(clean[5:7] - truth[5:7])[:, :, 16:].mean() < 0.02


def test_a_still_clip_is_averaged_exactly_and_the_ends_with_fewer_frames() -> None:
    frames = np.array([0.50, 0.51, 0.52], np.float32)[:, None, None, None] * np.ones((1, 2, 2, 3), np.float32)
    clean = all_frames(denoise_clip(clip_of(frames), strength=0.01, radius=1))[:, 0, 0, 0]
    near = np.exp(-1.0)
    wanted = [(0.50 + near * 0.51) / (1 + near), 0.51, (0.52 + near * 0.51) / (1 + near)]
    np.testing.assert_allclose(clean, wanted, atol=1e-5)


def test_deflickering_gives_each_frame_the_mean_brightness_of_its_window() -> None:
    levels = np.array([0.3, 0.5, 0.3, 0.5, 0.3, 0.5, 0.3], np.float32)
    frames = levels[:, None, None, None] * np.ones((1, 4, 4, 3), np.float32)
    steady = all_frames(deflicker_clip(clip_of(frames), radius=2))[:, 0, 0, 0]
    wanted = [levels[max(0, i - 2) : i + 3].mean() for i in range(7)]
    np.testing.assert_allclose(steady, wanted, atol=1e-5)
    black = clip_of(np.zeros((3, 4, 4, 3), np.float32), "uint8")
    assert all_frames(deflicker_clip(black)).max() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda clip: grade_clip(clip, Grade(gamma=0)),
        lambda clip: grade_clip(clip, Grade(saturation=-1)),
        lambda clip: match_color(clip, Image(noisy()[0]), strength=2),
        lambda clip: sharpen_clip(clip, radius=0),
        lambda clip: add_grain(clip, amount=-1),
        lambda clip: add_vignette(clip, start=1),
        lambda clip: denoise_clip(clip, strength=0),
        lambda clip: denoise_clip(clip, radius=100),
        lambda clip: deflicker_clip(clip, radius=0),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(change: Callable[[Clip], Clip]) -> None:
    with pytest.raises(MediaError) as caught:
        change(clip_of(noisy()))
    assert caught.value.hint


def test_finishing_keeps_rate_length_and_sound(small_clip: Clip, chirp: Callable[..., object]) -> None:
    clip = small_clip.derive(small_clip.producer, audio=chirp())
    finished = deflicker_clip(denoise_clip(add_vignette(add_grain(sharpen_clip(grade_clip(clip, Grade(gain=0.9)))))))
    assert (finished.fps, finished.frame_count, finished.audio) == (Fraction(24), 24, clip.audio)
    assert all_frames(finished).shape == all_frames(clip).shape


def test_a_look_survives_the_way_through_a_file(tmp_path: Path, small_clip: Clip) -> None:
    from server.media.encode import write_video

    graded = grade_clip(small_clip, Grade(gain=0.5))
    write_video(tmp_path / "a.mkv", graded, codec="ffv1")
    np.testing.assert_array_equal(all_frames(load_clip(tmp_path / "a.mkv")), all_frames(graded))
