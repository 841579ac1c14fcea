"""Gets a workflow from wherever the user has it: a JSON file, a video or image that carries one, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from server.cli.output import BAD_WORKFLOW, CommandError

MEDIA_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".png"}


def read_document(name: str) -> str | bytes:
    """Return the workflow's JSON text out of the file of that name; `-` is standard input.

    Raises:
        CommandError: The file cannot be read, or carries no workflow.
    """
    if name == "-":
        return sys.stdin.buffer.read()
    path = Path(name)
    try:
        return _embedded(path) if path.suffix.lower() in MEDIA_SUFFIXES else path.read_bytes()
    except OSError as error:
        message = f"cannot read {name!r}: {error.strerror or error}"
        raise CommandError(message, BAD_WORKFLOW) from error


def _embedded(path: Path) -> str:
    """Return the workflow inside a media file that Kinegraph saved."""
    if not path.is_file():
        raise FileNotFoundError(2, "no such file")
    from server.media.errors import MediaError
    from server.media.pictures import read_image_tags
    from server.media.probe import probe

    try:
        text = read_image_tags(path).get("workflow") if path.suffix.lower() == ".png" else probe(path).workflow
    except MediaError as error:
        message = f"{error.message}; {error.hint}"
        raise CommandError(message, BAD_WORKFLOW) from error
    if text is None:
        message = f"{str(path)!r} carries no workflow; it was not saved by Kinegraph, or something stripped it"
        raise CommandError(message, BAD_WORKFLOW)
    return text
