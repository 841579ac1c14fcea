"""Load and save nodes: which names they take, what they write, and that it can be read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nodes import Folders, Image, Node, NodeInputError
from nodes.clip import draw_test_pattern
from nodes.image import extract_frame, image_to_clip, load_image, load_mask, save_image
from nodes.video import load_video, preview_clip, save_animation, save_video
from server.media.probe import probe
from tests.nodes.context import FakeContext

SAVES = {
    "filename": "x",
    "codec": "h264",
    "container": "auto",
    "crf": 18,
    "preset": "auto",
    "bit_depth": 8,
    "chroma": "420",
    "hardware": False,
}


def problems(node: Node, **inputs: object) -> list:
    assert node.definition.check is not None
    return list(node.definition.check(**inputs))


@pytest.mark.parametrize("filename", ["boat", "2026/boats/red boat", "Größe 1.5", "boat.v2"])
def test_ordinary_names_are_taken(filename: str, folders: Folders) -> None:
    assert problems(save_video, **SAVES | {"filename": filename}, folders=folders) == []
    assert problems(save_image, filename=filename, folders=folders) == []


@pytest.mark.parametrize(
    ("filename", "code"),
    [
        ("../boat", "outside_folder"),
        ("a/../../boat", "outside_folder"),
        ("/etc/boat", "outside_folder"),
        ("C:/boat", "outside_folder"),
        ("C:boat", "outside_folder"),
        ("..\\boat", "bad_filename"),
        ("bo\0at", "bad_filename"),
        ("boat?", "bad_filename"),
        ("é" * 100, "bad_filename"),
        ("", "bad_filename"),
        ("  ", "bad_filename"),
        ("boats/", "bad_filename"),
        (".", "bad_filename"),
        ("a//b", "bad_filename"),
    ],
)
def test_other_names_are_problems_with_a_hint(filename: str, code: str, folders: Folders) -> None:
    for node, others in ((save_video, SAVES), (save_image, {})):
        [problem] = problems(node, **others | {"filename": filename}, folders=folders)
        assert (problem.input, problem.code) == ("filename", code)
        assert problem.hint


def test_a_link_out_of_the_outputs_folder_is_a_problem(folders: Folders, tmp_path: Path) -> None:
    try:
        (folders.outputs / "away").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this account may not make symbolic links")
    [problem] = problems(save_video, **SAVES | {"filename": "away/boat"}, folders=folders)
    assert problem.code == "outside_folder"


def test_a_name_that_is_suggested_is_taken(folders: Folders) -> None:
    [problem] = problems(save_image, filename="../../C:/boat?.v2", folders=folders)
    suggestion = problem.hint.split("'")[1]
    assert problems(save_image, filename=suggestion, folders=folders) == []


@pytest.mark.parametrize(
    ("settings", "input_name"),
    [
        ({"crf": 60}, "crf"),
        ({"codec": "prores", "preset": "fast"}, "preset"),
        ({"codec": "vp9", "bit_depth": 10}, "bit_depth"),
        ({"codec": "av1", "chroma": "444"}, "chroma"),
        ({"codec": "vp9", "container": "mp4"}, "container"),
        ({"codec": "prores", "hardware": True}, "hardware"),
    ],
)
def test_settings_that_a_codec_does_not_have_are_problems(
    settings: dict[str, object], input_name: str, folders: Folders
) -> None:
    [problem] = problems(save_video, **SAVES | settings, folders=folders)
    assert problem.input == input_name
    assert problem.hint


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "vp9", "prores", "ffv1"])
def test_every_codec_writes_a_file_that_can_be_loaded(codec: str, ctx: FakeContext) -> None:
    pattern = draw_test_pattern(width=64, height=48, seconds=0.25, fps=12.0, tone_hz=440.0)
    artifact = save_video(pattern, filename="pattern", codec=codec, ctx=ctx)
    written = ctx.folders.outputs / artifact.path
    assert probe(written).workflow == ctx.workflow
    assert ctx.reports[-1] == (3, 3, "frame")
    written.rename(ctx.folders.uploads / written.name)
    clip = load_video(file=Path(written.name), ctx=ctx)
    assert (clip.width, clip.height, clip.fps, clip.frame_count) == (64, 48, 12, 3)
    assert clip.audio is not None
    assert load_video(file=Path(written.name), sound=False, ctx=ctx).audio is None


def test_ten_bits_are_ten_bits(ctx: FakeContext) -> None:
    pattern = draw_test_pattern(width=64, height=48, seconds=0.1)
    artifact = save_video(pattern, codec="h265", bit_depth=10, preset="ultrafast", ctx=ctx)
    video = probe(ctx.folders.outputs / artifact.path).video
    assert video is not None
    assert video.bit_depth == 10


def test_an_odd_size_blames_the_clip_before_anything_is_encoded(ctx: FakeContext) -> None:
    with pytest.raises(NodeInputError, match="odd") as caught:
        save_video(draw_test_pattern(width=65, height=48, seconds=0.1), ctx=ctx)
    assert caught.value.input_name == "clip"
    assert ctx.reports == []


@pytest.mark.parametrize(("name", "message"), [("no.mp4", "there is no file"), ("../x.mp4", "lies outside")])
def test_a_file_that_is_not_there_is_a_problem_before_the_run(
    name: str, message: str, folders: Folders, ctx: FakeContext
) -> None:
    [problem] = problems(load_video, file=name, folders=folders)
    assert problem.input == "file"
    assert message in problem.message
    assert problem.hint
    with pytest.raises(NodeInputError, match=message):
        load_video(file=Path(name), ctx=ctx)


def test_a_file_that_is_no_video_blames_the_file(ctx: FakeContext) -> None:
    (ctx.folders.uploads / "words.mp4").write_text("these are words", encoding="utf-8")
    with pytest.raises(NodeInputError) as caught:
        load_video(file=Path("words.mp4"), ctx=ctx)
    assert caught.value.input_name == "file"


def test_a_changed_file_has_another_fingerprint(folders: Folders) -> None:
    fingerprint = load_image.definition.fingerprint
    assert fingerprint is not None
    path = folders.uploads / "picture.png"
    path.write_bytes(b"one")
    before = fingerprint(file="picture.png", folders=folders)
    assert fingerprint(file="picture.png", folders=folders) == before
    path.write_bytes(b"another")
    assert fingerprint(file="picture.png", folders=folders) != before


@pytest.mark.parametrize(("form", "error"), [("png", 0), ("webp", 40), ("jpeg", 40)])
def test_a_picture_is_saved_and_loaded(form: str, error: int, ctx: FakeContext) -> None:
    from server.media.pictures import read_image_tags

    pixels = np.full((8, 10, 3), (200, 30, 60), np.uint8)
    artifact = save_image(Image(pixels), filename="picture", format=form, ctx=ctx)
    written = ctx.folders.outputs / artifact.path
    assert artifact.media_type == f"image/{form}"
    if form == "png":
        assert read_image_tags(written)["workflow"] == ctx.workflow
    written.rename(ctx.folders.uploads / written.name)
    loaded = load_image(file=Path(written.name), ctx=ctx)
    assert np.abs(loaded.pixels.astype(int) - pixels).max() <= error
    mask = load_mask(file=Path(written.name), ctx=ctx)
    assert (mask.width, mask.height) == (10, 8)


def test_a_frame_becomes_a_picture_and_a_picture_a_clip(ctx: FakeContext) -> None:
    pattern = draw_test_pattern(width=64, height=48, seconds=1.0, fps=12.0)
    frame = extract_frame(pattern, index=7, ctx=ctx)
    np.testing.assert_array_equal(frame.pixels, list(pattern.frames())[7])
    clip = image_to_clip(frame, seconds=0.5, fps=12.0)
    assert clip.frame_count == 6
    for still in clip.frames():
        np.testing.assert_array_equal(still, frame.pixels)


def test_a_frame_beyond_the_end_blames_the_index(ctx: FakeContext) -> None:
    with pytest.raises(NodeInputError) as caught:
        extract_frame(draw_test_pattern(width=64, height=48, seconds=0.5), index=99, ctx=ctx)
    assert caught.value.input_name == "index"


def test_a_preview_shows_the_frames_and_is_kept(ctx: FakeContext) -> None:
    artifact = preview_clip(draw_test_pattern(width=64, height=48, seconds=0.5), frames=4, ctx=ctx)
    assert artifact.media_type == "image/webp"
    assert (ctx.folders.outputs / artifact.path).read_bytes()[8:12] == b"WEBP"
    assert len(ctx.previews) == 1


@pytest.mark.parametrize("file_format", ["gif", "webp"])
def test_an_animation_is_a_picture_of_its_kind(file_format: str, ctx: FakeContext) -> None:
    pattern = draw_test_pattern(width=64, height=48, seconds=0.25, fps=12.0)
    artifact = save_animation(pattern, format=file_format, ctx=ctx)
    assert artifact.media_type == f"image/{file_format}"
    content = (ctx.folders.outputs / artifact.path).read_bytes()
    assert content.startswith((b"GIF89a", b"RIFF"))
    assert ctx.reports[-1] == (3, 3, "frame")


def test_a_gif_that_is_too_fast_blames_the_clip(ctx: FakeContext) -> None:
    with pytest.raises(NodeInputError, match="60") as caught:
        save_animation(draw_test_pattern(seconds=0.1, fps=60.0), format="gif", ctx=ctx)
    assert caught.value.input_name == "clip"
    assert "25" in caught.value.hint
