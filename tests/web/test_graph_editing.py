"""Editing the graph in a real browser: subgraphs, points of links, the knife, copies and replacements."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.browser

RUN_MS = 240_000


def link(node: str, output: str) -> dict[str, Any]:
    """Return an input's value that comes from another node."""
    return {"link": [node, output]}


def film(**more: Any) -> dict[str, Any]:
    """Return a document of three nodes in a row that runs in no time."""
    inputs = {"seconds": 0.5, "width": 64, "height": 48}
    nodes = {
        "source": {"type": "test_pattern", "version": 1, "at": [0, 0], "inputs": inputs},
        "cut": {"type": "trim_clip", "version": 1, "at": [360, 0], "inputs": {"clip": link("source", "clip")}},
        "save": {"type": "save_video", "version": 1, "at": [720, 0], "inputs": {"clip": link("cut", "clip")}},
    }
    return {"kinegraph": 1, "title": "Film", "inputs": {}, "outputs": {}, "nodes": nodes, "subgraphs": {}, **more}


def show(editor: Any, document: dict[str, Any]) -> None:
    """Drop a document on the canvas and wait until it is drawn."""
    editor.drop("film.json", json.dumps(document).encode(), "application/json")
    editor.node("source").wait_for()
    editor.page.wait_for_timeout(250)


def header(editor: Any, node: str) -> tuple[float, float]:
    """Return a place in a node's head where it can be taken hold of."""
    box = editor.box(editor.node(node).locator("h3"))
    return box["x"] + 12, box["y"] + box["height"] / 2


def between(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return the point in the middle."""
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def middle_of_link(editor: Any, source: str, output: str, node: str, name: str) -> tuple[float, float]:
    """Return the middle of a link on the screen."""
    return between(editor.port(source, "output", output), editor.port(node, "input", name))


def test_a_subgraph_is_made_entered_run_and_unpacked(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    before = editor.document()["nodes"]
    page.mouse.click(*header(editor, "cut"))
    page.keyboard.down("Shift")
    page.mouse.click(*header(editor, "save"))
    page.keyboard.up("Shift")
    page.keyboard.press("Control+Shift+e")
    page.keyboard.type("Finish")
    page.keyboard.press("Enter")
    document = editor.document()
    assert set(document["nodes"]) == {"source", "subgraph"}
    assert document["nodes"]["subgraph"]["inputs"] == {"clip": link("source", "clip")}
    assert document["subgraphs"]["subgraph"]["title"] == "Finish"

    page.get_by_text("3 of 3 nodes will run").wait_for()
    page.keyboard.press("Control+Enter")
    page.locator('article[data-node="subgraph"][data-state="done"] video').wait_for(timeout=RUN_MS)

    editor.node("subgraph").get_by_label("Open the subgraph").click()
    page.locator('article[data-node="save"][data-state="done"] video').wait_for()
    assert set(editor.node_ids()) == {"cut", "save"}
    page.get_by_role("navigation", name="Where you are").get_by_text("Finish").wait_for()

    page.locator('[id="cut.start_s"]').wait_for()
    editor.set_knob("save", "crf", "400")
    page.locator('[id="save.crf"]').blur()
    page.get_by_text("1 problem").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    editor.node("source").wait_for()
    marked = editor.node("subgraph").locator(".node-badge.bad")
    marked.first.wait_for()
    assert "Inside: " in str(marked.first.get_attribute("title"))
    page.get_by_text("1 problem").click()
    page.locator(".problem-list button").click()
    editor.node("save").wait_for()
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    editor.node("source").wait_for()

    page.mouse.click(*header(editor, "subgraph"))
    page.keyboard.press("Control+Shift+u")
    document = editor.document()
    assert document["nodes"] == before
    assert document["subgraphs"] == {}


def test_a_link_gets_points_that_are_dragged_branched_and_removed(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    at = middle_of_link(editor, "source", "clip", "cut", "clip")
    page.mouse.dblclick(*at)
    via = editor.document()["nodes"]["cut"]["inputs"]["clip"]["via"]
    assert len(via) == 1
    editor.drag(at, (at[0], at[1] + 200))
    moved = editor.document()["nodes"]["cut"]["inputs"]["clip"]["via"][0]
    assert moved[1] == pytest.approx(via[0][1] + 200, abs=2)
    page.keyboard.down("Shift")
    editor.drag((at[0], at[1] + 200), editor.port("save", "input", "clip"))
    page.keyboard.up("Shift")
    inputs = editor.document()["nodes"]["save"]["inputs"]["clip"]
    assert inputs == {"link": ["source", "clip"], "via": [moved]}
    editor.drag((at[0], at[1] + 200), (at[0], at[1] + 260))
    nodes = editor.document()["nodes"]
    assert nodes["cut"]["inputs"]["clip"]["via"] == nodes["save"]["inputs"]["clip"]["via"] != [moved]
    page.keyboard.press("Delete")
    nodes = editor.document()["nodes"]
    assert (nodes["cut"]["inputs"]["clip"], nodes["save"]["inputs"]["clip"]) == (link("source", "clip"),) * 2
    for _ in range(5):
        page.keyboard.press("Control+z")
    assert editor.document()["nodes"] == film()["nodes"]


def test_the_knife_cuts_what_it_crosses(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    at = middle_of_link(editor, "source", "clip", "cut", "clip")
    page.keyboard.down("Control")
    page.keyboard.down("Shift")
    editor.drag((at[0], at[1] - 120), (at[0] + 4, at[1] + 120))
    page.keyboard.up("Shift")
    page.keyboard.up("Control")
    nodes = editor.document()["nodes"]
    assert nodes["cut"]["inputs"] == {}
    assert nodes["save"]["inputs"] == film()["nodes"]["save"]["inputs"]


def test_all_links_of_an_output_move_to_another(editor: Any) -> None:
    page = editor.page
    document = film()
    document["nodes"]["other"] = {"type": "test_pattern", "version": 1, "at": [0, 420], "inputs": {}}
    document["nodes"]["save"]["inputs"]["clip"] = link("source", "clip")
    show(editor, document)
    page.keyboard.down("Shift")
    editor.drag(editor.port("source", "output", "clip"), editor.port("other", "output", "clip"))
    page.keyboard.up("Shift")
    nodes = editor.document()["nodes"]
    assert nodes["cut"]["inputs"]["clip"] == nodes["save"]["inputs"]["clip"] == link("other", "clip")
    page.keyboard.down("Alt")
    page.mouse.click(*editor.port("other", "output", "clip"))
    page.keyboard.up("Alt")
    nodes = editor.document()["nodes"]
    assert (nodes["cut"]["inputs"], nodes["save"]["inputs"]) == ({}, {})


def test_alt_and_a_drag_makes_a_copy_in_one_step(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    start = header(editor, "cut")
    page.keyboard.down("Alt")
    editor.drag(start, (start[0] + 60, start[1] + 300))
    page.keyboard.up("Alt")
    nodes = editor.document()["nodes"]
    assert nodes["cut"] == film()["nodes"]["cut"]
    assert nodes["trim_clip"]["inputs"] == {"clip": link("source", "clip")}
    assert nodes["trim_clip"]["at"][1] > 200
    page.keyboard.press("Control+z")
    assert editor.document()["nodes"] == film()["nodes"]


def test_a_box_selects_adds_and_subtracts_and_a_pinned_node_stays(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    boxes = {name: editor.box(editor.node(name)) for name in ("source", "cut", "save")}

    def box(key: str, *names: str) -> None:
        left = min(boxes[name]["x"] for name in names) - 10
        right = max(boxes[name]["x"] + 40 for name in names)
        top = min(boxes[name]["y"] for name in names)
        page.keyboard.down(key)
        editor.drag((left, top - 30), (right, top + 30))
        page.keyboard.up(key)

    def selected() -> set[str]:
        found = page.eval_on_selector_all('.node[data-selected="true"]', "nodes => nodes.map(n => n.dataset.node)")
        return set(found)

    box("Control", "source")
    assert selected() == {"source"}
    box("Shift", "cut", "save")
    assert selected() == {"source", "cut", "save"}
    box("Alt", "save")
    assert selected() == {"source", "cut"}
    page.keyboard.press("p")
    page.keyboard.press("]")
    assert selected() == {"source", "cut", "save"}
    page.keyboard.press("ArrowDown")
    nodes = editor.document()["nodes"]
    assert [nodes[name]["at"][1] for name in ("source", "cut", "save")] == [0, 0, 12]
    assert nodes["cut"]["pinned"] is True


def test_delete_joins_the_links_and_a_node_is_replaced(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    page.mouse.click(*header(editor, "cut"))
    page.keyboard.press("Control+Delete")
    assert editor.document()["nodes"]["save"]["inputs"]["clip"] == link("source", "clip")
    page.keyboard.press("Control+z")
    page.mouse.click(*header(editor, "cut"))
    page.keyboard.press("Shift+r")
    page.locator(".search").wait_for()
    page.keyboard.type("upscale")
    page.keyboard.press("Enter")
    nodes = editor.document()["nodes"]
    assert nodes["cut"]["type"] == "upscale_clip"
    assert nodes["cut"]["inputs"] == {"clip": link("source", "clip")}
    assert nodes["save"]["inputs"]["clip"] == link("cut", "clip")


def test_a_knob_inside_becomes_an_input_outside(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    page.mouse.click(*header(editor, "cut"))
    page.keyboard.press("Control+Shift+e")
    page.keyboard.press("Enter")
    editor.node("subgraph").locator(".row").first.dblclick()
    editor.node("cut").wait_for()
    page.locator('[data-port="input"][data-node="cut"][data-name="start_s"]').click(button="right")
    page.get_by_role("menuitem", name="Show outside").click()
    panel = page.get_by_role("region", name="Inputs and outputs")
    name = panel.get_by_label("Name outside").nth(1)
    assert name.input_value() == "start_s"
    name.fill("begin")
    name.press("Enter")
    panel.get_by_label("Move up: begin").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    editor.set_knob("subgraph", "begin", "0.1")
    document = editor.document()
    assert list(document["subgraphs"]["subgraph"]["inputs"]) == ["begin", "clip"]
    assert document["nodes"]["subgraph"]["inputs"]["begin"] == pytest.approx(0.1)
    page.get_by_text("3 of 3 nodes will run").wait_for()


def test_copies_of_a_subgraph_share_it_until_they_are_made_independent(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    page.mouse.click(*header(editor, "cut"))
    page.keyboard.press("Control+Shift+e")
    page.keyboard.press("Enter")
    page.mouse.click(*header(editor, "subgraph"))
    page.keyboard.press("Control+c")
    page.mouse.move(700, 700)
    page.keyboard.press("Control+v")
    editor.node("subgraph_2").wait_for()
    assert len(editor.document()["subgraphs"]) == 1
    page.mouse.click(*header(editor, "subgraph_2"), button="right")
    page.get_by_role("menuitem", name="Make this subgraph independent").click()
    document = editor.document()
    assert document["nodes"]["subgraph_2"]["type"] == "subgraph/subgraph_2"
    assert document["subgraphs"]["subgraph"] == document["subgraphs"]["subgraph_2"]
    page.keyboard.press("Delete")
    assert list(editor.document()["subgraphs"]) == ["subgraph"]


def test_menus_open_by_mouse_and_key_and_run_commands(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    page.mouse.click(*middle_of_link(editor, "source", "clip", "cut", "clip"), button="right")
    page.get_by_role("menuitem", name="Insert a node").click()
    page.locator(".search").wait_for()
    assert page.locator(".search [role=option]", has_text="Save video").count() == 0
    page.keyboard.type("upscale")
    page.keyboard.press("Enter")
    inputs = {name: node["inputs"].get("clip") for name, node in editor.document()["nodes"].items()}
    assert inputs["upscale_clip"] == link("source", "clip")
    assert inputs["cut"] == link("upscale_clip", "clip")

    page.mouse.click(*header(editor, "save"))
    page.keyboard.press("c")
    page.get_by_role("menuitemcheckbox", name="Teal").click()
    assert editor.document()["nodes"]["save"]["color"].startswith("#")
    page.keyboard.press("Shift+F10")
    page.get_by_role("menu").wait_for()
    page.keyboard.press("Home")
    page.keyboard.type("m")
    page.keyboard.press("Enter")
    assert editor.document()["nodes"]["save"]["mode"] == "mute"
    page.keyboard.press("r")
    page.get_by_text("The catalogue has").wait_for()
    page.mouse.click(1200, 700, button="right")
    page.get_by_role("menuitem", name="Add a note").click()
    assert len(editor.document()["notes"]) == 1


def test_a_subgraph_crosses_windows_by_the_clipboard(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    page.mouse.click(*header(editor, "cut"))
    page.keyboard.press("Control+Shift+e")
    page.keyboard.press("Enter")
    page.mouse.click(*header(editor, "subgraph"))
    page.keyboard.press("Control+c")
    page.get_by_text("Copied the node").wait_for()
    other = page.context.new_page()
    other.goto(editor.server.url)
    other.locator(".graph").wait_for()
    other.keyboard.press("Control+a")
    other.keyboard.press("Delete")
    other.mouse.move(500, 400)
    other.keyboard.press("Control+v")
    other.locator('article[data-node="subgraph"]').wait_for()
    other.keyboard.press("e")
    other.locator('article[data-node="cut"]').wait_for()
    other.close()


def test_several_links_are_chosen_and_a_focused_port_has_a_menu(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    page.mouse.click(*middle_of_link(editor, "source", "clip", "cut", "clip"))
    page.keyboard.down("Control")
    page.mouse.click(*middle_of_link(editor, "cut", "clip", "save", "clip"))
    page.keyboard.up("Control")
    page.keyboard.press("Delete")
    nodes = editor.document()["nodes"]
    assert (nodes["cut"]["inputs"], nodes["save"]["inputs"]) == ({}, {})
    page.keyboard.press("Control+z")
    page.locator('[data-port="input"][data-node="save"][data-name="clip"]').focus()
    page.keyboard.press("Shift+F10")
    page.get_by_role("menuitem", name="Cut its links").press("Enter")
    assert editor.document()["nodes"]["save"]["inputs"] == {}


def test_painted_nodes_are_moved_copied_and_boxed_from_far_away(editor: Any) -> None:
    page = editor.page
    show(editor, film())
    page.mouse.move(720, 450)
    for _ in range(8):
        page.keyboard.press("Alt+-")
    page.wait_for_function("document.querySelectorAll('article[data-node]').length === 0")
    zoom = float(page.locator(".zoom-bar").inner_text().split()[0]) / 100
    canvas = page.locator(".graph").bounding_box()
    middle = (canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2)
    # The view keeps its middle, where `cut` is.
    document = editor.document()["nodes"]
    page.keyboard.down("Alt")
    editor.drag(middle, (middle[0], middle[1] + 300 * zoom))
    page.keyboard.up("Alt")
    nodes = editor.document()["nodes"]
    assert nodes["cut"] == document["cut"]
    assert nodes["trim_clip"]["at"][1] == pytest.approx(300, abs=8)
    page.keyboard.down("Control")
    editor.drag((middle[0] - 700 * zoom, middle[1] - 400 * zoom), (middle[0] - 200 * zoom, middle[1] + 100 * zoom))
    page.keyboard.up("Control")
    page.keyboard.press("Delete")
    assert set(editor.document()["nodes"]) == {"cut", "save", "trim_clip"}
