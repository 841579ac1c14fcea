"""The window around the canvas: whole at every size, however long the names, and in words that help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Server
from tests.web.desk import start_server, write_numbered

pytestmark = pytest.mark.browser

WIDTHS = (360, 480, 481, 500, 600, 640, 641, 720, 800, 860, 861, 1024, 1152, 1200, 1201, 1360, 1361, 1440, 1600)
FAULTS = """() => {
    const parts = [...document.querySelectorAll('.top-bar :is(button, input, .plan, .offline, .mark)')];
    const boxes = parts.map(part => [part, part.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
    const faults = [];
    for (const [one, a] of boxes) {
        if (a.left < 0 || a.right > innerWidth) faults.push(`cut: ${one.outerHTML.slice(0, 80)}`);
        for (const [other, b] of boxes)
            if (!one.contains(other) && !other.contains(one) && a.left < b.right - 0.5 && b.left < a.right - 0.5)
                faults.push(`${one.outerHTML.slice(0, 80)} lies over ${other.outerHTML.slice(0, 80)}`);
    }
    return faults;
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from start_server(home, monkeypatch, scripts="")


def expect_whole(page: Any) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate(FAULTS) == [], width
        assert page.locator(".run-button").is_visible()


def test_the_button_that_runs_is_whole_at_every_width(editor: Any) -> None:
    page = editor.page
    editor.add("save video", 300, 300)
    page.locator(".plan.bad").wait_for()
    expect_whole(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    editor.add("test pattern", 700, 600)
    editor.set_knob("test_pattern", "seconds", "600")
    editor.link("test_pattern", "clip", "save_video", "clip")
    page.locator("span.plan").wait_for()
    page.locator(".run-button").click()
    page.locator(".run-group .icon-button").wait_for()
    editor.server.kill()
    try:
        page.get_by_text("No connection").wait_for()
        expect_whole(page)
    finally:
        editor.server.start()


def test_in_a_narrow_window_one_button_leads_to_every_menu(editor: Any) -> None:
    page = editor.page
    page.set_viewport_size({"width": 500, "height": 700})
    page.get_by_role("button", name="Menus").click()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.get_by_role("menu", name="Arrange").get_by_role("menuitem").first.wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("menu", name="Go").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Menus"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (720, 450), (360, 480)])
def test_all_of_the_start_screen_can_be_reached(editor: Any, width: int, height: int) -> None:
    page = editor.page
    page.set_viewport_size({"width": width, "height": height})
    page.locator(".start-cards button").nth(5).wait_for()
    top = page.locator(".graph").bounding_box()["y"]
    for part in (page.get_by_text("Start with something"), page.locator(".start-cards button").last):
        part.scroll_into_view_if_needed()
        box = part.bounding_box()
        assert box["y"] >= top
        assert box["y"] + box["height"] <= height
    page.locator(".start-cards button").first.hover()
    page.mouse.wheel(0, -5000)
    page.get_by_text("Start with something").hover(trial=True)


def test_the_minimap_leaves_the_zoom_bar_free(editor: Any) -> None:
    page = editor.page
    editor.add("test pattern", 300, 300)
    page.locator(".minimap").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.locator(".workflow-list").wait_for()
    page.set_viewport_size({"width": 500, "height": 700})
    page.locator(".minimap").wait_for(state="detached")
    page.locator(".zoom-bar button").last.click(trial=True)


def test_a_long_name_leaves_room_for_the_buttons_beside_it(editor: Any) -> None:
    page = editor.page
    name = "Dunes " * 60
    document = {"kinegraph": 1, "title": name, "nodes": {}}
    url, headers = f"{editor.server.url}/api/v1/workflows", {"Origin": editor.server.url}
    assert page.request.post(url, data={"workflow": document}, headers=headers).ok
    page.keyboard.press("w")
    item = page.locator(".workflow-item", has_text="Dunes")
    item.hover()
    item.get_by_label("Delete").click()
    undo = page.locator(".undo-row button")
    undo.wait_for()
    box = undo.bounding_box()
    assert box["x"] + box["width"] <= 1440
    undo.click()
    item.wait_for()


def test_a_name_given_on_saving_is_not_undone(editor: Any) -> None:
    page = editor.page
    editor.add("test pattern", 300, 300)
    page.keyboard.press("Control+s")
    page.get_by_role("dialog").get_by_label("Name of the workflow").fill("Kept")
    page.keyboard.press("Enter")
    page.get_by_text("Saved “Kept”").wait_for()
    page.locator(".graph").focus()
    page.keyboard.press("Control+z")
    page.locator("article").wait_for(state="detached")
    page.keyboard.press("Control+s")
    page.locator(".tab[data-changed=false]", has_text="Kept").wait_for()
    page.keyboard.press("Control+y")
    page.locator("article").wait_for()


def test_a_file_without_a_workflow_is_loaded_where_it_is_dropped(editor: Any, tmp_path: Path) -> None:
    page = editor.page
    write_numbered(tmp_path / "plain.mp4", 12)
    editor.drop("plain.mp4", (tmp_path / "plain.mp4").read_bytes(), "video/mp4")
    page.locator('article[data-node="load_video"] .scrub-frame').wait_for()
    node = editor.document()["nodes"]["load_video"]
    assert node["inputs"] == {"file": "plain.mp4"}
    page.keyboard.press("Control+z")
    page.locator("article").wait_for(state="detached")


@pytest.mark.parametrize(("name", "kind"), [("torn.mp4", "video/mp4"), ("torn.png", "image/png")])
def test_a_file_that_cannot_be_read_is_said_once_and_in_its_own_words(editor: Any, name: str, kind: str) -> None:
    page = editor.page
    editor.drop(name, b"this is neither a film nor a picture", kind)
    message = page.locator(".message")
    message.wait_for()
    assert name in message.inner_text()
    assert "readable" in message.inner_text()
    page.wait_for_timeout(300)
    assert message.count() == 1
    assert page.locator("article").count() == 0


def test_escape_puts_back_the_number_that_stood_before_typing(editor: Any) -> None:
    page = editor.page
    editor.add("test pattern", 300, 300)
    editor.set_knob("test_pattern", "seconds", "3")
    knob = page.locator('[id="test_pattern.seconds"]')
    knob.focus()
    page.keyboard.type("45")
    page.keyboard.press("Escape")
    assert knob.input_value() == "3"
    assert editor.document()["nodes"]["test_pattern"]["inputs"]["seconds"] == 3
    fps = page.locator('[id="test_pattern.fps"]')
    fps.focus()
    page.keyboard.type("5")
    page.keyboard.press("Escape")
    assert "fps" not in editor.document()["nodes"]["test_pattern"]["inputs"]


def test_nothing_left_to_run_leads_to_the_nodes_that_are_switched_off(editor: Any) -> None:
    page = editor.page
    nodes = {
        "pattern": {"type": "test_pattern", "at": [0, 0]},
        "save": {
            "type": "save_video",
            "at": [400, 0],
            "mode": "mute",
            "inputs": {"clip": {"link": ["pattern", "clip"]}},
        },
    }
    editor.drop("off.json", json.dumps({"kinegraph": 1, "nodes": nodes}).encode(), "application/json")
    page.locator(".plan.bad").click()
    entry = page.locator(".problem-list button")
    assert entry.locator("code").inner_text() == "The workflow"
    entry.click()
    page.locator('article[data-node="save"][data-selected="true"]').wait_for()
    page.locator("article[data-node=save] h3").click()
    page.keyboard.press("Control+m")
    page.locator(".plan.bad").wait_for(state="hidden")
    page.locator("article[data-node=save] h3").click()
    page.keyboard.press("Delete")
    page.locator(".problem-list button", has_text="Nothing to run").click()
    page.locator(".search").wait_for()


def test_who_is_not_signed_in_is_not_told_that_the_connection_is_lost(chromium: Any, server: Server) -> None:
    page = chromium.new_page()
    page.goto(server.url)
    page.get_by_text("This browser is not signed in").wait_for()
    assert page.locator(".offline").count() == 0
    page.close()
