"""To whom the server may listen. Imports nothing heavy, so that a refusal comes before anything is started."""

from __future__ import annotations

import ipaddress


class ExposureError(ValueError):
    """The server was asked to listen to other machines without authentication."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, auth: bool) -> None:
    """Refuse to serve other machines without authentication.

    Args:
        host: Address that the server is to listen on.
        auth: Whether requests need a token.

    Raises:
        ExposureError: `host` can be reached from outside, and nothing would ask who is there.
    """
    if not auth and not is_loopback(host):
        message = f"refusing to listen on {host or 'all addresses'} without a token; drop --no-auth, or use 127.0.0.1"
        raise ExposureError(message)
