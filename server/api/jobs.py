"""Jobs: submit, look at, reorder, cancel, retry, delete. What any of it means is the job service's."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aiohttp import web

from server.api.artifacts import artifact_entry
from server.api.endpoint import PREFIX, endpoint, json_answer
from server.api.keys import SERVICE
from server.api.schema import (
    JobAnswer,
    JobEntry,
    JobList,
    JobsQuery,
    MoveBody,
    QueueAnswer,
    SubmitBody,
    SubmitHeaders,
    SubmittedJob,
)
from server.jobs.records import Job, JobArtifact, JobId, JobSummary


@endpoint("POST", "/jobs", status=201, answer=SubmittedJob, refuses=(409, 413, 422, 429, 503))
async def submit_job(request: web.Request, body: SubmitBody, headers: SubmitHeaders) -> web.Response:
    """Queue a workflow.

    It is validated first: 422 carries all problems, each with a JSON pointer into the workflow. With an
    `Idempotency-Key` the request can be repeated safely: the same body gets the same answer and queues nothing more.
    """
    job = await request.app[SERVICE].submit(
        json.dumps(body.workflow),
        body.inputs,
        targets=body.targets,
        priority=body.priority,
        idempotency_key=headers.idempotency_key,
    )
    return _submitted(job)


@endpoint("GET", "/jobs")
async def list_jobs(request: web.Request, query: JobsQuery) -> JobList:
    """List jobs, newest first; `cursor` of one page asks for the next."""
    service = request.app[SERVICE]
    states = (query.state,) if query.state else None
    before = JobId(query.cursor) if query.cursor else None
    page = await service.list(states=states, limit=query.limit + 1, before=before)
    shown = page[: query.limit]
    cursor = shown[-1].id if len(page) > query.limit else None
    made = await service.artifacts_of([job.id for job in shown])
    return JobList(jobs=[JobEntry.model_validate(_fields(job, made.get(job.id, ()))) for job in shown], cursor=cursor)


@endpoint("GET", "/jobs/{id}", refuses=(404,))
async def get_job(request: web.Request, id: str) -> JobAnswer:  # noqa: A002  (the path's word)
    """Return a job with its workflow and what it has produced so far."""
    service = request.app[SERVICE]
    job = await service.get(JobId(id))
    document = {"workflow": json.loads(job.workflow), "settings": dict(job.settings)}
    return JobAnswer.model_validate({**_fields(job, await service.artifacts(job.id)), **document})


@endpoint("DELETE", "/jobs/{id}", status=204, refuses=(404, 409))
async def delete_job(request: web.Request, id: str) -> web.Response:  # noqa: A002
    """Forget a job that has ended, with its events; files that it made stay in the outputs folder."""
    await request.app[SERVICE].delete(JobId(id))
    return web.Response(status=204)


@endpoint("POST", "/jobs/{id}/cancel", refuses=(404, 409))
async def cancel_job(request: web.Request, id: str) -> JobEntry:  # noqa: A002
    """Cancel a job: at once when it waits, at its next step when it runs, which its events then say."""
    service = request.app[SERVICE]
    await service.cancel(JobId(id))
    job = await service.get(JobId(id))
    return JobEntry.model_validate(_fields(job, await service.artifacts(job.id)))


@endpoint("POST", "/jobs/{id}/retry", status=201, answer=SubmittedJob, refuses=(404, 409, 422, 429))
async def retry_job(request: web.Request, id: str) -> web.Response:  # noqa: A002
    """Queue an ended job's workflow again, as a new job; what is cached does not run again."""
    return _submitted(await request.app[SERVICE].retry(JobId(id)))


@endpoint("POST", "/jobs/{id}/move", refuses=(404, 409))
async def move_job(request: web.Request, id: str, body: MoveBody) -> QueueAnswer:  # noqa: A002
    """Move a waiting job before another one, to the front, or to the end."""
    service = request.app[SERVICE]
    if body.to == "front":
        await service.move_to_front(JobId(id))
    else:
        await service.move(JobId(id), before=JobId(body.before) if body.before else None)
    return QueueAnswer(waiting=list(service.waiting))


def _fields(job: JobSummary, artifacts: Sequence[JobArtifact]) -> dict[str, object]:
    return {**job.to_json(), "artifacts": [artifact_entry(artifact) for artifact in artifacts]}


def _submitted(job: Job) -> web.Response:
    url = f"{PREFIX}/jobs/{job.id}"
    answer = SubmittedJob(id=job.id, title=job.title, created_at=job.created_at, url=url, events_url=f"{url}/events")
    return json_answer(answer, 201, {"Location": url})


ENDPOINTS = (submit_job, list_jobs, get_job, delete_job, cancel_job, retry_job, move_job)
