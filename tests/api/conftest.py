"""One server for most of the tests: starting a worker costs a second or two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.api.live import BEARER, LiveServer, run_server, settings_in


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    limits = {"max_body_bytes": 1024 * 1024, "max_upload_bytes": 3 * 1024 * 1024}
    yield from run_server(settings_in(tmp_path_factory.mktemp("home"), port=0, **limits))


@pytest.fixture
async def http(server: LiveServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that is signed in as a program; addresses are given below the API's prefix."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(server.api + "/", headers=BEARER, timeout=timeout) as session:
        yield session
