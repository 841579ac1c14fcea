"""The queue against a plain list that does the same in the obvious, slow way."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.jobs.errors import QueueFullError, WrongStateError
from server.jobs.queue import JobQueue
from server.jobs.records import JobId

LIMIT = 6


class QueueMachine(RuleBasedStateMachine):
    """`self.expected` is the order as (priority, job); a restart rebuilds the queue from the places handed out."""

    def __init__(self):
        super().__init__()
        self.queue = JobQueue(LIMIT)
        self.expected = []
        self.reserved = {}
        self.stored = {}
        self.left = []
        self.count = 0

    def pick(self, data):
        return data.draw(st.sampled_from([job for _, job in self.expected]))

    def expect_at_end_of_priority(self, priority, job):
        index = sum(1 for other, _ in self.expected if other >= priority)
        self.expected.insert(index, (priority, job))

    @rule(priority=st.integers(-2, 2), durable=st.sampled_from(["at once", "later", "never"]))
    def submit(self, priority, durable):
        self.count += 1
        job = JobId(f"job{self.count}")
        if len(self.expected) + len(self.reserved) >= LIMIT:
            with pytest.raises(QueueFullError, match="no more than 6 may"):
                self.queue.reserve(job, priority)
            return
        self.stored[job] = self.queue.reserve(job, priority)
        if durable == "never":
            self.queue.release(job)
            del self.stored[job]
        elif durable == "later":
            self.reserved[job] = priority
        else:
            self.queue.confirm(job)
            self.expect_at_end_of_priority(priority, job)

    @precondition(lambda self: self.reserved)
    @rule()
    def become_durable(self):
        job = next(iter(self.reserved))
        before = self.queue.waiting
        self.queue.confirm(job)
        assert tuple(name for name in self.queue.waiting if name != job) == before
        index = self.queue.waiting.index(job)
        self.expected.insert(index, (self.reserved[job], job))
        assert [priority for priority, _ in self.expected] == sorted((p for p, _ in self.expected), reverse=True)
        del self.reserved[job]

    @rule()
    def take(self):
        wanted = self.expected.pop(0)[1] if self.expected else None
        assert self.queue.take() == wanted
        if wanted:
            self.left.append(wanted)
            del self.stored[wanted]

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def cancel(self, data):
        job = self.pick(data)
        assert self.queue.remove(job)
        assert not self.queue.remove(job)
        self.expected = [entry for entry in self.expected if entry[1] != job]
        self.left.append(job)
        del self.stored[job]

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), last=st.booleans())
    def move(self, data, last):
        job = self.pick(data)
        before = None if last else self.pick(data)
        self.stored.update({place.job: place for place in self.queue.move(job, before)})
        if job == before:
            return
        old = next(entry for entry in self.expected if entry[1] == job)
        self.expected.remove(old)
        if before is None:
            priority = self.expected[-1][0] if self.expected else 0
            self.expected.append((priority, job))
        else:
            index = next(i for i, entry in enumerate(self.expected) if entry[1] == before)
            self.expected.insert(index, (self.expected[index][0], job))

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def move_to_front(self, data):
        job = self.pick(data)
        self.stored.update({place.job: place for place in self.queue.move_to_front(job)})
        first = self.expected[0][0]
        self.expected = [(first, job), *(entry for entry in self.expected if entry[1] != job)]

    @precondition(lambda self: not self.reserved)
    @rule()
    def restart(self):
        self.queue = JobQueue(LIMIT)
        self.queue.restore(self.stored.values())

    @invariant()
    def order_is_as_promised(self):
        assert self.queue.waiting == tuple(job for _, job in self.expected)
        assert [self.queue.position(job) for job in self.queue.waiting] == list(range(1, len(self.queue) + 1))

    @invariant()
    def no_job_is_lost_or_doubled(self):
        waiting = self.queue.waiting
        assert len(set(waiting)) == len(waiting) == len(self.queue)
        assert set(waiting) | set(self.reserved) == set(self.stored)
        assert not set(self.left) & set(waiting)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def queue_of(*jobs):
    queue = JobQueue(10_000)
    for job in jobs:
        queue.reserve(JobId(job))
        queue.confirm(JobId(job))
    return queue


def test_moving_between_the_same_two_jobs_forever_renumbers_and_keeps_the_order():
    queue = queue_of("first", "a", "b", "last")
    for turn in range(200):
        queue.move(JobId("ab"[turn % 2]), JobId("ba"[turn % 2]))
    assert queue.waiting[0] == "first"
    assert queue.waiting[-1] == "last"
    assert set(queue.waiting) == {"first", "a", "b", "last"}


def test_a_renumbering_returns_every_place_so_that_the_store_can_follow():
    queue = queue_of("first", "a", "b", "last")
    stored = {}
    for turn in range(200):
        changed = queue.move(JobId("ab"[turn % 2]), JobId("ba"[turn % 2]))
        stored.update({place.job: place for place in changed})
    again = JobQueue(10)
    again.restore(stored.values())
    assert again.waiting == queue.waiting


def test_a_job_submitted_after_one_was_moved_to_the_end_goes_behind_it():
    queue = queue_of("a", "b")
    queue.move(JobId("a"), None)
    queue.reserve(JobId("c"))
    queue.confirm(JobId("c"))
    assert queue.waiting == ("b", "a", "c")


def test_moving_a_job_that_does_not_wait_is_refused():
    with pytest.raises(WrongStateError, match="does not wait"):
        queue_of("a").move(JobId("gone"), JobId("a"))


def test_a_job_cannot_wait_twice():
    with pytest.raises(WrongStateError, match="waits already"):
        queue_of("a").reserve(JobId("a"))
