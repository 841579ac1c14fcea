"""`kill -9` of the server: what it had accepted is there at the next start, and its worker does not outlive it."""

import asyncio
import subprocess
import sys

import psutil
import pytest

from server.jobs.records import JobId
from server.jobs.service import JobService
from tests.jobs.conftest import exists, finished, workflow

SERVER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from server.jobs.service import JobService
from server.settings import Settings

async def serve(home, packs, first, *others):
    settings = replace(Settings.load({"KINEGRAPH_HOME": home}), custom_nodes=Path(packs)).create_folders()
    service = JobService(settings, builtin=None)
    await service.start()
    ids = [(await service.submit(document)).id for document in (first, *others)]
    while service.status()["running"] is None:
        await asyncio.sleep(0.01)
    async for event in service.events(ids[0]):
        if event.kind == "node_log":  # stored before it is told
            break
    print(service.status()["worker"]["pid"], *ids, flush=True)
    assert "torch" not in sys.modules
    await asyncio.sleep(600)

asyncio.run(serve(*sys.argv[1:]))
"""


@pytest.fixture
async def killed(settings, tmp_path):
    """A server that was killed in the middle of its first job: the worker's id, and the jobs' ids."""
    documents = [workflow("stubborn", flag=str(tmp_path / "flag")), *(workflow("remember", text=t) for t in "ab")]
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVER,
        str(settings.home),
        str(settings.custom_nodes),
        *documents,
        stdout=subprocess.PIPE,
    )
    line = (await server.stdout.readline()).decode().split()
    await exists(tmp_path / "flag")
    server.kill()
    await server.wait()
    return int(line[0]), line[1:]


async def test_the_job_that_ran_is_interrupted_with_its_reason_and_the_queue_goes_on(settings, killed):
    _, (first, *others) = killed
    service = JobService(settings, builtin=None)
    await service.start()
    job = await service.get(JobId(first))
    assert job.state == "interrupted"
    assert "the server ended while this job ran" in job.error["message"]
    assert "retry" in job.error["hint"]
    for other in others:
        assert (await finished(service, other)).state == "succeeded"
    stored = [event async for event in service.events(JobId(first))]
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
    assert stored[-1].data["state"] == "interrupted"
    assert {"node_started", "node_log"} <= {event.kind for event in stored}
    await service.stop()


async def test_the_worker_ends_with_its_server_even_in_a_node_that_never_returns(killed):
    pid, _ = killed
    async with asyncio.timeout(30):
        while is_alive(pid):
            await asyncio.sleep(0.05)


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
