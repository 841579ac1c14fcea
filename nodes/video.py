"""Nodes that read and write video files, and look at clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from nodes import (
    Advanced,
    Artifact,
    Clip,
    Context,
    FilePicker,
    Folders,
    InputProblem,
    NodeInputError,
    Number,
    Output,
    ShownIf,
    Slider,
    Trim,
    node,
)
from nodes.blame import blaming
from nodes.files import content_digest, output_problems, source_path, upload_problems
from nodes.rates import exact_rate

VIDEO_SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".mkv",
    ".webm",
    ".avi",
    ".gif",
    ".ts",
    ".mts",
    ".mpg",
    ".mxf",
    ".ogv",
    ".flv",
)

Codec = Literal["h264", "h265", "av1", "vp9", "prores", "ffv1"]
Preset = Literal["auto", "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
Fit = Literal["fill", "fit", "stretch"]
Container = Literal["auto", "mp4", "mov", "mkv", "webm"]
_LOSSY = ("h264", "h265", "av1", "vp9")
_WITH_PRESET = ("h264", "h265", "av1", "vp9")
_WITH_BITS = ("h264", "h265", "av1")
_WITH_CHROMA = ("h264", "h265", "vp9", "prores")
_WITH_CARD = ("h264", "h265", "av1")

StartS = Annotated[float, Trim()]
DurationS = Annotated[float, Number(min=0, step=0.1, unit="s")]
Rate = Annotated[float, Number(min=0, max=240, unit="fps")]
Stride = Annotated[int, Number(min=1, max=1000), Advanced()]
Side = Annotated[int, Number(min=0, max=16384, unit="px")]


@node(category="video", title="Load video", aliases=("open", "import", "upload", "mp4"))
def load_video(
    *,
    file: Annotated[Path, FilePicker("uploads", VIDEO_SUFFIXES)],
    start_s: StartS = 0.0,
    duration_s: DurationS = 0.0,
    fps: Rate = 0.0,
    stride: Stride = 1,
    width: Side = 0,
    height: Side = 0,
    fit: Annotated[Fit, Advanced()] = "fill",
    sound: bool = True,
    ctx: Context,
) -> Clip:
    """Read a video file as a clip. Frames are decoded as they are asked for, so its length does not matter.

    Args:
        file: A file in the uploads folder.
        start_s: Where to start, in seconds.
        duration_s: How much to read, in seconds; 0 reads to the end.
        fps: Frames a second of the clip, as long as the file is; 0 keeps the file's rate.
        stride: Take every so many of these frames; the rate falls, and the clip lasts as long.
        width: Width of the clip; with 0 it follows from the height, or is the file's.
        height: Height of the clip; with 0 it follows from the width, or is the file's.
        fit: With both sides given: `fill` crops what stands over, `fit` stays within, `stretch` distorts.
        sound: Whether to read the sound too.

    Returns:
        The clip.
    """
    from server.media.decode import load_clip

    path = source_path(file, ctx.folders)
    with blaming("file"):
        clip = load_clip(
            path,
            start_s=start_s,
            duration_s=duration_s or None,
            fps=exact_rate(fps) if fps else None,
            stride=stride,
            with_audio=sound,
            max_pixels=ctx.max_pixels,
        )
    return _sized(clip, width, height, fit)


@node(category="video", title="Load alpha", aliases=("transparency", "matte", "mask", "opacity", "channel"))
def load_alpha(
    *,
    file: Annotated[Path, FilePicker("uploads", VIDEO_SUFFIXES)],
    start_s: StartS = 0.0,
    duration_s: DurationS = 0.0,
    fps: Rate = 0.0,
    stride: Stride = 1,
    width: Side = 0,
    height: Side = 0,
    fit: Annotated[Fit, Advanced()] = "fill",
    ctx: Context,
) -> Annotated[Clip, Output("alpha")]:
    """Read the transparency of a video file as a gray clip: white is opaque. Its knobs are those of 'Load video'.

    Args:
        file: A file in the uploads folder that has transparency, such as ProRes 4444, WebM or GIF.
        start_s: Where to start, in seconds.
        duration_s: How much to read, in seconds; 0 reads to the end.
        fps: Frames a second of the clip, as long as the file is; 0 keeps the file's rate.
        stride: Take every so many of these frames; the rate falls, and the clip lasts as long.
        width: Width of the clip; with 0 it follows from the height, or is the file's.
        height: Height of the clip; with 0 it follows from the width, or is the file's.
        fit: With both sides given: `fill` crops what stands over, `fit` stays within, `stretch` distorts.

    Returns:
        The transparency, without sound.
    """
    from server.media import decode

    path = source_path(file, ctx.folders)
    with blaming("file"):
        rate = exact_rate(fps) if fps else None
        clip = decode.load_alpha(
            path,
            start_s=start_s,
            duration_s=duration_s or None,
            fps=rate,
            stride=stride,
            max_pixels=ctx.max_pixels,
        )
    return _sized(clip, width, height, fit)


def _sized(clip: Clip, width: int, height: int, fit: Fit) -> Clip:
    from server.media.geometry import fit_clip

    if not (width or height):
        return clip
    with blaming("width" if width else "height"):
        sides = (width or _even(clip.width * height / clip.height), height or _even(clip.height * width / clip.width))
        return fit_clip(clip, *sides, fit=fit if width and height else "stretch", multiple_of=2)


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)


@load_video.check
@load_alpha.check
def _check_upload(file: str, folders: Folders) -> Iterator[InputProblem]:
    return upload_problems(file, folders)


@load_video.fingerprint
@load_alpha.fingerprint
def _upload_digest(file: str, folders: Folders) -> str:
    return content_digest(file, folders)


@node(category="video", title="Save video", sink=True, aliases=("export", "write", "encode", "mp4", "h264"))
def save_video(
    clip: Clip,
    alpha: Clip | None = None,
    *,
    filename: str = "video",
    codec: Codec = "h264",
    container: Annotated[Container, Advanced()] = "auto",
    crf: Annotated[int, Slider(0, 63), ShownIf("codec", _LOSSY)] = 18,
    preset: Annotated[Preset, ShownIf("codec", _WITH_PRESET), Advanced()] = "auto",
    bit_depth: Annotated[Literal[8, 10, 12], ShownIf("codec", _WITH_BITS), Advanced()] = 8,
    chroma: Annotated[Literal["420", "422", "444"], ShownIf("codec", _WITH_CHROMA), Advanced()] = "420",
    hardware: Annotated[bool, ShownIf("codec", _WITH_CARD), Advanced()] = False,
    ctx: Context,
) -> Annotated[Artifact, Output("file")]:
    """Encode a clip with its sound and chapters into a file, with the workflow embedded that made it.

    Args:
        clip: What to write.
        alpha: A gray clip, white where the clip is opaque; for `vp9`, `prores` and `ffv1`.
        filename: Name in the outputs folder, without suffix; folders are separated by a slash. A number is added.
        codec: `h264` plays everywhere; `h265` and `av1` are smaller; `prores` is for editing
            programs; `ffv1` loses nothing.
        container: Kind of file; `auto` takes the codec's usual one.
        crf: Quality from 0 (best, largest) on; 18 can hardly be told from the original.
        preset: Time that the encoder takes to make the file smaller.
        bit_depth: 10 avoids bands in soft gradients, but fewer players show it. ProRes has 10, FFV1 what the clip has.
        chroma: How much of the color's resolution is kept: a quarter, half, or all. ProRes keeps at least half.
        hardware: Encode on an NVIDIA graphics card where that works: faster, and a little larger at the same quality.

    Returns:
        The file.
    """
    from server.media import codecs
    from server.media.encode import write_video
    from server.media.files import media_type_of

    with blaming("alpha" if alpha else "bit_depth"):
        pixel_format = codecs.find_pixel_format(codec, bits=bit_depth, chroma=int(chroma), alpha=alpha is not None)
    if codec == "ffv1":
        pixel_format = None  # it keeps whatever the clip has
    with blaming("clip"):
        codecs.choose_pixel_format(codec, pixel_format, clip, alpha=alpha is not None)
    suffix = codecs.CODECS[codec].suffixes[0] if container == "auto" else f".{container}"

    def write(path: Path) -> None:
        write_video(
            path,
            clip,
            codec=codec,
            crf=crf,
            preset=None if preset == "auto" else preset,
            pixel_format=pixel_format,
            alpha=alpha,
            on_card=(lambda message: ctx.warn(message, "hardware")) if hardware else None,
            metadata={"workflow": ctx.workflow} if ctx.workflow else None,
            progress=lambda done, total: ctx.report(done, total, "frame"),
        )

    return ctx.save(filename, suffix, media_type_of(Path(suffix[1:]).with_suffix(suffix)), write)


@save_video.check
def _check_encoding(
    filename: str,
    codec: str,
    container: str,
    crf: int,
    preset: str,
    bit_depth: int,
    chroma: str,
    hardware: bool,
    folders: Folders,
) -> Iterator[InputProblem]:
    from server.media.codecs import CODECS

    known = CODECS[codec]
    yield from output_problems(filename, folders)
    if container != "auto" and f".{container}" not in known.suffixes:
        fitting = ", ".join(suffix[1:] for suffix in known.suffixes)
        yield InputProblem("container", f"{container} does not hold {codec}", f"use auto, {fitting}")
    if codec in _LOSSY and crf > known.max_crf:
        yield InputProblem(
            "crf", f"{crf} is beyond the worst quality of {codec}, {known.max_crf}", f"try {known.max_crf}"
        )
    if preset != "auto" and codec not in _WITH_PRESET:
        yield InputProblem("preset", f"{codec} has no preset {preset!r}", "set it to 'auto'")
    if hardware and codec not in _WITH_CARD:
        yield InputProblem("hardware", f"no graphics card encodes {codec}", "turn it off, or choose h264, h265 or av1")
    yield from _kind_problems(codec, bit_depth, chroma)


def _kind_problems(codec: str, bit_depth: int, chroma: str) -> Iterator[InputProblem]:
    from server.media.codecs import find_pixel_format
    from server.media.errors import MediaError

    try:
        find_pixel_format(codec, bits=bit_depth, chroma=int(chroma))
    except MediaError as error:
        yield InputProblem("bit_depth" if bit_depth != 8 else "chroma", error.message, error.hint)


@node(category="video", sink=True, aliases=("GIF", "WebP", "export", "write", "sticker", "loop"))
def save_animation(
    clip: Clip,
    alpha: Clip | None = None,
    *,
    filename: str = "animation",
    format: Literal["gif", "webp"] = "webp",  # noqa: A002  (the field's word)
    quality: Annotated[int, Slider(1, 100), ShownIf("format", ("webp",))] = 75,
    ctx: Context,
) -> Annotated[Artifact, Output("file")]:
    """Write a clip as a silent picture that moves and loops for ever, with the workflow embedded that made it.

    Args:
        clip: What to write.
        alpha: A gray clip, white where the clip is opaque; for `webp`.
        filename: Name in the outputs folder, without suffix; folders are separated by a slash. A number is added.
        format: `webp` is smaller and has all colors, `gif` has 256 in each frame and is shown everywhere.
        quality: From 1 (smallest file) to 100 (best picture).

    Returns:
        The file.
    """
    from server.media import animation
    from server.media.alpha import check_alpha

    if format == "gif" and clip.fps > animation.MAX_GIF_FPS:
        message = f"a GIF cannot show {float(clip.fps):g} frames a second"
        raise NodeInputError("clip", message, "change its rate to 25, or use WebP")

    if format == "gif" and alpha is not None:
        raise NodeInputError("alpha", "a GIF has no soft transparency", "use WebP, or take the link away")
    with blaming("alpha"):
        check_alpha(clip, alpha)

    def write(path: Path) -> None:
        animation.write_animation(
            path,
            clip,
            quality=quality,
            alpha=alpha,
            workflow=ctx.workflow or None,
            progress=lambda done, total: ctx.report(done, total, "frame"),
        )

    return ctx.save(filename, f".{format}", f"image/{format}", write)


@save_animation.check
def _check_animation(filename: str, folders: Folders) -> Iterator[InputProblem]:
    return output_problems(filename, folders)


@node(category="video", title="Preview clip", sink=True, aliases=("contact sheet", "thumbnails", "look", "show"))
def preview_clip(
    clip: Clip, *, frames: Annotated[int, Slider(1, 48)] = 12, ctx: Context
) -> Annotated[Artifact, Output("file")]:
    """Show frames of a clip, evenly spaced, in one picture. The whole clip is made for it.

    Args:
        clip: What to look at.
        frames: How many frames to show.

    Returns:
        The picture.
    """
    from server.media.pictures import write_image
    from server.media.preview import contact_sheet, encode_preview

    sheet = contact_sheet(clip, count=frames)
    ctx.preview(encode_preview(sheet.pixels, max_side=1024))
    return ctx.save("previews/clip", ".webp", "image/webp", lambda path: write_image(path, sheet))
