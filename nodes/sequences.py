"""Nodes that read and write image sequences: folders of numbered pictures."""

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
    node,
)
from nodes.blame import blaming
from nodes.files import output_problems, source_path
from nodes.folders import folder_path, pictures_digest
from nodes.rates import exact_rate

Kind = Literal["png", "png16", "exr"]
Where = Literal["uploads", "outputs"]
Channel = Literal["color", "alpha"]
_MAX_FRAMES = 1_000_000


@node(
    category="video",
    title="Load image sequence",
    aliases=("frames", "folder", "png", "exr", "dpx", "numbered files", "zip", "import"),
)
def load_image_sequence(
    *,
    archive: Annotated[Path | None, FilePicker("uploads", (".zip",))] = None,
    folder: str = "",
    where: Where = "uploads",
    fps: Annotated[float, Number(min=0, max=240, unit="fps")] = 0.0,
    start: Annotated[int, Number(min=0, max=_MAX_FRAMES)] = 0,
    count: Annotated[int, Number(min=0, max=_MAX_FRAMES)] = 0,
    stride: Annotated[int, Number(min=1, max=1000), Advanced()] = 1,
    channel: Annotated[Channel, Advanced()] = "color",
    ctx: Context,
) -> Clip:
    """Read numbered pictures as a clip: PNG, JPEG, OpenEXR, TIFF, DPX, WebP, BMP or TGA, with a sound.wav beside them.

    Args:
        archive: A ZIP archive with the pictures, in the uploads folder; or name a folder instead.
        folder: Name of a folder with the pictures, such as `frames_00001`.
        where: Whether that folder is in the uploads or in the outputs folder.
        fps: Frames a second; 0 takes what the first picture says, else 24. 23.976 and its like are exact.
        start: How many pictures to leave out at the start.
        count: How many to read; 0 reads to the end.
        stride: Take every so many of them; the rate falls, and the clip lasts as long.
        channel: `color`, or `alpha` for the transparency as a gray clip. OpenEXR's linear light becomes BT.709 video.

    Returns:
        The clip. Pictures are read as they are asked for.
    """
    from server.media import sequence

    path = _source(archive, folder, where, ctx.folders)
    load = sequence.load_sequence if channel == "color" else sequence.load_sequence_alpha
    with blaming("archive" if archive else "folder"):
        found = sequence.find_sequence(path, max_pixels=ctx.max_pixels)
        return load(found, fps=exact_rate(fps) if fps else None, start=start, count=count or None, stride=stride)


def _source(archive: Path | str | None, folder: str, where: Where, folders: Folders) -> Path:
    if bool(archive) == bool(folder.strip()):
        message = "both an archive and a folder are named" if archive else "neither an archive nor a folder is named"
        raise NodeInputError("folder", message, "choose an archive, or give the name of a folder")
    return source_path(archive, folders, input_name="archive") if archive else folder_path(folder, folders, where)


@load_image_sequence.check
def _check_source(archive: str | None, folder: str, where: Where, folders: Folders) -> Iterator[InputProblem]:
    try:
        _source(archive, folder, where, folders)
    except NodeInputError as error:
        yield InputProblem(error.input_name, str(error), error.hint, "no_such_file")


@load_image_sequence.fingerprint
def _source_digest(archive: str | None, folder: str, where: Where, folders: Folders) -> str:
    return pictures_digest(_source(archive, folder, where, folders))


@node(
    category="video",
    title="Save image sequence",
    sink=True,
    aliases=("frames", "folder", "png", "exr", "export", "write", "numbered files"),
)
def save_image_sequence(
    clip: Clip,
    alpha: Clip | None = None,
    *,
    filename: str = "frames",
    format: Kind = "png",  # noqa: A002  (the field's word)
    ctx: Context,
) -> Annotated[Artifact, Output("folder")]:
    """Write a clip as a folder of numbered pictures, with its sound as sound.wav and the workflow in the first picture.

    Args:
        clip: What to write.
        alpha: A gray clip, white where the clip is opaque.
        filename: Name of the folder in the outputs folder; folders are separated by a slash. A number is added.
        format: `png` has 8 bits, `png16` has 16, `exr` holds linear light in half floats, as compositing programs want.

    Returns:
        The folder.
    """
    from server.media.alpha import check_alpha
    from server.media.sequence import write_sequence

    with blaming("alpha"):
        check_alpha(clip, alpha)

    def write(path: Path) -> None:
        write_sequence(
            path,
            clip,
            kind=format,
            alpha=alpha,
            metadata={"workflow": ctx.workflow} if ctx.workflow else None,
            progress=lambda done, total: ctx.report(done, total, "frame"),
        )

    return ctx.save(filename, "", "inode/directory", write)


@save_image_sequence.check
def _check_filename(filename: str, folders: Folders) -> Iterator[InputProblem]:
    return output_problems(filename, folders)
