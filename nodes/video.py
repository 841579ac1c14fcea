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

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif")

Codec = Literal["h264", "h265", "av1", "vp9", "prores", "ffv1"]
Preset = Literal["auto", "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
_LOSSY = ("h264", "h265", "av1", "vp9")
_WITH_PRESET = ("h264", "h265")
_TEN_BIT = ("h264", "h265", "av1")


@node(category="video", title="Load video", aliases=("open", "import", "upload", "mp4"))
def load_video(
    *,
    file: Annotated[Path, FilePicker("uploads", VIDEO_SUFFIXES)],
    start_s: Annotated[float, Trim()] = 0.0,
    duration_s: Annotated[float, Number(min=0, step=0.1, unit="s")] = 0.0,
    sound: bool = True,
    ctx: Context,
) -> Clip:
    """Read a video file as a clip. Frames are decoded as they are asked for, so its length does not matter.

    Args:
        file: A file in the uploads folder.
        start_s: Where to start, in seconds.
        duration_s: How much to read, in seconds; 0 reads to the end.
        sound: Whether to read the sound too.

    Returns:
        The clip.
    """
    from server.media.decode import load_clip

    path = source_path(file, ctx.folders)
    with blaming("file"):
        return load_clip(path, start_s=start_s, duration_s=duration_s or None, with_audio=sound)


@load_video.check
def _check_upload(file: str, folders: Folders) -> Iterator[InputProblem]:
    return upload_problems(file, folders)


@load_video.fingerprint
def _upload_digest(file: str, folders: Folders) -> str:
    return content_digest(file, folders)


@node(category="video", title="Save video", sink=True, aliases=("export", "write", "encode", "mp4", "h264"))
def save_video(
    clip: Clip,
    *,
    filename: str = "video",
    codec: Codec = "h264",
    crf: Annotated[int, Slider(0, 63), ShownIf("codec", _LOSSY)] = 18,
    preset: Annotated[Preset, ShownIf("codec", _WITH_PRESET), Advanced()] = "auto",
    bit_depth: Annotated[Literal[8, 10], ShownIf("codec", _TEN_BIT), Advanced()] = 8,
    ctx: Context,
) -> Annotated[Artifact, Output("file")]:
    """Encode a clip with its sound into a file, with the workflow embedded that made it.

    Args:
        clip: What to write.
        filename: Name in the outputs folder, without suffix; folders are separated by a slash. A number is added.
        codec: `h264` plays everywhere; `h265` and `av1` are smaller; `prores` is for editing
            programs; `ffv1` loses nothing.
        crf: Quality from 0 (best, largest) on; 18 can hardly be told from the original.
        preset: Time that the encoder takes to make the file smaller.
        bit_depth: 10 avoids bands in soft gradients, but fewer players show it.

    Returns:
        The file.
    """
    from server.media.codecs import CODECS, choose_pixel_format
    from server.media.encode import write_video
    from server.media.files import media_type_of

    pixel_format = "yuv420p10le" if bit_depth == 10 else None
    with blaming("clip"):
        choose_pixel_format(codec, pixel_format, clip)
    suffix = CODECS[codec].suffixes[0]

    def write(path: Path) -> None:
        write_video(
            path,
            clip,
            codec=codec,
            crf=crf,
            preset=None if preset == "auto" else preset,
            pixel_format=pixel_format,
            metadata={"workflow": ctx.workflow} if ctx.workflow else None,
            progress=lambda done, total: ctx.report(done, total, "frame"),
        )

    return ctx.save(filename, suffix, media_type_of(Path(suffix[1:]).with_suffix(suffix)), write)


@save_video.check
def _check_encoding(
    filename: str, codec: str, crf: int, preset: str, bit_depth: int, folders: Folders
) -> Iterator[InputProblem]:
    from server.media.codecs import CODECS

    yield from output_problems(filename, folders)
    if codec in _LOSSY and crf > CODECS[codec].max_crf:
        worst = CODECS[codec].max_crf
        yield InputProblem("crf", f"{crf} is beyond the worst quality of {codec}, {worst}", f"try {worst}")
    if preset != "auto" and codec not in _WITH_PRESET:
        yield InputProblem("preset", f"{codec} has no preset {preset!r}", "set it to 'auto'")
    if bit_depth == 10 and codec not in _TEN_BIT:
        yield InputProblem("bit_depth", f"{codec} is not written with 10 bits here", "use 8, or another codec")


@node(category="video", sink=True, aliases=("GIF", "WebP", "export", "write", "sticker", "loop"))
def save_animation(
    clip: Clip,
    *,
    filename: str = "animation",
    format: Literal["gif", "webp"] = "webp",  # noqa: A002  (the field's word)
    quality: Annotated[int, Slider(1, 100), ShownIf("format", ("webp",))] = 75,
    ctx: Context,
) -> Annotated[Artifact, Output("file")]:
    """Write a clip as a silent picture that moves and loops for ever.

    Args:
        clip: What to write.
        filename: Name in the outputs folder, without suffix; folders are separated by a slash. A number is added.
        format: `webp` is smaller and has all colors, `gif` has 256 in each frame and is shown everywhere.
        quality: From 1 (smallest file) to 100 (best picture).

    Returns:
        The file.
    """
    from server.media import animation

    if format == "gif" and clip.fps > animation.MAX_GIF_FPS:
        message = f"a GIF cannot show {float(clip.fps):g} frames a second"
        raise NodeInputError("clip", message, "change its rate to 25, or use WebP")

    def write(path: Path) -> None:
        animation.write_animation(
            path, clip, quality=quality, progress=lambda done, total: ctx.report(done, total, "frame")
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
