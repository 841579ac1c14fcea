"""The editor's files, and the launch link that signs a browser in. Without a built editor, a page that says so."""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path

from aiohttp import web

from server.api.errors import ApiError
from server.api.files import is_plain_file, send_file
from server.api.keys import EDITOR
from server.api.security import EDITOR_POLICY, GATE, sign_in

NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Kinegraph</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>Kinegraph is running</h1>
<p>The editor has not been built in this checkout, so there is nothing to draw here. Everything else works:</p>
<ul>
<li>over HTTP: <code>/api/v1/openapi.json</code> describes every address, docs/guide/api.md shows how to use them;</li>
<li>from the command line: <code>kinegraph run workflows/text_to_video.json</code>.</li>
</ul>
</html>
"""

USED_UP = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Kinegraph</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>This launch link does not work any more</h1>
<p>A launch link signs one browser in, once. If this browser was signed in before, <a href="/">go on here</a>.
Otherwise start <code>kinegraph serve</code> again, or ask the running server for a fresh link with
<code>POST /api/v1/launches</code> and its token.</p>
</html>
"""


def find_editor() -> Path | None:
    """Return the folder of the built editor: in a checkout or in the installed package; None when there is none."""
    server = Path(__file__).resolve().parent.parent
    for folder in (server.parent / "web" / "dist", server / "web"):
        if (folder / "index.html").is_file():
            return folder
    return None


async def open_editor(request: web.Request) -> web.StreamResponse:
    """Serve a file of the editor, and redeem a launch code on the way in."""
    if "token" in request.query and request.path == "/":
        return _launch(request)
    folder = request.app.get(EDITOR)
    if folder is None:
        return _page(NOT_BUILT) if request.path == "/" else _nothing_here(request)
    path = await asyncio.to_thread(_find, folder, request.match_info["path"] or "index.html")
    if path is None:
        # The editor's own addresses, such as /jobs, are drawn by its one page.
        if "text/html" not in request.headers.get("Accept", ""):
            _nothing_here(request)
        path = folder / "index.html"
    return await _send(request, path)


def _find(folder: Path, name: str) -> Path | None:
    try:
        path = (folder / name.lstrip("/")).resolve()
    except ValueError:  # a NUL in the name
        return None
    return path if path.is_relative_to(folder) and is_plain_file(path) else None


def _launch(request: web.Request) -> web.Response:
    gate = request.app[GATE]
    if not gate.redeem(request.query["token"]):
        return _page(USED_UP, status=401)
    response = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
    sign_in(response, gate, secure=request.secure)
    return response


async def _send(request: web.Request, path: Path) -> web.StreamResponse:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("javascript", "json")) else ""
    facts = path.stat()
    headers = {"Content-Type": kind + charset, "Content-Security-Policy": EDITOR_POLICY}
    return await send_file(request, path, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"', headers)


def _page(text: str, status: int = 200) -> web.Response:
    headers = {"Content-Security-Policy": EDITOR_POLICY, "Cache-Control": "no-store"}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def _nothing_here(request: web.Request) -> web.StreamResponse:
    message = f"there is nothing at {request.path[:200]!r}"
    raise ApiError(404, "not_found", message, "GET /api/v1/openapi.json lists every address")
