"""The SDK's saved workflows, documents and targets against the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.client import Client, NotFoundError, VersionConflictError, WorkflowRefusedError
from tests.api.live import TOKEN, LiveServer, workflow, writes
from tests.api.test_client import breaking


@pytest.fixture
async def client(server: LiveServer) -> AsyncIterator[Client]:
    async with Client(server.url, TOKEN) as client:
        yield client


async def test_a_workflow_is_saved_changed_copied_and_brought_back(client: Client) -> None:
    saved = await client.workflows.create(writes("first"))
    assert await client.workflows.open(saved.id) == (writes("first"), saved)
    second = await client.workflows.save(saved.id, writes("second"), saved)
    with pytest.raises(VersionConflictError, match="saved by somebody else") as caught:
        await client.workflows.save(saved.id, writes("late"), saved)
    assert caught.value.status == 412
    renamed = await client.workflows.rename(saved.id, "Renamed")
    restored = await client.workflows.restore(saved.id, 1)
    assert await client.workflows.versions(saved.id) == (restored, renamed, second, saved)
    document, version = await client.workflows.open(saved.id, 2)
    assert (document, version) == (writes("second"), second)
    copy = await client.workflows.duplicate(saved.id, "A copy")
    assert (await client.workflows.list())[0] == copy
    await client.workflows.delete(copy.id)
    assert copy not in await client.workflows.list()
    with pytest.raises(NotFoundError):
        await client.workflows.open(copy.id)
    with pytest.raises(WorkflowRefusedError):
        await client.workflows.create({"nodes": {}})


async def test_a_save_whose_answer_was_lost_is_repeated_and_makes_one_version(server: LiveServer) -> None:
    async with breaking(server, after_bytes=20, times=2) as (url, cuts), Client(url, TOKEN) as client:
        made = await client.workflows.save("lost-answers", writes("first"), None)
        assert len(cuts) == 2
        assert made.version == 1
        assert await client.workflows.versions("lost-answers") == (made,)


async def test_templates_are_listed_by_name_and_opened(client: Client) -> None:
    titles = await client.workflows.templates()
    assert titles["text_to_video"] == "Text to video"
    assert (await client.workflows.template("text_to_video"))["title"] == "Text to video"
    with pytest.raises(NotFoundError):
        await client.workflows.template("nothing")


async def test_a_job_runs_for_its_targets(client: Client) -> None:
    document = workflow(one=("number", {"value": 1}), save=("write", {"text": "x"}), bad=("write", {"repeat": "x"}))
    assert await client.validate(document)
    assert await client.validate(document, targets=["save"]) == ()
    assert [step["node"] for step in (await client.plan(document, targets=["one"]))["steps"]] == ["one"]
    record = await (await client.submit(document, targets=["save"])).wait()
    assert record.targets == ("save",)
    assert [artifact.node for artifact in record.artifacts] == ["save"]
    assert record in await client.jobs(state="succeeded", limit=5)


async def test_a_document_comes_out_of_a_file_and_is_migrated(client: Client, tmp_path: Path) -> None:
    old = '{"kinegraph": 1, "nodes": {"a": {"type": "toy/renamed", "version": 1, "inputs": {"stale": "x"}}}}'
    (tmp_path / "clip.txt").write_text("workflow:" + old, encoding="utf-8")
    migrated = await client.migrate(await client.extract(tmp_path / "clip.txt"))
    assert migrated["workflow"]["nodes"]["a"]["inputs"] == {"fresh": "x"}
    assert [change["path"] for change in migrated["changes"]] == ["/nodes/a"]
    (tmp_path / "clip.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(NotFoundError, match="carries no workflow"):
        await client.extract(tmp_path / "clip.txt")
