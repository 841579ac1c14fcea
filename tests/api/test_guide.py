"""The guide's script and its curl commands, executed as they stand against the real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.api.app import ENDPOINTS
from tests.api.live import TOKEN, LiveServer, writes

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide" / "api.md").read_text(encoding="utf-8")


def code(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def environment(server: LiveServer, tmp_path: Path) -> dict[str, str]:
    document = tmp_path / "workflow.json"
    document.write_text(json.dumps(writes("from the guide")), encoding="utf-8")
    given = {"KINEGRAPH_URL": server.url, "KINEGRAPH_TOKEN": TOKEN, "WORKFLOW": str(document)}
    return {**os.environ, "PYTHONPATH": str(ROOT), **given}


def test_the_script_runs_as_it_stands(environment: dict[str, str], tmp_path: Path) -> None:
    (script,) = code("python")
    file = tmp_path / "script.py"
    file.write_text(script, encoding="utf-8")
    command = [sys.executable, str(file), environment["WORKFLOW"], str(tmp_path), "words=hello guide"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "node_finished save" in result.stdout or "node_cached save" in result.stdout
    made = Path(re.search(r"made (.*)", result.stdout)[1])
    assert made.read_text(encoding="utf-8") == "hello guide"
    assert len([line for line in script.splitlines() if line.strip()]) <= 20


def test_the_script_prints_the_problems_of_a_bad_workflow(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(code("python")[0], encoding="utf-8")
    Path(environment["WORKFLOW"]).write_text('{"kinegraph": 1, "nodes": {"a": {"type": "none"}}}', encoding="utf-8")
    command = [sys.executable, str(file), environment["WORKFLOW"], str(tmp_path)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "/nodes/a/type: " in result.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no POSIX shell")
def test_the_curl_commands_run_as_they_stand(environment: dict[str, str], tmp_path: Path) -> None:
    script = "set -eu\n" + "".join(code("sh"))
    result = subprocess.run(
        ["sh", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "result").read_text() == "from the guide"
    assert (tmp_path / "first-four-bytes").read_text() == "from"
    assert "event: run_finished" in (tmp_path / "events.txt").read_text()
    assert "id: 3" in result.stdout
    assert '"name":"seed' in result.stdout
    versions = json.loads((tmp_path / "versions.json").read_text())["versions"]
    assert [version["title"] for version in versions] == ["My red boat", "My boat"]


def test_every_address_is_in_the_guide() -> None:
    table = GUIDE.split("## Addresses")[1].split("##")[0]
    missing = [
        entry.path
        for entry in ENDPOINTS
        if entry.path not in table and not table.count("`/" + entry.path.rsplit("/", 1)[1] + "`")
    ]
    assert missing == []
