"""Errors of the libraries become errors of a node's input, so that the canvas marks what to mend. No nodes here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from nodes import NodeInputError
from server.diffusion.errors import DiffusionError
from server.media.errors import MediaError


@contextmanager
def blaming(input_name: str, *only: type[DiffusionError]) -> Generator[None]:
    """Blame an input for what the diffusion or media library refuses inside the `with` block.

    Never wrap the consumption of a clip in it: an error in there is its producer's.

    Args:
        input_name: The input to mark.
        only: The errors to blame it for; all of both libraries when none is named.

    Raises:
        NodeInputError: The library raised an error that the user can put right.
    """
    try:
        yield
    except (DiffusionError, MediaError) as error:
        if only and not isinstance(error, only):
            raise
        raise NodeInputError(input_name, error.message, error.hint) from error
