"""The editor in a real browser against the real server and the starter model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
RUN_MS = 240_000
MOST_MOUNTED = 120


def big_workflow(count: int) -> dict[str, Any]:
    """A grid of chained nodes with several knobs each."""
    nodes: dict[str, Any] = {}
    for index in range(count):
        at = [index % 40 * 300, index // 40 * 260]
        inputs = {"clip": {"link": [f"n{index - 1}", "clip"]}} if index % 40 else {}
        nodes[f"n{index}"] = {"type": "upscale_clip", "version": 1, "at": at, "inputs": inputs}
    return {"kinegraph": 1, "title": "Many", "inputs": {}, "outputs": {}, "nodes": nodes}


def test_a_video_is_made_from_an_empty_canvas_by_mouse_and_keyboard(editor: Any, tmp_path: Path) -> None:
    page = editor.page
    editor.add("load starter", 60, 330)
    editor.link_to_new("load_starter", "text_encoder", "encode", 400, 180)
    editor.link_to_new("load_starter", "model", "empty latent", 400, 480)
    editor.link_to_new("encode_text", "conditioning", "denoise", 720, 240)
    editor.link("load_starter", "model", "denoise", "model")
    editor.link("empty_latent_video", "latent", "denoise", "latent")
    editor.link_to_new("denoise", "latent", "decode", 1060, 200)
    editor.link("load_starter", "vae", "vae_decode", "vae")
    editor.link_to_new("vae_decode", "clip", "save video", 1060, 400)
    assert len(editor.document()["nodes"]) == 6

    page.locator('[id="encode_text.text"]').click()
    page.keyboard.type("a red ball rolls right across a meadow")
    for name, value in {"width": "64", "height": "32*2", "seconds": "1"}.items():
        editor.set_knob("empty_latent_video", name, value)
    editor.set_knob("denoise", "steps", "80")  # some seconds: the first preview comes after one
    page.get_by_text("6 of 6 nodes will run").wait_for()

    page.keyboard.press("Control+Enter")
    page.locator('[data-node="denoise"] .node-count', has_text="of 80").first.wait_for(timeout=RUN_MS)
    page.locator('article[data-node="save_video"][data-state="done"] video').wait_for(timeout=RUN_MS)
    page.locator('article[data-node="save_video"] .player').get_by_label("Play", exact=True).click()
    editor.wait_until("document.querySelector('article[data-node=save_video] video').currentTime > 0.1")
    page.locator('article[data-node="denoise"] .row.media img').wait_for()

    page.locator('[id="encode_text.text"]').click()
    page.keyboard.press("End")
    page.keyboard.type(" at night")
    page.locator('article[data-node="denoise"] .node-badge.stale').wait_for()
    assert editor.node("load_starter").locator(".node-badge.stale").count() == 0

    page.locator("article[data-node=denoise] h3").click()
    page.keyboard.press("Control+z")
    assert editor.document()["nodes"]["encode_text"]["inputs"]["text"] == "a red ball rolls right across a meadow"
    page.locator('article[data-node="denoise"] .node-badge.stale').wait_for(state="hidden")

    page.get_by_text("all 6 are up to date").wait_for()
    page.keyboard.press("Control+Enter")  # nothing runs, and what was seen of it is seen again
    page.locator('article[data-node="denoise"][data-state="idle"] .row.media img').wait_for()
    page.locator('article[data-node="save_video"][data-state="cached"] video').wait_for()

    before = editor.document()
    with page.expect_download() as saved:
        page.keyboard.press("Control+Shift+s")
    assert json.loads(Path(saved.value.path()).read_text(encoding="utf-8")) == before

    page.reload()
    page.locator('article[data-node="save_video"] video').wait_for()
    assert editor.document() == before

    url = page.locator('article[data-node="save_video"] video').get_attribute("src")
    video = page.request.get(editor.server.url + url).body()
    page.keyboard.press("Alt+n")
    page.get_by_text("Start with something").wait_for()
    editor.drop("clip.mp4", video, "video/mp4")
    editor.node("denoise").wait_for()
    assert editor.document()["nodes"] == before["nodes"]


def test_a_refused_link_says_why_and_changes_nothing(editor: Any) -> None:
    page = editor.page
    editor.add("load starter", 200, 300)
    editor.add("encode text", 600, 300)
    before = editor.document()
    page.mouse.move(*editor.port("load_starter", "output", "vae"))
    page.mouse.down()
    page.mouse.move(500, 400, steps=3)
    page.mouse.move(*editor.port("encode_text", "input", "encoder"), steps=3)
    page.get_by_text("Vae does not fit into TextEncoder").wait_for()
    assert page.locator('[data-port="input"][data-name="encoder"]').get_attribute("data-dim") == "true"
    page.mouse.up()
    assert editor.document() == before


def test_a_link_is_moved_cut_and_brought_back(editor: Any) -> None:
    page = editor.page
    editor.add("load starter", 200, 300)
    editor.link_to_new("load_starter", "text_encoder", "encode", 600, 200)
    editor.add("encode text", 600, 480)
    editor.drag(editor.port("encode_text", "input", "encoder"), editor.port("encode_text_2", "input", "encoder"))
    nodes = editor.document()["nodes"]
    assert nodes["encode_text"]["inputs"] == {}
    assert nodes["encode_text_2"]["inputs"]["encoder"] == {"link": ["load_starter", "text_encoder"]}
    editor.drag(editor.port("encode_text_2", "input", "encoder"), (1000, 700))
    assert editor.document()["nodes"]["encode_text_2"]["inputs"] == {}
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert editor.document()["nodes"]["encode_text"]["inputs"] == {
        "encoder": {"link": ["load_starter", "text_encoder"]}
    }


def test_nodes_are_moved_copied_deleted_and_undone(editor: Any) -> None:
    page = editor.page
    editor.add("test pattern", 300, 300)
    title = editor.box(editor.node("test_pattern").locator("h3"))
    editor.drag((title["x"] + 20, title["y"] + 8), (title["x"] + 260, title["y"] + 128))
    at = editor.document()["nodes"]["test_pattern"]["at"]
    page.keyboard.press("Control+c")
    page.mouse.move(900, 600)
    page.keyboard.press("Control+v")
    editor.node("test_pattern_2").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    assert editor.document()["nodes"] == {}
    page.keyboard.press("Control+z")
    nodes = editor.document()["nodes"]
    assert nodes["test_pattern"]["at"] == at
    assert set(nodes) == {"test_pattern", "test_pattern_2"}


def test_what_the_server_finds_wrong_marks_the_socket(editor: Any) -> None:
    page = editor.page
    editor.add("save video", 400, 300)
    editor.set_knob("save_video", "crf", "400")
    page.get_by_text("2 problems").click()
    page.locator(".problem-list li").nth(1).wait_for()
    assert page.locator('[data-node="save_video"][data-name="clip"]').get_attribute("data-fault") == "true"
    page.locator('[id="save_video.crf"]').hover()
    page.get_by_text("At most").wait_for()


def test_a_thousand_nodes_mount_few(editor: Any) -> None:
    page = editor.page
    editor.drop("many.json", json.dumps(big_workflow(1000)).encode(), "application/json")
    page.get_by_text("Opened “Many”").wait_for()
    editor.wait_until("document.querySelectorAll('article[data-node]').length === 0")
    page.mouse.move(700, 450)
    mounted = []
    for _ in range(14):
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(60)
        mounted.append(len(editor.node_ids()))
    assert max(mounted) <= MOST_MOUNTED
    assert mounted[-1] > 0
    page.mouse.down()
    for step in range(12):
        page.mouse.move(700 - 90 * step, 450 - 30 * step)
        mounted.append(len(editor.node_ids()))
    page.mouse.up()
    assert max(mounted) <= MOST_MOUNTED


def test_the_editor_goes_on_after_the_server_was_killed(editor: Any) -> None:
    page = editor.page
    editor.add("test pattern", 300, 300)
    editor.link_to_new("test_pattern", "clip", "save video", 800, 300)
    page.get_by_text("2 of 2 nodes will run").wait_for()
    editor.server.kill()
    page.get_by_text("No connection").wait_for()
    editor.set_knob("test_pattern", "seconds", "0.5")
    editor.server.start()
    page.get_by_text("No connection").wait_for(state="hidden", timeout=60_000)
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("Control+Enter")
    page.locator('article[data-node="save_video"][data-state="done"] video').wait_for(timeout=RUN_MS)
    assert editor.document()["nodes"]["test_pattern"]["inputs"]["seconds"] == pytest.approx(0.5)
