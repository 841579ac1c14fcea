"""Settings, help, and the menus, in a real Chromium."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_settings_are_found_take_effect_and_stay(editor: Any) -> None:
    page = editor.page
    page.keyboard.press("Control+,")
    dialog = page.locator(".settings")
    dialog.get_by_label("Search settings and keys").fill("theme")
    assert dialog.locator(".setting").count() == 1
    dialog.get_by_label("Theme").select_option("light")
    editor.wait_until("document.documentElement.dataset.theme === 'light'")
    dialog.get_by_label("Theme").select_option("dark")
    editor.wait_until("document.documentElement.dataset.theme === 'dark'")
    dialog.get_by_label("Search settings and keys").fill("queue")
    key = dialog.get_by_label("Keys of Queue")
    key.click()
    page.keyboard.press("w")
    dialog.get_by_text("also: Workflows").wait_for()
    key.click()
    page.keyboard.press("Control+Shift+y")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+y")
    page.locator(".side-panel h2", has_text="Queue").wait_for()
    page.keyboard.press("q")
    page.reload()
    page.wait_for_selector(".graph")
    editor.wait_until("document.documentElement.dataset.theme === 'dark'")
    page.keyboard.press("Control+Shift+y")
    page.locator(".side-panel h2", has_text="Queue").wait_for()


def test_links_and_the_canvas_are_as_the_user_likes_them(editor: Any) -> None:
    page = editor.page
    editor.add("test pattern", 300, 250)
    editor.link_to_new("test_pattern", "clip", "save video", 900, 500)
    view = "document.querySelector('.react-flow__viewport').style.transform"

    def choose(words: str, label: str, value: str) -> None:
        page.keyboard.press("Control+,")
        dialog = page.locator(".settings")
        dialog.get_by_label("Search settings and keys").fill(words)
        dialog.get_by_role("combobox", name=label).select_option(value)
        dialog.get_by_role("button", name="Close").click()

    # Of an angled link the upright part is half way, where the curved one is not.
    (x0, y0), (x1, y1) = editor.port("test_pattern", "output", "clip"), editor.port("save_video", "input", "clip")
    beside = ((x0 + x1) / 2, y0 + (y1 - y0) / 8)
    for style, count in (("spline", 0), ("angled", 1)):
        choose("links", "Links", style)
        page.mouse.move(*beside)
        page.mouse.dblclick(*beside)
        page.keyboard.press("Escape")
        link = editor.document()["nodes"]["save_video"]["inputs"]["clip"]
        assert len(link.get("via", [])) == count

    before = page.evaluate(view)
    choose("selects", "Dragging the canvas", "select")
    editor.drag((280, 200), (600, 700))
    assert page.evaluate(view) == before
    page.keyboard.press("Delete")
    assert set(editor.document()["nodes"]) == {"save_video"}
    page.keyboard.press("Control+z")
    page.mouse.click(700, 700)  # beside everything
    page.keyboard.press("Delete")
    assert set(editor.document()["nodes"]) == {"test_pattern", "save_video"}
    page.mouse.move(700, 700)
    page.mouse.down(button="middle")
    page.mouse.move(650, 690, steps=4)
    page.mouse.up(button="middle")
    moved = page.evaluate(view)
    assert moved != before

    choose("wheel", "Mouse wheel", "pan")
    page.mouse.wheel(0, 60)
    editor.wait_until(f"{view} !== {moved!r}")
    assert page.evaluate(view).endswith("scale(1)")
    page.keyboard.down("Control")
    page.mouse.wheel(0, 60)
    page.keyboard.up("Control")
    editor.wait_until(f"!{view}.endsWith('scale(1)')")


def test_every_node_has_a_page_of_help(editor: Any) -> None:
    page = editor.page
    editor.add("denoise", 300, 300)
    page.locator("article[data-node=denoise] h3").click()
    page.keyboard.press("F1")
    dialog = page.locator(".help")
    dialog.get_by_text("How strictly to follow the prompt").wait_for()
    dialog.get_by_text("1 to 100").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_the_menus_work_by_mouse_and_keyboard(editor: Any) -> None:
    page = editor.page
    page.get_by_role("button", name="File", exact=True).click()
    page.get_by_role("menuitem", name="New workflow Alt+N").click()
    assert page.locator(".tab").count() == 2
    page.get_by_role("button", name="View", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Node library").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("menuitem", name="Run next").wait_for()
    page.keyboard.press("Escape")
    page.locator(".menu").wait_for(state="hidden")
    page.set_viewport_size({"width": 1180, "height": 700})
    end = page.locator(".run-button").bounding_box()
    assert end["x"] + end["width"] <= 1180
