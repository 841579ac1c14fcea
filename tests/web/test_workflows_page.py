"""Workflows on the server, by the editor: saved, opened, renamed, copied, deleted, and never overwritten silently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.conftest import ROOT, TOKEN

pytestmark = pytest.mark.browser


def add_pattern(editor: Any) -> None:
    editor.add("test pattern", 300, 300)
    editor.link_to_new("test_pattern", "clip", "save video", 800, 300)
    editor.set_knob("test_pattern", "seconds", "0.5")


def title(editor: Any, text: str) -> None:
    page = editor.page
    page.locator(".tab[data-active=true] .tab-title").dblclick()
    page.locator(".tab-rename").fill(text)
    page.keyboard.press("Enter")


def save_as(editor: Any, text: str) -> None:
    """Save the document in view under a title, for the first time."""
    title(editor, text)
    editor.page.keyboard.press("Control+s")
    editor.page.get_by_text(f"Saved “{text}”").wait_for()


def test_a_workflow_is_saved_found_renamed_copied_and_brought_back(editor: Any) -> None:
    page = editor.page
    add_pattern(editor)
    save_as(editor, "My pattern")
    page.locator(".tab[data-changed=false]").wait_for()
    editor.set_knob("test_pattern", "seconds", "0.25")
    page.locator(".tab[data-changed=true]").wait_for()
    page.keyboard.press("Control+s")
    page.keyboard.press("w")
    panel = page.locator(".workflow-list")
    panel.get_by_text("version 2").hover()

    panel.get_by_label("Duplicate “My pattern”").click()
    panel.get_by_text("Copy of My pattern").hover()
    panel.get_by_label("Rename “Copy of My pattern”").click()
    panel.get_by_label("Name of the workflow").fill("Another")
    page.keyboard.press("Enter")
    panel.get_by_text("Another", exact=True).click()
    page.locator(".tab[data-active=true]", has_text="Another").wait_for()
    assert editor.document()["nodes"]["test_pattern"]["inputs"]["seconds"] == pytest.approx(0.25)

    panel.get_by_text("My pattern", exact=True).hover()
    panel.get_by_label("Rename “My pattern”").click()  # a tab has it open, and goes on from the new name
    panel.get_by_label("Name of the workflow").fill("Our pattern")
    page.keyboard.press("Enter")
    page.locator(".tab[data-changed=false]", has_text="Our pattern").click()
    editor.set_knob("test_pattern", "seconds", "0.75")
    page.keyboard.press("Control+s")
    panel.get_by_text("version 4").wait_for()

    panel.get_by_label("Search workflows").fill("anoth")
    panel.locator(".workflow-item", has_text="Our pattern").wait_for(state="hidden")
    panel.locator(".workflow-item", has_text="Another").hover()
    panel.get_by_label("Delete “Another”").click()
    panel.get_by_text("“Another” is deleted").wait_for()
    panel.get_by_role("button", name="Undo").click()
    panel.locator(".workflow-item", has_text="Another").wait_for()

    panel.get_by_label("Search workflows").fill("pattern")
    panel.locator(".workflow-item", has_text="Our pattern").first.hover()
    panel.get_by_label("Versions of “Our pattern”").click()
    panel.locator(".versions li", has_text="version 1").get_by_text("Restore").click()
    panel.get_by_text("version 5").wait_for()


def test_two_windows_cannot_overwrite_each_other_silently(editor: Any) -> None:
    page = editor.page
    add_pattern(editor)
    save_as(editor, "Shared")
    other = page.context.new_page()
    other.set_default_timeout(60_000)
    other.goto(editor.server.url)
    other.wait_for_selector(".graph")
    other.keyboard.press("w")
    other.locator(".workflow-open", has_text="Shared").click()
    other.locator('article[data-node="test_pattern"]').wait_for()
    knob = other.locator('[id="test_pattern.seconds"]')
    knob.fill("0.75")
    knob.evaluate("field => field.blur()")
    other.keyboard.press("Control+s")
    other.get_by_text("Saved “Shared”").wait_for()
    other.close()

    editor.set_knob("test_pattern", "seconds", "0.3")
    page.keyboard.press("Control+s")
    question = page.get_by_role("dialog", name="was saved elsewhere meanwhile")
    question.get_by_role("button", name="See theirs").click()
    editor.wait_until("document.querySelector('[id=\"test_pattern.seconds\"]')?.value === '0.75'")
    page.keyboard.press("Alt+1")
    page.keyboard.press("Control+s")
    question.get_by_role("button", name="Save mine as the newest").click()
    page.locator(".tab[data-active=true][data-changed=false][data-trouble=false]").wait_for()
    page.keyboard.press("w")
    page.locator(".workflow-item", has_text="Shared").get_by_text("version 3").wait_for()


def test_what_was_deleted_elsewhere_is_saved_anew(editor: Any) -> None:
    page = editor.page
    add_pattern(editor)
    save_as(editor, "Gone")
    answer = page.request.delete(f"{editor.server.url}/api/v1/workflows/gone", headers={"Origin": editor.server.url})
    assert answer.status == 204
    editor.set_knob("test_pattern", "seconds", "0.25")
    page.locator(".tab[data-changed=true]").wait_for()
    page.keyboard.press("Control+s")
    page.locator(".tab[data-changed=false]").wait_for()
    page.keyboard.press("w")
    page.locator(".workflow-item", has_text="Gone").get_by_text("version 1").wait_for()


def test_a_save_waits_for_the_one_before_it(editor: Any) -> None:
    page = editor.page
    add_pattern(editor)
    save_as(editor, "Hasty")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    page.route("**/api/v1/workflows/hasty", hold)  # the first answer is slow
    editor.set_knob("test_pattern", "seconds", "0.25")
    page.locator(".tab[data-changed=true]").wait_for()
    page.keyboard.press("Control+s")
    editor.set_knob("test_pattern", "seconds", "0.75")
    page.keyboard.press("Control+s")
    # Whatever was sent by now has been seen when this comes back.
    assert page.evaluate("fetch('/api/v1/health').then(answer => answer.status)") == 200
    assert len(held) == 1
    held[0].continue_()
    page.locator(".tab[data-changed=false]").wait_for()
    assert page.get_by_text("was saved elsewhere meanwhile").count() == 0
    page.keyboard.press("w")
    page.locator(".workflow-item", has_text="Hasty").get_by_text("version 3").wait_for()


def test_a_save_as_that_fails_leaves_the_tab_where_it_was_saved(editor: Any) -> None:
    page = editor.page
    add_pattern(editor)
    save_as(editor, "Home")
    page.route(
        "**/api/v1/workflows", lambda route: route.abort() if route.request.method == "POST" else route.fallback()
    )
    page.keyboard.press("Control+k")
    page.keyboard.type("save as")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("Name of the workflow").fill("Elsewhere")
    page.keyboard.press("Enter")
    page.get_by_text("the server does not answer").wait_for()
    assert editor.document()["title"] == "Home"
    editor.set_knob("test_pattern", "seconds", "0.25")
    page.locator(".tab[data-changed=true]").wait_for()
    page.keyboard.press("Control+s")
    page.locator(".tab[data-changed=false]").wait_for()
    page.keyboard.press("w")
    page.locator(".workflow-item", has_text="Home").get_by_text("version 2").wait_for()


def save_elsewhere(editor: Any, name: str, seconds: float) -> None:
    """Save a version of a workflow past the editor."""
    url = f"{editor.server.url}/api/v1/workflows/{name}"
    opened = editor.page.request.get(url).json()
    opened["workflow"]["nodes"]["test_pattern"]["inputs"]["seconds"] = seconds
    headers = {"Origin": editor.server.url, "If-Match": opened["etag"]}
    assert editor.page.request.put(url, data={"workflow": opened["workflow"]}, headers=headers).ok


def saved(editor: Any, name: str) -> tuple[str, int]:
    """Return the title and the version of a saved workflow."""
    entry = editor.page.request.get(f"{editor.server.url}/api/v1/workflows/{name}").json()
    return entry["title"], entry["version"]


def test_saving_by_itself_says_what_stands_in_its_way_and_loses_nothing(editor: Any) -> None:
    page = editor.page
    page.clock.install()
    page.evaluate("localStorage.setItem('kinegraph.settings', JSON.stringify({ autosave: true }))")
    page.reload()
    page.locator(".app[aria-busy=false]").wait_for()
    add_pattern(editor)
    page.keyboard.press("Control+s")  # what has no name yet is asked for one
    name = page.get_by_role("dialog", name="Save as").get_by_label("Name of the workflow")
    name.fill("  ")
    page.keyboard.press("Enter")
    name.fill("Told")
    page.keyboard.press("Enter")
    page.get_by_text("Saved “Told”").wait_for()
    notice = page.locator(".saving-notice")
    settled = page.locator(".tab[data-changed=false][data-trouble=false]")

    def change(seconds: str) -> None:
        editor.set_knob("test_pattern", "seconds", seconds)
        page.clock.run_for(4500)

    save_elsewhere(editor, "told", 0.75)
    change("0.3")
    notice.get_by_text("was saved elsewhere meanwhile, as version 2").wait_for()
    page.locator(".tab[data-trouble=true] .tab-trouble").click()
    page.get_by_role("dialog", name="was saved elsewhere").get_by_role("button", name="Cancel").click()
    notice.get_by_role("button", name="Take theirs").click()
    settled.wait_for()
    knob = page.locator('[id="test_pattern.seconds"]')
    expect(knob).to_have_value("0.75")
    page.locator(".graph").focus()
    page.keyboard.press("Control+z")
    expect(knob).to_have_value("0.3")  # mine is back, and becomes the version after theirs
    page.clock.run_for(4500)
    settled.wait_for()
    assert saved(editor, "told") == ("Told", 3)

    save_elsewhere(editor, "told", 0.9)
    change("0.4")
    notice.get_by_role("button", name="Save mine as…").click()
    expect(name).to_have_value("Copy of Told")
    name.fill("Mine")
    page.keyboard.press("Enter")
    settled.wait_for()
    assert (saved(editor, "told"), saved(editor, "mine")) == (("Told", 4), ("Mine", 1))

    assert page.request.delete(f"{editor.server.url}/api/v1/workflows/mine", headers={"Origin": editor.server.url}).ok
    change("0.5")
    notice.get_by_text("“Mine” was deleted elsewhere").wait_for()
    notice.get_by_role("button", name="Save it anew").click()
    settled.wait_for()
    notice.wait_for(state="hidden")
    assert saved(editor, "mine-2")[0] == "Mine"  # the deleted one may come back under its own id


def test_an_old_workflow_is_brought_up_to_date_as_it_is_opened(editor: Any) -> None:
    page = editor.page
    old = {"type": "upscale_clip", "version": 1, "at": [0, 0], "inputs": {"factor": 2}}
    answer = page.request.post(
        f"{editor.server.url}/api/v1/workflows",
        data={"workflow": {"kinegraph": 1, "title": "Ancient", "inputs": {}, "outputs": {}, "nodes": {"larger": old}}},
        headers={"Origin": editor.server.url},
    )
    assert answer.status == 201
    page.keyboard.press("w")
    page.locator(".workflow-open", has_text="Ancient").click()
    editor.node("larger").wait_for()
    page.locator(".tab[data-active=true][data-changed=true]").wait_for()  # the user saves the change, or not
    larger = editor.document()["nodes"]["larger"]
    assert (larger["version"], larger["inputs"]) == (2, {"factor": 2, "method": "lanczos"})


def test_what_is_copied_for_terminals_and_programs_runs_as_it_is(editor: Any, tmp_path: Path) -> None:
    page = editor.page
    add_pattern(editor)
    title(editor, "Copied")
    page.locator('[data-port="input"][data-node="test_pattern"][data-name="seconds"]').click(button="right")
    page.get_by_role("menuitem", name="Make it a named input or output").click()
    environment = {
        **os.environ,
        "KINEGRAPH_TOKEN": TOKEN,
        "KINEGRAPH_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }

    def copied(name: str) -> str:
        page.keyboard.press("Control+k")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.get_by_text("Copied", exact=True).last.wait_for()
        return page.evaluate("navigator.clipboard.readText()")

    def ran(command: list[str]) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    script = copied("copy as python")
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    assert Path(tmp_path, ran([sys.executable, "script.py"]).strip().splitlines()[-1]).suffix == ".mp4"
    answer = json.loads(ran(["bash", "-c", copied("copy as curl")]))
    assert answer["id"]
    with page.expect_download() as saved:
        page.keyboard.press("Control+Shift+s")
    saved.value.save_as(tmp_path / saved.value.suggested_filename)
    command = copied("copy as a command line").replace("kinegraph run", f"{sys.executable} -m server run", 1)
    assert "--set seconds=0.5" in command
    assert ran(["bash", "-c", command]).strip().endswith(".mp4")


def test_named_inputs_are_edited_in_their_panel(editor: Any) -> None:
    page = editor.page
    add_pattern(editor)
    page.locator('[data-port="input"][data-node="test_pattern"][data-name="seconds"]').click(button="right")
    page.get_by_role("menuitem", name="Make it a named input or output").click()
    page.keyboard.press("Escape")
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("i")
    panel = page.locator(".exposed-list")
    panel.get_by_label("Name", exact=True).fill("length")
    page.keyboard.press("Enter")
    panel.get_by_label("Title for people").fill("How long")
    page.keyboard.press("Enter")
    assert editor.document()["inputs"] == {"length": {"node": "test_pattern", "input": "seconds", "title": "How long"}}
    panel.get_by_label("Do not show as “length”").click()
    assert editor.document()["inputs"] == {}


def test_a_video_of_another_kind_opens_by_the_server(editor: Any, tmp_path: Path) -> None:
    page = editor.page
    document = {
        "kinegraph": 1,
        "title": "In a WebM",
        "nodes": {
            "pattern": {"type": "test_pattern", "version": 1, "inputs": {"seconds": 0.25, "width": 64, "height": 64}},
            "save": {
                "type": "save_video",
                "version": 1,
                "inputs": {"clip": {"link": ["pattern", "clip"]}, "codec": "vp9", "container": "webm"},
            },
        },
    }
    (tmp_path / "flow.json").write_text(json.dumps(document), encoding="utf-8")
    environment = {**os.environ, "KINEGRAPH_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "server", "run", str(tmp_path / "flow.json"), "-o", str(tmp_path / "clip.webm")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    editor.drop("clip.webm", (tmp_path / "clip.webm").read_bytes(), "video/webm")
    editor.node("pattern").wait_for()
    page.locator(".tab[data-active=true]", has_text="In a WebM").wait_for()
