"""Ids of saved workflows: safe as folder names on every system, and readable in an address. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from server.library.errors import BadIdError

MAX_LENGTH = 64
IS_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
"""Small letters only: some systems take `A` and `a` for the same name."""

DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that are devices on Windows."""

FALLBACK = "workflow"


def check_id(id: str) -> str:  # noqa: A002  (the field's word)
    """Return the id.

    Raises:
        BadIdError: It is none.
    """
    if len(id) > MAX_LENGTH or not IS_ID.fullmatch(id) or id in DEVICES:
        message = f"{id[:80]!r} cannot be the id of a workflow"
        raise BadIdError(message, f"use 1 to {MAX_LENGTH} of a-z, 0-9 and -, such as {make_id(id, ())!r}")
    return id


def make_id(title: str, taken: Container[str]) -> str:
    """Return a fresh id that reads like the title.

    Args:
        title: Anything; what no id can hold is left out.
        taken: Ids that are there already.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii").lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[: MAX_LENGTH - 8].strip("-") or FALLBACK
    if stem in DEVICES:
        stem = f"{FALLBACK}-{stem}"
    number = 1
    while (id_ := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return id_
