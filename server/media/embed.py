"""Text inside of GIF and WebP files, which FFmpeg writes without any: put in afterwards, and found again.

GIF takes it as a comment (GIF89a, section 24), WebP as an XMP packet (WebP container specification). All other files of
ours take tags from FFmpeg or Pillow.
"""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path
from xml.sax import saxutils

WORKFLOW = "workflow"
_PREFIX = f"{WORKFLOW}="
_XMP_FLAG = 0x04
_XMP_START = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:k="urn:kinegraph:1"><k:workflow>'
)
_XMP_END = "</k:workflow></rdf:Description></rdf:RDF></x:xmpmeta>"
_XMP_WORKFLOW = re.compile(r"<k:workflow>(.*?)</k:workflow>", re.DOTALL)


def comment_of(workflow: str) -> str:
    """Return a workflow as the comment of a file that has no other place for it."""
    return _PREFIX + workflow


def workflow_in_comment(comment: str) -> str | None:
    """Return the workflow in a comment, or None when it says something else."""
    return comment.removeprefix(_PREFIX) if comment.startswith(_PREFIX) else None


def xmp_of(workflow: str) -> bytes:
    """Return a workflow as an XMP packet."""
    return f"{_XMP_START}{saxutils.escape(workflow)}{_XMP_END}".encode()


def workflow_in_xmp(packet: bytes) -> str | None:
    """Return the workflow in an XMP packet of ours, or None."""
    found = _XMP_WORKFLOW.search(packet.decode(errors="replace"))
    return saxutils.unescape(found[1]) if found else None


def embed_in_gif(path: Path, workflow: str) -> None:
    """Put a workflow into a finished GIF, as a comment before the first frame."""
    content = comment_of(workflow).encode()
    blocks = (content[start : start + 255] for start in range(0, len(content), 255))
    comment = b"\x21\xfe" + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"
    draft = path.with_name(path.name + ".draft")
    try:
        with path.open("rb") as source, draft.open("wb") as target:
            head = source.read(13)
            # A table of colors for all frames may follow the header.
            table = 3 * 2 ** ((head[10] & 7) + 1) if head[10] & 0x80 else 0
            target.write(head + source.read(table) + comment)
            shutil.copyfileobj(source, target)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def embed_in_webp(path: Path, workflow: str) -> None:
    """Put a workflow into a finished animated WebP, as its last chunk."""
    packet = xmp_of(workflow)
    with path.open("r+b") as file:
        head = file.read(21)
        if head[12:16] != b"VP8X":
            return  # a single plain frame, whose file has no place for more
        file.seek(20)
        file.write(bytes((head[20] | _XMP_FLAG,)))
        file.seek(0, 2)
        # Chunks start at even places.
        file.write(b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))
