"""Following an iterator of events for as long as somebody listens: heartbeats, shutdown, and nothing about jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TypeVar

from server.api.keys import Shutdown

HEARTBEAT_S = 15.0
"""Silence after which a sign of life is sent: below the half minute after which proxies cut a quiet stream."""

T = TypeVar("T")


async def with_heartbeats(
    events: AsyncGenerator[T], shutdown: Shutdown, heartbeat_s: float = HEARTBEAT_S
) -> AsyncIterator[T | None]:
    """Yield the events, and None whenever there was none for a while; end when the server does.

    Args:
        events: Closed when this ends, whichever way.
        shutdown: Ends the stream early.
        heartbeat_s: Longest silence in seconds.
    """
    async with aclosing(events):
        stop = asyncio.ensure_future(shutdown.begun.wait())
        coming = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                done, _ = await asyncio.wait({stop, coming}, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
                if stop in done:
                    return
                if not done:
                    yield None
                    continue
                event = coming.result()
                if event is None:
                    return
                coming = asyncio.ensure_future(anext(events, None))
                yield event
        finally:
            stop.cancel()
            coming.cancel()
            await asyncio.gather(stop, coming, return_exceptions=True)
