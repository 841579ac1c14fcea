"""Events as server-sent events: of one job, and of all; taken up after a break by the number seen last."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from aiohttp import web

from server.api.endpoint import endpoint
from server.api.keys import SERVICE, SHUTDOWN
from server.api.schema import EventEntry, EventsHeaders, EventsQuery
from server.api.streams import with_heartbeats
from server.jobs.records import FINISHED, JobEvent, JobId

EVENT_STREAM = "text/event-stream"
SSE_HEADERS = {"Content-Type": f"{EVENT_STREAM}; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
RETRY_MS = 1000
"""What browsers wait before they take up a broken stream."""


@endpoint("GET", "/jobs/{id}/events", produces=(EVENT_STREAM,), refuses=(204, 404))
async def follow_job(
    request: web.Request,
    id: str,  # noqa: A002
    query: EventsQuery,
    headers: EventsHeaders,
) -> web.StreamResponse:
    """Follow a job: first what has happened, then what happens, until it has ended.

    Each stored event has its number as `id`; progress and previews have none. A stream that broke is taken up with
    `Last-Event-ID`, without gap or double. 204 says that the job has ended and everything was seen.
    """
    service = request.app[SERVICE]
    job = await service.get(JobId(id))
    after = _after(query, headers)
    events = service.events(job.id, after)
    if job.state in FINISHED and after:
        first = await anext(events, None)
        if first is None:
            return web.Response(status=204)
        events = _prepended(first, events)
    return await _stream(request, events, "seq")


@endpoint("GET", "/events", produces=(EVENT_STREAM,))
async def follow_all(request: web.Request, query: EventsQuery, headers: EventsHeaders) -> web.StreamResponse:
    """Follow all jobs, from now on, or from the event whose number `Last-Event-ID` or `after` gives.

    The `id` of an event here counts the events of all jobs: it is `number` in the data, not `seq`.
    """
    after = _after(query, headers)
    return await _stream(request, request.app[SERVICE].all_events(after or None), "number")


def event_entry(event: JobEvent) -> EventEntry:
    """Return an event as it crosses the wire."""
    return EventEntry.model_validate(event.to_json())


def _after(query: EventsQuery, headers: EventsHeaders) -> int:
    return query.after if headers.last_event_id is None else int(headers.last_event_id)


async def _prepended(first: JobEvent, events: AsyncGenerator[JobEvent]) -> AsyncGenerator[JobEvent]:
    yield first
    async for event in events:
        yield event


async def _stream(request: web.Request, events: AsyncGenerator[JobEvent], number: str) -> web.StreamResponse:
    response = web.StreamResponse(headers=SSE_HEADERS)
    await response.prepare(request)
    await response.write(f"retry: {RETRY_MS}\n\n".encode())
    async for event in with_heartbeats(events, request.app[SHUTDOWN]):
        await response.write(b": still here\n\n" if event is None else _message(event, number))
    await response.write_eof()
    return response


def _message(event: JobEvent, number: str) -> bytes:
    data = event_entry(event).model_dump(mode="json")
    id_line = "" if data[number] is None else f"id: {data[number]}\n"
    return f"{id_line}event: {event.kind}\ndata: {json.dumps(data)}\n\n".encode()


ENDPOINTS = (follow_job, follow_all)
