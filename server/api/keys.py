"""What handlers find in the application: typed keys, so that nothing is looked up by a bare string."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from server.jobs.service import JobService
from server.library.workflows import WorkflowLibrary
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Tells open streams that the server ends; each of them then closes in good order."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)


SERVICE = web.AppKey("service", JobService)
SETTINGS = web.AppKey("settings", Settings)
SHUTDOWN = web.AppKey("shutdown", Shutdown)
LIBRARY = web.AppKey("library", WorkflowLibrary)
TEMPLATES = web.AppKey("templates", Path)
EDITOR = web.AppKey("editor", Path)
