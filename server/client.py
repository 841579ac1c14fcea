"""The SDK: submit a workflow, follow its events, fetch what it made. Imports aiohttp and the standard library only.

async with Client("http://127.0.0.1:8188", token) as client:
    job = await client.submit(json.loads(text), {"prompt": "a red boat"})
    async for event in job.events():
        print(event.kind)
    for artifact in await job.artifacts():
        await client.download(artifact, Path(artifact.name))
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import urllib.parse
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from server.client_records import (
    Artifact,
    BrokenDownloadError,
    ConflictError,
    DisconnectedError,
    Event,
    JobFailedError,
    JobRecord,
    KinegraphError,
    NotFoundError,
    NotSignedInError,
    Problem,
    RefusedError,
    SavedWorkflow,
    ServerError,
    Upload,
    VersionConflictError,
    WorkflowRefusedError,
    only,
    refusal_kind,
)
from server.client_workflows import SavedWorkflows

__all__ = [
    "Artifact",
    "BrokenDownloadError",
    "Client",
    "ConflictError",
    "DisconnectedError",
    "Event",
    "Job",
    "JobFailedError",
    "JobRecord",
    "KinegraphError",
    "NotFoundError",
    "NotSignedInError",
    "Problem",
    "RefusedError",
    "SavedWorkflow",
    "SavedWorkflows",
    "ServerError",
    "Upload",
    "VersionConflictError",
    "WorkflowRefusedError",
    "submit_and_wait",
]

API = "/api/v1"
CHUNK = 256 * 1024
FINISHED = frozenset({"succeeded", "failed", "canceled", "interrupted"})
QUIET_S = 60.0
"""Silence after which a stream counts as broken; the server gives a sign of life four times as often."""

FOLDER = "inode/directory"
"""The media type of a folder of files."""

ATTEMPTS = 6
"""How often a broken request is taken up again without getting any further."""


class Job:
    """A submitted job, and what can be asked about it."""

    def __init__(self, client: Client, id: str) -> None:  # noqa: A002  (the field's word)
        self._client = client
        self.id = id

    async def record(self) -> JobRecord:
        """Return how the job stands."""
        data = await self._client.request("GET", f"/jobs/{_quoted(self.id)}")
        return JobRecord.from_json(data)

    async def events(self, after: int = 0) -> AsyncIterator[Event]:
        """Yield what has happened since the event `after`, then what happens, until the job has ended.

        A connection that breaks is taken up where it broke, without gap or double.

        Raises:
            DisconnectedError: The server went away and did not come back.
        """
        path = f"/jobs/{_quoted(self.id)}/events"
        attempts = 0
        ended = False
        while not ended:
            try:
                async with self._client.open("GET", path, {"Last-Event-ID": str(after)}) as response:
                    if response.status == 204:  # the job has ended, and we have seen it all
                        return
                    async for event in _read_events(response):
                        attempts = 0
                        after = event.seq or after
                        ended = event.kind == "job_state" and event.data.get("state") in FINISHED
                        yield event
            except (aiohttp.ClientError, OSError, TimeoutError, ServerError) as error:
                if attempts >= ATTEMPTS:
                    raise DisconnectedError(f"the events of job {self.id} broke off: {error}") from error
            if not ended:
                attempts += 1
                await asyncio.sleep(_pause_s(attempts))

    async def wait(self) -> JobRecord:
        """Wait until the job has ended, and return its record.

        Raises:
            JobFailedError: It did not succeed.
        """
        async for _ in self.events():
            pass
        record = await self.record()
        if record.state != "succeeded":
            raise JobFailedError(record)
        return record

    async def artifacts(self) -> tuple[Artifact, ...]:
        """Return the files that the job has produced so far."""
        return (await self.record()).artifacts

    async def cancel(self) -> None:
        """Cancel the job: at once when it waits, at its next step when it runs."""
        await self._client.request("POST", f"/jobs/{_quoted(self.id)}/cancel")

    async def retry(self) -> Job:
        """Queue the job's workflow again, and return the new job."""
        data = await self._client.request("POST", f"/jobs/{_quoted(self.id)}/retry")
        return Job(self._client, data["id"])

    async def delete(self) -> None:
        """Forget a job that has ended; the files that it made stay."""
        await self._client.request("DELETE", f"/jobs/{_quoted(self.id)}")


class Client:
    """A connection to a server; use it with `async with`.

    Args:
        url: Such as `http://127.0.0.1:8188`.
        token: What `kinegraph serve` printed; None for a server that asks for none.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=QUIET_S)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()
        self._session = None

    async def submit(
        self,
        workflow: Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
        *,
        targets: Sequence[str] | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queue a workflow and return its job; a connection that breaks meanwhile queues it no second time.

        Args:
            workflow: The document, as the editor saves it.
            inputs: Values for its named inputs.
            targets: Ids of the nodes to run for; all that keep or show a result, unless given.
            priority: Higher runs first.
            idempotency_key: Repeats of a request with the same key return the same job; a fresh one unless given.

        Raises:
            WorkflowRefusedError: It cannot be run; carries all problems.
        """
        body = {"workflow": workflow, "inputs": inputs or {}, "targets": targets, "priority": priority}
        key = idempotency_key or uuid.uuid4().hex
        data = await self.request("POST", "/jobs", body, {"Idempotency-Key": key}, repeatable=True)
        return Job(self, data["id"])

    async def validate(
        self,
        workflow: Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
        targets: Sequence[str] | None = None,
    ) -> tuple[Problem, ...]:
        """Return all that is wrong with a workflow; empty when nothing is."""
        body = {"workflow": workflow, "inputs": inputs or {}, "targets": targets}
        data = await self.request("POST", "/validate", body, repeatable=True)
        return tuple(Problem(**problem) for problem in data["problems"])

    async def plan(
        self,
        workflow: Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
        targets: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Return what a run would do: `summary`, and `steps` with `node`, `state` and `reason`.

        Raises:
            WorkflowRefusedError: It cannot be run; carries all problems.
        """
        body = {"workflow": workflow, "inputs": inputs or {}, "targets": targets}
        return await self.request("POST", "/plan", body, repeatable=True)

    @property
    def workflows(self) -> SavedWorkflows:
        """The workflows that are saved on the server."""
        return SavedWorkflows(self.request)

    async def jobs(self, *, state: str | None = None, limit: int = 50) -> tuple[JobRecord, ...]:
        """Return the newest jobs, or the newest in a state."""
        query = urllib.parse.urlencode({"limit": limit, **({"state": state} if state else {})})
        data = await self.request("GET", f"/jobs?{query}")
        return tuple(JobRecord.from_json(job) for job in data["jobs"])

    async def migrate(self, workflow: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document in `workflow` with its nodes at the versions that the server has, and `changes`."""
        return await self.request("POST", "/documents/migrate", {"workflow": workflow}, repeatable=True)

    async def extract(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Return the workflow inside a video or picture that Kinegraph saved; the server does not keep the file.

        Raises:
            NotFoundError: It carries none.
        """
        return (await self._send_file("/documents/extract", path))["workflow"]

    async def catalogue(self) -> dict[str, Any]:
        """Return every node type and wire type there is."""
        return await self.request("GET", "/catalogue")

    async def upload(self, path: str | os.PathLike[str]) -> Upload:
        """Send a file; its `name` in the answer is what a workflow's file inputs take."""
        return Upload(**only(await self._send_file("/uploads", path), Upload))

    async def _send_file(self, address: str, path: str | os.PathLike[str]) -> dict[str, Any]:
        file = Path(path)
        query = urllib.parse.urlencode({"name": file.name})
        headers = {"Content-Type": "application/octet-stream"}
        with await asyncio.to_thread(file.open, "rb") as content:
            async with self.open("POST", f"{address}?{query}", headers, content) as response:
                return await _answer(response)

    async def download(self, artifact: Artifact, path: str | os.PathLike[str]) -> Path:
        """Fetch a file that a job made, and check it; a download that breaks goes on where it broke.

        A folder, such as an image sequence, comes as a ZIP archive, which checks its own files; it starts over.

        Args:
            artifact: Which.
            path: Where to put it; it appears there only when it is whole.

        Raises:
            BrokenDownloadError: What arrived is not what the job made.
            DisconnectedError: The server went away and did not come back.
        """
        target = Path(path)
        partial = target.with_name(f"{target.name}.{artifact.digest}.part")
        attempts = 0
        while True:
            if artifact.media_type == FOLDER:
                partial.unlink(missing_ok=True)
            had = _size(partial)
            try:
                await self._fetch(artifact, partial)
                break
            except (aiohttp.ClientError, OSError, TimeoutError, DisconnectedError) as error:
                attempts = 0 if _size(partial) > had else attempts + 1
                if attempts >= ATTEMPTS:
                    raise DisconnectedError(f"the download of {artifact.name} broke off: {error}") from error
            await asyncio.sleep(_pause_s(attempts))
        is_file = artifact.media_type != FOLDER
        if is_file and await asyncio.to_thread(_digest, partial) != artifact.digest:
            partial.unlink()
            raise BrokenDownloadError(f"{artifact.name} arrived damaged", "bad_digest", "download it again")
        partial.replace(target)
        return target

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        repeatable: bool = False,
    ) -> dict[str, Any]:
        """Send a request below `/api/v1` and return its JSON answer, for what has no method of its own.

        Args:
            method: HTTP method.
            path: Such as `/jobs`.
            body: Sent as JSON.
            headers: Sent along.
            repeatable: May be sent again when the connection breaks; GET is anyway.

        Raises:
            RefusedError: The server refused it.
            DisconnectedError: The server cannot be reached.
        """
        data = b"" if body is None else json.dumps(body, allow_nan=False).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        attempts = 0
        while True:
            try:
                async with self.open(method, path, sent, data) as response:
                    return await _answer(response)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                attempts += 1
                if attempts >= ATTEMPTS or not (repeatable or method == "GET"):
                    raise DisconnectedError(f"{self._url} cannot be reached: {error}") from error
            await asyncio.sleep(_pause_s(attempts))

    def open(
        self, method: str, path: str, headers: Mapping[str, str], data: Any = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request below `/api/v1` and return its response as it comes; for answers that are no JSON."""
        if self._session is None:
            message = "the client is not open; use it as `async with Client(...) as client:`"
            raise KinegraphError(message)
        return self._session.request(method, f"{self._url}{API}{path}", headers=headers, data=data)

    async def _fetch(self, artifact: Artifact, partial: Path) -> None:
        had = _size(partial)
        if had >= artifact.size_bytes > 0:
            return
        headers = {"Range": f"bytes={had}-", "If-Range": f'"{artifact.digest}"'} if had else {}
        async with self.open("GET", f"/artifacts/{artifact.digest}", headers) as response:
            if response.status not in (200, 206):
                await _answer(response)
            with partial.open("ab" if response.status == 206 else "wb") as file:
                async for chunk in response.content.iter_chunked(CHUNK):
                    await asyncio.to_thread(file.write, chunk)


def submit_and_wait(
    url: str,
    token: str | None,
    workflow: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    folder: str | os.PathLike[str] = ".",
) -> list[Path]:
    """Run a workflow on a server and fetch what it made: the whole SDK in one call, for scripts without asyncio.

    Args:
        url: Such as `http://127.0.0.1:8188`.
        token: What `kinegraph serve` printed.
        workflow: The document.
        inputs: Values for its named inputs.
        folder: Where the files go.

    Returns:
        The files, in the order in which they were made.

    Raises:
        KinegraphError: Refused, failed, or the server went away.
    """

    async def run() -> list[Path]:
        async with Client(url, token) as client:
            record = await (await client.submit(workflow, inputs)).wait()
            return [await client.download(artifact, Path(folder) / artifact.name) for artifact in record.artifacts]

    return asyncio.run(run())


async def _read_events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """Yield the events of one connection."""
    if response.status != 200:
        await _answer(response)
    waiting = b""
    async for piece in response.content.iter_any():
        *messages, waiting = (waiting + piece).split(b"\n\n")
        for message in messages:
            lines = message.decode("utf-8").split("\n")
            data = "\n".join(line[5:].removeprefix(" ") for line in lines if line.startswith("data:"))
            if data:
                yield Event(**only(json.loads(data), Event))


async def _answer(response: aiohttp.ClientResponse) -> dict[str, Any]:
    text = await response.text()
    try:
        data: dict[str, Any] = json.loads(text) if text else {}
    except ValueError:
        data = {}
    if response.status < 400:
        return data
    detail: dict[str, Any] = data.get("error") or {"message": f"{response.status} {response.reason}"}
    problems = tuple(Problem(**problem) for problem in detail.get("problems", ()))
    kind = refusal_kind(response.status, detail.get("code", ""))
    error = kind(detail["message"], detail.get("code", ""), detail.get("hint", ""), problems)
    error.status = response.status
    raise error


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")


def _pause_s(attempts: int) -> float:
    return min(0.1 * 2**attempts, 5.0)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
