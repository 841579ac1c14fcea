"""The other commands: nodes, check, migrate, doctor, schemas; and what all of them share."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.cli.arguments import parse_arguments
from server.cli.schemas import published
from tests.cli.conftest import ROOT, CommandLine


def test_nodes_lists_every_node_with_a_line(kinegraph: CommandLine) -> None:
    done = kinegraph("nodes")
    assert done.returncode == 0
    assert "denoise" in done.stdout
    assert "example_pack/tint" in done.stdout


def test_nodes_explains_one_node_with_every_input(kinegraph: CommandLine) -> None:
    text = kinegraph("nodes", "denoise").stdout
    catalogue = json.loads(kinegraph("nodes", "denoise", "--json").stdout)
    assert all(socket["name"] in text for socket in catalogue["nodes"]["denoise"]["inputs"])


def test_an_unknown_node_names_the_nearest(kinegraph: CommandLine) -> None:
    done = kinegraph("nodes", "denoize")
    assert done.returncode == 2
    assert "did you mean 'denoise'" in done.stderr


def test_a_broken_pack_is_reported_and_the_rest_works(kinegraph: CommandLine, tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "broken.py").write_text("1/0", encoding="utf-8")
    done = CommandLine(kinegraph.home, kinegraph.cwd, {"KINEGRAPH_CUSTOM_NODES": str(packs)})("nodes")
    assert done.returncode == 0
    assert "'broken' was left out: ZeroDivisionError" in done.stderr


def test_check_says_that_every_template_is_good(kinegraph: CommandLine) -> None:
    done = kinegraph("check", str(ROOT / "workflows" / "text_to_video.json"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("good")


def test_planning_loads_no_heavy_library() -> None:
    code = (
        "import sys; from server.cli import main; main(['plan', sys.argv[1]]);"
        "print([name for name in ('torch', 'numpy', 'av', 'diffusers', 'aiohttp') if name in sys.modules])"
    )
    template = str(ROOT / "workflows" / "text_to_video.json")
    done = subprocess.run([sys.executable, "-c", code, template], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_migrate_leaves_a_current_file_alone(kinegraph: CommandLine, template: Callable[[str], str]) -> None:
    path = kinegraph.cwd / "flow.json"
    text = Path(template("test_pattern")).read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    done = kinegraph("migrate", "flow.json")
    assert done.stdout.strip() == "flow.json: up to date"
    assert path.read_text(encoding="utf-8") == text


def test_migrate_goes_on_after_a_file_that_is_none_and_names_it(
    kinegraph: CommandLine, template: Callable[[str], str]
) -> None:
    (kinegraph.cwd / "bad.json").write_bytes(b"\xff\xfe")
    (kinegraph.cwd / "good.json").write_text(Path(template("test_pattern")).read_text(encoding="utf-8"))
    done = kinegraph("migrate", "none.json", "bad.json", "good.json")
    assert done.returncode == 2
    assert "none.json: " in done.stderr
    assert "bad.json is left as it is" in done.stderr
    assert done.stdout.strip() == "good.json: up to date"


def test_doctor_says_what_there_is(kinegraph: CommandLine) -> None:
    report = json.loads(kinegraph("doctor", "--json").stdout)
    assert report["devices"][0]["device"] == "cpu"
    assert "libx264" in report["encoders"]
    assert report["models"][0]["family"] == "wan"
    assert report["packs"]["nodes"] > 10
    assert report["memory"]["total_gib"] > 0


@pytest.mark.parametrize("name", sorted(published()))
def test_the_published_descriptions_are_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == published()[name], "run `make types`"


def test_every_command_and_option_is_in_the_guide(capsys: pytest.CaptureFixture[str]) -> None:
    guide = (ROOT / "docs" / "guide" / "cli.md").read_text(encoding="utf-8")
    for command in ("run", "check", "plan", "serve", "nodes", "migrate", "doctor"):
        assert f"kinegraph {command}" in guide
        with pytest.raises(SystemExit):
            parse_arguments([command, "--help"])
        options = {word.strip("[],") for word in capsys.readouterr().out.split() if word.startswith(("--", "[--"))}
        assert {option for option in options - {"--help", "--dry-run"} if option not in guide} == set(), command


def test_every_setting_is_in_the_guide() -> None:
    from dataclasses import fields

    from server.settings import Settings

    guide = (ROOT / "docs" / "guide" / "cli.md").read_text(encoding="utf-8")
    missing = [entry.name for entry in fields(Settings) if f"KINEGRAPH_{entry.name.upper()}" not in guide]
    assert missing == []


def test_trouble_with_files_and_ports_is_told_in_a_line(kinegraph: CommandLine) -> None:
    (kinegraph.cwd / "file").touch()
    for arguments in (["serve", "--port", "99999", "--no-browser"], ["schemas", "file"]):
        done = kinegraph(*arguments)
        assert done.returncode != 0
        assert done.stderr.startswith("kinegraph: ")
        assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no file without end")
def test_a_file_without_end_is_refused_like_one_that_is_too_long(kinegraph: CommandLine) -> None:
    done = kinegraph("check", "/dev/zero")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_bad_arguments_end_with_two(kinegraph: CommandLine) -> None:
    assert kinegraph("run").returncode == 2
    assert kinegraph("fly").returncode == 2
    assert kinegraph("--version").stdout.startswith("kinegraph ")
