"""Knobs in a real browser: searched, dragged, brought files, trimmed, counted, linked, and drawn by packs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Server
from tests.web.desk import bring, run, show, start_server, until, write_numbered

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    write_numbered(home / "uploads" / "numbered.mp4")
    for name, size in (("diffusion_models/wan_14B.safetensors", 3_200_000), ("loras/style.safetensors", 150_000)):
        (home / "models" / name).parent.mkdir(parents=True)
        (home / "models" / name).write_bytes(bytes(size))
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from start_server(home, monkeypatch, scripts="desk")


def inputs_of(editor: Any, node: str) -> dict[str, Any]:
    return editor.document()["nodes"][node]["inputs"]


def test_a_choice_is_searched_by_typing_and_stepped_by_arrows(editor: Any) -> None:
    page = editor.page
    show(editor, {"save": ("save_video", {})})
    knob = page.locator('[id="save.codec"]')
    knob.focus()
    page.keyboard.type("pro")
    page.get_by_role("option", name="prores").wait_for()
    assert page.get_by_role("option").count() < 4
    page.keyboard.press("Enter")
    page.get_by_role("listbox").wait_for(state="hidden")
    assert inputs_of(editor, "save")["codec"] == "prores"
    assert knob.evaluate("knob => document.activeElement === knob")
    page.keyboard.press("ArrowUp")
    assert inputs_of(editor, "save")["codec"] == "vp9"
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("listbox").wait_for(state="hidden")
    assert inputs_of(editor, "save")["codec"] == "vp9"


def test_seeds_count_with_each_run_and_are_found_again(editor: Any) -> None:
    page = editor.page
    show(
        editor,
        {
            "pattern": ("test_pattern", {"width": 64, "height": 48, "seconds": 0.25, "fps": 8}),
            "grain": ("add_film_grain", {"clip": {"link": ["pattern", "clip"]}, "seed": 41}),
            "save": ("save_video", {"clip": {"link": ["grain", "clip"]}}),
        },
    )
    page.locator('[data-node="grain"]').get_by_label("With each run:").click()
    page.get_by_label("One more").check()
    page.keyboard.press("Escape")
    for seed in (42, 43):
        run(editor, "save")
        until(page, "seed => document.getElementById('grain.seed').value === String(seed)", seed)
        page.locator('article[data-node="save"] video').wait_for()
    assert editor.document()["nodes"]["grain"]["seeds"] == {"seed": "increment"}
    page.locator('[data-node="grain"]').get_by_label("With each run:").click()
    page.locator(".used-seeds li").nth(1).wait_for()
    assert [text.split()[0] for text in page.locator(".used-seeds li").all_inner_texts()] == ["43", "42"]
    page.locator(".used-seeds button", has_text="42").click()
    node = editor.document()["nodes"]["grain"]
    assert node["inputs"]["seed"] == 42
    assert "seeds" not in node


def test_a_text_grows_with_what_is_typed_and_is_dragged(editor: Any) -> None:
    page = editor.page
    show(editor, {"text": ("text", {})})
    area = page.locator('[id="text.value"]')
    before = area.bounding_box()["height"]
    area.fill("a red boat drifts left across the sea\n" * 8)
    until(page, "before => document.getElementById('text.value').offsetHeight > before + 50", before)
    grip = editor.box(page.locator(".area-grip"))
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    editor.drag((x, y), (x, y + 120))
    height = editor.document()["nodes"]["text"]["heights"]["value"]
    assert area.bounding_box()["height"] > before + 150
    page.locator(".area-grip").focus()
    page.keyboard.press("ArrowUp")
    assert editor.document()["nodes"]["text"]["heights"]["value"] < height
    page.keyboard.press("Home")
    assert "heights" not in editor.document()["nodes"]["text"]


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_file_is_brought_to_its_knob_and_seen(editor: Any, tmp_path: Path, way: str) -> None:
    page = editor.page
    write_numbered(tmp_path / f"by_{way}.mp4", 24)
    show(editor, {"load": ("load_video", {})})
    bring(editor, '[id="load.file"]', tmp_path / f"by_{way}.mp4", "video/mp4", way)
    page.locator('[data-node="load"] .scrub-frame').wait_for()
    page.locator('[data-node="load"] .file-facts', has_text="23.98 fps · 1.00 s").wait_for()
    assert inputs_of(editor, "load") == {"file": f"by_{way}.mp4"}
    assert len(editor.document()["nodes"]) == 1


def test_a_part_is_chosen_on_its_frames(editor: Any) -> None:
    page = editor.page
    show(editor, {"load": ("load_video", {"file": "numbered.mp4"})})
    start, end = page.get_by_label("Start of the part"), page.get_by_label("End of the part")
    page.locator('[data-node="load"] .filmstrip').wait_for()
    start.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    assert inputs_of(editor, "load")["start_s"] == pytest.approx(11 * 1001 / 24000, abs=0.001)
    track = page.locator(".trim").bounding_box()
    handle = editor.box(end)
    y = handle["y"] + 20
    editor.drag((handle["x"] + 4, y), (track["x"] + track["width"] / 2, y))
    length = inputs_of(editor, "load")["duration_s"]
    assert length == pytest.approx((30 - 11) * 1001 / 24000, abs=0.09)
    start.focus()
    page.keyboard.press("Home")
    inputs = inputs_of(editor, "load")
    assert inputs["start_s"] == 0
    assert inputs["duration_s"] == pytest.approx(length + 11 * 1001 / 24000, abs=0.002)
    end.focus()
    page.keyboard.press("End")
    assert inputs_of(editor, "load")["duration_s"] == 0


def test_a_linked_knob_shows_what_came_through(editor: Any) -> None:
    page = editor.page
    show(
        editor,
        {
            "size": ("integer", {"value": 64}),
            "pattern": ("test_pattern", {"width": {"link": ["size", "value"]}, "height": 48, "seconds": 0.25}),
            "preview": ("preview_clip", {"clip": {"link": ["pattern", "clip"]}}),
        },
    )
    linked = page.locator('[data-node="pattern"] .field.linked')
    assert "from Integer" in linked.inner_text()
    run(editor, "preview")
    until(page, "() => document.querySelector('[data-node=pattern] .field.linked output')?.textContent === '64'")


def test_limits_are_told_while_one_types(editor: Any) -> None:
    page = editor.page
    show(editor, {"pattern": ("test_pattern", {})})
    page.locator('[id="pattern.seconds"]').fill("-1")
    page.locator('[data-node="pattern"] .knob-problem', has_text="At least").wait_for()
    page.locator('[id="pattern.seconds"]').fill("1/4")
    page.locator('[data-node="pattern"] .knob-problem').wait_for(state="hidden")
    assert inputs_of(editor, "pattern")["seconds"] == 0.25


def test_a_pack_draws_its_widget_and_a_broken_one_gives_way_to_a_plain_field(editor: Any) -> None:
    page = editor.page
    show(editor, {"odd": ("desk/odd_knobs", {})})
    button = page.locator('button[id="odd.whole"]')
    button.get_by_text(re.compile("whole 3 (dark|light)")).wait_for()
    button.click()
    assert inputs_of(editor, "odd") == {"whole": "4"}
    page.keyboard.press("Control+z")
    button.get_by_text("whole 3").wait_for()
    page.get_by_text("Widget of desk: this pad is broken").wait_for()
    page.get_by_text("its widget.js has no widget “absent”").wait_for()
    page.locator('input[id="odd.broken"]').fill("typed")
    assert inputs_of(editor, "odd") == {"broken": "typed"}


def test_a_pack_that_is_not_allowed_has_plain_fields_with_the_reason(editor: Any) -> None:
    page = editor.page
    show(editor, {"spot": ("example_pack/spotlight", {})})
    page.get_by_text("the pack 'example_pack' may not run scripts in the editor").wait_for()
    page.locator('input[id="spot.place"]').fill("0.2 0.3")
    assert inputs_of(editor, "spot") == {"place": "0.2 0.3"}


def test_a_model_is_chosen_from_those_that_there_are(editor: Any) -> None:
    page = editor.page
    show(editor, {"load": ("load_model", {})})
    knob = page.locator('[id="load.model"]')
    assert knob.inner_text() == "Choose a model"
    knob.click()
    option = page.get_by_role("option", name="wan_14B")
    option.wait_for()
    assert option.inner_text().split() == ["diffusion_models/wan_14B.safetensors", "3.2", "MB"]
    assert page.get_by_role("option").count() == 2
    option.click()
    page.get_by_role("listbox").wait_for(state="hidden")
    assert inputs_of(editor, "load") == {"model": "diffusion_models/wan_14B.safetensors"}
    # A companion may be left to be found by itself.
    editor.node("load").get_by_role("button", name="Advanced").click()
    companion = page.locator('[id="load.vae"]')
    assert companion.inner_text() == "None, or found by itself"
    for name in ("style", "None, or found"):
        companion.click()
        page.get_by_role("option", name=name).click()
        page.get_by_role("listbox").wait_for(state="hidden")
    assert inputs_of(editor, "load") == {"model": "diffusion_models/wan_14B.safetensors"}
