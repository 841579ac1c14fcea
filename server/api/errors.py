"""The one shape of every refusal, and the middleware that gives it to whatever goes wrong."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from server.jobs.errors import JobsError
from server.kit.problems import Problem, WorkflowError
from server.kit.readers import UNREADABLE_FILE
from server.library.errors import LibraryError, VersionConflictError

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PHRASES: Mapping[int, tuple[str, str, str]] = {
    400: ("bad_request", "the request cannot be read", "compare it with /api/v1/openapi.json"),
    404: ("not_found", "there is nothing at this address", "GET /api/v1/openapi.json lists every address"),
    405: ("method_not_allowed", "this address does not take this method", "the Allow header names those that it takes"),
    408: ("too_slow", "the request stopped arriving", "send it again"),
    413: ("too_large", "the request is larger than the server takes", "send large files to POST /api/v1/uploads"),
    415: ("unsupported_media_type", "this content type is not taken here", "send Content-Type: application/json"),
    417: ("expectation_failed", "the Expect header asks for something unknown", "leave it out, or send 100-continue"),
}
"""Words for the refusals that aiohttp raises itself: code, message, hint."""


JOB_STATUSES: Mapping[str, int] = {
    "job_not_found": 404,
    "idempotency_conflict": 409,
    "wrong_state": 409,
    "queue_full": 429,
    "worker_unavailable": 503,
    "store_failed": 507,
}
"""HTTP statuses of what the job service refuses, by code."""

LIBRARY_STATUSES: Mapping[str, int] = {
    "unknown_workflow": 404,
    "unknown_version": 404,
    "unknown_template": 404,
    "version_conflict": 412,
    "bad_id": 422,
    "disk_full": 507,
}
"""HTTP statuses of what the library refuses, by code."""

RETRY_AFTER_S = 10


class ApiError(Exception):
    """A refusal, said so that the caller can mend it.

    Attributes:
        status: HTTP status.
        code: Stable word for programs.
        hint: What to do next.
        problems: What is wrong in the workflow, when it is one that was refused.
        headers: Sent along, such as `Allow`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)
        self.headers = dict(headers or {})

    def to_json(self) -> dict[str, object]:
        """Return the refusal as it crosses the wire."""
        problems = [problem.to_json() for problem in self.problems]
        error = {"code": self.code, "message": self.message, "hint": self.hint, "problems": problems}
        return {"error": error}


def refusal(error: ApiError) -> web.Response:
    """Return the response that carries the refusal."""
    # ensure_ascii keeps half a surrogate pair, which a message may quote, from breaking the answer itself.
    text = json.dumps(error.to_json(), ensure_ascii=True)
    return web.Response(status=error.status, text=text, content_type="application/json", headers=error.headers)


def from_jobs(error: JobsError) -> ApiError:
    """Return the refusal of the job service as one of ours.

    A code without a status of its own is nothing that a request brings about: it is the server's mistake.
    """
    status = JOB_STATUSES.get(error.code, 500)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status in (429, 503) else {}
    return ApiError(status, error.code, str(error), error.hint, headers=headers)


def from_library(error: LibraryError) -> ApiError:
    """Return the refusal of the library as one of ours; a conflict carries the ETag of what is saved now."""
    current = error.current if isinstance(error, VersionConflictError) else None
    headers = {"ETag": current} if current else {}
    return ApiError(LIBRARY_STATUSES.get(error.code, 500), error.code, str(error), error.hint, headers=headers)


def bad_workflow(error: WorkflowError) -> ApiError:
    """Return the refusal of a workflow, with every problem found in it; a file that cannot be read says so itself."""
    first = error.problems[0] if error.problems else None
    if first is not None and first.code == UNREADABLE_FILE:
        return ApiError(422, first.code, first.message, first.hint, problems=error.problems)
    count = len(error.problems)
    message = f"the workflow has {count} problem{'' if count == 1 else 's'}"
    return ApiError(422, "bad_workflow", message, "mend what `problems` points at", problems=error.problems)


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into a refusal; what nobody foresaw is logged under a number that the caller is told."""
    try:
        return await handler(request)
    except ApiError as error:
        return refusal(error)
    except WorkflowError as error:
        return refusal(bad_workflow(error))
    except JobsError as error:
        return refusal(from_jobs(error))
    except LibraryError as error:
        return refusal(from_library(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return refusal(_from_aiohttp(error))
    except (ConnectionError, web.RequestPayloadError) as error:
        # The peer left, or sent a body that breaks off: nobody may be there to read this, but no handler is to blame.
        return refusal(ApiError(400, "incomplete_body", f"the request broke off: {error}", "send it again"))
    except Exception:
        number = secrets.token_hex(4)
        logger.exception("request %s %s failed (%s)", request.method, request.path, number)
        hint = f"look for {number} in the server's log, and report what stands there"
        return refusal(ApiError(500, "internal_error", "the server failed to answer; this is its own mistake", hint))


def _from_aiohttp(error: web.HTTPException) -> ApiError:
    fallback = (f"http_{error.status}", error.reason.lower() or "the request was refused", "")
    code, message, hint = PHRASES.get(error.status, fallback)
    kept = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return ApiError(error.status, code, message, hint, headers=kept)
