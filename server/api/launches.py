"""Launch links: how a program that holds the token lets a browser in, without ever giving it the token."""

from __future__ import annotations

from aiohttp import web

from server.api.endpoint import endpoint
from server.api.schema import LaunchAnswer
from server.api.security import GATE


@endpoint("POST", "/launches", status=201)
async def create_launch(request: web.Request) -> LaunchAnswer:
    """Make a link that signs one browser in, once."""
    return LaunchAnswer(url=f"{request.scheme}://{request.host}/?token={request.app[GATE].new_launch_code()}")


ENDPOINTS = (create_launch,)
