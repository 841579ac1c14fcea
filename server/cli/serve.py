"""`kinegraph serve`: the server in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from server.api.app import create_app, launch_url
from server.api.exposure import ExposureError, check_exposure
from server.cli.output import BAD_WORKFLOW, DONE, CommandError
from server.jobs.service import JobService
from server.settings import Settings

SHUTDOWN_S = 3.0
"""How long open event streams may hold up the end of the server."""


def serve(options: argparse.Namespace) -> int:
    """Serve until interrupted."""
    settings = _settings(options)
    token = None if options.no_auth else os.environ.get("KINEGRAPH_TOKEN") or secrets.token_urlsafe(32)
    try:
        check_exposure(settings.host, auth=token is not None)
    except ExposureError as error:
        raise CommandError(str(error), BAD_WORKFLOW) from error
    asyncio.run(_serve(settings.create_folders(), token, open_browser=not options.no_browser))
    return DONE


def _settings(options: argparse.Namespace) -> Settings:
    given = {"host": options.host, "port": options.port}
    return replace(Settings.load(), **{name: value for name, value in given.items() if value is not None})


async def _serve(settings: Settings, token: str | None, *, open_browser: bool) -> None:
    stopped = _stop_on_signals()
    service = JobService(settings)
    try:
        app = create_app(settings, service, token=token)
    except ValueError as error:
        message = f"KINEGRAPH_TOKEN: {error}"
        raise CommandError(message, BAD_WORKFLOW) from error
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await _start(site, settings)
        url = _url(settings.host, runner.addresses[0][1])
        with _announced(settings.home / "server.json", url, token):
            launch = launch_url(app, url)
            print(f"Kinegraph serves {url}\nOpen {launch}\nCtrl-C stops it.", flush=True)
            if open_browser:
                webbrowser.open(launch)
            await stopped.wait()
    finally:
        await runner.cleanup()


async def _start(site: web.TCPSite, settings: Settings) -> None:
    try:
        await site.start()
    except OSError as error:
        message = f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; try another --port, or --port 0"
        raise CommandError(message) from error


def _stop_on_signals() -> asyncio.Event:
    """Return an event that is set by Ctrl-C or by the system's request to end."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        # loop.add_signal_handler does not exist on Windows; signal.signal does everywhere.
        signal.signal(name, lambda *_: loop.call_soon_threadsafe(stopped.set))
    return stopped


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


@contextmanager
def _announced(path: Path, url: str, token: str | None) -> Generator[None]:
    """Leave a file that tells this user's programs where the server is, readable by this user alone."""
    text = json.dumps({"url": url, "token": token, "pid": os.getpid()})
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
