"""The catalogue of node types, sent once and known by its ETag afterwards."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass

from aiohttp import web

from server.api.endpoint import JSON, endpoint
from server.api.files import matches
from server.api.keys import SERVICE
from server.api.schema import CatalogueAnswer, CatalogueHeaders
from server.kit.catalogue import Catalogue


@dataclass(slots=True)
class Encoded:
    """The catalogue as bytes, made anew only when the service has another one: it is large, and asked for often."""

    catalogue: Catalogue | None = None
    plain: bytes = b""
    zipped: bytes = b""
    etag: str = ""

    def update(self, catalogue: Catalogue) -> None:
        """Encode the catalogue unless it is the one that was encoded last."""
        if catalogue is self.catalogue:
            return
        self.plain = json.dumps(catalogue.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
        self.zipped = gzip.compress(self.plain, 6, mtime=0)
        self.etag = '"' + hashlib.blake2b(self.plain, digest_size=20).hexdigest() + '"'
        self.catalogue = catalogue


ENCODED = web.AppKey("catalogue", Encoded)


@endpoint("GET", "/catalogue", answer=CatalogueAnswer, refuses=(304, 503))
async def get_catalogue(request: web.Request, headers: CatalogueHeaders) -> web.Response:
    """Return every node type and wire type; 304 when the ETag sent is the current one."""
    encoded = request.app[ENCODED]
    encoded.update(await request.app[SERVICE].catalogue())
    common = {"ETag": encoded.etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if matches(headers.if_none_match, encoded.etag):
        return web.Response(status=304, headers=common)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=encoded.zipped, content_type=JSON, headers={**common, "Content-Encoding": "gzip"})
    return web.Response(body=encoded.plain, content_type=JSON, headers=common)


ENDPOINTS = (get_catalogue,)
