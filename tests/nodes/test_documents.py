"""The workflow inside the files that the nodes save: what is written is found again, by the worker's own way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodes import Folders, Image
from nodes.audio import make_silence, save_audio
from nodes.clip import draw_test_pattern
from nodes.image import save_image
from nodes.sequences import save_image_sequence
from nodes.video import save_animation, save_video
from server.jobs.service import worker_hello
from server.jobs.session import WorkerSession
from server.kit.problems import WorkflowError
from server.settings import Settings
from tests.nodes.context import FakeContext

WORKFLOW = json.dumps({"kinegraph": 1, "title": "Größe: 🚤", "nodes": {}}, ensure_ascii=False)


@pytest.fixture
def session(tmp_path: Path):
    settings = Settings(home=tmp_path / "home", custom_nodes=tmp_path / "packs", device="cpu").create_folders()
    session = WorkerSession(worker_hello(settings))
    yield session
    session.close()


def saved(kind: Any, folders: Folders, workflow: str) -> Path:
    context = FakeContext(folders, workflow=workflow)
    clip = draw_test_pattern(width=64, height=48, seconds=0.25, fps=8.0, tone_hz=0.0)
    picture = Image(np.zeros((8, 8, 3), np.uint8))
    if kind == "video":
        artifact = save_video(clip, filename="clip", ctx=context)
    elif kind in {"gif", "animated webp"}:
        form: Any = kind.removeprefix("animated ")
        artifact = save_animation(clip, format=form, ctx=context)
    elif kind in {"wav", "flac", "mp3", "m4a", "opus"}:
        artifact = save_audio(make_silence(seconds=0.5), format=kind, ctx=context)
    elif kind in {"png sequence", "exr sequence"}:
        form = kind.removesuffix(" sequence")
        artifact = save_image_sequence(clip, format=form, ctx=context)
        return folders.outputs / artifact.path / f"frame_000001.{form}"
    else:
        artifact = save_image(picture, filename="picture", format=kind, ctx=context)
    return folders.outputs / artifact.path


PICTURES = ["png", "webp", "gif", "animated webp", "png sequence", "exr sequence"]
KINDS = ["video", *PICTURES, "wav", "flac", "mp3", "m4a", "opus"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_workflow_in_a_saved_file_is_found_again(session: WorkerSession, folders: Folders, kind: str) -> None:
    assert session.embedded_workflow(saved(kind, folders, WORKFLOW)) == WORKFLOW


@pytest.mark.parametrize("kind", [*KINDS, "jpeg"])
def test_a_file_that_carries_none_gives_none(session: WorkerSession, folders: Folders, kind: str) -> None:
    assert session.embedded_workflow(saved(kind, folders, "")) is None


@pytest.mark.parametrize("name", ["a.mp4", "a.MOV", "a.webm", "a.png", "a.gif", "a.opus"])
@pytest.mark.parametrize("content", [b"", b"no such thing", b"#EXTM3U\nhttp://example.com/x.ts"])
def test_a_file_that_is_not_what_its_name_says_is_refused_with_a_hint(
    session: WorkerSession, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WorkflowError) as caught:
        session.embedded_workflow(tmp_path / name)
    (problem,) = caught.value.problems
    assert problem.code == "unreadable_file"
    assert problem.hint


def test_a_file_that_no_pack_reads_carries_none(session: WorkerSession, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(WORKFLOW, encoding="utf-8")
    assert session.embedded_workflow(tmp_path / "a.txt") is None
