"""What happened to a job, from its first event on: stored ones from the database, then live ones as they come.

An event is published after it is on the disk, so nobody ever sees a number that a crash could give to another event.
A follower reads the durable events from the database itself and is only woken here; what waits for a slow one is the
newest progress and preview of each node, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from server.jobs import tables
from server.jobs.errors import JobNotFoundError
from server.jobs.records import FINISHED, JobEvent, JobId, JsonObject
from server.jobs.store import Operation, Store
from server.jobs.tables import EventPlace

PAGE = 500
"""Events read at a time: bounds what a follower of a long job holds."""

LIVE_LIMIT = 64
"""Live events kept for a slow follower; the oldest goes first."""

logger = logging.getLogger(__name__)


class _Follower:
    """One reader of one job's events: how far the database is, and the newest live events."""

    def __init__(self) -> None:
        self.stored = 0
        self.gone = False
        self._live: OrderedDict[tuple[str, str, str], tuple[int, JobEvent]] = OrderedDict()
        self._wake = asyncio.Event()

    def notice(self, seq: int) -> None:
        self.stored = max(self.stored, seq)
        self._wake.set()

    def leave(self) -> None:
        self.gone = True
        self._wake.set()

    def show(self, event: JobEvent, place: int) -> None:
        key = (event.job, event.kind, str(event.data.get("node")))
        self._live[key] = (place, event)
        self._live.move_to_end(key)
        if len(self._live) > LIVE_LIMIT:
            self._live.popitem(last=False)
        self.notice(place)

    async def live_until_stored(self, last: int) -> AsyncIterator[JobEvent]:
        """Yield live events that belong just after `last`, until the database has more; stale ones are dropped."""
        self.notice(last)
        while self.stored <= last and not self.gone:
            live = [event for place, event in self._live.values() if place == last]
            self._live.clear()
            for event in live:
                yield event
            while self.stored <= last and not self._live and not self.gone:
                self._wake.clear()
                await self._wake.wait()


class EventLog:
    """Writes events and lets any number of readers follow them. Belongs to the event loop that makes it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._followers: dict[JobId, set[_Follower]] = {}
        self._followers_of_all: set[_Follower] = set()

    def append(self, job: JobId, kind: str, data: Mapping[str, Any]) -> Future[EventPlace]:
        """Write an event; returns a future of where it stands."""
        return self.write(job, partial(tables.append_event, job=job, kind=kind, data=data))

    def write(self, job: JobId, operation: Operation[EventPlace]) -> Future[EventPlace]:
        """Run an operation that writes an event, and wake the followers when it is on the disk."""
        future = self._store.write(operation)
        future.add_done_callback(partial(self._written, job))
        return future

    def wake(self, job: JobId, place: EventPlace) -> None:
        """Tell followers of an event that was written in another way; belongs to the event loop's thread."""
        for follower in self._followers.get(job, ()):
            follower.notice(place.seq)
        for follower in self._followers_of_all:
            follower.notice(place.number)

    def show(self, job: JobId, kind: str, data: JsonObject) -> None:
        """Show a live event to those who follow now, behind all that was written before it."""
        if job in self._followers or self._followers_of_all:
            event = JobEvent(job, None, None, time.time(), kind, data)
            place = self._store.write(partial(tables.last_place, job=job))
            place.add_done_callback(partial(self._placed, event))

    def forget(self, job: JobId) -> None:
        """End the streams of a job that was deleted."""
        for follower in self._followers.get(job, ()):
            follower.leave()

    async def follow(self, job: JobId, after: int = 0) -> AsyncGenerator[JobEvent]:
        """Yield the job's events with `seq` above `after`, then each as it comes, without gap or double.

        Ends after the last event of a finished job, or when the job is deleted.

        Raises:
            JobNotFoundError: There is no such job.
        """
        follower = _Follower()
        self._followers.setdefault(job, set()).add(follower)
        last, known = after, False
        try:
            while not follower.gone:
                operation = partial(tables.read_events, job=job, after=last, limit=PAGE)
                state, events = await asyncio.wrap_future(self._store.read(operation))
                if state is None and not known:
                    raise JobNotFoundError(job)
                known = True
                for event in events:
                    yield event
                    last = event.seq or last
                if len(events) == PAGE:
                    continue
                if state is None or state in FINISHED:
                    return
                async for event in follower.live_until_stored(last):
                    yield event
        finally:
            self._leave(job, follower)

    async def follow_all(self, after: int | None = None) -> AsyncGenerator[JobEvent]:
        """Yield the events of all jobs with `number` above `after`, or from now on, then each as it comes; endless."""
        follower = _Follower()
        self._followers_of_all.add(follower)
        try:
            last = await asyncio.wrap_future(self._store.read(tables.last_event_number)) if after is None else after
            while True:
                operation = partial(tables.read_all_events, after=last, limit=PAGE)
                events = await asyncio.wrap_future(self._store.read(operation))
                for event in events:
                    yield event
                    last = event.number or last
                if len(events) == PAGE:
                    continue
                async for event in follower.live_until_stored(last):
                    yield event
        finally:
            self._followers_of_all.discard(follower)

    def _leave(self, job: JobId, follower: _Follower) -> None:
        followers = self._followers[job]
        followers.discard(follower)
        if not followers:
            del self._followers[job]

    def _written(self, job: JobId, done: Future[EventPlace]) -> None:
        error = done.exception()
        if error is None:
            self._publish(self.wake, job, done.result())
        else:
            logger.error("an event of job %s was not stored: %s", job, error)

    def _placed(self, event: JobEvent, done: Future[EventPlace]) -> None:
        # A follower may have read on from the disk by now, so the writer says what stood before the event.
        if done.exception() is None:
            self._publish(self._show, event, done.result())

    def _publish(self, call: Callable[..., None], *arguments: object) -> None:
        """Call in the event loop; runs in the writer's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _show(self, event: JobEvent, place: EventPlace) -> None:
        for follower in self._followers.get(event.job, ()):
            follower.show(event, place.seq)
        for follower in self._followers_of_all:
            follower.show(event, place.number)
