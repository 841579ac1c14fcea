"""Nodes that tell numbers about clips and sound, and draw them over time. They pull a clip through once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, NamedTuple

from nodes import Advanced, Artifact, Audio, Clip, Context, NodeInputError, Slider, node
from nodes.blame import blaming

_Curve = tuple[str, Sequence[float], int, Mapping[str, Sequence[int]]]
"""What `plot.Curve` is made of: name, values, decimals, and marked steps."""


class Similarity(NamedTuple):
    """How alike two clips are.

    Attributes:
        psnr_db: Mean peak signal-to-noise ratio of the frames, in decibels; 100 where they are equal.
        ssim: Mean structural similarity of the frames; 1 where they are equal.
        worst_frame: Number of the frame with the lowest similarity.
        report: The same in words.
        plot: Both over time, as a picture.
    """

    psnr_db: float
    ssim: float
    worst_frame: int
    report: str
    plot: Artifact


class ClipNumbers(NamedTuple):
    """What a clip does in time.

    Attributes:
        flicker: How much brightness jumps from frame to frame, in thousandths of the whole range.
        motion: Mean change from frame to frame within scenes, in thousandths of the whole range.
        scene_cuts: How many frames begin another scene.
        duplicates: How many frames equal the one before.
        black: How many frames are black.
        report: The same in words, with the numbers of these frames.
        plot: Brightness and change over time, as a picture.
    """

    flicker: float
    motion: float
    scene_cuts: int
    duplicates: int
    black: int
    report: str
    plot: Artifact


class ConsistencyNumbers(NamedTuple):
    """How well a clip keeps its look along its own motion.

    Attributes:
        warping_error: Mean squared difference along the motion, in thousandths of the range; flicker raises it.
        speed: Mean length of the motion from frame to frame, in pixels.
        worst_frame: Number of the frame that differs most from the one before.
        report: The same in words.
        plot: Both over time, as a picture.
    """

    warping_error: float
    speed: float
    worst_frame: int
    report: str
    plot: Artifact


class SoundLevels(NamedTuple):
    """How loud sound is by EBU R128.

    Attributes:
        integrated_lufs: Loudness of the whole; -70 is silence.
        range_lu: How far soft and loud passages are apart.
        true_peak_db: The highest level, in dBTP; -200 in silence.
        report: The same in words.
        plot: Loudness over time, as a picture.
    """

    integrated_lufs: float
    range_lu: float
    true_peak_db: float
    report: str
    plot: Artifact


@node(category="measure", sink=True, aliases=("PSNR", "SSIM", "quality", "difference", "similarity", "metric"))
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
    curves: list[_Curve] = [("PSNR, dB", found.psnr_db, 1, {}), ("SSIM", found.ssim, 4, {"worst": [worst]})]
    return Similarity(psnr, ssim, worst, report, _plot(ctx, report, curves, 1 / clip.fps))


@node(
    category="measure",
    title="Inspect clip",
    sink=True,
    aliases=("flicker", "motion", "scene cut", "duplicate", "black frames"),
)
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
    report = "\n".join([head, *told])
    short = {"cuts": found.scene_cuts, "duplicates": found.duplicates, "black": found.black}
    counts = ", ".join(f"{len(numbers)} {name}" for name, numbers in short.items())
    curves: list[_Curve] = [("Brightness", found.brightness, 3, {}), ("Change", found.change, 4, short)]
    return ClipNumbers(
        flicker=found.flicker * 1000,
        motion=found.motion * 1000,
        scene_cuts=len(found.scene_cuts),
        duplicates=len(found.duplicates),
        black=len(found.black),
        report=report,
        plot=_plot(ctx, f"{head}\n{counts}", curves, 1 / clip.fps),
    )


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:50])) or "none"
    return f"{shown} and {len(numbers) - 50} more" if len(numbers) > 50 else shown


@node(
    category="measure",
    title="Measure consistency",
    sink=True,
    aliases=("warping error", "temporal consistency", "flicker", "optical flow", "motion", "boiling"),
)
def measure_consistency(clip: Clip, *, ctx: Context) -> ConsistencyNumbers:
    """Measure how well a clip keeps its look along its own motion: the warping error, by optical flow.

    Args:
        clip: What to look at. Scene cuts are left out.

    Returns:
        The numbers.
    """
    from server.media import flow

    found = flow.measure_consistency(clip, progress=lambda done, total: ctx.report(done, total, "frame"))
    count = len(found.error)
    if count < 2:
        raise NodeInputError("clip", "a clip of fewer than 2 frames has no motion", "check the steps before this one")
    error, speed = found.mean(found.error), found.mean(found.speed)
    worst = found.error.index(max(found.error))
    report = f"{count} frames: warping error {error * 1000:.3f}, motion {speed:.2f} px a frame; worst is frame {worst}"
    scaled = [value * 1000 for value in found.error]
    curves: list[_Curve] = [
        ("Warping error, thousandths", scaled, 3, {"worst": [worst], "cuts": found.scenes[1:]}),
        ("Motion, pixels a frame", found.speed, 2, {}),
    ]
    return ConsistencyNumbers(error * 1000, speed, worst, report, _plot(ctx, report, curves, 1 / clip.fps))


@node(category="measure", sink=True, aliases=("EBU R128", "LUFS", "true peak", "level", "volume"))
def measure_loudness(audio: Audio, *, ctx: Context) -> SoundLevels:
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
    # Silence would press all else against the upper edge; it is a gap instead.
    heard = [level if level > loudness.SILENT_LUFS else float("nan") for level in found.short_term_lufs]
    curves: list[_Curve] = [("Short-term loudness, LUFS", heard, 1, {})]
    plot = _plot(ctx, report, curves, loudness.STEP_S)
    return SoundLevels(found.integrated_lufs, found.range_lu, peak, report, plot)


def _plot(ctx: Context, title: str, curves: Sequence[_Curve], step_s: Fraction) -> Artifact:
    """Save a picture of curves, and show it on the node."""
    from server.media.pictures import write_image
    from server.media.plot import Curve, draw_plot
    from server.media.preview import encode_preview

    picture = draw_plot(title, [Curve(*curve) for curve in curves], step_s)
    ctx.preview(encode_preview(picture.pixels, max_side=1024))
    return ctx.save("plots/plot", ".png", "image/png", lambda path: write_image(path, picture))
