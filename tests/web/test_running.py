"""Running from the editor: several at once, the queue's order, what nodes tell, and a server that dies meanwhile."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.web.desk import FAILING, show

pytestmark = pytest.mark.browser

RUN_MS = 240_000


def add_slow(editor: Any, seconds: str = "20") -> None:
    """A graph that takes a while: a long pattern, upscaled and saved."""
    editor.add("test pattern", 300, 300)
    editor.link_to_new("test_pattern", "clip", "save video", 800, 300)
    editor.set_knob("test_pattern", "seconds", seconds)
    editor.set_knob("test_pattern", "width", "1280")
    editor.set_knob("test_pattern", "height", "720")


def jobs(page: Any) -> list[str]:
    return page.locator(".job").evaluate_all("cards => cards.map(card => card.dataset.job)")


def test_a_batch_is_queued_reordered_found_and_cleared(editor: Any) -> None:
    page = editor.page
    add_slow(editor, "60")
    page.get_by_label("How many runs").fill("3")
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("Control+Enter")
    page.keyboard.press("q")
    page.locator('.job[data-state="queued"]').nth(1).wait_for()
    page.locator('.job[data-state="running"]').wait_for()
    last, middle, _running = jobs(page)
    page.locator(f'.job[data-job="{last}"]').drag_to(page.locator(f'.job[data-job="{middle}"]'))
    page.locator(f'.job[data-job="{last}"]').get_by_text("1 in line").wait_for()
    page.keyboard.press("Control+Alt+Enter")
    page.locator('.job[data-state="canceled"]').wait_for()
    shown = page.locator('.job[data-state="running"][data-shown="true"]')  # the canvas goes on to the next of the batch
    shown.wait_for()
    assert shown.get_attribute("data-job") == last
    unfinished = page.locator('.job[data-state="queued"], .job[data-state="running"]')
    for _ in range(120):
        if unfinished.count() == 0:
            break
        page.keyboard.press("Control+Alt+Enter")
        page.wait_for_timeout(500)
    assert unfinished.count() == 0
    page.locator('.job[data-state="canceled"]').first.wait_for()
    page.get_by_label("Search jobs").fill("canceled")
    assert page.locator('.job:not([data-state="canceled"])').count() == 0
    page.get_by_label("Search jobs").fill("")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Clear").last.click()
    page.get_by_text("Nothing has run yet").wait_for()


def test_a_list_of_jobs_that_comes_late_brings_no_canceled_job_back(editor: Any) -> None:
    page = editor.page
    add_slow(editor, "60")
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("Control+Enter")
    page.keyboard.press("q")
    page.locator('.job[data-state="running"]').wait_for()

    def answer_late(route: Any) -> None:
        listed = route.fetch().json()
        page.locator('.job[data-state="canceled"]').wait_for()  # by its event
        for job in listed["jobs"]:  # as they were when it was asked for, however quick the server was
            job.update(state="running", finished_at=None)
        route.fulfill(json=listed)

    page.route(re.compile(r"/jobs(\?.*)?$"), answer_late, times=1)
    with page.expect_response(re.compile(r"/jobs(\?.*)?$")):
        page.keyboard.press("Control+Alt+Enter")
    page.wait_for_timeout(500)  # a job that came back would have been drawn by now
    assert page.locator(".job").get_attribute("data-state") == "canceled"


def test_nodes_tell_what_they_took_and_what_they_warn_of(editor: Any) -> None:
    page = editor.page
    page.get_by_text("Text to video", exact=True).click()
    editor.node("denoise").wait_for()
    page.keyboard.press(".")
    page.locator('[id="prompt.text"]').fill("a red dragon drifts left across the sea")
    page.locator("article[data-node=denoise] h3").click()
    page.keyboard.press("Control+Enter")
    page.locator('article[data-node="denoise"][data-state="done"]').wait_for(timeout=RUN_MS)
    assert "the worker held up to" in page.locator("article[data-node=denoise] .node-badge.good").get_attribute("title")
    warning = page.locator("article[data-node=prompt] .node-badge.warn")
    warning.wait_for()
    assert "dragon" in warning.get_attribute("title")
    page.locator('article[data-node="save"][data-state="done"]').wait_for(timeout=RUN_MS)
    assert " %" not in page.title()


def test_a_failure_is_told_on_its_node_with_all_its_details(editor: Any) -> None:
    page = editor.page
    show(editor, FAILING)
    page.keyboard.press("Control+Enter")
    fault = page.locator('article[data-node="join"] .fault')
    fault.wait_for(timeout=RUN_MS)
    assert "frames a second" in fault.inner_text()
    fault.get_by_role("button", name="Details").click()
    page.locator(".traceback[open] pre", has_text="concatenate").wait_for()
    page.get_by_role("button", name="Close").last.click()
    fault.get_by_label("Copy report").click()
    assert "frames a second" in page.evaluate("navigator.clipboard.readText()")


def test_no_node_runs_on_after_a_cancel_also_when_the_page_is_loaded_anew(editor: Any) -> None:
    page = editor.page
    add_slow(editor, "60")
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("Control+Enter")
    page.locator('article[data-node="save_video"][data-state="running"]').wait_for(timeout=RUN_MS)
    page.keyboard.press("Control+Alt+Enter")
    stopped = page.locator('article[data-node="save_video"][data-state="idle"]')
    stopped.locator(".node-badge.stale").wait_for()
    assert "Will run" in stopped.get_attribute("aria-label")
    assert page.locator(".node-progress").count() == 0
    page.reload()
    stopped.locator(".node-badge.stale").wait_for()
    assert page.locator(".node-progress").count() == 0


def test_undo_brings_back_the_result_of_the_settings_that_it_brings_back(editor: Any) -> None:
    page = editor.page
    add_slow(editor, "0.3")
    video = page.locator('article[data-node="save_video"][data-stale="false"] video')
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("Control+Enter")
    video.wait_for(timeout=RUN_MS)
    first = video.get_attribute("src")
    editor.set_knob("test_pattern", "seconds", "0.4")
    page.locator('article[data-node="save_video"][data-stale="true"] .node-badge.stale').wait_for()
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("Control+Enter")
    video.and_(page.locator(f'video:not([src="{first}"])')).wait_for(timeout=RUN_MS)
    page.keyboard.press("Control+z")
    video.and_(page.locator(f'video[src="{first}"]')).wait_for()
    page.get_by_text("all 2 are up to date").wait_for()
    assert editor.node("save_video").locator(".node-badge.good, .node-badge.stale").count() == 0
    page.keyboard.press("Control+y")
    video.and_(page.locator(f'video:not([src="{first}"])')).wait_for()


def test_a_run_outlives_the_server_being_killed_in_the_middle(editor: Any) -> None:
    page = editor.page
    add_slow(editor, "40")
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("Control+Enter")
    page.locator('article[data-node="save_video"] .node-count').wait_for(timeout=RUN_MS)
    before = editor.document()
    editor.server.kill()
    page.get_by_text("No connection").wait_for()
    editor.set_knob("test_pattern", "seconds", "1")
    editor.server.start()
    page.get_by_text("No connection").wait_for(state="hidden")
    page.locator(".message", has_text="was lost when the server stopped").wait_for()
    page.locator('article[data-node="save_video"][data-state="idle"] .node-badge.stale').wait_for()
    page.keyboard.press("Escape")
    page.locator("article[data-node=test_pattern] h3").click()
    page.keyboard.press("q")
    page.locator('.job[data-state="interrupted"], .job[data-state="running"], .job[data-state="queued"]').wait_for()
    assert editor.document()["nodes"].keys() == before["nodes"].keys()
    page.keyboard.press("Control+Enter")
    page.locator('article[data-node="save_video"][data-state="done"] video').wait_for(timeout=RUN_MS)
