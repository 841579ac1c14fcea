"""Whether the server answers; the one address that asks nobody who is there, so it tells nothing else."""

from __future__ import annotations

from aiohttp import web

from server import __version__
from server.api.endpoint import endpoint
from server.api.keys import SERVICE
from server.api.schema import HealthAnswer


@endpoint("GET", "/health", public=True)
async def get_health(request: web.Request) -> HealthAnswer:
    """Say that the server answers, and whether its worker can run jobs yet."""
    return HealthAnswer(status="ok", version=__version__, worker=request.app[SERVICE].worker_state)


ENDPOINTS = (get_health,)
