"""The SDK against the real server, also over a connection that keeps breaking."""

from __future__ import annotations

import asyncio
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from server.client import (
    BrokenDownloadError,
    Client,
    ConflictError,
    DisconnectedError,
    JobFailedError,
    KinegraphError,
    NotFoundError,
    NotSignedInError,
    WorkflowRefusedError,
    submit_and_wait,
)
from tests.api.live import TOKEN, LiveServer, workflow, writes


@pytest.fixture
async def client(server: LiveServer) -> AsyncIterator[Client]:
    async with Client(server.url, TOKEN) as client:
        yield client


@asynccontextmanager
async def breaking(server: LiveServer, after_bytes: int, times: int) -> AsyncIterator[tuple[str, list[int]]]:
    """A port that leads to the server and cuts its first connections after so many bytes of answer."""
    cuts: list[int] = []
    open_now: set[asyncio.Task[None]] = set()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(cast("asyncio.Task[None]", asyncio.current_task()))
        there, here = await asyncio.open_connection("127.0.0.1", server.port)
        upward = asyncio.ensure_future(copy(reader, here, None))
        try:
            if await copy(there, writer, after_bytes if len(cuts) < times else None):
                cuts.append(1)
        finally:
            upward.cancel()
            for end in (here, writer):
                end.transport.abort()
            await asyncio.gather(upward, here.wait_closed(), writer.wait_closed(), return_exceptions=True)

    listener = await asyncio.start_server(forward, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", cuts
    finally:
        listener.close()
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> bool:
    """Copy until the end, or until the limit; return whether it was the limit."""
    while data := await reader.read(4096):
        if limit is not None and len(data) >= limit:
            writer.write(data[:limit])
            await writer.drain()
            return True
        limit = None if limit is None else limit - len(data)
        writer.write(data)
        await writer.drain()
    return False


async def test_a_workflow_goes_in_and_a_checked_file_comes_out(client: Client, tmp_path: Path) -> None:
    job = await client.submit(writes(), {"words": "from the sdk"})
    kinds = [event.kind async for event in job.events()]
    assert kinds[0] == "job_state"
    record = await job.wait()
    assert record.state == "succeeded"
    (artifact,) = await job.artifacts()
    target = await client.download(artifact, tmp_path / artifact.name)
    assert target.read_text() == "from the sdk"
    assert [path.name for path in tmp_path.iterdir()] == [artifact.name]


async def test_events_go_on_over_a_connection_that_keeps_breaking(server: LiveServer, client: Client) -> None:
    job = await client.submit(workflow(count=("count", {"to": 5, "pause_s": 0.05})))
    async with breaking(server, after_bytes=1200, times=3) as (url, cuts), Client(url, TOKEN) as other:
        broken = type(job)(other, job.id)
        stored = [event async for event in broken.events() if event.seq is not None]
    assert len(cuts) == 3
    assert stored == [event async for event in job.events() if event.seq is not None]


async def test_a_download_goes_on_where_it_broke(server: LiveServer, client: Client, tmp_path: Path) -> None:
    job = await client.submit(writes("0123456789", repeat=50_000))
    (artifact,) = (await job.wait()).artifacts
    async with breaking(server, after_bytes=200_000, times=2) as (url, cuts), Client(url, TOKEN) as other:
        path = await other.download(artifact, tmp_path / "whole.txt")
    assert len(cuts) == 2
    assert path.read_text() == "0123456789" * 50_000


async def test_a_damaged_download_is_refused_and_leaves_nothing(client: Client, tmp_path: Path) -> None:
    job = await client.submit(writes("0123456789", repeat=10))
    (artifact,) = (await job.wait()).artifacts
    (tmp_path / f"x.txt.{artifact.digest}.part").write_bytes(b"somebody else's bytes")
    with pytest.raises(BrokenDownloadError):
        await client.download(artifact, tmp_path / "x.txt")
    assert list(tmp_path.iterdir()) == []
    await client.download(artifact, tmp_path / "x.txt")


async def test_a_refused_workflow_carries_its_problems(client: Client) -> None:
    bad = workflow(a=("number", {"value": 1000}), b=("nothing", {}))
    for call in (client.submit, client.plan):
        with pytest.raises(WorkflowRefusedError) as caught:
            await call(bad)
        assert {problem.path for problem in caught.value.problems} >= {"/nodes/a/inputs/value", "/nodes/b/type"}
        assert caught.value.status == 422
    assert {problem.path for problem in await client.validate(bad)} >= {"/nodes/a/inputs/value", "/nodes/b/type"}
    assert await client.validate(writes()) == ()


async def test_a_failed_job_raises_with_its_reason(client: Client) -> None:
    job = await client.submit(workflow(bad=("fail", {"message": "no luck"})))
    with pytest.raises(JobFailedError, match="no luck") as caught:
        await job.wait()
    assert caught.value.job.error is not None
    assert caught.value.job.error["path"] == "/nodes/bad/inputs/message"


async def test_a_job_can_be_canceled_retried_and_deleted(client: Client) -> None:
    job = await client.submit(workflow(count=("count", {"to": 1000, "pause_s": 0.01})))
    await job.cancel()
    with pytest.raises(JobFailedError, match="canceled"):
        await job.wait()
    again = await job.retry()
    await again.cancel()
    await job.delete()
    with pytest.raises(NotFoundError):
        await job.record()


async def test_the_same_key_gives_the_same_job(client: Client) -> None:
    first = await client.submit(writes("sdk"), idempotency_key="sdk")
    assert (await client.submit(writes("sdk"), idempotency_key="sdk")).id == first.id
    with pytest.raises(ConflictError):
        await client.submit(writes("another"), idempotency_key="sdk")


async def test_a_submission_over_a_broken_connection_queues_one_job(server: LiveServer, client: Client) -> None:
    async with breaking(server, after_bytes=1, times=2) as (url, cuts), Client(url, TOKEN) as other:
        job = await other.submit(writes("sent thrice"))
    assert len(cuts) == 2
    listed = await client.request("GET", "/jobs?limit=3")
    assert [entry["id"] for entry in listed["jobs"]].count(job.id) == 1
    assert listed["jobs"][0]["id"] == job.id
    workflows = [(await client.request("GET", f"/jobs/{entry['id']}"))["workflow"] for entry in listed["jobs"]]
    assert (
        sum(document["nodes"].get("save", {}).get("inputs", {}).get("text") == "sent thrice" for document in workflows)
        == 1
    )


async def test_an_upload_can_be_loaded_by_name(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "clip from sdk.mp4"
    file.write_bytes(os.urandom(100_000))
    upload = await client.upload(file)
    assert (upload.name, upload.size_bytes, upload.media_type) == ("clip from sdk.mp4", 100_000, "video/mp4")


async def test_plan_and_catalogue_come_as_they_are(client: Client) -> None:
    assert (await client.plan(writes("sdk plan")))["steps"][0]["node"] == "save"
    assert "toy/write" in (await client.catalogue())["nodes"]


async def test_a_wrong_token_and_a_missing_server_are_told_apart(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Client(server.url, "wrong") as client:
        with pytest.raises(NotSignedInError):
            await client.catalogue()
    monkeypatch.setattr("server.client.ATTEMPTS", 2)
    async with Client("http://127.0.0.1:9", TOKEN) as client:
        with pytest.raises(DisconnectedError):
            await client.catalogue()
    with pytest.raises(KinegraphError, match="not open"):
        await client.catalogue()


def test_one_call_does_it_all(server: LiveServer, tmp_path: Path) -> None:
    (path,) = submit_and_wait(server.url, TOKEN, writes(), {"words": "in one call"}, folder=tmp_path)
    assert path.read_text() == "in one call"


async def test_a_folder_comes_as_an_archive_and_can_be_loaded_again(client: Client, tmp_path: Path) -> None:
    job = await client.submit(workflow(s=("write_folder", {"text": "x" * 100_000, "files": 8})))
    (artifact,) = (await job.wait()).artifacts
    assert artifact.media_type == "inode/directory"
    (tmp_path / f"notes.zip.{artifact.digest}.part").write_bytes(b"what an earlier try left")
    path = await client.download(artifact, tmp_path / "notes.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = [f"notes_00001/{number}.txt" for number in range(8)]
        assert [archive.getinfo(name).file_size for name in names] == [number * 100_000 for number in range(8)]
    kept = await client.request("POST", f"/artifacts/{artifact.digest}/upload")
    assert kept["name"] == "notes_00001.zip"
