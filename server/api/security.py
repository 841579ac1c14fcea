"""Who may speak to the server, and from where: Host, Origin, token and cookie. One guard for every request."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web

from server.api.errors import ApiError, Handler
from server.api.exposure import check_exposure

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  (compared with, not bound to)
SAFE_METHODS = frozenset({"GET", "HEAD"})
COOKIE = "kinegraph_session"
COOKIE_DAYS = 30
LAUNCH_CODES_KEPT = 16
"""Unused launch links that stay valid; a further one takes the place of the oldest."""

EDITOR_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


@dataclass(slots=True)
class Gate:
    """What the guard compares requests with.

    Attributes:
        token: What programs send as Bearer; None takes everyone, which `check_exposure` allows on loopback only.
        host: Address that the server listens on.
        names: Further host names that it may be called by, such as that of a proxy before it.
        public: Paths below `/api/` that anyone may ask for.
        launch_codes: Digests of launch codes that nobody has used yet, oldest first.
    """

    token: str | None
    host: str
    names: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()
    launch_codes: dict[bytes, None] = field(default_factory=dict[bytes, None])

    def new_launch_code(self) -> str:
        """Return a code that signs one browser in, once."""
        code = secrets.token_urlsafe(24)
        while len(self.launch_codes) >= LAUNCH_CODES_KEPT:
            del self.launch_codes[next(iter(self.launch_codes))]
        self.launch_codes[_digest(code)] = None
        return code

    def redeem(self, code: str) -> bool:
        """Return whether the code was valid; it is not any more."""
        # Looked up by digest, so the time that it takes tells nothing about the codes themselves.
        digest = _digest(code)
        valid = digest in self.launch_codes
        self.launch_codes.pop(digest, None)
        return valid

    @property
    def cookie(self) -> str:
        """What a signed-in browser sends: derived from the token, which itself never enters a browser."""
        return hmac.new((self.token or "").encode(), b"kinegraph session", hashlib.sha256).hexdigest()

    def knows(self, host: str) -> bool:
        """Return whether `host` (without its port) is a name of this server.

        An address is: rebinding needs a DNS name. A name is only when it is listed.
        """
        if host in LOOPBACK_NAMES or host == self.host.lower() or host in self.names:
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return self.host in WILDCARDS


GATE = web.AppKey("gate", Gate)


def make_gate(token: str | None, host: str, *, names: Iterable[str] = (), public: Iterable[str] = ()) -> Gate:
    """Return a gate for a server on `host`.

    Raises:
        ExposureError: There is no token, and `host` can be reached from outside.
        ValueError: The token is too short to keep anyone out.
    """
    check_exposure(host, auth=token is not None)
    if token is not None and len(token) < 16:
        message = "the token is shorter than 16 characters; make one with `python -c 'import secrets; print(...)'`"
        raise ValueError(message.replace("...", "secrets.token_urlsafe(32)"))
    return Gate(token, host, frozenset(name.strip().lower() for name in names if name.strip()), frozenset(public))


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through only to a known host name, from our own pages, and from who holds the token."""
    gate = request.app[GATE]
    _check_host(request, gate)
    _check_origin(request)
    if request.path.startswith("/api/") and request.path not in gate.public:
        _check_identity(request, gate)
    return await handler(request)


async def set_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer, streams and refusals too, the headers that keep a browser from misusing it."""
    headers = response.headers
    headers["Server"] = "Kinegraph"  # aiohttp would name its version and Python's
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers.setdefault("Content-Security-Policy", DATA_POLICY)
    if request.path.startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")


def sign_in(response: web.StreamResponse, gate: Gate, *, secure: bool) -> None:
    """Give the browser that gets this response the session cookie."""
    response.set_cookie(
        COOKIE, gate.cookie, max_age=COOKIE_DAYS * 86400, path="/", httponly=True, samesite="Strict", secure=secure
    )


def _check_host(request: web.Request, gate: Gate) -> None:
    given = request.headers.getall("Host", [])
    if len(given) == 1 and gate.knows(_host_name(given[0])):
        return
    shown = ", ".join(given)[:100] or "nothing"
    hint = "open the address that `kinegraph serve` printed, or list the name in KINEGRAPH_ALLOWED_HOSTS"
    raise ApiError(403, "unknown_host", f"this server is not called {shown!r}", hint)


def _host_name(host: str) -> str:
    """Return the name in a Host header, in lower case and without its port; empty when it is no host."""
    try:
        parts = urlsplit("//" + host)
        _ = parts.port  # raises when it is no number
    except ValueError:
        return ""
    plain = not (parts.path or parts.query or parts.fragment or "@" in host or "\\" in host)
    return (parts.hostname or "") if plain else ""


def _check_origin(request: web.Request) -> None:
    hint = "requests from other web pages are refused; use the editor, or send a Bearer token from a program"
    for origin in request.headers.getall("Origin", []):
        scheme, separator, rest = origin.partition("://")
        if not separator or scheme not in ("http", "https") or rest.lower() != request.headers["Host"].lower():
            raise ApiError(403, "foreign_origin", f"the page at {origin[:100]!r} may not use this server", hint)
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("none", "same-origin") and not _is_plain_visit(request):
        raise ApiError(403, "foreign_origin", f"a {site[:20]} page may not use this server", hint)


def _is_plain_visit(request: web.Request) -> bool:
    """Return whether somebody followed a link to the editor: harmless, since the Strict cookie stays away."""
    wanted = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    followed = all(request.headers.get(name) == value for name, value in wanted.items())
    return followed and request.method in SAFE_METHODS and not request.path.startswith("/api/")


def _check_identity(request: web.Request, gate: Gate) -> None:
    if gate.token is None:
        return
    if "Authorization" in request.headers:
        scheme, _, given = request.headers["Authorization"].partition(" ")
        known = scheme.lower() == "bearer" and _equal(given.strip(), gate.token)
    else:
        known = any(_equal(value, gate.cookie) for value in _session_cookies(request))
    if not known:
        hint = "send Authorization: Bearer TOKEN, or open the launch link that `kinegraph serve` printed"
        headers = {"WWW-Authenticate": 'Bearer realm="kinegraph"'}
        raise ApiError(401, "not_signed_in", "this needs the server's token", hint, headers=headers)


def _session_cookies(request: web.Request) -> list[str]:
    """Return the session cookies sent; another program on this host name may have set a second one."""
    pairs = (
        part.strip().partition("=") for header in request.headers.getall("Cookie", []) for part in header.split(";")
    )
    return [value for name, _, value in pairs if name == COOKIE]


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogateescape")).digest()
