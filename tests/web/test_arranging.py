"""Arranging in a real browser: groups, notes, guides, aligning, the layered layout, and finding."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.browser

HOSTILE = """# Heading

**bold** and <b onclick="window.broken = 1">raw</b> <script>window.broken = 2</script>
<img src="https://outside.invalid/a.png" onerror="window.broken = 3">
![a picture](https://outside.invalid/b.png)
[good](https://example.com/page) [mail](mailto:someone@example.com)
[script](javascript:window.broken=4) [data](data:text/html,<script>window.broken=5</script>)
[local](file:///etc/passwd) [relative](/api/v1/jobs) <javascript:window.broken=6>
<svg onload="window.broken = 7"><style>body { display: none }</style></svg>

| a | b |
|---|---|
| 1 | <iframe src="https://outside.invalid"></iframe> |
"""


# How much a table's lines stand out from the note they are in, as WCAG measures it.
LINE_CONTRAST = """note => {
    const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const light = colors => {
        for (const color of colors) {
            context.fillStyle = color;
            context.fillRect(0, 0, 1, 1);
        }
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(part => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const color = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
    const paper = [color('body', 'backgroundColor'), color('.note', 'backgroundColor')];
    const [one, other] = [light(paper), light([...paper, color('.note td', 'borderTopColor')])];
    return Math.max(one, other) / Math.min(one, other);
}"""


def workflow(**fields: Any) -> dict[str, Any]:
    return {"kinegraph": 1, "title": "Arranged", "inputs": {}, "outputs": {}, "nodes": {}, **fields}


def three_nodes() -> dict[str, Any]:
    nodes: dict[str, Any] = {
        name: {"type": "number", "version": 1, "title": name, "at": at, "inputs": {}}
        for name, at in {"one": [0, 0], "two": [300, 50], "three": [900, 130]}.items()
    }
    return workflow(nodes=nodes)


def open_document(editor: Any, document: dict[str, Any]) -> None:
    editor.drop("flow.json", json.dumps(document).encode(), "application/json")
    editor.page.get_by_text(f"Opened “{document['title']}”").wait_for()


def places(editor: Any) -> dict[str, list[int]]:
    return {name: node["at"] for name, node in editor.document()["nodes"].items()}


def run_command(editor: Any, words: str) -> None:
    editor.page.keyboard.press("Control+k")
    editor.page.keyboard.type(words)
    editor.page.keyboard.press("Enter")


def test_a_hostile_note_is_shown_harmless_and_asks_nobody(editor: Any) -> None:
    page = editor.page
    open_document(editor, workflow(notes=[{"text": HOSTILE, "at": [0, 0], "size": [420, 420]}]))
    note = page.locator(".note-text")
    note.get_by_role("heading", name="Heading").wait_for()
    assert page.get_by_text("Start with something").count() == 0  # a note is something
    assert note.locator("strong").inner_text() == "bold"
    tags = note.evaluate("note => [...new Set([...note.querySelectorAll('*')].map(one => one.tagName))].sort()")
    assert tags == ["A", "BR", "H1", "P", "STRONG", "TABLE", "TBODY", "TD", "TH", "THEAD", "TR"]
    links = note.locator("a").evaluate_all("all => all.map(one => [one.href, one.rel, one.target, one.title])")
    # Addresses that are written out become links of their own text; nothing but the web and mail is linked.
    written_out = ["https://outside.invalid/a.png", "https://outside.invalid/"]
    wanted = [written_out[0], "https://example.com/page", "mailto:someone@example.com", written_out[1]]
    assert links == [[href, "noopener noreferrer", "_blank", href] for href in wanted]
    attributes = note.evaluate("note => [...note.querySelectorAll('*')].flatMap(one => one.getAttributeNames())")
    assert set(attributes) == {"href", "rel", "target", "title"}
    assert "<script>" in note.inner_text()
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        editor.wait_until(f"document.documentElement.dataset.theme === '{theme}'")
        assert note.evaluate(LINE_CONTRAST) >= 2.5
    assert page.evaluate("window.broken") is None


def test_a_note_is_written_and_read_again(editor: Any) -> None:
    page = editor.page
    editor.add("number", 500, 600)
    page.mouse.move(300, 250)
    page.keyboard.press("Control+Shift+m")
    page.get_by_role("textbox", name="Note").fill("# Plan\n\n- first\n- second")
    page.keyboard.press("Escape")
    page.locator(".note-text li", has_text="second").wait_for()
    page.keyboard.press("F2")
    page.get_by_role("textbox", name="Note").fill("changed")
    page.keyboard.press("Escape")
    page.locator(".note-text p", has_text="changed").wait_for()
    assert [note["text"] for note in editor.document()["notes"]] == ["changed"]


def test_a_group_is_named_fitted_bypassed_moved_and_taken_apart(editor: Any) -> None:
    page = editor.page
    open_document(editor, three_nodes())
    page.locator("article h3", has_text="one").click()
    page.locator("article h3", has_text="two").click(modifiers=["Shift"])
    page.keyboard.press("Control+g")
    page.keyboard.type("Sources")
    page.keyboard.press("Enter")
    before = editor.document()
    assert [group["title"] for group in before["groups"]] == ["Sources"]
    page.get_by_role("button", name="Color: Teal").click()
    page.get_by_role("button", name="Color: Teal", pressed=True).wait_for()
    page.get_by_role("button", name="Bypass the group").click()
    assert {name: node.get("mode") for name, node in editor.document()["nodes"].items()} == {
        "one": "bypass", "two": "bypass", "three": None,
    }  # fmt: skip
    page.keyboard.press("Control+z")
    title = editor.box(page.locator(".group-title > span"))
    editor.drag((title["x"] + 10, title["y"] + 8), (title["x"] + 70, title["y"] + 128))
    moved, was = editor.document(), before["nodes"]
    by = [moved["groups"][0]["at"][axis] - before["groups"][0]["at"][axis] for axis in (0, 1)]
    assert by != [0, 0]
    for name in ("one", "two"):
        assert moved["nodes"][name]["at"] == [was[name]["at"][axis] + by[axis] for axis in (0, 1)]
    assert moved["nodes"]["three"]["at"] == was["three"]["at"]
    page.get_by_role("button", name="Take the group apart").click()
    assert editor.document()["groups"] == []
    assert len(editor.document()["nodes"]) == 3


def test_groups_and_notes_are_copied_cut_and_duplicated_with_what_lies_in_them(editor: Any) -> None:
    page = editor.page
    frame = {"title": "Sources", "at": [-30, -60], "size": [620, 300]}
    note = {"text": "why", "at": [620, 0], "size": [200, 80]}
    open_document(editor, three_nodes() | {"groups": [frame], "notes": [note]})
    group = page.locator(".group", has_text="Sources")
    held = editor.box(group.locator(".group-title > span"))
    start = (held["x"] + 10, held["y"] + 8)

    page.keyboard.down("Alt")
    editor.drag(start, (start[0], start[1] + 330))
    page.keyboard.up("Alt")
    document = editor.document()
    assert document["groups"][0] == frame
    down = document["groups"][1]["at"][1] - frame["at"][1]
    assert down > 200
    assert [node["at"][1] for node in document["nodes"].values()] == [0, 50, 130, down, 50 + down]
    page.keyboard.press("Control+z")
    assert len(editor.document()["groups"]) == 1

    page.mouse.click(*start)
    page.locator(".note-text").click(modifiers=["Shift"])
    page.keyboard.press("Control+d")
    document = editor.document()
    assert (len(document["groups"]), len(document["notes"]), len(document["nodes"])) == (2, 2, 5)
    page.keyboard.press("Control+x")  # the copies, which are selected
    page.get_by_text("Copied 4 items").wait_for()
    document = editor.document()
    assert (document["groups"], document["notes"], len(document["nodes"])) == ([frame], [note], 3)

    page.keyboard.press("Alt+n")
    page.mouse.move(300, 300)
    page.keyboard.press("Control+v")
    group.wait_for()
    document = editor.document()
    assert [group["title"] for group in document["groups"]] == ["Sources"]
    assert [note["text"] for note in document["notes"]] == ["why"]
    (one, two) = [node["at"] for node in document["nodes"].values()]
    assert (two[0] - one[0], two[1] - one[1]) == (300, 50)
    page.keyboard.press("Delete")
    document = editor.document()
    assert (document["groups"], document["notes"], document["nodes"]) == ([], [], {})


def test_nodes_are_aligned_and_spaced_as_one_step(editor: Any) -> None:
    page = editor.page
    open_document(editor, three_nodes())
    page.keyboard.press("Control+a")
    page.keyboard.press("Alt+Shift+w")
    assert {at[1] for at in places(editor).values()} == {0}
    run_command(editor, "even gaps from left")
    at = places(editor)
    assert at["two"][0] - at["one"][0] == at["three"][0] - at["two"][0]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert places(editor) == {name: node["at"] for name, node in three_nodes()["nodes"].items()}


def test_a_dragged_node_falls_in_with_another_and_a_line_says_so(editor: Any) -> None:
    page = editor.page
    open_document(editor, three_nodes())
    start = editor.box(page.locator("article h3", has_text="two"))
    target = editor.box(page.locator("article h3", has_text="one"))
    x, y = start["x"] + 20, start["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=3)
    page.mouse.move(x + 33, target["y"] + 8 + 4, steps=5)
    page.locator(".guides line").first.wait_for(state="attached")
    page.mouse.up()
    page.locator(".guides").wait_for(state="detached")
    assert places(editor)["two"][1] == places(editor)["one"][1]


def test_the_layout_is_layered_by_elk_in_its_worker_and_keeps_groups_together(editor: Any) -> None:
    page = editor.page
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    nodes: dict[str, Any] = {
        "models": {"type": "load_starter", "version": 1, "at": [900, 0], "inputs": {}},
        "text": {
            "type": "encode_text",
            "version": 1,
            "at": [0, 0],
            "inputs": {"encoder": {"link": ["models", "text_encoder"]}},
        },
        "latent": {
            "type": "empty_latent_video",
            "version": 1,
            "at": [0, 400],
            "inputs": {"model": {"link": ["models", "model"]}},
        },
    }
    group = {"title": "Both", "at": [-30, -60], "size": [320, 900]}
    open_document(editor, workflow(nodes=nodes, groups=[group]))
    assert not any("elk" in url for url in loaded)
    page.locator(".react-flow__pane").click(position={"x": 40, "y": 40})
    page.keyboard.press("l")
    editor.wait_until("document.querySelector('article[data-node=models]').getBoundingClientRect().x < 600")
    assert any("elk-worker" in url for url in loaded)
    document = editor.document()
    at = {name: node["at"] for name, node in document["nodes"].items()}
    assert at["models"][0] + 240 < min(at["text"][0], at["latent"][0])
    framed = document["groups"][0]
    for name in ("text", "latent"):
        assert framed["at"][0] < at[name][0] < framed["at"][0] + framed["size"][0]
    assert framed["at"][0] > at["models"][0] + 240


def test_find_goes_to_values_groups_and_notes(editor: Any) -> None:
    page = editor.page
    document = three_nodes()
    document["nodes"]["far"] = {
        "type": "number", "version": 1, "title": "Far away", "at": [9000, 4000], "inputs": {"value": 7421.0}
    }  # fmt: skip
    document["notes"] = [{"text": "remember the lighthouse", "at": [-5000, 0], "size": [200, 100]}]
    open_document(editor, document)
    page.keyboard.press("Control+f")
    page.keyboard.type("7421")
    page.get_by_text("1 found").wait_for()
    page.keyboard.press("Enter")
    editor.node("far").wait_for()
    assert editor.node("far").get_attribute("data-selected") == "true"
    page.keyboard.press("Control+f")
    page.keyboard.type("lighthouse")
    page.keyboard.press("ArrowDown")
    page.locator(".note[data-selected=true]").wait_for()
    page.keyboard.press("Escape")
    page.locator(".find").wait_for(state="detached")


def test_the_layout_leaves_pinned_nodes_alone(editor: Any) -> None:
    page = editor.page
    document = three_nodes()
    document["nodes"]["three"].update(at=[310, 60], pinned=True)
    document["nodes"]["two"]["at"] = [2000, 900]
    open_document(editor, document)
    page.locator(".react-flow__pane").click(position={"x": 40, "y": 40})
    page.keyboard.press("l")
    page.get_by_role("button", name="Undo").and_(page.locator(":enabled")).wait_for()
    assert places(editor)["three"] == [310, 60]
    assert places(editor)["two"] != [2000, 900]


def test_a_selected_group_is_what_the_view_is_fitted_to(editor: Any) -> None:
    page = editor.page
    document = {**three_nodes(), "groups": [{"title": "Far", "at": [6000, 3000], "size": [800, 600]}]}
    open_document(editor, document)
    page.keyboard.press("Control+f")
    page.keyboard.type("Far")
    page.keyboard.press("Enter")
    page.keyboard.press("f")
    editor.wait_until("document.querySelector('.group')?.getBoundingClientRect().width > 500")
    box, canvas = page.locator(".group").bounding_box(), page.locator(".graph").bounding_box()
    assert canvas["x"] <= box["x"]
    assert box["x"] + box["width"] <= canvas["x"] + canvas["width"]
    assert canvas["y"] <= box["y"]
    assert box["y"] + box["height"] <= canvas["y"] + canvas["height"]


def test_groups_and_notes_of_a_subgraph_live_in_it_and_come_out_with_its_nodes(editor: Any) -> None:
    page = editor.page
    document = three_nodes()
    inner = {name: document["nodes"].pop(name) for name in ("one", "two")}
    document["subgraphs"] = {"part": {"title": "Part", "nodes": inner}}
    document["nodes"]["use"] = {"type": "subgraph/part", "at": [300, 300], "inputs": {}}
    open_document(editor, document)
    editor.node("use").locator("h3").click()
    page.keyboard.press("e")
    editor.node("one").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+g")
    page.keyboard.type("Inside")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.mouse.move(300, 200)
    page.keyboard.press("Control+Shift+m")
    page.get_by_role("textbox", name="Note").fill("of the part")
    page.keyboard.press("Escape")
    page.locator(".note-text", has_text="of the part").wait_for()
    written = editor.document()
    part = written["subgraphs"]["part"]
    assert [group["title"] for group in part["groups"]] == ["Inside"]
    assert [note["text"] for note in part["notes"]] == ["of the part"]
    assert not written.get("groups")
    assert not written.get("notes")
    page.locator(".breadcrumbs button", has_text="Arranged").click()
    editor.node("use").locator("h3").click()
    assert page.locator(".group, .note").count() == 0
    page.keyboard.press("Control+Shift+u")
    page.locator(".group", has_text="Inside").wait_for()
    unpacked = editor.document()
    assert "part" not in unpacked.get("subgraphs", {})
    assert [note["text"] for note in unpacked["notes"]] == ["of the part"]
