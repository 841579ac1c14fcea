"""Nodes that tell numbers about clips and sound. They pull a clip through once."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from nodes import Advanced, Audio, Clip, Context, NodeInputError, Slider, node
from nodes.blame import blaming


class Similarity(NamedTuple):
    """How alike two clips are.

    Attributes:
        psnr_db: Mean peak signal-to-noise ratio of the frames, in decibels; 100 where they are equal.
        ssim: Mean structural similarity of the frames; 1 where they are equal.
        worst_frame: Number of the frame with the lowest similarity.
        report: The same in words.
    """

    psnr_db: float
    ssim: float
    worst_frame: int
    report: str


class ClipNumbers(NamedTuple):
    """What a clip does in time.

    Attributes:
        flicker: How much brightness jumps from frame to frame, in thousandths of the whole range.
        motion: Mean change from frame to frame within scenes, in thousandths of the whole range.
        scene_cuts: How many frames begin another scene.
        duplicates: How many frames equal the one before.
        black: How many frames are black.
        report: The same in words, with the numbers of these frames.
    """

    flicker: float
    motion: float
    scene_cuts: int
    duplicates: int
    black: int
    report: str


class SoundLevels(NamedTuple):
    """How loud sound is by EBU R128.

    Attributes:
        integrated_lufs: Loudness of the whole; -70 is silence.
        range_lu: How far soft and loud passages are apart.
        true_peak_db: The highest level, in dBTP; -200 in silence.
        report: The same in words.
    """

    integrated_lufs: float
    range_lu: float
    true_peak_db: float
    report: str


@node(category="measure", aliases=("PSNR", "SSIM", "quality", "difference", "similarity", "metric"))
def compare_clips(clip: Clip, reference: Clip, *, ctx: Context) -> Similarity:
    """Measure how alike two clips of the same size, rate and length are.

    Args:
        clip: What is judged.
        reference: What it should look like.

    Returns:
        The numbers.
    """
    from server.media import measure

    with blaming("reference"):
        measure.check_comparable(clip, reference)
    found = measure.compare_clips(clip, reference, progress=lambda done, total: ctx.report(done, total, "frame"))
    if not found.ssim:
        raise NodeInputError("clip", "the clip has no frames", "check the steps before this one")
    count, worst = len(found.ssim), found.ssim.index(min(found.ssim))
    psnr, ssim = sum(found.psnr_db) / count, sum(found.ssim) / count
    report = f"{count} frames: PSNR {psnr:.2f} dB, SSIM {ssim:.4f}; worst is frame {worst} with {found.ssim[worst]:.4f}"
    return Similarity(psnr, ssim, worst, report)


@node(category="measure", title="Inspect clip", aliases=("flicker", "motion", "scene cut", "duplicate", "black frames"))
def inspect_clip(
    clip: Clip,
    *,
    cut_threshold: Annotated[float, Slider(0.01, 1.0, step=0.01), Advanced()] = 0.15,
    ctx: Context,
) -> ClipNumbers:
    """Measure what happens in a clip: flicker, motion, scene cuts, duplicate and black frames.

    Args:
        clip: What to look at.
        cut_threshold: Mean change of brightness above which a frame may begin another scene.

    Returns:
        The numbers.
    """
    from server.media import measure

    found = measure.measure_activity(
        clip, cut_threshold=cut_threshold, progress=lambda done, total: ctx.report(done, total, "frame")
    )
    lists = {"scene cuts": found.scene_cuts, "duplicates": found.duplicates, "black frames": found.black}
    told = [f"{name}: {_listed(numbers)}" for name, numbers in lists.items()]
    head = f"{len(found.change)} frames: flicker {found.flicker * 1000:.2f}, motion {found.motion * 1000:.2f}"
    return ClipNumbers(
        flicker=found.flicker * 1000,
        motion=found.motion * 1000,
        scene_cuts=len(found.scene_cuts),
        duplicates=len(found.duplicates),
        black=len(found.black),
        report="\n".join([head, *told]),
    )


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:50])) or "none"
    return f"{shown} and {len(numbers) - 50} more" if len(numbers) > 50 else shown


@node(category="measure", aliases=("EBU R128", "LUFS", "true peak", "level", "volume"))
def measure_loudness(audio: Audio) -> SoundLevels:
    """Measure how loud sound is by EBU R128.

    Args:
        audio: What to measure.

    Returns:
        The numbers.
    """
    from server.media import loudness

    with blaming("audio"):
        found = loudness.measure_loudness(audio)
    # Numbers on wires are finite.
    peak = max(-200.0, found.true_peak_db)
    report = f"{found.integrated_lufs:.1f} LUFS, range {found.range_lu:.1f} LU, true peak {peak:.1f} dBTP"
    return SoundLevels(found.integrated_lufs, found.range_lu, peak, report)
