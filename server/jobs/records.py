"""What a job is: its states, its record, its events and its artifacts. Plain data; no database and no process here."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NewType, TypeAlias

JobId = NewType("JobId", str)
JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "canceled", "interrupted"]
JsonObject: TypeAlias = "dict[str, Any]"

STATES: tuple[JobState, ...] = ("queued", "running", "succeeded", "failed", "canceled", "interrupted")
FINISHED: frozenset[JobState] = frozenset({"succeeded", "failed", "canceled", "interrupted"})
"""States that a job never leaves."""

LEADS_TO: Mapping[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "canceled"}),
    "running": FINISHED,
    **dict.fromkeys(FINISHED, frozenset()),
}
"""Every step that a job may take; all others are refused."""

STATE_EVENT = "job_state"
"""Kind of the event that every change of state writes, with `state` and, when it has one, `error`."""

MOVED_EVENT = "job_moved"
"""Kind of the event that a waiting job's new `position` writes."""

LIVE_KINDS = frozenset({"node_progress", "node_preview"})
"""Kinds of events that are shown while they are fresh and never stored."""


def new_job_id() -> JobId:
    """Return a fresh id; later ids sort after earlier ones, so that the table's index grows at its end."""
    return JobId(f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(5)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """A job without its workflow: what a list of jobs shows.

    Attributes:
        id: Stable name over HTTP.
        state: Where it stands; never inferred.
        title: The workflow's title, or empty.
        priority: Higher goes first; 0 unless given.
        created_at: Seconds since 1970, as are the other times.
        started_at: None until it runs.
        finished_at: None until it ends.
        error: `code`, `message`, `hint`, `path`, `node`, maybe `traceback` and `problems`; or None.
        idempotency_key: Given by the client that submitted it.
        retry_of: The job that this one repeats.
        targets: Nodes that it runs for; None for all sinks.
        estimate_s: Seconds that its run takes, going by earlier ones; None until it runs, or when nothing is known.
        position: 1 for the next one to run; None when it does not wait.
    """

    id: JobId
    state: JobState
    title: str
    priority: int
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    error: JsonObject | None = None
    idempotency_key: str | None = None
    retry_of: JobId | None = None
    targets: tuple[str, ...] | None = None
    estimate_s: float | None = None
    position: int | None = None

    def to_json(self) -> JsonObject:
        """Return the job as it crosses the wire."""
        return {
            "id": self.id,
            "state": self.state,
            "title": self.title,
            "priority": self.priority,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "error": self.error,
            "retry_of": self.retry_of,
            "targets": None if self.targets is None else list(self.targets),
            "estimate_s": self.estimate_s,
            "position": self.position,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(JobSummary):
    """A job with all that it needs to run again.

    Attributes:
        workflow: The document as JSON text, migrated, with the settings in place.
        settings: Values that were given for the workflow's named inputs.
    """

    workflow: str
    settings: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One thing that happened to a job.

    Attributes:
        job: Whose it is.
        seq: 1, 2, 3, ... in each job; None for live events (progress, previews), which are not stored.
        number: Counts the stored events of all jobs; grows, maybe with gaps; None for live ones.
        at: Seconds since 1970.
        kind: `job_state`, or a kind of the engine's events.
        data: What the kind carries.
    """

    job: JobId
    seq: int | None
    number: int | None
    at: float
    kind: str
    data: JsonObject

    def to_json(self) -> JsonObject:
        """Return the event as it crosses the wire."""
        return {
            "job": self.job,
            "seq": self.seq,
            "number": self.number,
            "at": self.at,
            "kind": self.kind,
            "data": self.data,
        }


@dataclass(frozen=True, slots=True)
class JobArtifact:
    """A file that a job produced; `path` is relative to the outputs folder, `digest` its id over HTTP."""

    job: JobId
    node: str
    output: str
    path: str
    media_type: str
    size_bytes: int
    digest: str

    def to_json(self) -> JsonObject:
        """Return the artifact as it crosses the wire."""
        return {
            "job": self.job,
            "node": self.node,
            "output": self.output,
            "path": self.path,
            "media_type": self.media_type,
            "size_bytes": self.size_bytes,
            "digest": self.digest,
        }
