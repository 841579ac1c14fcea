"""The editor without a mouse: every test here uses keys alone, and hears what a screen reader would say."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.web.desk import FAILING, show, until

pytestmark = pytest.mark.browser

CHAIN = {
    "pattern": ("test_pattern", {"seconds": 0.25, "width": 64, "height": 64}),
    "trim": ("trim_clip", {"clip": {"link": ["pattern", "clip"]}}),
    "save": ("save_video", {"clip": {"link": ["trim", "clip"]}}),
}
ONE_OF = "names => names.includes(document.activeElement.dataset.card)"
HEARD = """words => [...document.querySelectorAll('[role=status], [aria-live]')]
    .some(region => region.textContent.includes(words))"""
IN_VIEW = """name => {
    const canvas = document.querySelector('.graph').getBoundingClientRect();
    const box = document.querySelector(`[data-card="${name}"]`).getBoundingClientRect();
    return box.left >= canvas.left && box.right <= canvas.right && box.top >= canvas.top;
}"""
READABLE = """name => document.querySelector(`[data-card="${name}"]`).getBoundingClientRect().width > 200"""
FOCUSED = """() => {
    const active = document.activeElement;
    const card = active.closest('[data-card]');
    return {
        card: card?.dataset.card ?? null,
        itself: card === active,
        name: active.getAttribute('aria-label') ?? '',
        links: active.getAttribute('aria-description') ?? '',
        ring: getComputedStyle(active).outlineStyle,
        tag: active.tagName,
        label: active.labels?.[0]?.innerText ?? '',
    };
}"""


def focused(editor: Any) -> dict[str, Any]:
    """Return what has the focus: the card that it is in, its accessible name and description."""
    return editor.page.evaluate(FOCUSED)


def press(editor: Any, *keys: str) -> None:
    for key in keys:
        editor.page.keyboard.press(key)


def go(editor: Any, key: str, card: str) -> dict[str, Any]:
    """Press a key, and wait until the card has the focus itself."""
    press(editor, key)
    arrive(editor, card)
    return focused(editor)


def arrive(editor: Any, card: str) -> None:
    until(editor.page, "card => document.activeElement.dataset.card === card", card)


def hear(editor: Any, words: str) -> None:
    """Wait until a live region says these words."""
    said = (
        "words => [...document.querySelectorAll('[role=status], [aria-live]')].some(e => e.textContent.includes(words))"
    )
    until(editor.page, said, words)


def choose(editor: Any, key: str, words: str) -> None:
    """Open a list by its key, narrow it by words, and take the first that is left."""
    press(editor, key)
    editor.page.locator("dialog.palette[open]").wait_for()
    editor.page.keyboard.type(words)
    press(editor, "Enter")
    editor.page.locator("dialog.palette").wait_for(state="detached")


def links(editor: Any) -> dict[str, str]:
    """Return where each linked input of the document comes from."""
    nodes = editor.document()["nodes"]
    return {
        f"{name}.{key}": ".".join(value["link"])
        for name, node in nodes.items()
        for key, value in node.get("inputs", {}).items()
        if isinstance(value, dict) and "link" in value
    }


def test_tab_stops_once_at_the_graph_and_leads_back_to_where_one_was(editor: Any) -> None:
    show(editor, CHAIN)
    assert go(editor, "Alt+ArrowDown", "pattern")["ring"] == "solid"
    go(editor, "Alt+ArrowDown", "trim")
    press(editor, "Tab")
    after = focused(editor)
    assert after["card"] is None
    assert after["name"] == "Zoom out"
    go(editor, "Shift+Tab", "trim")
    press(editor, "Shift+Tab")
    before = focused(editor)
    assert before["card"] is None
    assert before["name"] != after["name"]
    go(editor, "Tab", "trim")
    assert editor.page.evaluate("[...document.querySelectorAll('.graph .react-flow [tabindex=\"0\"]')].length") == 0


def test_the_walk_follows_the_order_and_the_links(editor: Any) -> None:
    show(editor, {**CHAIN, "other": ("test_pattern", {}), "free": ("trim_clip", {"clip": {"link": ["other", "clip"]}})})
    walked = [go(editor, "Home", "pattern")["name"]]
    for card in ["trim", "save", "other", "free"]:
        walked.append(go(editor, "Alt+ArrowDown", card)["name"])
    assert [name.partition(",")[0] for name in walked] == [
        "Test pattern",
        "Trim clip",
        "Save video",
        "Test pattern",
        "Trim clip",
    ]
    press(editor, "Alt+ArrowDown")
    hear(editor, "There is no further node that way")
    go(editor, "Alt+ArrowLeft", "other")
    press(editor, "Alt+ArrowLeft")
    hear(editor, "Nothing feeds this node")
    go(editor, "Home", "pattern")
    go(editor, "Alt+ArrowRight", "trim")
    go(editor, "Alt+ArrowRight", "save")
    choose(editor, "g", "clip")
    arrive(editor, "trim")
    assert focused(editor)["links"] == "fed by Test pattern; feeds Save video"
    go(editor, "End", "free")


def test_a_graph_is_built_run_and_looked_at_by_keys_alone(editor: Any) -> None:
    page = editor.page
    press(editor, "Space")
    page.keyboard.type("test pattern")
    go(editor, "Enter", "test_pattern")
    press(editor, "Enter")
    assert focused(editor)["label"] == "width"
    press(editor, "Control+a")
    page.keyboard.type("64")
    go(editor, "Enter", "test_pattern")
    # A new node to the right, linked; then one beside it, linked by picking the port.
    press(editor, "Shift+L")
    page.locator("dialog.palette[open]").wait_for()
    page.keyboard.type("new node")
    press(editor, "Enter")
    page.locator(".search").wait_for()
    page.keyboard.type("trim clip")
    go(editor, "Enter", "trim_clip")
    press(editor, "Space")
    page.keyboard.type("save video")
    assert go(editor, "Enter", "save_video")["links"] == "no links"
    choose(editor, "Shift+L", "clip trim")
    hear(editor, "Link clip")
    arrive(editor, "save_video")
    until(page, "() => document.activeElement.getAttribute('aria-description') === 'fed by Trim clip'")
    assert links(editor) == {"trim_clip.clip": "test_pattern.clip", "save_video.clip": "trim_clip.clip"}
    boxes = [editor.node(name).bounding_box() for name in ("test_pattern", "trim_clip", "save_video")]
    assert all(one["x"] + one["width"] < other["x"] for one, other in pairwise(boxes))
    until(page, "() => document.activeElement.ariaLabel.includes('ill run')")
    press(editor, "Control+Enter")
    hear(editor, "The run is done")
    go(editor, "Home", "test_pattern")
    made = go(editor, "Shift+V", "save_video")
    assert made["name"] == "Save video, done"
    for _ in range(30):
        if page.evaluate("document.activeElement.closest('.player') !== null"):
            break
        press(editor, "Enter" if focused(editor)["itself"] else "Tab")
    assert page.evaluate("document.activeElement.closest('.player') !== null")
    until(page, "document.activeElement.getBoundingClientRect().bottom <= innerHeight")
    go(editor, "Escape", "save_video")


def test_knobs_are_reached_edited_and_left(editor: Any) -> None:
    show(editor, CHAIN)
    go(editor, "Home", "pattern")
    press(editor, "Enter", "Control+a")
    editor.page.keyboard.type("128")
    press(editor, "Tab")
    assert focused(editor)["card"] == "pattern"
    go(editor, "Escape", "pattern")
    assert editor.document()["nodes"]["pattern"]["inputs"]["width"] == 128
    press(editor, "Enter", "Shift+Tab")
    while not focused(editor)["itself"]:
        assert focused(editor)["card"] == "pattern"
        press(editor, "Shift+Tab")
    press(editor, "F2", "Control+a")
    editor.page.keyboard.type("Bars")
    assert go(editor, "Enter", "pattern")["name"].startswith("Bars, Test pattern")
    press(editor, "Control+z")
    hear(editor, "Undone: Rename")
    press(editor, "Control+Shift+z")
    hear(editor, "Done again: Rename")


def test_links_are_drawn_from_port_to_port_cut_and_refused(editor: Any) -> None:
    show(editor, {"pattern": CHAIN["pattern"], "trim": ("trim_clip", {}), "flow": ("encode_text", {})})
    output = '[data-port=output][data-node=pattern][data-name="clip"]'
    editor.page.locator(output).press("Enter")
    hear(editor, "Link from clip")
    go(editor, "Alt+ArrowDown", "trim")
    press(editor, "Enter")
    assert editor.page.evaluate("document.activeElement.dataset.port") == "input"
    press(editor, "Enter")
    hear(editor, "Link clip")
    assert links(editor) == {"trim.clip": "pattern.clip"}
    go(editor, "Escape", "trim")
    choose(editor, "Shift+X", "clip")
    hear(editor, "Cut 1 link")
    arrive(editor, "trim")
    assert links(editor) == {}
    editor.page.locator(output).press("Enter")
    editor.page.locator("[data-port=input][data-node=flow]").first.press("Enter")
    hear(editor, "does not fit into")
    editor.page.locator(output).press("Enter")
    press(editor, "Escape")
    until(editor.page, "() => document.querySelector('.graph').dataset.connecting === 'false'")
    go(editor, "Escape", "pattern")


def test_several_nodes_are_selected_moved_and_deleted(editor: Any) -> None:
    show(editor, CHAIN)
    go(editor, "Home", "pattern")
    go(editor, "Alt+Shift+ArrowDown", "trim")
    hear(editor, "2 selected")
    press(editor, "ArrowRight", "ArrowDown")
    moved = editor.document()["nodes"]
    assert [moved[name]["at"] for name in CHAIN] == [[12, 12], [312, 12], [600, 0]]
    press(editor, "Shift+Space")
    hear(editor, "1 selected")
    press(editor, "Shift+Space")
    hear(editor, "2 selected")
    press(editor, "Control+d")
    until(editor.page, f"names => document.activeElement.dataset.card && !({ONE_OF})(names)", list(CHAIN))
    press(editor, "Control+z")
    until(editor.page, ONE_OF, list(CHAIN))
    go(editor, "Home", "pattern")
    go(editor, "Alt+ArrowDown", "trim")
    press(editor, "Delete")
    hear(editor, "Delete")
    arrive(editor, "save")
    press(editor, "Control+z")
    hear(editor, "Undone: Delete")
    go(editor, "Alt+ArrowUp", "trim")
    choose(editor, "Control+k", "delete")
    arrive(editor, "save")


def test_a_node_far_out_or_out_of_view_comes_near_with_the_focus(editor: Any) -> None:
    page = editor.page
    show(editor, CHAIN)
    page.evaluate("document.activeElement.blur()")
    for _ in range(12):
        press(editor, "Control+-")
    editor.node("pattern").wait_for(state="hidden")
    go(editor, "Alt+ArrowDown", "pattern")
    until(page, READABLE, "pattern")
    # Its focus is not lost where it is only painted.
    for _ in range(12):
        press(editor, "Control+-")
    editor.node("pattern").wait_for(state="hidden")
    for _ in range(12):
        press(editor, "Control+=")
    arrive(editor, "pattern")
    for _ in range(60):
        press(editor, "ArrowLeft")
    go(editor, "Alt+ArrowDown", "trim")
    go(editor, "Alt+ArrowUp", "pattern")
    until(page, IN_VIEW, "pattern")


def test_subgraphs_notes_and_groups_are_entered_and_left(editor: Any) -> None:
    show(editor, CHAIN)
    go(editor, "Home", "pattern")
    press(editor, "Control+Shift+m")
    editor.page.keyboard.type("Only a test")
    press(editor, "Escape")
    arrive(editor, "note:0")
    assert focused(editor)["links"] == "Only a test"
    go(editor, "Home", "pattern")
    go(editor, "Alt+Shift+ArrowDown", "trim")
    press(editor, "Control+Shift+e")
    editor.page.locator(".node-rename").wait_for()
    press(editor, "Enter")
    until(editor.page, "() => document.activeElement.matches('[data-subgraph=true]')")
    outside = focused(editor)["card"]
    press(editor, "e")
    arrive(editor, "pattern")
    go(editor, "Alt+ArrowRight", "trim")
    press(editor, "Escape", "Escape")
    arrive(editor, outside)


def test_a_failed_run_is_said_and_its_node_says_why(editor: Any) -> None:
    show(editor, FAILING)
    press(editor, "Control+Enter")
    hear(editor, "The run failed at Concatenate clips")
    go(editor, "Home", "pattern")
    failed = go(editor, "Alt+ArrowRight", "join")
    assert failed["name"].startswith("Concatenate clips, failed: ")
    assert "frames a second" in failed["name"]


def test_the_palette_has_every_command_of_the_menus(editor: Any) -> None:
    page = editor.page
    press(editor, "Control+k")
    options = set(page.locator(".palette [role=option] > span:first-child").all_inner_texts())
    press(editor, "Escape")
    listed: set[str] = set()
    for name in page.locator("[data-menu]").all_inner_texts():
        page.locator("[data-menu]", has_text=name.strip()).click()
        listed.update(page.locator(".menu button > span").all_inner_texts())
        press(editor, "Escape")
    assert options == listed
    assert len(options) > 80
