"""Loading and saving video: the knobs do what they say, and the file is read back."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nodes import Clip, NodeInputError
from nodes.clip import draw_test_pattern
from nodes.image import extract_frame, load_image, load_mask, save_image
from nodes.sequences import load_image_sequence, save_image_sequence
from nodes.video import load_alpha, load_video, save_video
from server.engine.cancel import CancelToken
from server.jobs.service import worker_hello
from server.jobs.session import WorkerSession
from server.kit import Artifact
from server.media.probe import MediaInfo, probe
from server.settings import Settings
from tests.nodes.context import FakeContext


def saved(ctx: FakeContext, artifact: Artifact) -> MediaInfo:
    return probe(ctx.folders.outputs / artifact.path)


def uploaded(ctx: FakeContext, clip: Clip, **knobs: object) -> Path:
    """Save a clip and return its name among the uploads."""
    artifact = save_video(clip, filename="clip", ctx=ctx, **knobs)
    written = ctx.folders.outputs / artifact.path
    written.rename(ctx.folders.uploads / written.name)
    return Path(written.name)


@pytest.fixture
def pattern() -> Clip:
    return draw_test_pattern(width=96, height=64, seconds=1.0, fps=24.0, tone_hz=440.0)


def test_a_clip_is_loaded_at_another_rate_with_its_time_and_sound(pattern: Clip, ctx: FakeContext) -> None:
    name = uploaded(ctx, pattern)
    for knobs, fps in (({"fps": 12.0}, 12), ({"stride": 3}, 8), ({"fps": 12.0, "stride": 2}, 6)):
        clip = load_video(file=name, ctx=ctx, **knobs)
        assert (clip.fps, clip.duration_s, len(list(clip.frames()))) == (fps, 1, fps)
        assert clip.audio is not None
        assert clip.audio.duration_s == 1
    assert load_video(file=name, fps=23.976, ctx=ctx).fps == Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("knobs", "size"),
    [
        ({}, (96, 64)),
        ({"width": 48}, (48, 32)),
        ({"height": 40}, (60, 40)),
        ({"width": 64, "height": 64}, (64, 64)),
        ({"width": 64, "height": 64, "fit": "fit"}, (64, 42)),
        ({"width": 100, "height": 20, "fit": "stretch"}, (100, 20)),
    ],
)
def test_a_clip_is_loaded_at_a_size(
    knobs: dict[str, object], size: tuple[int, int], pattern: Clip, ctx: FakeContext
) -> None:
    clip = load_video(file=uploaded(ctx, pattern), ctx=ctx, **knobs)
    assert (clip.width, clip.height) == size
    assert next(clip.frames()).shape == (*size[::-1], 3)


@pytest.mark.parametrize(
    ("knobs", "kind"),
    [
        ({}, ("h264", "mov,mp4", "yuv420p")),
        ({"container": "mkv"}, ("h264", "matroska", "yuv420p")),
        ({"container": "mov", "bit_depth": 10, "chroma": "422"}, ("h264", "mov,mp4", "yuv422p10le")),
        ({"codec": "h265", "bit_depth": 12, "chroma": "444"}, ("hevc", "mov,mp4", "yuv444p12le")),
        ({"codec": "av1", "container": "webm", "bit_depth": 10}, ("av1", "matroska", "yuv420p10le")),
        ({"codec": "vp9", "chroma": "444"}, ("vp9", "matroska", "yuv444p")),
        ({"codec": "prores"}, ("prores", "mov,mp4", "yuv422p10le")),
        ({"codec": "prores", "chroma": "444"}, ("prores", "mov,mp4", "yuv444p")),
        ({"codec": "ffv1", "bit_depth": 10}, ("ffv1", "matroska", "bgr0")),
    ],
)
def test_the_knobs_choose_how_a_file_is_made(
    knobs: dict[str, object], kind: tuple[str, str, str], pattern: Clip, ctx: FakeContext
) -> None:
    codec, container, pixel_format = kind
    info = saved(ctx, save_video(pattern, ctx=ctx, **knobs))
    assert info.video is not None
    assert info.video.codec == codec
    assert info.container.startswith(container)
    assert info.video.pixel_format.startswith(pixel_format)
    assert info.workflow == ctx.workflow


def test_transparency_goes_out_and_comes_in(pattern: Clip, ctx: FakeContext) -> None:
    ramp = np.tile(np.arange(96, dtype=np.uint8)[None, None, :, None] * 2, (24, 64, 1, 3))
    name = uploaded(ctx, pattern, alpha=Clip.from_array(ramp, 24), codec="ffv1")
    alpha = load_alpha(file=name, start_s=0.5, width=48, ctx=ctx)
    assert (alpha.width, alpha.frame_count, alpha.audio) == (48, 12, None)
    np.testing.assert_allclose(next(alpha.frames())[10, 10:38, 0], np.arange(10, 38) * 4 + 1, atol=2)


def test_an_opaque_file_blames_the_file_and_a_codec_without_transparency_the_wire(
    pattern: Clip, ctx: FakeContext
) -> None:
    with pytest.raises(NodeInputError, match="no transparency") as caught:
        load_alpha(file=uploaded(ctx, pattern), ctx=ctx)
    assert caught.value.input_name == "file"
    with pytest.raises(NodeInputError, match="transparency") as caught:
        save_video(pattern, pattern, codec="h264", ctx=ctx)
    assert caught.value.input_name == "alpha"


def test_a_card_that_is_missing_is_told_on_the_node(pattern: Clip, ctx: FakeContext) -> None:
    assert saved(ctx, save_video(pattern, hardware=True, ctx=ctx)).video is not None
    # With a working card there is nothing to say.
    assert all(blamed == "hardware" and "software" in message for message, blamed, _hint in ctx.warnings)


def test_the_limit_of_pixels_in_the_settings_holds_for_every_node_that_opens_files(
    tmp_path: Path, pattern: Clip, ctx: FakeContext
) -> None:
    name = uploaded(ctx, pattern, codec="ffv1", alpha=pattern)
    save_image(extract_frame(pattern, ctx=ctx), filename="still", ctx=ctx)
    shutil.copy(ctx.folders.outputs / "still.png", ctx.folders.uploads / "still.png")
    save_image_sequence(pattern, filename="frames", ctx=ctx)
    low = FakeContext(ctx.folders, max_pixels=96 * 64 - 1)
    for open_it in (
        lambda: load_video(file=name, ctx=low),
        lambda: load_alpha(file=name, ctx=low),
        lambda: load_image(file=Path("still.png"), ctx=low),
        lambda: load_mask(file=Path("still.png"), ctx=low),
        lambda: load_image_sequence(folder="frames", where="outputs", ctx=low),
    ):
        with pytest.raises(NodeInputError, match=r"6143 pixels|limit of 6143") as caught:
            open_it()
        assert "KINEGRAPH_MAX_PIXELS" in caught.value.hint


def test_the_limit_travels_from_the_settings_to_the_nodes(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", custom_nodes=tmp_path / "packs", device="cpu", max_pixels=1000)
    settings.create_folders()
    pattern = draw_test_pattern(width=96, height=64, seconds=0.25, fps=8.0)
    ctx = FakeContext(settings.folders)
    name = uploaded(ctx, pattern)
    document = {
        "kinegraph": 1,
        "nodes": {
            "load": {"type": "load_video", "version": 1, "inputs": {"file": str(name)}},
            "save": {"type": "save_video", "version": 1, "inputs": {"clip": {"link": ["load", "clip"]}}},
        },
    }
    session = WorkerSession(worker_hello(settings))
    outcome = session.run(json.dumps(document), {}, emit=lambda event: None, cancel=CancelToken())
    session.close()
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert "96x64, above the limit of 1000 pixels" in str(outcome.error["message"])
    assert outcome.error["path"] == "/nodes/load/inputs/file"
