"""The server outlives its worker, whatever ends it and when; the job says what happened, and the next one runs."""

import asyncio
import sys

import psutil
import pytest

from server.jobs.autopsy import Death, Memory
from server.jobs.process import WorkerProcess, default_command
from server.jobs.service import worker_hello
from tests.jobs.conftest import exists, finished, seen, worker_pid, worker_ready, workflow

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="no signals there; its exit codes are tested below")


def kill(pid):
    psutil.Process(pid).kill()


async def runs_again(service):
    job = await finished(service, (await service.submit(workflow("remember", text="after"))).id)
    assert job.state == "succeeded", job.error


@posix_only
async def test_a_worker_killed_in_the_middle_of_a_job_fails_it_with_signal_node_and_memory(service, tmp_path):
    job = await service.submit(workflow("hold", mebibytes=150, flag=str(tmp_path / "flag")))
    waiting = await service.submit(workflow("remember", text="next"))
    await exists(tmp_path / "flag")
    async with asyncio.timeout(60):
        while (service.status()["worker"]["memory_bytes"] or 0) < 150 * 2**20:  # until a look has seen it
            await asyncio.sleep(0.05)
    kill(await worker_pid(service))
    done = await finished(service, job.id)
    assert done.state == "failed"
    assert done.error["code"] == "worker_died"
    assert "killed by SIGKILL while it ran 'toy'" in done.error["message"]
    assert "it held 0.2 GiB" in done.error["message"]
    assert "GiB were free" in done.error["message"]
    assert (done.error["node"], done.error["path"]) == ("toy", "/nodes/toy")
    assert "out of memory" in done.error["message"]
    assert (await finished(service, waiting.id)).state == "succeeded"


async def test_a_worker_killed_before_it_is_ready_is_started_again_and_the_job_runs(service):
    kill(await worker_pid(service))
    job = await service.submit(workflow("remember", text="x"))
    assert (await finished(service, job.id)).state == "succeeded"
    assert service.status()["worker"]["deaths"] == 1
    assert "while it started" in service.status()["worker"]["last_death"]["message"]


async def test_a_worker_killed_while_idle_is_started_again(service):
    pid = await worker_ready(service)
    kill(pid)
    assert await worker_pid(service, other_than=pid) != pid
    await runs_again(service)


@posix_only
async def test_a_node_that_aborts_the_process_leaves_its_last_words(service):
    job = await finished(service, (await service.submit(workflow("abort"))).id)
    assert job.state == "failed"
    assert "SIGABRT while it ran 'toy'" in job.error["message"]
    assert "Fatal Python error: Aborted" in job.error["traceback"]
    await runs_again(service)


async def test_a_node_that_calls_exit_fails_its_job_alone(service):
    pid = await worker_ready(service)
    job = await finished(service, (await service.submit(workflow("leave"))).id)
    assert job.state == "failed"
    assert "SystemExit" in job.error["message"]
    await runs_again(service)
    assert await worker_pid(service) == pid


async def test_what_a_node_prints_and_reads_does_not_touch_the_protocol(service):
    job = await service.submit(workflow("shout"))
    assert (await seen(service, job.id, "node_log")).data["message"] == "stdin gave ''"
    assert (await finished(service, job.id)).state == "succeeded"


async def test_a_running_job_stops_at_its_next_cancellation_point(service, tmp_path):
    pid = await worker_ready(service)
    job = await service.submit(workflow("steps", gate=str(tmp_path / "never")))
    await seen(service, job.id, "node_progress")
    await service.cancel(job.id)
    done = await finished(service, job.id)
    assert (done.state, done.error) == ("canceled", None)
    await runs_again(service)
    assert await worker_pid(service) == pid


async def test_a_node_that_ignores_its_cancellation_loses_its_worker(service, tmp_path):
    pid = await worker_ready(service)
    job = await service.submit(workflow("stubborn", flag=str(tmp_path / "flag")))
    await exists(tmp_path / "flag")
    await service.cancel(job.id)
    done = await finished(service, job.id)
    assert done.state == "canceled"
    assert "node 'toy' did not stop within 0.5 s" in done.error["message"]
    await runs_again(service)
    assert await worker_pid(service) != pid


async def test_the_worker_ends_when_its_parent_closes_the_pipe(settings):
    worker = await WorkerProcess.start(worker_hello(settings, builtin=None), default_command())
    await worker.ready
    worker._process.stdin.close()
    async with asyncio.timeout(30):
        death = await worker.dead
    assert death.exit_code == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "was killed by SIGKILL"),
        (-11, "was killed by SIGSEGV"),
        (-250, "was killed by signal 250"),
        (0xC0000005, "access violation"),
        (3, "exited with code 3"),
        (None, "could not be started"),
    ],
)
def test_every_exit_code_becomes_words(code, words):
    if code in (-9, -11) and sys.platform == "win32":
        pytest.skip("Windows has no such signals")
    assert words in Death(code).error("denoise")["message"]


def test_memory_is_told_in_gibibytes():
    error = Death(1, Memory(3 * 2**30, 2**29, 16 * 2**30), was_ready=True).error("denoise")
    assert "it held 3.0 GiB; 0.5 GiB of the machine's 16.0 GiB were free" in error["message"]
