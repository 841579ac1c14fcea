"""Submitting, ordering, canceling, retrying and remembering jobs, with a real worker."""

import asyncio
import json
import sys
from dataclasses import replace

import pytest

from server.jobs.errors import ConflictError, JobNotFoundError, QueueFullError, WrongStateError
from server.jobs.records import JobId
from server.jobs.service import JobService
from server.jobs.supervisor import LOOK_S
from server.kit.problems import WorkflowError
from tests.jobs.conftest import finished, seen, worker_ready, workflow


@pytest.fixture
async def busy(service, tmp_path):
    """The service with a job that runs until the gate file is there."""
    await worker_ready(service)
    job = await service.submit(workflow("steps", gate=str(tmp_path / "gate")))
    await seen(service, job.id, "node_progress")
    yield job
    (tmp_path / "gate").touch()


async def test_a_job_runs_and_its_events_tell_the_story(service):
    job = await service.submit(workflow("write_file", title="Note", text="hi"))
    events = [event async for event in service.events(job.id)]
    stored = [event for event in events if event.seq]
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
    kinds = [event.kind for event in stored]
    assert kinds[:3] == ["job_state", "job_state", "run_started"]
    assert kinds[-2:] == ["run_finished", "job_state"]
    assert {"node_started", "artifact", "node_finished"} <= set(kinds)
    done = await service.get(job.id)
    assert (done.state, done.title, done.position) == ("succeeded", "Note", None)
    assert done.created_at <= done.started_at <= done.finished_at


async def test_an_artifact_is_found_by_its_digest_and_its_job(service, settings):
    job = await finished(service, (await service.submit(workflow("write_file", text="hello"))).id)
    (artifact,) = await service.artifacts(job.id)
    assert (settings.folders.outputs / artifact.path).read_text(encoding="utf-8") == "hello"
    assert await service.find_artifact(artifact.digest) == artifact
    assert await service.find_artifact("0" * 40) is None
    ((number, listed),) = await service.list_artifacts()
    assert listed == artifact
    assert await service.list_artifacts(before=number) == ()


async def test_inputs_are_set_by_name_and_kept_with_the_job(service):
    job = await service.submit(workflow("remember", text="old"), {"text": "new"})
    log = await seen(service, job.id, "node_log")
    assert log.data["message"] == "new"
    stored = await service.get(job.id)
    assert dict(stored.settings) == {"text": "new"}
    assert json.loads(stored.workflow)["nodes"]["toy"]["inputs"]["text"] == "new"


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        (workflow("remembr"), "/nodes/toy/type", "unknown_type"),
        (workflow("steps", count="three"), "/nodes/toy/inputs/count", "wrong_type"),
        (workflow("picky", name="x", level=10), "/nodes/toy/inputs/level", "out_of_range"),
        ("{", "", None),
        ("[" * 100_000, "", None),
        ("NaN", "", None),
    ],
)
async def test_a_wrong_workflow_is_refused_with_pointer_and_hint_and_queues_nothing(service, document, path, code):
    await worker_ready(service)
    with pytest.raises(WorkflowError) as caught:
        await service.submit(document)
    problem = caught.value.problems[0]
    assert problem.path == path
    assert code is None or problem.code == code
    assert problem.hint
    assert await service.list() == ()
    assert await service.validate(document) == caught.value.problems


async def test_the_nodes_own_checks_refuse_a_submission(service):
    await worker_ready(service)
    with pytest.raises(WorkflowError, match="the name is empty"):
        await service.submit(workflow("picky", name=""))


async def test_before_the_worker_is_ready_structure_is_judged_and_the_rest_fails_in_the_run(settings):
    await remember_catalogue(settings)
    service = JobService(settings, builtin=None)
    await service.start()
    try:
        with pytest.raises(WorkflowError):
            await service.submit(workflow("picky", level=10))
        assert service.worker_state == "starting"
        job = await service.submit(workflow("picky", name=""))
        assert service.worker_state == "starting"
        done = await finished(service, job.id)
        assert done.state == "failed"
        assert (done.error["code"], done.error["path"]) == ("invalid_workflow", "/nodes/toy/inputs/name")
        assert done.error["problems"][0]["hint"] == "give it one"
    finally:
        await service.stop()


async def remember_catalogue(settings):
    """Let a first service write the catalogue down."""
    service = JobService(settings, builtin=None)
    await service.start()
    await service.catalogue()
    await service.stop()


async def test_the_catalogue_is_there_at_once_at_the_second_start_and_not_after_the_packs_changed(settings):
    await remember_catalogue(settings)
    never = (sys.executable, "-c", "import time; time.sleep(600)")
    service = JobService(settings, builtin=None, command=never)
    await service.start()
    assert "toys/steps" in (await service.catalogue()).nodes
    await service.stop()
    (settings.custom_nodes / "more.py").write_text('"""More."""\n', encoding="utf-8")
    service = JobService(settings, builtin=None, command=never)
    await service.start()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(service.catalogue(), 0.2)
    await service.stop()


async def test_an_edited_pack_is_loaded_anew_before_the_next_job_and_not_while_one_runs(service, settings, tmp_path):
    gate = tmp_path / "gate"
    running = await service.submit(workflow("steps", gate=str(gate)))
    await seen(service, running.id, "node_progress")
    pid = service.status()["worker"]["pid"]
    pack = settings.custom_nodes / "toys.py"
    text = pack.read_text(encoding="utf-8")
    pack.write_text(text.replace("ctx.log(text)", "ctx.log(text.upper())"), encoding="utf-8")
    waiting = await service.submit(workflow("remember", text="hello"))
    await asyncio.sleep(LOOK_S)
    gate.touch()
    assert (await finished(service, running.id)).state == "succeeded"
    assert (await seen(service, waiting.id, "node_log")).data["message"] == "HELLO"
    assert service.status()["worker"]["pid"] != pid
    assert service.status()["worker"]["deaths"] == 0


async def test_a_node_that_was_just_written_can_be_submitted(service, settings):
    assert (await finished(service, (await service.submit(workflow("remember"))).id)).state == "succeeded"
    pack = settings.custom_nodes / "toys.py"
    text = pack.read_text(encoding="utf-8")
    pack.write_text(text.replace("def remember(", "def recall("), encoding="utf-8")
    await asyncio.sleep(LOOK_S)
    assert (await finished(service, (await service.submit(workflow("recall"))).id)).state == "succeeded"
    assert {"toys/recall", "toys/remember"} & (await service.catalogue()).nodes.keys() == {"toys/recall"}


async def test_an_older_workflow_is_migrated_by_the_worker_before_it_is_queued(service):
    job = await service.submit(workflow("renamed", stale="value"))
    node = json.loads((await service.get(job.id)).workflow)["nodes"]["toy"]
    assert (node["version"], node["inputs"]) == (2, {"fresh": "value"})
    assert (await finished(service, job.id)).state == "succeeded"


async def test_a_plan_says_what_would_run_and_queues_nothing(service):
    plan = await service.plan(workflow("remember", text="x"))
    assert plan["summary"] == "1 of 1 node will run"
    assert await service.list() == ()
    with pytest.raises(WorkflowError):
        await service.plan(workflow("remembr"))


async def test_a_repeated_key_returns_the_first_job_and_another_body_is_a_conflict(service):
    first = await service.submit(workflow("remember", text="a"), idempotency_key="k")
    respaced = json.dumps(json.loads(workflow("remember", text="a")), indent=4, sort_keys=True)
    again = await service.submit(respaced, idempotency_key="k")
    assert again.id == first.id
    with pytest.raises(ConflictError):
        await service.submit(workflow("remember", text="b"), idempotency_key="k")
    assert len(await service.list()) == 1


async def test_ten_requests_with_one_key_at_once_make_one_job(service):
    await worker_ready(service)
    jobs = await asyncio.gather(
        *(service.submit(workflow("remember", text="a"), idempotency_key="k") for _ in range(10))
    )
    assert len({job.id for job in jobs}) == 1
    assert len(await service.list()) == 1


async def test_waiting_jobs_can_be_moved_and_canceled_and_survive_a_restart_in_that_order(service, busy, settings):
    ids = [(await service.submit(workflow("remember", text=str(n)))).id for n in range(4)]
    urgent = (await service.submit(workflow("remember", text="urgent"), priority=5)).id
    await service.move_to_front(ids[2])
    await service.move(ids[0], before=None)
    await service.cancel(ids[1])
    order = (ids[2], urgent, ids[3], ids[0])
    assert service.waiting == order
    assert (await service.get(ids[1])).state == "canceled"
    assert [(job.id, job.position) for job in await service.list(states=["queued"])] == [
        (urgent, 2), (ids[3], 3), (ids[2], 1), (ids[0], 4),
    ]  # fmt: skip
    await service.stop()
    assert JobId(busy.id) not in order
    await service.start()
    assert (await service.get(busy.id)).state == "interrupted"
    assert "the server ended" in (await service.get(busy.id)).error["message"]
    for job in order:
        assert (await finished(service, job)).state == "succeeded"
    jobs = [await service.get(job) for job in order]
    assert sorted(jobs, key=lambda job: job.started_at) == jobs


@pytest.mark.parametrize("moment", range(6))
async def test_a_stop_at_any_moment_of_a_busy_queue_returns_and_loses_no_job(settings, moment):
    service = JobService(settings, builtin=None)
    await service.start()
    await worker_ready(service)
    ids = [(await service.submit(workflow("remember", text=str(n)))).id for n in range(60)]
    await asyncio.sleep(0.013 * moment)
    async with asyncio.timeout(30):
        await service.stop()
    await service.start()
    states = {job: (await service.get(job)).state for job in ids}
    ended = [job for job in ids if states[job] in ("succeeded", "interrupted")]
    assert [job for job in ids if states[job] == "queued"] == ids[len(ended) :]
    assert list(states.values()).count("interrupted") <= 1
    assert (await finished(service, ids[-1])).state == "succeeded"
    await service.stop()


async def test_what_has_ended_cannot_be_canceled_or_moved_but_retried_and_deleted(service):
    first = await finished(service, (await service.submit(workflow("remember", text="a"))).id)
    with pytest.raises(WrongStateError, match="is succeeded"):
        await service.cancel(first.id)
    with pytest.raises(WrongStateError):
        await service.move_to_front(first.id)
    again = await service.retry(first.id)
    assert (again.retry_of, again.workflow) == (first.id, first.workflow)
    assert (await finished(service, again.id)).state == "succeeded"
    await service.delete(first.id)
    with pytest.raises(JobNotFoundError):
        await service.get(first.id)
    assert (await service.get(again.id)).retry_of == first.id


async def test_a_job_that_runs_or_waits_cannot_be_deleted_or_retried(service, busy):
    waiting = await service.submit(workflow("remember"))
    for job in (busy.id, waiting.id):
        with pytest.raises(WrongStateError):
            await service.delete(job)
        with pytest.raises(WrongStateError):
            await service.retry(job)


@pytest.mark.parametrize("call", ["get", "cancel", "retry", "delete"])
async def test_an_unknown_job_is_said_to_be_unknown(service, call):
    with pytest.raises(JobNotFoundError):
        await getattr(service, call)(JobId("nope"))


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(settings):
    await remember_catalogue(settings)
    never = (sys.executable, "-c", "import time; time.sleep(600)")
    service = JobService(replace(settings, max_queue=2), builtin=None, command=never)
    await service.start()
    first = await service.submit(workflow("remember"))
    await service.submit(workflow("remember"))
    with pytest.raises(QueueFullError, match="no more than 2 may") as caught:
        await service.submit(workflow("remember"))
    assert "KINEGRAPH_MAX_QUEUE" in caught.value.hint
    await service.cancel(first.id)
    await service.submit(workflow("remember"))
    assert len(service.waiting) == 2
    await service.stop()


async def test_a_flood_of_log_lines_is_cut_and_says_so(service):
    job = await finished(service, (await service.submit(workflow("chatter", lines=6000))).id)
    assert job.state == "succeeded"
    lines = [event.data["message"] async for event in service.events(job.id) if event.kind == "node_log"]
    assert len(lines) == 5000
    assert "further ones are not kept" in lines[-1]
