"""Saved workflows: every version stays, nothing is judged, nobody overwrites anybody silently."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.graph import Workflow, dump, parse
from server.kit.problems import WorkflowError
from server.library.errors import (
    BadIdError,
    LibraryFullError,
    UnknownVersionError,
    UnknownWorkflowError,
    VersionConflictError,
)
from server.library.names import IS_ID, MAX_LENGTH, check_id, make_id
from server.library.workflows import WorkflowLibrary


def workflow(title: str | None = "A boat", **more: object) -> Workflow:
    named = {} if title is None else {"title": title}
    return parse(json.dumps({"kinegraph": 1, **named, "nodes": {}, **more}))


@pytest.fixture
def library(tmp_path: Path) -> WorkflowLibrary:
    return WorkflowLibrary(tmp_path / "workflows")


def test_a_saved_workflow_is_the_document_as_the_project_writes_it(library: WorkflowLibrary, tmp_path: Path) -> None:
    document = workflow(nodes={"a": {"type": "no/such", "inputs": {"x": 1.5}, "mine": [1]}}, strange={"kept": None})
    saved = library.create(document)
    assert (saved.id, saved.version, saved.title) == ("a-boat", 1, "A boat")
    text = (tmp_path / "workflows" / "a-boat" / "000001.json").read_text(encoding="utf-8")
    assert text == dump(document) == library.open("a-boat").document
    assert saved.size_bytes == len(text.encode())


def test_every_save_keeps_the_version_before(library: WorkflowLibrary) -> None:
    saved = library.create(workflow())
    for number in range(2, 5):
        saved = library.save(saved.id, workflow(f"Boat {number}"), saved.etag)
    assert [version.title for version in library.versions("a-boat")] == ["Boat 4", "Boat 3", "Boat 2", "A boat"]
    assert parse(library.open("a-boat", 2).document).title == "Boat 2"
    assert library.list() == (saved,)
    restored = library.restore("a-boat", 1)
    assert (restored.version, restored.title) == (5, "A boat")
    assert library.open("a-boat", 4).saved == saved


def test_what_is_saved_already_makes_no_version(library: WorkflowLibrary) -> None:
    first = library.create(workflow())
    second = library.save(first.id, workflow("B"), first.etag)
    assert library.save(first.id, workflow("B"), first.etag) == second, "a repeat after a lost answer"
    assert library.create_as(first.id, workflow("B")) == second
    assert library.restore(first.id, 2) == library.rename(first.id, "B") == second
    assert second.version == 2


def test_whoever_started_from_an_older_version_is_told_and_changes_nothing(library: WorkflowLibrary) -> None:
    first = library.create(workflow())
    second = library.save(first.id, workflow("theirs"), first.etag)
    for attempt in (
        lambda: library.save(first.id, workflow("mine"), first.etag),
        lambda: library.rename(first.id, "mine", first.etag),
        lambda: library.restore(first.id, 1, first.etag),
        lambda: library.delete(first.id, first.etag),
        lambda: library.create_as(first.id, workflow("mine")),
    ):
        with pytest.raises(VersionConflictError) as caught:
            attempt()
        assert caught.value.current == second.etag
        assert caught.value.hint
    assert library.versions(first.id) == (second, first)
    assert library.save(first.id, workflow("mine"), f'"other", {second.etag}').version == 3
    assert library.save(first.id, workflow("any"), "*").version == 4


def test_a_deleted_workflow_is_gone_and_its_files_are_not(library: WorkflowLibrary, tmp_path: Path) -> None:
    saved = library.create(workflow())
    library.delete(saved.id, saved.etag)
    assert library.list() == ()
    (kept,) = (tmp_path / "workflows" / ".deleted").iterdir()
    assert (kept / "000001.json").is_file()
    with pytest.raises(UnknownWorkflowError):
        library.open(saved.id)
    with pytest.raises(VersionConflictError) as caught:
        library.save(saved.id, workflow("late"), saved.etag)
    assert caught.value.current is None
    assert library.create(workflow()).version == 1


def test_every_deleted_workflow_can_come_back_whatever_has_its_id_by_now(library: WorkflowLibrary) -> None:
    first = library.create(workflow())
    library.save(first.id, workflow(strange=1), first.etag)
    library.delete(first.id)
    second = library.create(workflow())
    assert second.id == "a-boat-2"
    third = library.create_as(first.id, workflow(strange=3))
    back = library.undelete(first.id)
    assert (back.id, back.version, back.title) == ("a-boat-3", 2, "A boat")
    library.delete(third.id)
    assert library.undelete(first.id).id == first.id
    assert json.loads(library.open(first.id).document)["strange"] == 3
    with pytest.raises(UnknownWorkflowError):
        library.undelete(first.id)


def test_a_copy_starts_its_own_history(library: WorkflowLibrary) -> None:
    first = library.create(workflow())
    library.rename(first.id, "Ship")
    copy = library.duplicate(first.id)
    named = library.duplicate(first.id, "A boat")
    assert (copy.id, copy.version, copy.title) == ("ship-copy", 1, "Ship (copy)")
    assert named.id == "a-boat-2"
    assert library.open(first.id).saved.title == "Ship"


@pytest.mark.parametrize("id_", ["nothing", "..", ".deleted", "../x", "A-Boat", "", "a/b", "con", "\0"])
def test_what_is_not_there_is_said(library: WorkflowLibrary, id_: str) -> None:
    library.create(workflow())
    for attempt in (library.open, library.versions, library.duplicate, library.delete):
        with pytest.raises(UnknownWorkflowError):
            attempt(id_)
    with pytest.raises(UnknownVersionError):
        library.open("a-boat", 2)
    with pytest.raises(UnknownVersionError):
        library.restore("a-boat", 0)


def test_a_file_broken_by_hand_is_listed_and_can_be_replaced(library: WorkflowLibrary, tmp_path: Path) -> None:
    library.create(workflow())
    (tmp_path / "workflows" / "a-boat" / "000002.json").write_bytes(b"\xff{")
    (listed,) = library.list()
    assert (listed.version, listed.title) == (2, "")
    assert library.restore("a-boat", 1, listed.etag).version == 3


def test_a_full_disk_is_said_and_leaves_the_version_before(
    library: WorkflowLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = library.create(workflow())

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LibraryFullError):
            library.save(saved.id, workflow("B"), saved.etag)
    assert library.versions(saved.id) == (saved,)
    assert [entry.name for entry in (tmp_path / "workflows" / saved.id).iterdir()] == ["000001.json"]


def test_of_writers_that_started_from_one_version_exactly_one_wins(library: WorkflowLibrary) -> None:
    first = library.create(workflow())
    outcomes: list[object] = []
    together = threading.Barrier(8)

    def write(number: int) -> None:
        together.wait()
        try:
            outcomes.append(library.save(first.id, workflow(f"writer {number}"), first.etag))
        except VersionConflictError as error:
            outcomes.append(error.current)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    assert library.versions(first.id) == (winner, first)
    assert outcomes.count(winner.etag) == 7


def test_creators_at_once_get_ids_of_their_own(library: WorkflowLibrary) -> None:
    together = threading.Barrier(8)
    made: list[str] = []

    def create() -> None:
        together.wait()
        made.append(library.create(workflow()).id)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(["a-boat", *(f"a-boat-{number}" for number in range(2, 9))])


@given(st.text(), st.integers(0, 30))
def test_an_id_made_from_any_title_is_one_and_is_free(title: str, others: int) -> None:
    taken: set[str] = set()
    for _ in range(others):
        taken.add(make_id(title, taken))
    assert len(taken) == others
    for id_ in (make_id(title, taken), *taken):
        assert check_id(id_) == id_
        assert len(id_) <= MAX_LENGTH


@pytest.mark.parametrize("id_", ["", "A", "-a", "a-", "nul", "com1", "a.b", "a/b", "a b", "ä", "a" * 65, "a\n"])
def test_ids_that_some_system_cannot_hold_are_refused(library: WorkflowLibrary, id_: str) -> None:
    with pytest.raises(BadIdError) as caught:
        library.create_as(id_, workflow())
    assert IS_ID.search(caught.value.hint)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


KNOWN = {"kinegraph", "title", "inputs", "outputs", "nodes", "groups", "notes", "subgraphs"}
KNOWN |= {"type", "version", "at", "mode"}


@given(st.dictionaries(st.text(min_size=1), JSON, max_size=4), st.text())
def test_any_document_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, extra: dict, title: str) -> None:
    library = WorkflowLibrary(tmp_path_factory.mktemp("library"))
    fields = {f"x{name}" if name in KNOWN else name: value for name, value in extra.items()}
    node = {"type": "unknown", "inputs": {"v": 1}, **fields}
    try:
        document = parse(json.dumps({"kinegraph": 1, "title": title, "nodes": {"a": node}, **fields}))
    except WorkflowError:  # what the parser refuses never reaches the library
        return
    saved = library.create(document)
    assert parse(library.open(saved.id).document) == document
