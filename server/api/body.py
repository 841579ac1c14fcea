"""Request bodies: media types, lengths and patience, and JSON read strictly. Nothing here knows what a body means."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import web

from server.api.errors import ApiError
from server.graph.json_text import DEFAULT_LIMITS, load_json
from server.graph.problem_list import ProblemList
from server.kit.problems import Problem, WorkflowError

BODY_PATIENCE_S = 60.0
"""Seconds in which a JSON body must have arrived."""


def require_media_type(request: web.Request, *allowed: str) -> None:
    """Refuse a body of another kind.

    Raises:
        ApiError: 415, naming what is taken.
    """
    if request.headers.get("Content-Type") and request.content_type in allowed:
        return
    given = request.headers.get("Content-Type", "nothing")[:100]
    message = f"the content type is {given!r}"
    raise ApiError(415, "unsupported_media_type", message, "send Content-Type: " + " or ".join(allowed))


async def read_json(request: web.Request) -> object:
    """Return the JSON value in the body.

    Raises:
        ApiError: Not JSON by its type or its content, too slow, or cut off. Too large is aiohttp's own refusal.
    """
    require_media_type(request, "application/json")
    try:
        async with asyncio.timeout(BODY_PATIENCE_S):
            data = await request.read()
    except TimeoutError as error:
        message = f"the body had not arrived after {BODY_PATIENCE_S:.0f} s"
        raise ApiError(408, "too_slow", message, "send it again", headers={"Connection": "close"}) from error
    return parse_json(data)


def parse_json(text: bytes | str) -> object:
    """Return the value of a JSON text, which the transport has limited in size already.

    Raises:
        ApiError: 400, with every problem in the text; paths inside `workflow` start there.
    """
    problems = ProblemList()
    try:
        # One level more than a document's, for the object around it.
        limits = replace(DEFAULT_LIMITS, size=max(len(text), 1), depth=DEFAULT_LIMITS.depth + 1)
        value = load_json(text, problems, limits)
        problems.stop_if_any()
    except WorkflowError as error:
        found = [replace(problem, path=problem.path.removeprefix("/workflow")) for problem in error.problems]
        raise _malformed(found) from error
    return value


def _malformed(problems: list[Problem]) -> ApiError:
    first = problems[0]
    return ApiError(400, "malformed_json", f"the body: {first.message}", first.hint, problems=problems)
