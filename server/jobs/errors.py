"""What the job service refuses, in words for people and a stable code for programs."""

from __future__ import annotations

from typing import ClassVar

from server.jobs.records import JsonObject


class JobsError(Exception):
    """The base of all refusals.

    Attributes:
        code: Stable word for programs.
        hint: What to do next.
    """

    code: ClassVar[str] = "jobs_error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def to_json(self) -> JsonObject:
        """Return the refusal in the shape of every error."""
        return {"code": self.code, "message": str(self), "hint": self.hint, "path": "", "node": None}


class JobNotFoundError(JobsError):
    """No job has this id: it was deleted, or never was."""

    code = "job_not_found"

    def __init__(self, job: str) -> None:
        super().__init__(f"there is no job {job!r}", "list the jobs to see which there are")


class ConflictError(JobsError):
    """The idempotency key was used before, for something else."""

    code = "idempotency_conflict"


class QueueFullError(JobsError):
    """As many jobs wait as the settings allow."""

    code = "queue_full"


class WrongStateError(JobsError):
    """The job is in a state in which this cannot be done."""

    code = "wrong_state"


class WorkerUnavailableError(JobsError):
    """The worker did not start in time, or died while it was asked."""

    code = "worker_unavailable"


class WorkerFailedError(JobsError):
    """The worker could not answer because of a mistake in the program or in a node pack."""

    code = "worker_failed"


class StoreError(JobsError):
    """The database could not be written or opened: a full disk, most often."""

    code = "store_failed"


class ProtocolError(JobsError):
    """A line between server and worker is no message that we know."""

    code = "protocol_error"
