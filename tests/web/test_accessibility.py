"""The editor without eyes: axe's rules over every view, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from tests.machine import skip_unless
from tests.web.conftest import ROOT
from tests.web.desk import FAILING, show

pytestmark = pytest.mark.browser

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
# Per finding its rule, and where: the element and what axe measured there.
FINDINGS = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.map(node =>
            `${id}: ${node.target.join(' ')} (${[...node.any, ...node.all, ...node.none][0]?.message ?? ''})`));
}"""
PANELS = {"queue": "q", "problems": "Shift+P", "workflows": "w", "exposed": "i", "history": "Shift+H", "library": "n"}
# Nodes that save what another one makes.
RESULTS = {"first": "pattern", "second": "other"}
# What opens a view above the rest, and what is seen then.
DIALOGS = {
    "search": ("Space", ".search"),
    "palette": ("Control+k", ".palette"),
    "settings": ("Control+,", ".settings"),
    "shortcuts": ("?", ".shortcuts"),
    "help": ("F1", ".help"),
    "context menu": ("Shift+F10", ".menu"),
}


def views(editor: Any) -> Iterator[str]:
    """Go through the views one after the other, and tell the name of each while it is open."""
    page = editor.page
    yield "empty start"
    page.get_by_role("button", name="Text to video").first.click()
    editor.node("denoise").wait_for()
    yield "graph"
    editor.node("denoise").locator("h3").click()
    yield "graph with a selection"
    for name, (key, seen) in DIALOGS.items():
        page.keyboard.press(key)
        page.locator(seen).wait_for()
        yield name
        page.keyboard.press("Escape")
        page.locator(seen).wait_for(state="hidden")
    page.keyboard.press("Control+k")
    page.keyboard.type("save as a new")
    page.keyboard.press("Enter")
    page.locator(".question").wait_for()
    yield "question for a name"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="File", exact=True).click()
    yield "main menu"
    page.keyboard.press("Escape")
    for name, key in PANELS.items():
        page.locator("body").press(key)
        page.locator(".library" if name == "library" else ".side-panel").wait_for()
        yield name
        page.locator("body").press(key)


def views_of_a_run(editor: Any) -> Iterator[str]:
    """Go through what a run, a subgraph and lists of links add."""
    page = editor.page
    results = {name: ("save_video", {"clip": {"link": [source, "clip"]}}) for name, source in RESULTS.items()}
    show(editor, {**FAILING, **results})
    page.keyboard.press("Control+Enter")
    page.locator("article[data-node=join] .fault").wait_for()
    for name in RESULTS:
        page.locator(f"article[data-node={name}] .player").wait_for()
    for key in ("Alt+ArrowDown", "Home", "Alt+ArrowRight"):
        page.keyboard.press(key)
    page.locator("article[data-node=join]:focus-visible").wait_for()
    yield "a failed node with the focus"
    page.keyboard.press("Shift+L")
    page.locator(".palette[open]").wait_for()
    yield "links to choose from"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+f")
    page.keyboard.type("clip")
    page.locator(".find [role=option]").first.wait_for()
    yield "find"
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    page.keyboard.press("Alt+Shift+ArrowUp")
    page.keyboard.press("Alt+v")
    page.locator(".compare footer").wait_for()
    yield "two results compared"
    page.keyboard.press("Escape")
    page.locator(".compare").wait_for(state="detached")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+Shift+e")
    page.locator(".node-rename").wait_for()
    page.keyboard.press("Enter")
    yield "a subgraph"
    page.keyboard.press("e")
    page.locator("article[data-node=join]").wait_for()
    yield "inside a subgraph"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_view_has_serious_findings(editor: Any, theme: str) -> None:
    skip_unless(AXE.is_file(), "axe-core is not installed: run `npm ci` in web/")
    page = editor.page
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.reload()
    page.locator(".app[aria-busy=false]").wait_for()
    editor.wait_until(f"document.documentElement.dataset.theme === '{theme}'")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = {
        f"{view}: {finding}"
        for view in chain(views(editor), views_of_a_run(editor))
        for finding in page.evaluate(FINDINGS)
    }
    assert sorted(found) == []
