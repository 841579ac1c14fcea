"""Where the nodes that save leave the workflow, read back: tags of videos, text of PNGs. No nodes here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from nodes import DocumentReader, UnreadableFileError
from server.media.errors import MediaError

WORKFLOW_TAG = "workflow"


def read_video_workflow(path: Path) -> str | None:
    """Return the workflow in a video's tags, or None.

    Raises:
        UnreadableFileError: It is no video, or broken.
    """
    from server.media.probe import read_tags

    with explaining():
        return read_tags(path).get(WORKFLOW_TAG)


def read_picture_workflow(path: Path) -> str | None:
    """Return the workflow in a PNG's text, or None.

    Raises:
        UnreadableFileError: It is no picture, or broken.
    """
    from server.media.pictures import read_image_tags

    with explaining():
        return read_image_tags(path).get(WORKFLOW_TAG)


@contextmanager
def explaining() -> Generator[None]:
    """Turn what the media library refuses into what the application shows."""
    try:
        yield
    except MediaError as error:
        raise UnreadableFileError(error.message, error.hint) from error


DOCUMENT_READERS = (
    DocumentReader(frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"}), read_video_workflow),
    DocumentReader(frozenset({".png"}), read_picture_workflow),
)
