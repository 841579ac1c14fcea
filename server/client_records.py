"""What the SDK returns and raises: plain records and errors. No request is made here; `client.py` offers all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a workflow; `path` is a JSON pointer to the place, `hint` says what to do."""

    path: str
    code: str
    message: str
    hint: str


class KinegraphError(Exception):
    """The base of all errors here.

    Attributes:
        code: Stable word for programs.
        hint: What to do next.
        problems: What is wrong in the workflow, when it is one that was refused.
    """

    def __init__(self, message: str, code: str = "", hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.code = code
        self.hint = hint
        self.problems = problems


class RefusedError(KinegraphError):
    """The server refused a request; `status` is the HTTP status."""

    status: int = 0


class NotSignedInError(RefusedError):
    """The token is missing or wrong."""


class NotFoundError(RefusedError):
    """There is no such job, artifact or upload."""


class ConflictError(RefusedError):
    """It is not in a state in which this can be done, or the idempotency key belongs to another request."""


class VersionConflictError(RefusedError):
    """Somebody else saved or deleted the workflow since; open it again, and save from there."""


class WorkflowRefusedError(RefusedError):
    """The workflow cannot be used; `problems` says all that is wrong with it."""


class ServerError(RefusedError):
    """The server cannot do this now, or made a mistake."""


class DisconnectedError(KinegraphError):
    """The server cannot be reached, or went away and did not come back."""


class JobFailedError(KinegraphError):
    """A job did not succeed; `job` is its record."""

    def __init__(self, job: JobRecord) -> None:
        error = job.error or {}
        words = error.get("message") or f"the job was {job.state}"
        super().__init__(f"job {job.id}: {words}", error.get("code", job.state), error.get("hint", ""))
        self.job = job


class BrokenDownloadError(KinegraphError):
    """What arrived is not what the server said that it would send."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job produced; `digest` is its id and the BLAKE2b-160 of its content."""

    job: str
    node: str
    output: str
    path: str
    media_type: str
    size_bytes: int
    digest: str
    url: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file; `name` is what a workflow's file inputs take."""

    name: str
    media_type: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a job; `seq` is None for progress and previews, which are not stored."""

    job: str
    seq: int | None
    at: float
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """How a job stands."""

    id: str
    state: str
    title: str
    priority: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    error: dict[str, Any] | None
    position: int | None
    artifacts: tuple[Artifact, ...] = ()
    targets: tuple[str, ...] | None = None
    estimate_s: float | None = None

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> JobRecord:
        """Return a job as it came over the wire."""
        artifacts = tuple(Artifact(**only(artifact, Artifact)) for artifact in data["artifacts"])
        targets = None if data.get("targets") is None else tuple(data["targets"])
        return JobRecord(artifacts=artifacts, targets=targets, **only(data, JobRecord, "artifacts", "targets"))


@dataclass(frozen=True, slots=True)
class SavedWorkflow:
    """A saved workflow, or a version of one; `etag` is what a save that starts from it names."""

    id: str
    title: str
    etag: str
    version: int
    modified_at: float
    size_bytes: int


def refusal_kind(status: int, code: str) -> type[RefusedError]:
    """Return the error that a refusal becomes."""
    if code in ("bad_workflow", "malformed_json"):
        return WorkflowRefusedError
    known: dict[int, type[RefusedError]] = {
        401: NotSignedInError,
        404: NotFoundError,
        409: ConflictError,
        412: VersionConflictError,
    }
    return known.get(status, ServerError if status >= 500 else RefusedError)


def only(data: Mapping[str, Any], kind: type[Any], *left_out: str) -> dict[str, Any]:
    """Return the fields that the record has: a newer server may send more."""
    return {name: data[name] for name in kind.__dataclass_fields__ if name in data and name not in left_out}
