"""Gets a workflow from wherever the user has it: a JSON file, a video or picture with one inside, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from server.cli.output import BAD_WORKFLOW, CommandError
from server.graph.json_text import DEFAULT_LIMITS
from server.jobs.session import WorkerSession

MOST_BYTES = DEFAULT_LIMITS.size + 1
"""What is read of a document: enough to see that it is longer than any may be."""


def read_document(name: str, session: WorkerSession) -> str | bytes:
    """Return the workflow's JSON text out of the file of that name; `-` is standard input.

    Raises:
        CommandError: The file cannot be read, or carries no workflow.
        WorkflowError: It is a video or picture, and broken.
    """
    if name == "-":
        return sys.stdin.buffer.read(MOST_BYTES)
    path = Path(name)
    try:
        with path.open("rb") as file:
            if session.catalogue.reader_of(path) is None:
                return file.read(MOST_BYTES)
    except OSError as error:
        message = f"cannot read {name!r}: {error.strerror or error}"
        raise CommandError(message, BAD_WORKFLOW) from error
    text = session.embedded_workflow(path)
    if text is None:
        message = f"{name!r} carries no workflow; it was not saved by Kinegraph, or something stripped it"
        raise CommandError(message, BAD_WORKFLOW)
    return text
