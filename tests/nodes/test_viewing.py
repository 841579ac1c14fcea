"""Looks at what the nodes save, by the worker's own way: facts, strips and copies that are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nodes import Image
from nodes.clip import draw_test_pattern
from nodes.image import save_image
from nodes.video import save_animation, save_video
from server.jobs import views
from server.jobs.service import worker_hello
from server.jobs.session import WorkerSession
from server.kit.problems import WorkflowError
from server.settings import Settings
from tests.nodes.context import FakeContext


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", custom_nodes=tmp_path / "packs", device="cpu").create_folders()


@pytest.fixture
def session(settings: Settings):
    session = WorkerSession(worker_hello(settings))
    yield session
    session.close()


@pytest.fixture
def video(settings: Settings) -> Path:
    clip = draw_test_pattern(width=64, height=48, seconds=0.5, fps=8.0, tone_hz=440.0)
    artifact = save_video(clip, filename="clip", ctx=FakeContext(settings.folders))
    return settings.folders.outputs / artifact.path


def test_a_saved_video_says_what_it_is(session: WorkerSession, video: Path) -> None:
    assert session.view(video, "facts", 0) == {
        "kind": "video",
        "width": 64,
        "height": 48,
        "fps": "8/1",
        "frame_count": 4,
        "duration_s": 0.5,
        "codec": "h264",
        "has_sound": True,
    }
    assert max(session.view(video, "peaks", 8)["peaks"]) > 0.05


def test_pictures_are_pictures_also_when_they_move(session: WorkerSession, settings: Settings) -> None:
    context = FakeContext(settings.folders)
    still = save_image(Image(np.zeros((8, 16, 3), np.uint8)), filename="still", format="png", ctx=context)
    moving = save_animation(draw_test_pattern(width=32, height=16, seconds=0.5, fps=8.0), format="gif", ctx=context)
    for artifact, size in ((still, (16, 8)), (moving, (32, 16))):
        facts = session.view(settings.folders.outputs / artifact.path, "facts", 0)
        assert (facts["kind"], facts["width"], facts["height"]) == ("image", *size)


def test_a_strip_is_kept_and_made_anew_only_for_another_question(session: WorkerSession, video: Path) -> None:
    first = Path(session.view(video, "strip", 2)["path"])
    first.write_bytes(b"kept")
    assert Path(session.view(video, "strip", 2)["path"]).read_bytes() == b"kept"
    assert Path(session.view(video, "strip", 3)["path"]) != first


def test_kept_looks_go_when_there_are_too_many(
    session: WorkerSession, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "BUDGET_BYTES", 1)
    older = Path(session.view(video, "strip", 1)["path"])
    newer = Path(session.view(video, "strip", 2)["path"])
    assert not older.exists()
    assert newer.exists()


def test_a_broken_file_leaves_nothing_behind(session: WorkerSession, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    for view in ("facts", "strip", "peaks", "playable"):
        with pytest.raises(WorkflowError) as caught:
            session.view(tmp_path / "a.mp4", view, 4)
        assert caught.value.problems[0].hint
    assert list((tmp_path / "home" / "cache" / "views").glob("*")) == []
