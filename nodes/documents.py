"""Where the nodes that save leave the workflow, read back: tags, comments, attributes. No nodes here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from nodes import DocumentReader, UnreadableFileError
from server.media.errors import MediaError

WORKFLOW_TAG = "workflow"


def read_video_workflow(path: Path) -> str | None:
    """Return the workflow in the tags of a video or of sound, or None.

    Raises:
        UnreadableFileError: It is neither, or broken.
    """
    from server.media.probe import read_tags

    with explaining():
        return read_tags(path).get(WORKFLOW_TAG)


def read_picture_workflow(path: Path) -> str | None:
    """Return the workflow in a PNG's text, a GIF's comment or a WebP's XMP, or None.

    Raises:
        UnreadableFileError: It is no picture, or broken.
    """
    from server.media.pictures import read_image_tags

    with explaining():
        return read_image_tags(path).get(WORKFLOW_TAG)


def read_exr_workflow(path: Path) -> str | None:
    """Return the workflow in an OpenEXR file's attributes, or None.

    Raises:
        UnreadableFileError: It cannot be read.
    """
    from server.media.stills import read_exr_tags

    try:
        return read_exr_tags(path.read_bytes()).get(WORKFLOW_TAG)
    except OSError as error:
        raise UnreadableFileError(f"{path.name} cannot be read", "check that it is still there") from error


@contextmanager
def explaining() -> Generator[None]:
    """Turn what the media library refuses into what the application shows."""
    try:
        yield
    except MediaError as error:
        raise UnreadableFileError(error.message, error.hint) from error


DOCUMENT_READERS = (
    DocumentReader(
        frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".wav", ".flac", ".mp3", ".m4a", ".opus", ".ogg"}),
        read_video_workflow,
    ),
    DocumentReader(frozenset({".png", ".gif", ".webp"}), read_picture_workflow),
    DocumentReader(frozenset({".exr"}), read_exr_workflow),
)
