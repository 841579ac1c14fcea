"""Fetching one model's file, when the user asks and the settings allow it: resumed, checked, and put in place whole.

Addresses are judged when a connection is made, after every redirect: only https to public addresses, unless the
settings allow private ones. Pickles are refused by their names.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from server.models.errors import ModelError

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes that are there and those that there will be, where that is known."""

KINDS = (".safetensors", ".gguf", ".json", ".model")
_HUB = "https://huggingface.co"
_REDIRECTS, _CHUNK, _SILENCE_S = 5, 2**20, 60
_PART = ".part"


@dataclass(frozen=True, slots=True)
class Pulled:
    """A file that was fetched: where it is, and its SHA-256."""

    path: Path
    sha256: str


def address(source: str) -> str:
    """Return the address of a file: an https one as it is, or that of `hf:owner/model/path` on the Hugging Face Hub.

    Raises:
        ModelError: It is neither.
    """
    if source.startswith("hf:"):
        owner, _, rest = source.removeprefix("hf:").partition("/")
        model, _, path = rest.partition("/")
        if owner and model and path:
            return f"{_HUB}/{quote(owner)}/{quote(model)}/resolve/main/{quote(path)}"
    elif urlsplit(source).scheme in ("https", "http") and urlsplit(source).hostname:
        return source
    raise ModelError(
        f"{source!r} is no address of a file.", "Write https://... or hf:owner/model/path/file.safetensors."
    )


def pull(
    source: str,
    target: Path,
    *,
    sha256: str = "",
    private: bool = False,
    progress: Progress | None = None,
    kinds: tuple[str, ...] = KINDS,
) -> Pulled:
    """Fetch a file, going on where an earlier try stopped.

    Args:
        source: See `address`.
        target: Where it goes; it must not be there yet.
        sha256: What its content must be; without it, what the hub says, if it does.
        private: Whether private addresses and plain http to them are allowed.
        progress: Called now and then.
        kinds: Suffixes that the target may have.

    Raises:
        ModelError: It is refused, cut short, not what was wanted, or does not fit on the disk.
    """
    url = address(source)
    if target.suffix.lower() not in kinds:
        raise ModelError(
            f"{target.name} is not of a kind that is fetched.", f"Those are {', '.join(kinds)}; pickles could run code."
        )
    if target.exists():
        raise ModelError(f"{target} is there already.", "Move it away first, or choose another name.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(_Transfer(url, target, sha256.lower(), private, progress).run())
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ModelError(
            f"{url} could not be fetched: {error or type(error).__name__}.", "Say the same again to go on from here."
        ) from error


@dataclass(frozen=True)
class _Transfer:
    url: str
    target: Path
    sha256: str
    private: bool
    progress: Progress | None

    async def run(self) -> Pulled:
        part = self.target.with_name(self.target.name + _PART)
        about = part.with_name(part.name + ".json")
        validator = _validator(about, self.url) if part.is_file() else ""
        have = part.stat().st_size if validator else 0
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_SILENCE_S, sock_read=_SILENCE_S)
        connector = aiohttp.TCPConnector(resolver=_PublicResolver(private=self.private))
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False) as session:
            headers = {"Range": f"bytes={have}-", "If-Range": validator} if have else {}
            response, told = await self._open(session, headers)
            async with response:
                if response.status == 206 and have:
                    mode = "ab"
                elif response.status == 200:
                    have, mode = 0, "wb"
                else:
                    raise ModelError(f"{self.url} answered {response.status} {response.reason}.", "Check the address.")
                total = None if response.content_length is None else have + response.content_length
                self._check_room(total, have)
                strong = response.headers.get("ETag", "")
                about.write_text(json.dumps({"url": self.url, "validator": strong}), encoding="utf-8")
                await self._write(response, part, mode, have, total)
        digest = await asyncio.to_thread(_sha256, part)
        wanted = self.sha256 or told
        if (total is not None and part.stat().st_size != total) or (wanted and digest != wanted):
            part.unlink()
            about.unlink(missing_ok=True)
            raise ModelError(
                f"What came from {self.url} is not what was wanted: its SHA-256 is {digest}.", "Try again."
            )
        about.unlink(missing_ok=True)
        part.replace(self.target)
        return Pulled(self.target, digest)

    async def _open(
        self, session: aiohttp.ClientSession, headers: dict[str, str]
    ) -> tuple[aiohttp.ClientResponse, str]:
        """Follow redirects one by one; returns the answer, and the SHA-256 that the hub told on the way."""
        url, told = self.url, ""
        for _ in range(_REDIRECTS + 1):
            self._check_address(url)
            response = await session.get(url, headers=headers, allow_redirects=False)
            linked = response.headers.get("X-Linked-ETag", "").strip('"')
            told = linked if len(linked) == hashlib.sha256().digest_size * 2 else told
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return response, told
            response.close()
            url = urljoin(url, location)
        raise ModelError(f"{self.url} leads in circles.", "Check the address.")

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if _is_address(host):  # which no resolver sees
            _check_public(host, host, private=self.private)
        if parts.scheme != "https" and not (self.private and parts.scheme == "http"):
            raise ModelError(f"{url} is not https.", "Use an address that begins with https://.")

    def _check_room(self, total: int | None, have: int) -> None:
        free = shutil.disk_usage(self.target.parent).free
        if total is not None and total - have > free:
            raise ModelError(f"{self.target.name} needs {total - have} bytes, and {free} are free.", "Make room first.")

    async def _write(
        self, response: aiohttp.ClientResponse, part: Path, mode: str, have: int, total: int | None
    ) -> None:
        with part.open(mode) as stream:
            async for chunk in response.content.iter_chunked(_CHUNK):
                await asyncio.to_thread(stream.write, chunk)
                have += len(chunk)
                if self.progress is not None:
                    self.progress(have, total)
            stream.flush()
            os.fsync(stream.fileno())


class _PublicResolver(AbstractResolver):
    """Resolves names, and refuses those that lead to private addresses: what is connected to is what was judged."""

    def __init__(self, *, private: bool) -> None:
        self._inner, self._private = aiohttp.ThreadedResolver(), private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for entry in found:
            _check_public(str(entry["host"]), host, private=self._private)
        return found

    async def close(self) -> None:
        await self._inner.close()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _check_public(found: str, host: str, *, private: bool) -> None:
    if not private and not ipaddress.ip_address(found.partition("%")[0]).is_global:
        raise ModelError(
            f"{host} leads to {found}, an address inside a network.",
            "Set KINEGRAPH_ALLOW_PRIVATE_NETWORK=1 to fetch from your own network.",
        )


def _validator(about: Path, url: str) -> str:
    """Return what tells whether the rest still belongs to the part; empty where the part is of something else."""
    try:
        data: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    validator = str(data.get("validator", ""))
    return validator if data.get("url") == url and not validator.startswith("W/") else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_name(source: str) -> str:
    """Return the name that an address gives its file."""
    return PurePosixPath(urlsplit(source.removeprefix("hf:")).path).name
