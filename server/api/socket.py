"""The same events over a websocket, for the editor: one connection, any number of jobs, chosen by messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

from aiohttp import WSMsgType, web

from server.api.body import parse_json
from server.api.endpoint import endpoint, validated
from server.api.errors import ApiError
from server.api.events import event_entry
from server.api.keys import SERVICE, SHUTDOWN, Shutdown
from server.api.schema import ErrorAnswer, SocketAnswer, SocketMessage
from server.api.streams import with_heartbeats
from server.jobs.errors import JobNotFoundError
from server.jobs.records import JobEvent, JobId
from server.jobs.service import JobService

MAX_MESSAGE_BYTES = 16 * 1024
MAX_FOLLOWED = 100
PING_S = 20.0
ALL = "*"


@endpoint("GET", "/socket", status=101, produces=("application/json",), answer=SocketAnswer, refuses=(400,))
async def open_socket(request: web.Request) -> web.StreamResponse:
    """Follow jobs over a websocket.

    Send `{"follow": "JOB", "after": 0}` or `{"unfollow": "JOB"}`, with `*` for all jobs. What comes back is
    `{"event": ...}`, `{"ended": "JOB"}` after a job's last event, or `{"error": ...}` for a message that is none.
    """
    socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=MAX_MESSAGE_BYTES)
    if not socket.can_prepare(request):
        raise ApiError(400, "not_a_websocket", "this address speaks websocket only", "use /api/v1/events for SSE")
    await socket.prepare(request)
    shutdown = request.app[SHUTDOWN]
    closer = asyncio.ensure_future(_close_at_shutdown(socket, shutdown))
    try:
        await _Connection(socket, request.app[SERVICE], shutdown).converse()
    finally:
        if shutdown.begun.is_set():
            await closer  # it is saying goodbye, and must not be cut short
        closer.cancel()
    return socket


class _Connection:
    """One socket and the jobs that it follows, each in a task of its own."""

    def __init__(self, socket: web.WebSocketResponse, service: JobService, shutdown: Shutdown) -> None:
        self._socket = socket
        self._service = service
        self._shutdown = shutdown
        self._following: dict[str, asyncio.Task[None]] = {}

    async def converse(self) -> None:
        """Do what the messages ask until the peer leaves; then stop following."""
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._handle(cast("str", message.data))
                elif message.type is WSMsgType.BINARY:
                    await self._refuse(ApiError(400, "bad_message", "messages are JSON texts", "send no binary ones"))
        finally:
            for task in self._following.values():
                task.cancel()
            await asyncio.gather(*self._following.values(), return_exceptions=True)

    async def _handle(self, text: str) -> None:
        try:
            message = validated(SocketMessage, parse_json(text), "message", 400)
            if message.follow is not None:
                self._follow(message.follow, message.after)
            else:
                self._unfollow(cast("str", message.unfollow))
        except ApiError as error:
            await self._refuse(error)

    async def _refuse(self, error: ApiError) -> None:
        """Tell the peer what is wrong with its message; the connection stays."""
        await self._send(SocketAnswer(error=ErrorAnswer.model_validate(error.to_json()).error))

    def _follow(self, job: str, after: int) -> None:
        self._unfollow(job)
        if len(self._following) >= MAX_FOLLOWED:
            raise ApiError(429, "too_many", f"one socket follows {MAX_FOLLOWED} jobs at most", "unfollow some")
        self._following[job] = asyncio.ensure_future(self._forward(job, after))

    def _unfollow(self, job: str) -> None:
        task = self._following.pop(job, None)
        if task:
            task.cancel()

    async def _forward(self, job: str, after: int) -> None:
        try:
            async for event in with_heartbeats(self._events(job, after), self._shutdown):
                if event is not None:
                    await self._send(SocketAnswer(event=event_entry(event)))
            await self._send(SocketAnswer(ended=job))
        except JobNotFoundError as error:
            await self._refuse(ApiError(404, error.code, str(error), error.hint))
        except ConnectionError:
            return  # the peer left; the reading loop ends by itself
        if self._following.get(job) is asyncio.current_task():
            del self._following[job]

    def _events(self, job: str, after: int) -> AsyncGenerator[JobEvent]:
        return self._service.all_events(after or None) if job == ALL else self._service.events(JobId(job), after)

    async def _send(self, answer: SocketAnswer) -> None:
        if not self._socket.closed:
            await self._socket.send_str(answer.model_dump_json(exclude_none=True))


async def _close_at_shutdown(socket: web.WebSocketResponse, shutdown: Shutdown) -> None:
    await shutdown.begun.wait()
    await socket.close(code=1001, message=b"the server ends")


ENDPOINTS = (open_socket,)
