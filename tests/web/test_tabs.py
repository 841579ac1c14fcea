"""Several documents at once: the row of tabs, and drafts that survive a reload, a closed window and a second one."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.browser

# What waits long waits for ever: only an answer brings it on.
NO_LONG_WAITS = "const wait = setTimeout; window.setTimeout = (work, ms) => (ms < 2000 ? wait(work, ms) : 0);"
# Take a window's lock when its page ends, and let go of it a while later: a former page that is slow to end.
HOLD_LOCK = """window => void navigator.locks.request(
    'kinegraph.window.' + window, () => new Promise(release => setTimeout(release, 1000)))"""


def workflow(title: str, pattern: str = "n") -> bytes:
    """A small document as a file."""
    nodes = {pattern: {"type": "test_pattern", "version": 1, "at": [100, 100], "inputs": {}}}
    return json.dumps({"kinegraph": 1, "title": title, "inputs": {}, "outputs": {}, "nodes": nodes}).encode()


def titles(page: Any) -> list[str]:
    """The tabs from left to right."""
    return page.locator(".tab-title").all_inner_texts()


def test_tabs_are_opened_marked_moved_and_closed(editor: Any) -> None:
    page = editor.page
    for name in ("One", "Two", "Three"):
        editor.drop(f"{name}.json", workflow(name, name.lower()), "application/json")
        page.locator(".tab[data-active=true]", has_text=name).wait_for()
    assert titles(page) == ["One", "Two", "Three"]  # the first one took the place of the empty tab
    assert editor.node_ids() == ["three"]

    page.keyboard.press("Alt+1")
    editor.node("one").wait_for()
    page.keyboard.press("Alt+PageUp")
    editor.node("three").wait_for()
    editor.set_knob("three", "seconds", "0.5")
    page.locator('.tab[data-changed=true]:has-text("Three") .changed').wait_for()
    page.keyboard.press("Alt+2")
    editor.node("two").wait_for()
    page.locator('.tab:has-text("Three")').drag_to(
        page.locator('.tab:has-text("One")'), target_position={"x": 5, "y": 9}
    )
    assert titles(page) == ["Three", "One", "Two"]
    page.locator(".tab", has_text="One").click(button="middle")
    assert titles(page) == ["Three", "Two"]

    page.keyboard.press("Alt+1")
    page.keyboard.press("Alt+w")
    page.get_by_text("Close “Three” without saving?").wait_for()
    page.get_by_role("button", name="Cancel").click()
    assert titles(page) == ["Three", "Two"]
    page.locator("h3").first.click()
    page.keyboard.press("Control+z")
    page.locator('.tab[data-changed=false]:has-text("Three")').wait_for()  # undone: nothing is left to lose
    page.keyboard.press("Alt+w")
    page.keyboard.press("Alt+w")
    assert titles(page) == ["Untitled workflow"]
    page.keyboard.press("Alt+Shift+T")
    editor.node("two").wait_for()


def test_a_reload_brings_every_tab_back(editor: Any) -> None:
    page = editor.page
    editor.drop("one.json", workflow("One", "one"), "application/json")
    editor.drop("two.json", workflow("Two", "two"), "application/json")
    editor.node("two").wait_for()
    editor.set_knob("two", "seconds", "0.5")
    page.keyboard.press("Alt+1")
    editor.node("one").wait_for()
    before = editor.document()
    page.reload()
    editor.node("one").wait_for()
    assert editor.document() == before
    assert titles(page) == ["One", "Two"]
    assert page.locator(".tab").evaluate_all("tabs => tabs.map(tab => tab.dataset.changed)") == ["false", "true"]
    page.keyboard.press("Alt+2")
    editor.node("two").wait_for()
    assert editor.document()["nodes"]["two"]["inputs"]["seconds"] == pytest.approx(0.5)
    page.get_by_text("1 of 1 nodes will run").or_(page.get_by_text("problem")).first.wait_for()


def test_two_windows_keep_drafts_of_their_own(editor: Any) -> None:
    page = editor.page
    editor.drop("one.json", workflow("One", "one"), "application/json")
    editor.node("one").wait_for()
    other = page.context.new_page()
    other.goto(editor.server.url)
    other.get_by_text("Start with something").wait_for()  # not the first window's document
    second = type(editor)(other, editor.server)
    second.drop("two.json", workflow("Two", "two"), "application/json")
    second.node("two").wait_for()
    second.set_knob("two", "seconds", "0.5")
    editor.set_knob("one", "seconds", "0.25")
    second.document()
    for window, name, seconds in ((editor, "one", 0.25), (second, "two", 0.5)):
        window.page.reload()
        window.node(name).wait_for()
        nodes = window.document()["nodes"]
        assert nodes[name]["inputs"]["seconds"] == pytest.approx(seconds)
        assert len(nodes) == 1
        assert len(titles(window.page)) == 1
    # A page that the browser duplicated has the same session, and is a window of its own once the other one answers.
    session = other.evaluate("sessionStorage.getItem('kinegraph.window')")
    twin = page.context.new_page()
    twin.add_init_script(f"sessionStorage.setItem('kinegraph.window', {json.dumps(session)}); {NO_LONG_WAITS}")
    twin.goto(editor.server.url)
    twin.get_by_text("Start with something").wait_for()
    twin.close()
    other.keyboard.press("Alt+n")  # an empty tab
    second.document()
    other.close()
    third = type(editor)(page.context.new_page(), editor.server)
    third.page.goto(editor.server.url)
    third.node(
        "two"
    ).wait_for()  # the closed window's tab goes on here, but nothing empty does: neither its tab nor the twin's
    assert titles(third.page) == ["Two"]
    third.page.reload()
    third.node("two").wait_for()
    assert titles(third.page) == ["Two"]
    third.page.keyboard.press("Alt+n")
    third.document()
    third.page.reload()
    third.page.locator(".tab").nth(1).wait_for()
    assert titles(third.page) == ["Two", "Untitled workflow"]  # its own empty tab is where it was
    third.page.close()


def test_a_page_that_is_slow_to_end_takes_no_tab_along(editor: Any) -> None:
    page = editor.page
    editor.drop("one.json", workflow("One", "one"), "application/json")
    editor.node("one").wait_for()
    editor.document()
    slow = page.context.new_page()
    slow.goto(f"{editor.server.url}/favicon.svg")
    slow.evaluate(HOLD_LOCK, page.evaluate("sessionStorage.getItem('kinegraph.window')"))
    page.reload()
    editor.node("one").wait_for()
    assert titles(page) == ["One"]
