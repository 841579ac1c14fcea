"""The tables and all statements on them, as functions of a connection; the store decides when they run."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from server.jobs.errors import ConflictError, JobNotFoundError, StoreError, WrongStateError
from server.jobs.queue import Place
from server.jobs.records import (
    FINISHED,
    LEADS_TO,
    MOVED_EVENT,
    STATE_EVENT,
    Job,
    JobArtifact,
    JobEvent,
    JobId,
    JobState,
    JobSummary,
    JsonObject,
)

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        title TEXT NOT NULL,
        priority INTEGER NOT NULL,
        position REAL NOT NULL,
        created_at REAL NOT NULL,
        started_at REAL,
        finished_at REAL,
        error TEXT,
        retry_of TEXT,
        idempotency_key TEXT UNIQUE,
        body_digest TEXT
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state, number);
    CREATE TABLE documents (
        job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
        workflow TEXT NOT NULL,
        settings TEXT NOT NULL
    ) STRICT;
    CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        data TEXT NOT NULL,
        UNIQUE (job_id, seq)
    ) STRICT;
    CREATE TABLE artifacts (
        number INTEGER PRIMARY KEY,
        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        node TEXT NOT NULL,
        output TEXT NOT NULL,
        path TEXT NOT NULL,
        media_type TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        digest TEXT NOT NULL
    ) STRICT;
    CREATE INDEX artifacts_by_job ON artifacts (job_id);
    CREATE INDEX artifacts_by_digest ON artifacts (digest);
    """,
    """
    ALTER TABLE jobs ADD COLUMN targets TEXT;
    ALTER TABLE jobs ADD COLUMN estimate_s REAL;
    """,
)
"""`MIGRATIONS[n]` leads from `user_version` n to n + 1. Never edited once released; only added to."""

SUMMARY = (
    "id, state, title, priority, created_at, started_at, finished_at, error, idempotency_key, retry_of, targets,"
    " estimate_s"
)


class EventPlace(NamedTuple):
    """Where a stored event stands: among all, and in its job."""

    number: int
    seq: int


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job about to be accepted; `body_digest` tells whether a repeated idempotency key means the same request."""

    job: Job
    place: Place
    body_digest: str


def migrate_tables(connection: sqlite3.Connection) -> None:
    """Bring the tables to this program's version, one transaction a step.

    Raises:
        StoreError: The file was written by a newer version.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        message = f"the job database has version {version}, this program knows {len(MIGRATIONS)}"
        raise StoreError(message, "update Kinegraph, or give it another KINEGRAPH_HOME")
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(f"BEGIN;{MIGRATIONS[number]};PRAGMA user_version={number + 1};COMMIT;")


def insert_job(connection: sqlite3.Connection, new: NewJob) -> EventPlace | Job:
    """Accept a job and write its first event.

    Returns:
        Where the event stands; or the job that was accepted before with the same idempotency key and the same body.

    Raises:
        ConflictError: The key was used with another body.
    """
    job = new.job
    earlier = find_by_key(connection, job.idempotency_key, new.body_digest) if job.idempotency_key else None
    if earlier:
        return earlier
    connection.execute(
        "INSERT INTO jobs (id, state, title, priority, position, created_at, retry_of, idempotency_key, body_digest,"
        " targets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job.id,
            job.state,
            job.title,
            job.priority,
            new.place.position,
            job.created_at,
            job.retry_of,
            job.idempotency_key,
            new.body_digest,
            None if job.targets is None else json.dumps(job.targets),
        ),
    )
    connection.execute(
        "INSERT INTO documents (job_id, workflow, settings) VALUES (?, ?, ?)",
        (job.id, job.workflow, json.dumps(dict(job.settings))),
    )
    return append_event(connection, job.id, STATE_EVENT, {"state": job.state})


def find_by_key(connection: sqlite3.Connection, key: str, body_digest: str) -> Job | None:
    """Return the job that was accepted with this idempotency key, or None.

    Raises:
        ConflictError: It was accepted with another body.
    """
    row = connection.execute("SELECT id, body_digest FROM jobs WHERE idempotency_key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row["body_digest"] != body_digest:
        message = f"the idempotency key {key!r} belongs to job {row['id']}, which was submitted with another body"
        raise ConflictError(message, "use a fresh key for each job, and the same key only to repeat a request")
    return get_job(connection, JobId(row["id"]))


def get_job(connection: sqlite3.Connection, job: JobId) -> Job:
    """Return a job.

    Raises:
        JobNotFoundError: There is none of this id.
    """
    row = connection.execute(
        f"SELECT {SUMMARY}, workflow, settings FROM jobs JOIN documents ON job_id = id WHERE id = ?",  # noqa: S608
        (job,),
    ).fetchone()
    if row is None:
        raise JobNotFoundError(job)
    return Job(**_summary(row), workflow=row["workflow"], settings=json.loads(row["settings"]))


def list_jobs(
    connection: sqlite3.Connection, states: Sequence[JobState], limit: int, before: JobId | None
) -> tuple[JobSummary, ...]:
    """Return jobs in any of the states, newest first, of those older than `before` when it is given."""
    marks = ", ".join("?" * len(states))
    # One that was deleted since has no number any more, but ids sort by time too.
    older = "number < ifnull((SELECT number FROM jobs WHERE id = ?), (SELECT max(number) + 1 FROM jobs WHERE id < ?))"
    rows = connection.execute(
        f"SELECT {SUMMARY} FROM jobs WHERE state IN ({marks})"  # noqa: S608
        f" AND (? IS NULL OR {older}) ORDER BY number DESC LIMIT ?",
        (*states, before, before, before, limit),
    )
    return tuple(JobSummary(**_summary(row)) for row in rows)


def count_jobs(connection: sqlite3.Connection) -> dict[JobState, int]:
    """Return how many jobs are in each state that any is in."""
    return dict(connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())


def waiting_places(connection: sqlite3.Connection) -> tuple[Place, ...]:
    """Return the places of all queued jobs."""
    rows = connection.execute("SELECT priority, position, id FROM jobs WHERE state = 'queued'")
    return tuple(Place(-row["priority"], row["position"], JobId(row["id"])) for row in rows)


def set_state(
    connection: sqlite3.Connection, job: JobId, state: JobState, error: JsonObject | None = None
) -> EventPlace:
    """Move a job to a state, write the event that says so, and return where it stands.

    Raises:
        JobNotFoundError: There is none of this id.
        WrongStateError: No step leads from its state to this one.
    """
    row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise JobNotFoundError(job)
    if state not in LEADS_TO[row["state"]]:
        message = f"job {job} is {row['state']}; it cannot become {state}"
        raise WrongStateError(message)
    column = "finished_at" if state in FINISHED else "started_at"
    connection.execute(
        f"UPDATE jobs SET state = ?, error = ?, {column} = ? WHERE id = ?",  # noqa: S608
        (state, json.dumps(error) if error else None, time.time(), job),
    )
    return append_event(connection, job, STATE_EVENT, {"state": state, **({"error": error} if error else {})})


def move_job(connection: sqlite3.Connection, job: JobId, places: Sequence[Place], position: int) -> EventPlace:
    """Write down where jobs wait after one was moved, and the event that says so."""
    rows = [(place.priority, place.position, place.job) for place in places]
    connection.executemany("UPDATE jobs SET priority = ?, position = ? WHERE id = ?", rows)
    return append_event(connection, job, MOVED_EVENT, {"position": position})


def interrupt_running(connection: sqlite3.Connection, error: JsonObject) -> tuple[JobId, ...]:
    """Mark jobs that no process runs any longer, since the server that ran them is gone, and return them."""
    rows = connection.execute("SELECT id FROM jobs WHERE state = 'running' ORDER BY number").fetchall()
    jobs = tuple(JobId(row["id"]) for row in rows)
    for job in jobs:
        set_state(connection, job, "interrupted", error)
    return jobs


def delete_job(connection: sqlite3.Connection, job: JobId) -> None:
    """Delete a finished job's record, its events and its artifacts' records; files stay.

    Raises:
        JobNotFoundError: There is none of this id.
        WrongStateError: It has not finished.
    """
    row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise JobNotFoundError(job)
    if row["state"] not in FINISHED:
        message = f"job {job} is {row['state']}; only finished jobs can be deleted"
        raise WrongStateError(message, "cancel it first")
    connection.execute("DELETE FROM jobs WHERE id = ?", (job,))


def append_event(connection: sqlite3.Connection, job: JobId, kind: str, data: Mapping[str, Any]) -> EventPlace:
    """Write an event and return where it stands."""
    row = connection.execute(
        "INSERT INTO events (job_id, seq, at, kind, data)"
        " VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE job_id = ?1), ?2, ?3, ?4)"
        " RETURNING number, seq",
        (job, time.time(), kind, json.dumps(data)),
    ).fetchone()
    return EventPlace(row["number"], row["seq"])


def read_events(
    connection: sqlite3.Connection, job: JobId, after: int, limit: int
) -> tuple[JobState | None, tuple[JobEvent, ...]]:
    """Return the job's state (None when it is gone) and its events after a number.

    The state is read first: when it is a finished one, the events that follow are all there will ever be.
    """
    row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job,)).fetchone()
    rows = connection.execute(
        "SELECT * FROM events WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?", (job, after, limit)
    )
    return (row["state"] if row else None), tuple(map(_event, rows))


def read_all_events(connection: sqlite3.Connection, after: int, limit: int) -> tuple[JobEvent, ...]:
    """Return the events of all jobs after a number."""
    return tuple(
        map(_event, connection.execute("SELECT * FROM events WHERE number > ? ORDER BY number LIMIT ?", (after, limit)))
    )


def last_event_number(connection: sqlite3.Connection) -> int:
    """Return the number of the newest event, or 0."""
    (number,) = connection.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()
    return number


def last_place(connection: sqlite3.Connection, job: JobId) -> EventPlace:
    """Return where the newest event of all stands, and the newest of a job; 0 where there is none."""
    (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events WHERE job_id = ?", (job,)).fetchone()
    return EventPlace(last_event_number(connection), seq)


def begin_run(connection: sqlite3.Connection, job: JobId, data: Mapping[str, Any], kind: str) -> EventPlace:
    """Write down that a run begins, and how long it is going to take."""
    connection.execute("UPDATE jobs SET estimate_s = ? WHERE id = ?", (data.get("estimate_s"), job))
    return append_event(connection, job, kind, data)


def add_artifact(
    connection: sqlite3.Connection, artifact: JobArtifact, kind: str, data: Mapping[str, Any]
) -> EventPlace:
    """Write down a file that a job produced, and the event that says so."""
    connection.execute(
        "INSERT INTO artifacts (job_id, node, output, path, media_type, size_bytes, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            artifact.job,
            artifact.node,
            artifact.output,
            artifact.path,
            artifact.media_type,
            artifact.size_bytes,
            artifact.digest,
        ),
    )
    return append_event(connection, artifact.job, kind, data)


def list_artifacts(connection: sqlite3.Connection, job: JobId) -> tuple[JobArtifact, ...]:
    """Return the files that a job produced, in order."""
    rows = connection.execute("SELECT * FROM artifacts WHERE job_id = ? ORDER BY number", (job,))
    return tuple(_artifact(row) for row in rows)


def artifacts_of(connection: sqlite3.Connection, jobs: Sequence[JobId]) -> tuple[JobArtifact, ...]:
    """Return the files that any of the jobs produced, in order."""
    marks = ", ".join("?" * len(jobs))
    rows = connection.execute(f"SELECT * FROM artifacts WHERE job_id IN ({marks}) ORDER BY number", tuple(jobs))  # noqa: S608
    return tuple(_artifact(row) for row in rows)


def page_artifacts(
    connection: sqlite3.Connection, job: JobId | None, limit: int, before: int | None
) -> tuple[tuple[int, JobArtifact], ...]:
    """Return files of one job, or of all, newest first, with the numbers that `before` takes for the next page."""
    rows = connection.execute(
        "SELECT * FROM artifacts WHERE (?1 IS NULL OR job_id = ?1) AND (?2 IS NULL OR number < ?2)"
        " ORDER BY number DESC LIMIT ?3",
        (job, before, limit),
    )
    return tuple((row["number"], _artifact(row)) for row in rows)


def find_artifact(connection: sqlite3.Connection, digest: str) -> JobArtifact | None:
    """Return the newest artifact with this digest, or None."""
    row = connection.execute(
        "SELECT * FROM artifacts WHERE digest = ? ORDER BY number DESC LIMIT 1", (digest,)
    ).fetchone()
    return _artifact(row) if row else None


def _event(row: sqlite3.Row) -> JobEvent:
    data = json.loads(row["data"])
    return JobEvent(JobId(row["job_id"]), row["seq"], row["number"], row["at"], row["kind"], data)


def _artifact(row: sqlite3.Row) -> JobArtifact:
    return JobArtifact(
        JobId(row["job_id"]),
        row["node"],
        row["output"],
        row["path"],
        row["media_type"],
        row["size_bytes"],
        row["digest"],
    )


def _summary(row: sqlite3.Row) -> dict[str, Any]:
    values = {name: row[name] for name in SUMMARY.split(", ")}
    error = json.loads(values["error"]) if values["error"] else None
    targets = tuple(json.loads(values["targets"])) if values["targets"] else None
    return {**values, "error": error, "targets": targets}
