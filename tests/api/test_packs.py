"""A pack's script reaches the browser only when its pack was allowed, and nothing else of its folder does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.api.live import BEARER, LiveServer, error_of, run_server, settings_in

SCRIPT = "export default {};\n"


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    settings = settings_in(tmp_path_factory.mktemp("packs"), port=0, pack_scripts="allowed, bare,linked,single")
    for name in ("allowed", "stranger", "bare", "linked"):
        folder = settings.custom_nodes / name
        (folder / "web").mkdir(parents=True)
        (folder / "__init__.py").write_text('"""A pack."""\n', encoding="utf-8")
        if name in ("allowed", "stranger"):
            (folder / "web" / "widget.js").write_text(SCRIPT, encoding="utf-8")
    (settings.custom_nodes / "single.py").write_text('"""A pack of one file."""\n', encoding="utf-8")
    secret = settings.home / "secret.js"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("secret", encoding="utf-8")
    if os.name == "posix":
        (settings.custom_nodes / "linked" / "web" / "widget.js").symlink_to(secret)
    yield from run_server(settings)


async def ask(server: LiveServer, path: str) -> tuple[int, str, str, str]:
    async with (
        aiohttp.ClientSession(headers=BEARER) as session,
        session.get(f"{server.api}/packs/{path}") as response,
    ):
        code = (await error_of(response))["code"] if response.status >= 400 else ""
        text = "" if code else await response.text()
        return response.status, response.headers["Content-Type"], code, text


async def test_an_allowed_pack_gives_its_script_as_a_module(packs: LiveServer) -> None:
    assert await ask(packs, "allowed/widget.js") == (200, "text/javascript; charset=utf-8", "", SCRIPT)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("stranger/widget.js", 403, "scripts_not_allowed"),
        ("bare/widget.js", 404, "no_script"),
        ("linked/widget.js", 404, "no_script"),
        ("single/widget.js", 404, "no_script"),
        ("nothing/widget.js", 404, "unknown_pack"),
        ("..%2Fallowed/widget.js", 404, "unknown_pack"),
        ("nodes/widget.js", 404, "unknown_pack"),
        ("allowed/__init__.py", 404, "not_found"),
    ],
)
async def test_nothing_else_is_given(packs: LiveServer, path: str, status: int, code: str) -> None:
    answered = await ask(packs, path)
    assert (answered[0], answered[2]) == (status, code)


async def test_nothing_is_given_without_the_token(packs: LiveServer) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{packs.api}/packs/allowed/widget.js") as response:
        assert response.status == 401


def test_the_example_packs_script_is_there() -> None:
    root = Path(__file__).resolve().parents[2] / "custom_nodes" / "example_pack"
    assert "export default" in (root / "web" / "widget.js").read_text(encoding="utf-8")
