"""Nodes for single pictures: files, and the way from clips and to them."""

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
    Image,
    InputProblem,
    Mask,
    NodeInputError,
    Number,
    Output,
    ShownIf,
    Slider,
    node,
)
from nodes.blame import blaming
from nodes.files import content_digest, output_problems, source_path, upload_problems
from nodes.rates import exact_rate, frames_within

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

_SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}


@node(category="image", title="Load image", aliases=("open", "import", "upload", "picture", "photo"))
def load_image(*, file: Annotated[Path, FilePicker("uploads", IMAGE_SUFFIXES)], ctx: Context) -> Image:
    """Read a picture. Transparency is left out; a photo is turned upright.

    Args:
        file: A file in the uploads folder.

    Returns:
        The picture.
    """
    from server.media.pictures import read_image

    path = source_path(file, ctx.folders)
    with blaming("file"):
        return read_image(path, max_pixels=ctx.max_pixels)


@node(category="image", title="Load mask", aliases=("open", "alpha", "matte", "selection"))
def load_mask(*, file: Annotated[Path, FilePicker("uploads", IMAGE_SUFFIXES)], ctx: Context) -> Mask:
    """Read a mask from a picture: its transparency where it has some, else its brightness.

    Args:
        file: A file in the uploads folder.

    Returns:
        The mask; white is selected.
    """
    from server.media.pictures import read_mask

    path = source_path(file, ctx.folders)
    with blaming("file"):
        return read_mask(path, max_pixels=ctx.max_pixels)


@load_image.check
@load_mask.check
def _check_upload(file: str, folders: Folders) -> Iterator[InputProblem]:
    return upload_problems(file, folders)


@load_image.fingerprint
@load_mask.fingerprint
def _upload_digest(file: str, folders: Folders) -> str:
    return content_digest(file, folders)


@node(category="image", title="Save image", sink=True, aliases=("export", "write", "png", "jpeg", "webp"))
def save_image(
    image: Image,
    *,
    filename: str = "image",
    format: Literal["png", "jpeg", "webp"] = "png",  # noqa: A002  (the field's word)
    quality: Annotated[int, Slider(1, 100), ShownIf("format", ("jpeg", "webp"))] = 92,
    ctx: Context,
) -> Annotated[Artifact, Output("file")]:
    """Write a picture into a file. PNG and WebP have the workflow embedded that made it.

    Args:
        image: What to write.
        filename: Name in the outputs folder, without suffix; folders are separated by a slash. A number is added.
        format: `png` loses nothing.
        quality: From 1 (smallest file) to 100 (best picture).

    Returns:
        The file.
    """
    from server.media.pictures import write_image

    metadata = {"workflow": ctx.workflow} if format != "jpeg" and ctx.workflow else None
    return ctx.save(
        filename,
        _SUFFIXES[format],
        f"image/{format}",
        lambda path: write_image(path, image, quality=quality, metadata=metadata),
    )


@save_image.check
def _check_filename(filename: str, folders: Folders) -> Iterator[InputProblem]:
    return output_problems(filename, folders)


@node(category="image", title="Extract frame", aliases=("still", "screenshot", "first frame", "clip to image"))
def extract_frame(clip: Clip, *, index: Annotated[int, Number(min=0)] = 0, ctx: Context) -> Image:
    """Take one frame out of a clip. The frames before it are made too.

    Args:
        clip: What to take it from.
        index: Which frame; the first is 0.

    Returns:
        The frame.
    """
    from server.media import edit
    from server.media.colors import convert_dtype

    with blaming("index"):
        part = edit.trim_frames(clip, start=index, count=1)
    for frame in ctx.progress(part.frames(), 1, "frame"):
        pixels = frame if part.dtype in {"uint8", "float32"} else convert_dtype(frame, "float32")
        return Image(pixels.copy())  # the block that it is a view of would stay in memory
    message = f"the clip ends before frame {index}"
    raise NodeInputError("index", message, "try a smaller one")


@node(category="image", title="Image to clip", aliases=("still", "freeze", "hold", "slideshow", "title"))
def image_to_clip(
    image: Image,
    *,
    seconds: Annotated[float, Number(min=0, max=36_000, step=0.5, unit="s")] = 2.0,
    fps: Annotated[float, Number(min=1, max=240, unit="fps"), Advanced()] = 24.0,
) -> Clip:
    """Show a picture for some time.

    Args:
        image: What to show.
        seconds: How long; at least one frame.
        fps: Frames a second.

    Returns:
        The clip.
    """
    from server.media.pictures import image_as_clip

    rate = exact_rate(fps)
    return image_as_clip(image, rate, frames_within(seconds, rate))
