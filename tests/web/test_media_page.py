"""Results in a real browser: stepped to the frame, compared in step, heard, and used again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.conftest import Server
from tests.web.desk import number_in, numbers_in, run, show, start_server, until, write_numbered

pytestmark = pytest.mark.browser

VIDEO = 'article[data-node="save"] video'
COMPARED = ".compare-picture canvas"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    write_numbered(home / "uploads" / "numbered.mp4", 60)
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from start_server(home, monkeypatch, scripts="")


def numbered(**saves: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow that saves the numbered video in several ways."""
    clip = {"clip": {"link": ["load", "clip"]}}
    load = {"load": ("load_video", {"file": "numbered.mp4"})}
    return load | {name: ("save_video", {**clip, "filename": name, **inputs}) for name, inputs in saves.items()}


def said_frame(page: Any, node: str = "save") -> int:
    return int(page.locator(f'article[data-node="{node}"] .player-time em').inner_text().split("/")[0])


def expect_frame(page: Any, number: int, selector: str = VIDEO) -> None:
    """Wait until the player says so, and see that its pixels say the same."""
    until(page, "n => document.querySelector('.player-time em')?.textContent.startsWith(`${n} /`)", number)
    assert number_in(page, selector) == number


@pytest.mark.parametrize("codec", ["h264", "prores"])
def test_the_player_steps_and_seeks_to_the_exact_frame(editor: Any, codec: str) -> None:
    """A codec that the browser cannot play is shown as a copy, with the same frames."""
    page = editor.page
    show(editor, numbered(save={"codec": codec}))
    run(editor, "save")
    page.locator(".player-time em").wait_for()
    until(page, f"() => document.querySelector('{VIDEO}').readyState >= 2")
    assert page.locator(".player-note").count() == (codec == "prores")
    page.locator('article[data-node="save"] .player').focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect_frame(page, 5)
    page.keyboard.press("Shift+ArrowRight")
    expect_frame(page, 15)
    page.keyboard.press("ArrowLeft")
    expect_frame(page, 14)
    page.keyboard.press("End")
    expect_frame(page, 59)
    page.keyboard.press("Home")
    expect_frame(page, 0)
    for number in (23, 24, 47, 48, 31, 1):
        page.locator(".player-seek input").fill(str(number))
        expect_frame(page, number)
    assert page.locator(".player-time").inner_text().split()[0] == "00:00:00:01"


def test_a_part_is_played_again_and_again(editor: Any) -> None:
    page = editor.page
    show(editor, numbered(save={}))
    run(editor, "save")
    page.locator(".player-time em").wait_for()
    page.locator('article[data-node="save"] .player').focus()
    page.keyboard.press("Shift+ArrowRight")
    expect_frame(page, 10)
    page.keyboard.press("i")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect_frame(page, 14)
    page.keyboard.press("o")
    page.get_by_label("Speed").select_option("0.5")
    page.keyboard.press("Space")
    page.locator('.player[data-playing="true"]').wait_for()
    seen = set()
    for _ in range(25):
        seen.add(said_frame(page))
        page.wait_for_timeout(40)
    assert seen <= set(range(9, 17))
    assert len(seen) > 2


def test_a_playing_node_stays_mounted_and_draws_nothing_of_the_canvas(editor: Any) -> None:
    page = editor.page
    show(editor, numbered(save={}))
    run(editor, "save")
    page.locator(".player-time em").wait_for()
    page.evaluate(
        """() => {
            window.draws = 0;
            const clear = CanvasRenderingContext2D.prototype.clearRect;
            CanvasRenderingContext2D.prototype.clearRect = function (...box) {
                window.draws += 1;
                return clear.apply(this, box);
            };
        }"""
    )
    page.locator(".player").get_by_label("Play", exact=True).click()
    page.locator('.player[data-playing="true"]').wait_for()
    page.wait_for_timeout(300)
    page.evaluate("window.draws = 0")
    page.wait_for_timeout(600)
    assert page.evaluate("window.draws") == 0
    for _ in range(4):
        editor.drag((1300, 800), (100, 800))
    assert editor.node_ids() == ["save"]
    assert page.evaluate("window.draws") > 0
    assert page.locator(VIDEO).evaluate("video => !video.paused")


def test_two_results_are_compared_in_step(editor: Any) -> None:
    page = editor.page
    show(editor, numbered(one={"crf": 10}, other={"crf": 30}))
    run(editor, "one", "other")
    page.locator("article video").nth(1).wait_for()
    page.locator('article[data-node="one"] h3').click()
    page.keyboard.down("Shift")
    page.locator('article[data-node="other"] h3').click()
    page.keyboard.up("Shift")
    page.keyboard.press("Alt+v")
    page.locator(".compare footer").wait_for()
    page.keyboard.press("2")

    def halves() -> list[int]:
        return numbers_in(page, COMPARED, (0.0, 0.5), (0.5, 1.0))

    for key, number in (("ArrowRight", 1), ("Shift+ArrowRight", 11), ("End", 59), ("ArrowLeft", 58), ("Home", 0)):
        page.keyboard.press(key)
        until(page, "n => document.querySelector('.compare footer').dataset.frame === String(n)", number)
        assert halves() == [number, number]
    page.keyboard.press("Space")
    seen = set()
    for _ in range(20):
        left, right = halves()
        assert left == right
        seen.add(left)
        page.wait_for_timeout(60)
    assert len(seen) > 3
    page.keyboard.press("Space")
    page.keyboard.press("1")
    page.keyboard.press("Home")
    until(page, "() => document.querySelector('.compare footer').dataset.frame === '0'")
    edge = page.get_by_label("Place of the edge")
    assert edge.get_attribute("aria-valuenow") == "50"
    edge.focus()
    page.keyboard.press("ArrowLeft")
    assert edge.get_attribute("aria-valuenow") == "48"
    page.keyboard.press("3")
    brightest = """selector => {
        const canvas = document.querySelector(selector);
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((most, value, index) => (index % 4 === 3 ? most : Math.max(most, value)), 0);
    }"""
    assert page.evaluate(brightest, COMPARED) < 60
    page.keyboard.press("Escape")
    page.locator(".compare").wait_for(state="detached")


def test_steps_that_come_faster_than_frames_are_all_taken_in_a_comparison(editor: Any) -> None:
    page = editor.page
    show(editor, numbered(one={"crf": 10}, other={"crf": 30}))
    run(editor, "one", "other")
    page.locator("article video").nth(1).wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.press("Alt+v")
    page.locator(".compare footer").wait_for()
    page.keyboard.press("2")
    press = """([shift, times]) => {
        const init = { key: 'ArrowRight', code: 'ArrowRight', shiftKey: shift, bubbles: true, cancelable: true };
        for (let time = 0; time < times; time += 1)
            document.activeElement.dispatchEvent(new KeyboardEvent('keydown', init));
    }"""
    for shift, times, number in ((False, 20, 20), (True, 3, 50)):
        page.evaluate(press, [shift, times])
        until(page, "n => document.querySelector('.compare footer').dataset.frame === String(n)", number)
        page.wait_for_timeout(200)
        assert numbers_in(page, COMPARED, (0.0, 0.5), (0.5, 1.0)) == [number, number]


def test_a_result_becomes_an_input(editor: Any) -> None:
    page = editor.page
    show(editor, numbered(save={}))
    run(editor, "save")
    page.locator(".player").get_by_label("Use as input").click()
    page.locator('article[data-node="load_video"] .scrub-frame').wait_for()
    document = editor.document()["nodes"]
    assert document["load_video"]["inputs"]["file"].startswith("save_0000")
    page.keyboard.press("Control+z")
    assert set(editor.document()["nodes"]) == {"load", "save"}


def test_sound_has_a_waveform_to_click_into(editor: Any) -> None:
    page = editor.page
    show(
        editor,
        {
            "pattern": ("test_pattern", {"width": 64, "height": 48, "seconds": 2, "tone_hz": 440}),
            "sound": ("extract_audio", {"clip": {"link": ["pattern", "clip"]}}),
            "save": ("save_audio", {"audio": {"link": ["sound", "audio"]}}),
        },
    )
    run(editor, "save")
    page.locator(".sound .wave path").wait_for()
    wave = page.locator(".sound-wave").bounding_box()
    page.mouse.click(wave["x"] + wave["width"] / 2, wave["y"] + wave["height"] / 2)
    until(page, "() => Math.abs(document.querySelector('.sound audio').currentTime - 1) < 0.1")
    page.keyboard.press("ArrowLeft")
    until(page, "() => document.querySelector('.sound audio').currentTime < 0.1")


def test_several_pictures_are_stepped_through_and_seen_at_once(editor: Any) -> None:
    page = editor.page
    show(editor, {"two": ("desk/two_pictures", {})})
    run(editor, "two")
    pictures = page.locator(".pictures")
    pictures.hover()
    pictures.get_by_text("2 of 2").wait_for()
    assert pictures.locator("img").get_attribute("alt").startswith("blue")
    pictures.get_by_label("Next picture").click()
    assert pictures.locator("img").get_attribute("alt").startswith("red")
    pictures.get_by_label("All pictures").click()
    assert pictures.locator(".pictures-grid img").count() == 2
    pictures.get_by_label("blue").click()
    pictures.get_by_text("2 of 2").wait_for()
