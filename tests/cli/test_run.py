"""`kinegraph run` and `plan`: files come out, nothing runs twice, and failures are told by exit code and place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.media.probe import probe
from tests.cli.conftest import CommandLine

TINY = ("--set", "seconds=0.5", "--set", "width=64", "--set", "height=64")
Template = Callable[[str], str]


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_workflow_becomes_a_video_with_the_workflow_inside(kinegraph: CommandLine, template: Template) -> None:
    done = kinegraph("run", template("test_pattern"), *TINY, "-o", "clip.mp4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["clip.mp4"]
    info = probe(kinegraph.cwd / "clip.mp4")
    assert info.video
    assert (info.video.width, info.video.height, info.video.fps) == (64, 64, 24)
    embedded = json.loads(info.workflow or "")
    assert embedded["nodes"]["pattern"]["inputs"]["width"] == 64


def test_the_second_run_executes_nothing_and_a_changed_knob_only_what_follows(
    kinegraph: CommandLine, template: Template
) -> None:
    kinegraph("run", template("test_pattern"), *TINY)
    again = kinegraph("run", template("test_pattern"), *TINY, "--json")
    finished = next(event for event in events(again.stdout) if event["kind"] == "run_finished")
    assert finished["ran"] == 0
    changed = kinegraph("plan", template("test_pattern"), *TINY, "--set", "save.crf=30", "--json")
    steps = {step["node"]: step for step in json.loads(changed.stdout)["steps"]}
    assert [name for name, step in steps.items() if step["state"] == "run"] == ["save"]
    assert steps["save"]["reason"] == "crf changed"


def test_a_video_runs_the_workflow_that_it_carries(kinegraph: CommandLine, template: Template) -> None:
    kinegraph("run", template("test_pattern"), *TINY, "-o", "first.mp4")
    again = kinegraph("run", "first.mp4", "--set", "width=32", "-o", "second.mp4")
    assert again.returncode == 0, again.stderr
    video = probe(kinegraph.cwd / "second.mp4").video
    assert video
    assert (video.width, video.height) == (32, 64)


def test_a_workflow_can_come_from_standard_input(kinegraph: CommandLine, template: Template) -> None:
    text = Path(template("test_pattern")).read_text(encoding="utf-8")
    done = kinegraph("run", "-", *TINY, "--json", stdin=text)
    result = events(done.stdout)[-1]
    assert (done.returncode, result["kind"], result["status"]) == (0, "result", "succeeded")
    assert Path(result["files"][0]).is_file()


def test_progress_is_json_lines_on_stderr_where_there_is_no_terminal(
    kinegraph: CommandLine, template: Template
) -> None:
    done = kinegraph("run", template("test_pattern"), *TINY)
    kinds = [event["kind"] for event in events(done.stderr)]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert "node_progress" in kinds


def document(**nodes: dict[str, Any]) -> str:
    return json.dumps({"kinegraph": 1, "nodes": nodes})


def save(**inputs: object) -> dict[str, Any]:
    return {"type": "save_video", "version": 1, "inputs": {"clip": {"link": ["pattern", "clip"]}, **inputs}}


def pattern(**inputs: object) -> dict[str, Any]:
    return {"type": "test_pattern", "version": 1, "inputs": {"width": 64, "height": 64, "seconds": 0.2, **inputs}}


NONSENSE = {
    "malformed JSON": ("{", ""),
    "not a workflow": ("[]", ""),
    "unknown type": (document(pattern={"type": "test_patern"}, save=save()), "/nodes/pattern/type"),
    "missing input": (document(save={"type": "save_video", "version": 1, "inputs": {}}), "/nodes/save/inputs/clip"),
    "wrong type": (document(pattern=pattern(width="wide"), save=save()), "/nodes/pattern/inputs/width"),
    "not a number": (document(pattern=pattern(), save=save(crf="NaN")).replace('"NaN"', "NaN"), ""),
    "cycle": (
        document(
            a={"type": "trim_clip", "version": 1, "inputs": {"clip": {"link": ["b", "clip"]}}},
            b={"type": "trim_clip", "version": 1, "inputs": {"clip": {"link": ["a", "clip"]}}},
            pattern={"type": "save_video", "version": 1, "inputs": {"clip": {"link": ["a", "clip"]}}},
        ),
        "/nodes/",
    ),
    "no sink": (document(pattern=pattern()), ""),
    "path outside": (document(pattern=pattern(), save=save(filename="../evil")), "/nodes/save/inputs/filename"),
    "absolute path": (document(pattern=pattern(), save=save(filename="/tmp/evil")), "/nodes/save/inputs/filename"),
    "missing file": (
        document(pattern={"type": "load_video", "version": 1, "inputs": {"file": "nowhere.mp4"}}, save=save()),
        "/nodes/pattern/inputs/file",
    ),
    "deep JSON": ("[" * 100_000, ""),
    "ten megabytes": (json.dumps({"kinegraph": 1, "nodes": {}, "x": "y" * 10_000_000}), ""),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_with_its_place_and_a_hint(kinegraph: CommandLine, name: str) -> None:
    text, place = NONSENSE[name]
    done = kinegraph("check", "-", "--json", stdin=text)
    assert done.returncode == 2, done.stderr
    problems = json.loads(done.stdout)["problems"]
    assert problems
    assert all(problem["message"] and problem["hint"] for problem in problems), problems
    assert any(problem["path"].startswith(place) for problem in problems), problems


def test_a_chain_of_ten_thousand_nodes_simply_runs(kinegraph: CommandLine) -> None:
    nodes: dict[str, Any] = {"n0": {"type": "integer", "version": 1, "inputs": {"value": 7}}}
    for index in range(1, 10_000):
        link = {"link": [f"n{index - 1}", "value"]}
        nodes[f"n{index}"] = {"type": "switch", "version": 1, "inputs": {"when_true": link, "when_false": link}}
    text = json.dumps({"kinegraph": 1, "nodes": nodes, "outputs": {"n": {"node": "n9999", "output": "value"}}})
    done = kinegraph("run", "-", "--json", stdin=text)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]


def test_a_file_that_cannot_be_read_says_so(kinegraph: CommandLine) -> None:
    assert "no such file" in kinegraph("run", "nowhere.json").stderr.lower()
    assert kinegraph("run", "nowhere.mp4").returncode == 2
    (kinegraph.cwd / "broken.mp4").write_bytes(b"not a video")
    done = kinegraph("run", "broken.mp4")
    assert done.returncode == 2
    assert "broken.mp4" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_names_the_nearest(kinegraph: CommandLine, template: Template) -> None:
    done = kinegraph("run", template("test_pattern"), "--set", "secconds=1")
    assert done.returncode == 2
    assert "'seconds'" in done.stderr


def test_an_output_of_another_kind_is_refused_and_the_result_is_not_lost(
    kinegraph: CommandLine, template: Template
) -> None:
    done = kinegraph("run", template("test_pattern"), *TINY, "-o", "clip.webm")
    assert done.returncode == 1
    assert "same ending" in done.stderr
    assert list((kinegraph.home / "outputs").glob("*.mp4"))


def test_results_can_be_collected_in_a_folder(kinegraph: CommandLine, template: Template) -> None:
    done = kinegraph("run", template("test_pattern"), *TINY, "-o", "results/")
    (path,) = done.stdout.splitlines()
    assert (kinegraph.cwd / path).parent.name == "results"
    assert (kinegraph.cwd / path).is_file()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT that can be sent to one process")
def test_ctrl_c_stops_at_the_next_step_and_leaves_no_half_file(kinegraph: CommandLine, template: Template) -> None:
    long = ("--set", "seconds=60", "--set", "width=1280", "--set", "height=720")
    with kinegraph.start("run", template("test_pattern"), *long) as process:
        assert process.stderr
        while "node_progress" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - began < 30
    assert [path.name for path in (kinegraph.home / "outputs").iterdir()] == []


@pytest.fixture
def full_disk(tmp_path: Path) -> Any:
    """A real file system of 40 kB for the outputs folder."""
    outputs = tmp_path / "home" / "outputs"
    outputs.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(outputs)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root on Linux")
    yield outputs
    subprocess.run(["umount", str(outputs)], check=True)


def test_a_full_disk_fails_the_run_and_leaves_no_half_file(
    full_disk: Path, kinegraph: CommandLine, template: Template
) -> None:
    done = kinegraph("run", template("test_pattern"), "--set", "save.crf=0", "--set", "seconds=4", "--json")
    assert done.returncode == 1
    error = events(done.stdout)[-1]["error"]
    assert error["code"] == "disk_full"
    assert error["path"].startswith("/nodes/save")
    assert error["hint"]
    assert list(full_disk.iterdir()) == []
    small = kinegraph("run", template("test_pattern"), *TINY)
    assert small.returncode == 0, small.stderr
