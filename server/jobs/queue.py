"""The order in which jobs run: a state machine in memory without clock, thread or disk.

Higher priority goes first; equal priorities go in the order of arrival, unless somebody moved them. Every method that
changes places returns them, so that the store can write the same order down.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

from server.jobs.errors import QueueFullError, WrongStateError
from server.jobs.records import JobId


class Place(NamedTuple):
    """Where a job waits; places compare in the order in which jobs run.

    Attributes:
        rank: The priority negated.
        position: Orders jobs of equal priority; fractions make room between two.
        job: Whose place it is.
    """

    rank: int
    position: float
    job: JobId

    @property
    def priority(self) -> int:
        """Return the priority, higher first."""
        return -self.rank


class JobQueue:
    """Jobs that wait, in order.

    Args:
        limit: Most jobs that may wait at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._order: list[Place] = []
        self._places: dict[JobId, Place] = {}
        self._reserved: dict[JobId, Place] = {}
        self._last_position = 0.0

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, job: object) -> bool:
        return job in self._places

    @property
    def waiting(self) -> tuple[JobId, ...]:
        """Return the jobs in the order in which they will run."""
        return tuple(place.job for place in self._order)

    def position(self, job: JobId) -> int | None:
        """Return 1 for the next job to run, 2 for the one after it, ...; None when it does not wait."""
        place = self._places.get(job)
        return None if place is None else bisect_left(self._order, place) + 1

    def place(self, job: JobId) -> Place | None:
        """Return where a job waits, or None when it does not."""
        return self._places.get(job)

    def restore(self, places: Iterable[Place]) -> None:
        """Put back what the store kept, past the limit if need be: an accepted job is never dropped."""
        for place in places:
            self._insert(place)

    def reserve(self, job: JobId, priority: int = 0) -> Place:
        """Keep a place behind all others of that priority for a job that is not durable yet, so cannot run yet.

        Raises:
            QueueFullError: As many jobs wait, or are about to, as may.
            WrongStateError: The job has a place already.
        """
        if job in self._places or job in self._reserved:
            message = f"job {job!r} waits already"
            raise WrongStateError(message)
        if len(self._order) + len(self._reserved) >= self._limit:
            message = f"{len(self._order)} jobs wait, and no more than {self._limit} may"
            raise QueueFullError(message, "wait for some to finish, cancel some, or raise KINEGRAPH_MAX_QUEUE")
        place = Place(-priority, self._last_position + 1.0, job)
        self._last_position = place.position
        self._reserved[job] = place
        return place

    def confirm(self, job: JobId) -> None:
        """Let a job wait at the place that was reserved for it: it is durable now."""
        self._insert(self._reserved.pop(job))

    def release(self, job: JobId) -> None:
        """Give up a reserved place: the job was not accepted."""
        del self._reserved[job]

    def take(self) -> JobId | None:
        """Remove and return the job that is to run next, or None when no job waits."""
        if not self._order:
            return None
        place = self._order.pop(0)
        del self._places[place.job]
        return place.job

    def remove(self, job: JobId) -> bool:
        """Remove a waiting job; return False when it does not wait."""
        place = self._places.pop(job, None)
        if place is None:
            return False
        del self._order[bisect_left(self._order, place)]
        return True

    def move(self, job: JobId, before: JobId | None) -> tuple[Place, ...]:
        """Put a waiting job just before another, or last for None; it takes the priority found there.

        Returns:
            Every place that changed: one, or all when there was no number left between two.

        Raises:
            WrongStateError: One of the jobs does not wait.
        """
        for known in (job, before):
            if known is not None and known not in self._places:
                message = f"job {known!r} does not wait, so the order does not hold it"
                raise WrongStateError(message, "it has started or ended in the meantime; read the queue again")
        if job == before:
            return ()
        self.remove(job)
        index = len(self._order) if before is None else bisect_left(self._order, self._places[before])
        place = self._between(index, job)
        if place is not None:
            return (self._insert(place),)
        return self._renumber(index, job)

    def move_to_front(self, job: JobId) -> tuple[Place, ...]:
        """Put a waiting job before all others.

        Raises:
            WrongStateError: The job does not wait.
        """
        return self.move(job, self._order[0].job if self._order else job)

    def _between(self, index: int, job: JobId) -> Place | None:
        """Return a place just before the job at `index`, or None when two numbers touch."""
        after = self._order[index] if index < len(self._order) else None
        previous = self._order[index - 1] if index else None
        if after is None:
            return Place(previous.rank, previous.position + 1.0, job) if previous else Place(0, 0.0, job)
        if previous is None or previous.rank != after.rank:
            return Place(after.rank, after.position - 1.0, job)
        middle = (previous.position + after.position) / 2
        return Place(after.rank, middle, job) if previous.position < middle < after.position else None

    def _renumber(self, index: int, job: JobId) -> tuple[Place, ...]:
        rank = self._order[index].rank
        jobs = [(place.rank, place.job) for place in self._order]
        jobs.insert(index, (rank, job))
        self._order = [Place(rank, float(number), name) for number, (rank, name) in enumerate(jobs)]
        self._places = {place.job: place for place in self._order}
        self._last_position = max(self._last_position, float(len(jobs)))
        return tuple(self._order)

    def _insert(self, place: Place) -> Place:
        insort(self._order, place)
        self._places[place.job] = place
        self._last_position = max(self._last_position, place.position)
        return place
