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
