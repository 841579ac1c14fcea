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
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

import aiohttp

API = "/api/v1"
CHUNK = 256 * 1024
FINISHED = frozenset({"succeeded", "failed", "canceled", "interrupted"})
QUIET_S = 60.0
"""Silence after which a stream counts as broken; the server gives a sign of life four times as often."""

ATTEMPTS = 6
"""How often a broken request is taken up again without getting any further."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a workflow; `path` is a JSON pointer to the place, `hint` says what to do."""

    path: str
    code: str
    message: str
    hint: str


class KinegraphError(Exception):
    """The base of all errors here.

    Attributes:
        code: Stable word for programs.
        hint: What to do next.
        problems: What is wrong in the workflow, when it is one that was refused.
    """

    def __init__(self, message: str, code: str = "", hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.code = code
        self.hint = hint
        self.problems = problems


class RefusedError(KinegraphError):
    """The server refused a request; `status` is the HTTP status."""

    status: int = 0


class NotSignedInError(RefusedError):
    """The token is missing or wrong."""


class NotFoundError(RefusedError):
    """There is no such job, artifact or upload."""


class ConflictError(RefusedError):
    """It is not in a state in which this can be done, or the idempotency key belongs to another request."""


class WorkflowRefusedError(RefusedError):
    """The workflow cannot be used; `problems` says all that is wrong with it."""


class ServerError(RefusedError):
    """The server cannot do this now, or made a mistake."""


class DisconnectedError(KinegraphError):
    """The server cannot be reached, or went away and did not come back."""


class JobFailedError(KinegraphError):
    """A job did not succeed; `job` is its record."""

    def __init__(self, job: JobRecord) -> None:
        error = job.error or {}
        words = error.get("message") or f"the job was {job.state}"
        super().__init__(f"job {job.id}: {words}", error.get("code", job.state), error.get("hint", ""))
        self.job = job


class BrokenDownloadError(KinegraphError):
    """What arrived is not what the server said that it would send."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job produced; `digest` is its id and the BLAKE2b-160 of its content."""

    job: str
    node: str
    output: str
    path: str
    media_type: str
    size_bytes: int
    digest: str
    url: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file; `name` is what a workflow's file inputs take."""

    name: str
    media_type: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a job; `seq` is None for progress and previews, which are not stored."""

    job: str
    seq: int | None
    at: float
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """How a job stands."""

    id: str
    state: str
    title: str
    priority: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    error: dict[str, Any] | None
    position: int | None
    artifacts: tuple[Artifact, ...] = ()


class Job:
    """A submitted job, and what can be asked about it."""

    def __init__(self, client: Client, id: str) -> None:  # noqa: A002  (the field's word)
        self._client = client
        self.id = id

    async def record(self) -> JobRecord:
        """Return how the job stands."""
        data = await self._client.request("GET", f"/jobs/{_quoted(self.id)}")
        artifacts = tuple(Artifact(**artifact) for artifact in data["artifacts"])
        return JobRecord(artifacts=artifacts, **_only(data, JobRecord, "artifacts"))

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
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queue a workflow and return its job; a connection that breaks meanwhile queues it no second time.

        Args:
            workflow: The document, as the editor saves it.
            inputs: Values for its named inputs.
            priority: Higher runs first.
            idempotency_key: Repeats of a request with the same key return the same job; a fresh one unless given.

        Raises:
            WorkflowRefusedError: It cannot be run; carries all problems.
        """
        body = {"workflow": workflow, "inputs": inputs or {}, "priority": priority}
        key = idempotency_key or uuid.uuid4().hex
        data = await self.request("POST", "/jobs", body, {"Idempotency-Key": key}, repeatable=True)
        return Job(self, data["id"])

    async def validate(
        self, workflow: Mapping[str, Any], inputs: Mapping[str, Any] | None = None
    ) -> tuple[Problem, ...]:
        """Return all that is wrong with a workflow; empty when nothing is."""
        data = await self.request("POST", "/validate", {"workflow": workflow, "inputs": inputs or {}}, repeatable=True)
        return tuple(Problem(**problem) for problem in data["problems"])

    async def plan(self, workflow: Mapping[str, Any], inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what a run would do: `summary`, and `steps` with `node`, `state` and `reason`.

        Raises:
            WorkflowRefusedError: It cannot be run; carries all problems.
        """
        return await self.request("POST", "/plan", {"workflow": workflow, "inputs": inputs or {}}, repeatable=True)

    async def catalogue(self) -> dict[str, Any]:
        """Return every node type and wire type there is."""
        return await self.request("GET", "/catalogue")

    async def upload(self, path: str | os.PathLike[str]) -> Upload:
        """Send a file; its `name` in the answer is what a workflow's file inputs take."""
        file = Path(path)
        query = urllib.parse.urlencode({"name": file.name})
        headers = {"Content-Type": "application/octet-stream"}
        with await asyncio.to_thread(file.open, "rb") as content:
            async with self.open("POST", f"/uploads?{query}", headers, content) as response:
                return Upload(**_only(await _answer(response), Upload))

    async def download(self, artifact: Artifact, path: str | os.PathLike[str]) -> Path:
        """Fetch a file that a job made, and check it; a download that breaks goes on where it broke.

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
            had = _size(partial)
            try:
                await self._fetch(artifact, partial)
                break
            except (aiohttp.ClientError, OSError, TimeoutError, DisconnectedError) as error:
                attempts = 0 if _size(partial) > had else attempts + 1
                if attempts >= ATTEMPTS:
                    raise DisconnectedError(f"the download of {artifact.name} broke off: {error}") from error
            await asyncio.sleep(_pause_s(attempts))
        if await asyncio.to_thread(_digest, partial) != artifact.digest:
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
                yield Event(**_only(json.loads(data), Event))


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
    kind = _kind(response.status, detail.get("code", ""))
    error = kind(detail["message"], detail.get("code", ""), detail.get("hint", ""), problems)
    error.status = response.status
    raise error


def _kind(status: int, code: str) -> type[RefusedError]:
    if code in ("bad_workflow", "malformed_json"):
        return WorkflowRefusedError
    known: dict[int, type[RefusedError]] = {401: NotSignedInError, 404: NotFoundError, 409: ConflictError}
    return known.get(status, ServerError if status >= 500 else RefusedError)


def _only(data: Mapping[str, Any], kind: type[Any], *left_out: str) -> dict[str, Any]:
    """Return the fields that the record has: a newer server may send more."""
    return {name: data[name] for name in kind.__dataclass_fields__ if name in data and name not in left_out}


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")


def _pause_s(attempts: int) -> float:
    return min(0.1 * 2**attempts, 5.0)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
