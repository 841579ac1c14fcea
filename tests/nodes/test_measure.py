"""Nodes that tell numbers about clips and sound."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from nodes import Clip, NodeInputError
from nodes.audio import extract_audio, make_silence
from nodes.clip import draw_test_pattern, trim_clip
from nodes.finishing import add_film_grain
from nodes.measure import compare_clips, inspect_clip, measure_consistency, measure_loudness
from server.kit import Canceled
from tests.nodes.context import FakeContext


@pytest.fixture
def clip() -> Clip:
    return draw_test_pattern(width=64, height=48, seconds=1.0, fps=8.0, tone_hz=1000.0)


def test_likeness_is_told_in_numbers_and_words(clip: Clip, ctx: FakeContext) -> None:
    same = compare_clips(clip, clip, ctx=ctx)
    assert (same.psnr_db, round(same.ssim, 9)) == (100, 1)
    grainy = compare_clips(add_film_grain(clip, amount=0.1), clip, ctx=ctx)
    assert 10 < grainy.psnr_db < 40
    assert 0 < grainy.ssim < 1
    assert 0 <= grainy.worst_frame < 8
    assert f"{grainy.psnr_db:.2f} dB" in grainy.report
    assert ctx.reports[-1] == (8, 8, "frame")


def test_clips_of_different_length_blame_the_reference(clip: Clip, ctx: FakeContext) -> None:
    with pytest.raises(NodeInputError) as caught:
        compare_clips(clip, trim_clip(clip, duration_s=0.5), ctx=ctx)
    assert caught.value.input_name == "reference"


def test_a_clip_is_inspected_in_one_pass(clip: Clip, ctx: FakeContext) -> None:
    found = inspect_clip(clip, ctx=ctx)
    assert (found.scene_cuts, found.duplicates, found.black) == (0, 0, 0)
    assert found.motion > 0
    assert "scene cuts: none" in found.report
    with pytest.raises(Canceled):
        inspect_clip(clip, ctx=FakeContext(ctx.folders, cancel_after=2))


def test_loudness_is_finite_also_in_silence(clip: Clip, ctx: FakeContext) -> None:
    # A mono tone of amplitude 0.25 is -12.04 dBFS, and by BS.1770 3.01 LU softer than the same in stereo.
    assert abs(measure_loudness(extract_audio(clip), ctx=ctx).integrated_lufs + 15.05) < 0.2
    silent = measure_loudness(make_silence(), ctx=ctx)
    assert (silent.integrated_lufs, silent.true_peak_db) == (-70, -200)


def test_flicker_breaks_consistency_and_motion_does_not(ctx: FakeContext) -> None:
    steady = draw_test_pattern(width=128, height=72, seconds=1.0, fps=8.0)
    flickering = np.concatenate(list(steady.chunks())).astype(np.float32) / 255
    flickering[::2] *= 0.9
    calm, restless = (
        measure_consistency(one, ctx=ctx) for one in (steady, Clip.from_array(flickering.astype(np.float32), 8))
    )
    assert calm.warping_error * 2 < restless.warping_error
    assert 1 <= restless.worst_frame < 8
    assert "warping error" in restless.report
    with pytest.raises(NodeInputError, match="fewer than 2"):
        measure_consistency(Clip.from_array(flickering[:1], 8), ctx=ctx)


def test_every_measurement_is_drawn_on_its_node(clip: Clip, ctx: FakeContext) -> None:
    measured = [
        compare_clips(clip, clip, ctx=ctx),
        inspect_clip(clip, ctx=ctx),
        measure_consistency(clip, ctx=ctx),
        measure_loudness(extract_audio(clip), ctx=ctx),
        measure_loudness(make_silence(seconds=0.05), ctx=ctx),
    ]
    assert len(ctx.previews) == len(measured)
    for found in measured:
        assert found.plot.media_type == "image/png"
        with PIL.Image.open(ctx.folders.outputs / found.plot.path) as picture:
            assert picture.width == 460
            assert len(picture.convert("RGB").getcolors(2**20)) > 5
