"""A pack's own widgets: the script that its folder brings, for packs whose scripts the host's owner allowed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from server.api.endpoint import endpoint
from server.api.errors import ApiError
from server.api.files import is_plain_file, send_file
from server.api.keys import SETTINGS
from server.api.schema import RangeHeaders
from server.kit.packs import find_packs
from server.settings import Settings

SCRIPT = Path("web", "widget.js")
MAX_SCRIPT_BYTES = 4 * 1024 * 1024


@endpoint("GET", "/packs/{pack}/widget.js", produces=("text/javascript",), refuses=(403, 404, 416))
async def get_pack_script(request: web.Request, pack: str, headers: RangeHeaders) -> web.StreamResponse:
    """Return the ES module with a pack's own widgets.

    It runs in the editor's page. Packs whose scripts may do so are named in `KINEGRAPH_PACK_SCRIPTS`; all others are
    refused, and the editor draws a plain field.
    """
    del headers  # checked for their form here, read where the file is sent
    path = await asyncio.to_thread(_find, request.app[SETTINGS], pack)
    facts = path.stat()
    sent = {"Content-Type": "text/javascript; charset=utf-8"}
    return await send_file(request, path, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"', sent)


def _find(settings: Settings, pack: str) -> Path:
    """Return the real path of a pack's script.

    Raises:
        ApiError: 403: its scripts are not allowed. 404: it has none, or there is no such pack.
    """
    folders = [location.path for location in find_packs([settings.custom_nodes], None) if location.name == pack]
    if not folders or folders[0] is None:
        raise ApiError(404, "unknown_pack", f"there is no pack {pack[:100]!r}", "GET /api/v1/catalogue names them")
    allowed = {name.strip() for name in settings.pack_scripts.split(",")}
    if not allowed & {pack, "*"}:
        message = f"the pack {pack!r} may not run scripts in the editor"
        hint = f"if you trust it, start the server with KINEGRAPH_PACK_SCRIPTS={pack}"
        raise ApiError(403, "scripts_not_allowed", message, hint)
    root = folders[0].resolve()
    path = (root / SCRIPT).resolve()
    if not path.is_relative_to(root) or not is_plain_file(path) or path.stat().st_size > MAX_SCRIPT_BYTES:
        message = f"the pack {pack!r} has no script"
        raise ApiError(404, "no_script", message, f"its folder needs {SCRIPT.as_posix()}, an ES module up to 4 MB")
    return path


ENDPOINTS = (get_pack_script,)
