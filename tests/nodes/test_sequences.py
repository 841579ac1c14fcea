"""Nodes for image sequences: folders in, folders out, and nothing outside the project's folders."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nodes import Clip, Folders, NodeInputError
from nodes.clip import draw_test_pattern
from nodes.documents import read_picture_workflow
from nodes.sequences import load_image_sequence, save_image_sequence
from server.media.probe import probe
from tests.nodes.context import FakeContext
from tests.nodes.workbench import Workbench


@pytest.fixture
def pattern() -> Clip:
    return draw_test_pattern(width=48, height=32, seconds=0.5, fps=23.976, tone_hz=440.0)


@pytest.mark.parametrize("kind", ["png", "png16", "exr"])
def test_a_clip_goes_into_a_folder_and_comes_back(kind: str, pattern: Clip, ctx: FakeContext) -> None:
    artifact = save_image_sequence(pattern, pattern, filename="shots/a", format=kind, ctx=ctx)
    assert artifact.media_type == "inode/directory"
    folder = ctx.folders.outputs / artifact.path
    assert len(list(folder.iterdir())) == 13
    assert ctx.reports[-1] == (12, 12, "frame")
    if kind != "exr":
        assert read_picture_workflow(folder / "frame_000001.png") == ctx.workflow
    clip = load_image_sequence(folder=artifact.path, where="outputs", ctx=ctx)
    assert (clip.fps, clip.frame_count) == (Fraction(24000, 1001), 12)
    assert clip.audio is not None
    assert abs(clip.audio.duration_s - clip.frame_count / clip.fps) < Fraction(1, 48000)
    scale = {"png": 1, "png16": 257, "exr": 1 / 255}[kind]
    shown = next(clip.frames()).astype(float) / scale
    assert np.abs(shown - next(pattern.frames())).max() < 0.2
    alpha = load_image_sequence(folder=artifact.path, where="outputs", channel="alpha", start=4, ctx=ctx)
    assert alpha.frame_count == 8
    wanted = list(pattern.frames())[4][..., 1]
    assert np.abs(next(alpha.frames())[..., 0].astype(float) / scale - wanted).max() < 0.2


def test_a_rate_that_is_asked_for_is_exact(pattern: Clip, ctx: FakeContext) -> None:
    artifact = save_image_sequence(pattern, ctx=ctx)
    shutil.move(ctx.folders.outputs / artifact.path, ctx.folders.uploads / "shot")
    clip = load_image_sequence(folder="shot", fps=29.97, count=6, stride=2, ctx=ctx)
    assert (clip.fps, clip.frame_count) == (Fraction(15000, 1001), 3)


@pytest.mark.parametrize("name", ["../secret", "/etc", "", "nowhere"])
def test_no_folder_outside_is_read(name: str, folders: Folders, ctx: FakeContext) -> None:
    (folders.uploads.parent / "secret").mkdir()
    check = load_image_sequence.definition.check
    assert check is not None
    [problem] = check(archive=None, folder=name, where="uploads", folders=folders)
    assert problem.input == "folder"
    assert problem.hint
    with pytest.raises(NodeInputError):
        load_image_sequence(folder=name, ctx=ctx)


def test_a_picture_that_changes_changes_the_key(pattern: Clip, ctx: FakeContext) -> None:
    artifact = save_image_sequence(pattern, ctx=ctx)
    fingerprint = load_image_sequence.definition.fingerprint
    assert fingerprint is not None

    def key() -> object:
        return fingerprint(archive=None, folder=artifact.path, where="outputs", folders=ctx.folders)

    before = key()
    assert key() == before
    os.utime(ctx.folders.outputs / artifact.path / "frame_000003.png", (1, 1))
    assert key() != before


def test_an_archive_and_a_folder_at_once_are_a_problem(folders: Folders, pattern: Clip, ctx: FakeContext) -> None:
    with pytest.raises(NodeInputError, match="both"):
        load_image_sequence(archive=Path("a.zip"), folder="b", ctx=ctx)
    with pytest.raises(NodeInputError, match=r"a\.zip") as caught:
        load_image_sequence(archive=Path("a.zip"), ctx=ctx)
    assert caught.value.input_name == "archive"


def test_a_sequence_runs_through_the_engine_once(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    document = {
        "kinegraph": 1,
        "nodes": {
            "draw": {"type": "test_pattern", "version": 1, "inputs": {"seconds": 0.25, "width": 32, "height": 32}},
            "save": {
                "type": "save_image_sequence",
                "version": 1,
                "inputs": {"clip": {"link": ["draw", "clip"]}, "filename": "shot"},
            },
        },
        "outputs": {"folder": {"node": "save", "output": "folder"}},
    }
    first = bench.run(document)
    assert first.status == "succeeded"
    assert [made.artifact.path for made in first.artifacts] == ["shot_00001"]
    assert len(list((bench.folders.outputs / "shot_00001").iterdir())) == 6
    assert bench.run(document).ran == 0
    shutil.make_archive(str(bench.folders.uploads / "shot"), "zip", bench.folders.outputs, "shot_00001")
    for inputs in ({"archive": "shot.zip"}, {"folder": "shot_00001", "where": "outputs"}):
        nodes = {
            "load": {"type": "load_image_sequence", "version": 1, "inputs": inputs},
            "save": {"type": "save_video", "version": 1, "inputs": {"clip": {"link": ["load", "clip"]}}},
        }
        again = bench.run({"kinegraph": 1, "nodes": nodes})
        assert again.status == "succeeded"
        info = probe(bench.folders.outputs / again.artifacts[0].artifact.path).video
        assert info is not None
        assert (info.frame_count, info.fps) == (6, 24)
    shutil.rmtree(bench.folders.outputs / "shot_00001")
    assert [made.artifact.path for made in bench.run(document).artifacts] == ["shot_00001"]
    bench.close()
