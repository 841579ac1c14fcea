"""The application: which parts it has. Composition only; no rule of any part stands here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from server.api import (
    artifacts,
    catalogue,
    documents,
    embedded,
    events,
    health,
    jobs,
    launches,
    models,
    openapi,
    packs,
    socket,
    templates,
    uploads,
    views,
    workflows,
)
from server.api.editor import find_editor, open_editor
from server.api.endpoint import PREFIX, Endpoint
from server.api.errors import explain_errors
from server.api.incoming import discard_incoming
from server.api.keys import EDITOR, LIBRARY, SERVICE, SETTINGS, SHUTDOWN, TEMPLATES, Shutdown
from server.api.security import GATE, guard, make_gate, set_security_headers
from server.engine.artifacts import discard_drafts
from server.jobs.service import JobService
from server.library.templates import templates_folder
from server.library.workflows import WorkflowLibrary
from server.settings import Settings

ENDPOINTS: tuple[Endpoint, ...] = (
    *jobs.ENDPOINTS,
    *events.ENDPOINTS,
    *socket.ENDPOINTS,
    *documents.ENDPOINTS,
    *embedded.ENDPOINTS,
    *workflows.ENDPOINTS,
    *templates.ENDPOINTS,
    *models.ENDPOINTS,
    *catalogue.ENDPOINTS,
    *packs.ENDPOINTS,
    *artifacts.ENDPOINTS,
    *uploads.ENDPOINTS,
    *views.ENDPOINTS,
    *launches.ENDPOINTS,
    *health.ENDPOINTS,
    *openapi.ENDPOINTS,
)


def create_app(settings: Settings, service: JobService, *, token: str | None) -> web.Application:
    """Return the server's application; it starts the service and stops it.

    Args:
        settings: Folders, limits, and the address that the server will listen on.
        service: Not yet started.
        token: What programs send as Bearer; None asks for none, on loopback only.

    Raises:
        ExposureError: There is no token, and the address can be reached from other machines.
    """
    app = web.Application(middlewares=[explain_errors, guard], client_max_size=settings.max_body_bytes)
    public = [PREFIX + entry.path for entry in ENDPOINTS if entry.public]
    app[GATE] = make_gate(token, settings.host, names=settings.allowed_hosts.split(","), public=public)
    app[SETTINGS] = settings
    app[SERVICE] = service
    app[SHUTDOWN] = Shutdown()
    app[LIBRARY] = WorkflowLibrary(settings.workflows)
    app[TEMPLATES] = templates_folder()
    app[catalogue.ENCODED] = catalogue.Encoded()
    app[openapi.DESCRIPTION] = openapi.Description(ENDPOINTS)
    if folder := find_editor():
        app[EDITOR] = folder
    for entry in ENDPOINTS:
        for method in entry.methods:
            app.router.add_route(method, PREFIX + entry.path, entry.handler())
    app.router.add_get("/{path:(?!api/).*}", open_editor)
    app.on_response_prepare.append(set_security_headers)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(_run_service)
    return app


def launch_url(app: web.Application, url: str) -> str:
    """Return a link that signs one browser in, once; just the address when no token is asked for.

    Args:
        app: From `create_app`.
        url: Address of the server, such as `http://127.0.0.1:8188`.
    """
    gate = app[GATE]
    return url if gate.token is None else f"{url}/?token={gate.new_launch_code()}"


async def _run_service(app: web.Application) -> AsyncIterator[None]:
    await app[SERVICE].start()
    # After the start, which sees to it that no other server is there.
    await asyncio.to_thread(discard_incoming, app[SETTINGS].folders.uploads)
    await asyncio.to_thread(discard_drafts, app[SETTINGS].folders.outputs)
    await asyncio.to_thread(app[LIBRARY].tidy)
    yield
    await app[SERVICE].stop()


async def _end_streams(app: web.Application) -> None:
    app[SHUTDOWN].begun.set()
