"""Followers of a job see every stored event once and in order, wherever they begin and however slow they are."""

import asyncio
import contextlib
import random
import threading

import pytest

from server.jobs import tables
from server.jobs.errors import JobNotFoundError
from server.jobs.event_log import LIVE_LIMIT, EventLog
from server.jobs.queue import Place
from server.jobs.records import Job, JobEvent, JobId
from server.jobs.store import Store

JOB = JobId("a")


@pytest.fixture
async def store(tmp_path):
    store = Store(tmp_path / "jobs.sqlite")
    accept(store, "a")
    set_state(store, "running")
    yield store
    await asyncio.to_thread(store.close)


@pytest.fixture
async def log(store):
    return EventLog(store)


def accept(store, name):
    job = Job(id=JobId(name), state="queued", title="", priority=0, created_at=0.0, workflow="{}")
    store.write(lambda c: tables.insert_job(c, tables.NewJob(job, Place(0, 0.0, job.id), ""))).result()


def set_state(store, state, job=JOB):
    store.write(lambda c: tables.set_state(c, job, state)).result()


async def collect(log, after=0, nap=None):
    events = []
    async for event in log.follow(JOB, after):
        events.append(event)
        if nap and random.random() < 0.05:
            await asyncio.sleep(nap)
    return events


async def test_followers_that_begin_anywhere_at_any_time_see_no_gap_and_no_double(log):
    total = 1200

    def produce():
        for number in range(total):
            log.append(JOB, "node_log", {"number": number})
            if number % 7 == 0:
                log.show(JOB, "node_progress", {"node": "n", "done": number})
        log.write(JOB, lambda c: tables.set_state(c, JOB, "succeeded")).result()

    producer = threading.Thread(target=produce)
    followers = [asyncio.ensure_future(collect(log, after=0, nap=0.002))]
    producer.start()
    for start in range(12):
        await asyncio.sleep(0.01)
        followers.append(asyncio.ensure_future(collect(log, after=start * 37, nap=0.001 * (start % 3))))
    async with asyncio.timeout(60):
        collected = await asyncio.gather(*followers)
    await asyncio.to_thread(producer.join)
    end = 2 + total + 1
    for index, events in enumerate(collected):
        after = 0 if index == 0 else (index - 1) * 37
        assert [event.seq for event in events if event.seq] == list(range(after + 1, end + 1))


async def test_progress_never_comes_before_its_node_began_or_after_it_ended(log, store):
    follower = asyncio.ensure_future(collect(log))
    await asyncio.sleep(0.05)
    for node in map(str, range(40)):
        log.append(JOB, "node_started", {"node": node})
        for done in range(5):
            log.show(JOB, "node_progress", {"node": node, "done": done})
        await asyncio.sleep(0.004)
        log.append(JOB, "node_finished", {"node": node})
    await asyncio.wrap_future(log.write(JOB, lambda c: tables.set_state(c, JOB, "succeeded")))
    async with asyncio.timeout(60):
        events = await follower
    running, shown = None, 0
    for event in events:
        if event.kind == "node_started":
            running = event.data["node"]
        elif event.kind == "node_finished":
            running = None
        elif event.kind == "node_progress":
            assert event.data["node"] == running
            shown += 1
    assert shown > 0


async def test_progress_that_comes_when_its_node_has_ended_is_left_out(log):
    stream = log.follow(JOB)
    begun = await asyncio.wrap_future(log.append(JOB, "node_started", {"node": "a"}))
    await asyncio.wrap_future(log.append(JOB, "node_finished", {"node": "a"}))
    seen = [await anext(stream) for _ in range(4)]
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    # The follower read the end of the node from the disk before the writer came to tell of the progress.
    log._show(JobEvent(JOB, None, None, 0.0, "node_progress", {"node": "a"}), begun)
    log.show(JOB, "node_progress", {"node": "b"})
    async with asyncio.timeout(10):
        shown = await waiting
    assert [event.seq for event in seen] == [1, 2, 3, 4]
    assert shown.data == {"node": "b"}
    await stream.aclose()


async def test_a_follower_that_does_not_read_costs_constant_memory_and_loses_no_transition(log):
    stream = log.follow(JOB)
    first = await anext(stream)
    for number in range(LIVE_LIMIT * 20):
        log.show(JOB, "node_preview", {"node": str(number), "data": "x" * 1000})
    await asyncio.wrap_future(log.append(JOB, "node_finished", {"node": "n"}))
    await asyncio.sleep(0)
    (follower,) = log._followers[JOB]
    assert len(follower._live) <= LIVE_LIMIT
    rest = [await anext(stream) for _ in range(2)]
    assert [event.seq for event in (first, *rest)] == [1, 2, 3]
    await stream.aclose()
    assert not log._followers


async def test_a_finished_job_can_be_followed_and_ends_at_once(log, store):
    set_state(store, "succeeded")
    assert [event.seq for event in await collect(log)] == [1, 2, 3]
    assert await collect(log, after=3) == []


async def test_an_unknown_job_is_told_from_a_silent_one(log):
    with pytest.raises(JobNotFoundError, match="there is no job 'zzz'"):
        await anext(log.follow(JobId("zzz")))


async def test_the_stream_of_a_deleted_job_ends(log, store):
    follower = asyncio.ensure_future(collect(log))
    await asyncio.sleep(0.05)
    set_state(store, "succeeded")
    await asyncio.wrap_future(store.write(lambda c: tables.delete_job(c, JOB)))
    log.forget(JOB)
    async with asyncio.timeout(10):
        assert [event.seq for event in await follower] == [1, 2]


async def test_followers_of_all_jobs_begin_now_or_at_a_number(log, store):
    stream = log.follow_all()
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.1)
    accept(store, "b")
    await asyncio.wrap_future(log.append(JobId("b"), "node_log", {"message": "hi"}))
    async with asyncio.timeout(10):
        first, second = await waiting, await anext(stream)
    assert (first.job, first.kind, second.kind) == ("b", "job_state", "node_log")
    await stream.aclose()
    again = log.follow_all(first.number)
    assert await anext(again) == second
    await again.aclose()


async def test_live_events_reach_the_followers_of_all_jobs(log):
    stream = log.follow_all()
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.1)
    log.show(JOB, "node_progress", {"node": "n", "done": 1})
    async with asyncio.timeout(10):
        event = await waiting
    assert (event.kind, event.seq, event.number) == ("node_progress", None, None)
    with contextlib.suppress(StopAsyncIteration):
        await stream.aclose()
