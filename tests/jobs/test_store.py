"""The database: what is accepted is durable, what fails is undone alone, and old files are opened with care."""

import sqlite3
import subprocess
import sys

import pytest

from server.jobs import tables
from server.jobs.errors import ConflictError, JobNotFoundError, StoreError, WrongStateError
from server.jobs.queue import Place
from server.jobs.records import Job, JobArtifact, JobId, new_job_id
from server.jobs.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "jobs.sqlite")
    yield store
    store.close()


def new_job(job="a", key=None, body="digest", position=1.0):
    record = Job(
        id=JobId(job), state="queued", title="T", priority=0, created_at=1.0, workflow="{}", idempotency_key=key
    )
    return tables.NewJob(record, Place(0, position, record.id), body)


def insert(store, *args, **kwargs):
    return store.write(lambda c: tables.insert_job(c, new_job(*args, **kwargs))).result()


def set_state(store, job, state, error=None):
    return store.write(lambda c: tables.set_state(c, JobId(job), state, error)).result()


def test_a_job_is_read_back_as_it_was_written(store):
    insert(store, "a", key="k")
    job = store.read(lambda c: tables.get_job(c, JobId("a"))).result()
    assert job == new_job("a", key="k").job


def test_a_read_sees_one_moment_even_when_a_write_comes_between_its_statements(store):
    insert(store, "a")
    set_state(store, "a", "running")

    def read(connection):
        def write_before_events_are_read(statement):
            if statement.startswith("SELECT * FROM events"):
                set_state(store, "a", "succeeded")

        connection.set_trace_callback(write_before_events_are_read)
        try:
            return tables.read_events(connection, JobId("a"), 0, 10)
        finally:
            connection.set_trace_callback(None)

    state, events = store.read(read).result()
    assert (state, events[-1].data["state"]) == ("running", "running")
    state, events = store.read(lambda c: tables.read_events(c, JobId("a"), 0, 10)).result()
    assert (state, events[-1].data["state"]) == ("succeeded", "succeeded")


def test_everything_is_there_after_reopening(tmp_path):
    store = Store(tmp_path / "jobs.sqlite")
    insert(store, "a")
    set_state(store, "a", "running")
    set_state(store, "a", "failed", {"code": "x", "message": "m"})
    store.close()
    store = Store(tmp_path / "jobs.sqlite")
    job = store.read(lambda c: tables.get_job(c, JobId("a"))).result()
    state, events = store.read(lambda c: tables.read_events(c, JobId("a"), 0, 10)).result()
    store.close()
    assert (job.state, job.error) == ("failed", {"code": "x", "message": "m"})
    assert state == "failed"
    assert [(event.seq, event.data["state"]) for event in events] == [(1, "queued"), (2, "running"), (3, "failed")]


@pytest.mark.parametrize(
    ("first", "then"),
    [("canceled", "running"), ("running", "queued"), ("running", "running")],
)
def test_a_step_that_no_state_allows_is_refused(store, first, then):
    insert(store, "a")
    set_state(store, "a", first)
    with pytest.raises(WrongStateError, match=f"it cannot become {then}"):
        set_state(store, "a", then)


def test_an_operation_that_raises_is_undone_alone(store):
    def spoil(connection):
        tables.insert_job(connection, new_job("spoiled"))
        message = "no"
        raise ValueError(message)

    futures = [
        store.write(lambda c: tables.insert_job(c, new_job("a"))),
        store.write(spoil),
        store.write(lambda c: tables.insert_job(c, new_job("b"))),
    ]
    with pytest.raises(ValueError, match="no"):
        futures[1].result()
    assert futures[0].result().number < futures[2].result().number
    listed = store.read(lambda c: tables.list_jobs(c, ("queued",), 10, None)).result()
    assert [job.id for job in listed] == ["b", "a"]


def test_a_full_disk_fails_the_write_and_leaves_the_store_usable(store):
    (page_count,) = store.read(lambda c: c.execute("PRAGMA page_count").fetchone()).result()
    store.write(lambda c: c.execute(f"PRAGMA max_page_count = {page_count + 2}").fetchone()).result()

    def fill(connection):
        tables.insert_job(connection, new_job("big"))
        connection.execute("UPDATE jobs SET title = ?", ("x" * 10**6,))

    with pytest.raises(StoreError, match="disk is full") as caught:
        store.write(fill).result()
    assert "free space" in caught.value.hint
    store.write(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone()).result()
    insert(store, "a")
    assert [job.id for job in store.read(lambda c: tables.list_jobs(c, ("queued",), 10, None)).result()] == ["a"]


def test_the_same_key_and_body_return_the_first_job(store):
    assert insert(store, "a", key="k", body="one").seq == 1
    again = insert(store, "b", key="k", body="one")
    assert again.id == "a"
    with pytest.raises(JobNotFoundError):
        store.read(lambda c: tables.get_job(c, JobId("b"))).result()


def test_the_same_key_with_another_body_is_a_conflict(store):
    insert(store, "a", key="k", body="one")
    with pytest.raises(ConflictError, match="belongs to job a"):
        insert(store, "b", key="k", body="two")


def test_only_finished_jobs_can_be_deleted_and_their_events_go_with_them(store):
    insert(store, "a")
    with pytest.raises(WrongStateError, match="only finished jobs"):
        store.write(lambda c: tables.delete_job(c, JobId("a"))).result()
    set_state(store, "a", "canceled")
    artifact = JobArtifact(JobId("a"), "save", "file", "x.mp4", "video/mp4", 3, "d1")
    store.write(lambda c: tables.add_artifact(c, artifact, "artifact", {"node": "save"})).result()
    assert store.read(lambda c: tables.find_artifact(c, "d1")).result() == artifact
    store.write(lambda c: tables.delete_job(c, JobId("a"))).result()
    assert store.read(lambda c: tables.read_events(c, JobId("a"), 0, 10)).result() == (None, ())
    assert store.read(lambda c: tables.find_artifact(c, "d1")).result() is None


def test_pages_of_jobs_neither_repeat_nor_skip(store):
    ids = [insert(store, new_job_id(), position=float(n)) or n for n in range(7)]
    assert len(ids) == 7
    seen, before = [], None
    while page := store.read(lambda c, before=before: tables.list_jobs(c, ("queued",), 3, before)).result():
        seen += [job.id for job in page]
        before = page[-1].id
    assert len(seen) == len(set(seen)) == 7
    everything = store.read(lambda c: tables.list_jobs(c, ("queued",), 10, None)).result()
    assert seen == [job.id for job in everything]


def test_a_page_goes_on_after_a_job_that_was_deleted(store):
    ids = [JobId(f"{n:012x}ab") for n in range(5)]
    for n, job in enumerate(ids):
        insert(store, job, position=float(n))
    store.write(lambda c: tables.set_state(c, ids[2], "canceled")).result()
    store.write(lambda c: tables.delete_job(c, ids[2])).result()
    page = store.read(lambda c: tables.list_jobs(c, ("queued",), 10, ids[2])).result()
    assert [job.id for job in page] == [ids[1], ids[0]]


def test_a_second_process_cannot_open_the_same_database(tmp_path, store):
    code = (
        "import sys, pathlib; from server.jobs.store import Store; from server.jobs.errors import StoreError\n"
        "try: Store(pathlib.Path(sys.argv[1]))\n"
        "except StoreError as error: sys.exit(str(error) + ' ' + error.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "jobs.sqlite")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "another Kinegraph server uses" in done.stderr


def test_a_database_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "jobs.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="version 99") as caught:
        Store(path)
    assert "update Kinegraph" in caught.value.hint


def test_a_database_from_before_there_were_targets_is_brought_up_to_date(tmp_path):
    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(tables.MIGRATIONS[0] + "PRAGMA user_version = 1;")
        columns = "id, state, title, priority, position, created_at"
        connection.execute(f"INSERT INTO jobs ({columns}) VALUES ('a', 'queued', 'T', 0, 1, 1)")
        connection.execute("INSERT INTO documents (job_id, workflow, settings) VALUES ('a', '{}', '{}')")
    connection.close()
    store = Store(path)
    assert store.read(lambda c: tables.get_job(c, JobId("a"))).result() == new_job("a").job
    store.close()


def test_jobs_that_ran_when_the_server_died_are_interrupted_and_queued_ones_stay(store):
    for name in ("a", "b"):
        insert(store, name)
    set_state(store, "a", "running")
    assert store.write(lambda c: tables.interrupt_running(c, {"code": "gone"})).result() == ("a",)
    assert store.read(lambda c: tables.get_job(c, JobId("a"))).result().error == {"code": "gone"}
    assert [place.job for place in store.read(tables.waiting_places).result()] == ["b"]
