"""Files that runs produce: whole or not at all, never over another, and made again when somebody took them away."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.engine import artifacts
from server.engine.artifacts import discard_drafts, is_intact, save_artifact
from server.engine.execute import Executor
from server.kit import Artifact
from tests import machine
from tests.engine import toys
from tests.engine.toys import Bench, build, calls, link


def note(text: str = "hello", name: str = "note") -> Any:
    return build(
        {"t": (toys.describe_file, {"name": text}), "s": (toys.save_text, {"text": link("t", "str"), "name": name})},
        outputs={"file": ("s", "artifact")},
    )


def files(bench: Bench) -> list[str]:
    return sorted(path.relative_to(bench.folders.outputs).as_posix() for path in bench.folders.outputs.rglob("*"))


def test_a_saved_file_is_numbered_digested_and_announced(bench: Bench) -> None:
    result = bench.run(note())
    made = result.artifacts[0]
    assert (made.node, made.output) == ("s", "artifact")
    assert result.outputs == {"file": made.artifact}
    assert made.artifact == Artifact(
        "note_00001.txt", "text/plain", 5, artifacts.file_digest(bench.folders.outputs / "note_00001.txt")
    )
    assert bench.kinds("s") == ["node_started", "node_finished", "artifact"]
    assert files(bench) == ["note_00001.txt"]


@pytest.mark.parametrize("restarted", [False, True])
def test_the_second_run_executes_nothing_and_announces_the_same_file(bench: Bench, restarted: bool) -> None:
    first = bench.run(note())
    if restarted:
        bench.reopen()
    second = bench.run(note())
    assert (calls, second.ran, second.artifacts) == ([], 0, first.artifacts)
    assert bench.kinds("s") == ["node_cached", "artifact"]


def delete(path: Path) -> None:
    path.unlink()


def overwrite(path: Path) -> None:
    path.write_text("other", encoding="utf-8")
    os.utime(path, (1, 1))


def lengthen(path: Path) -> None:
    path.write_text("hello and more", encoding="utf-8")


@pytest.mark.parametrize("change", [delete, overwrite, lengthen])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_file_that_was_deleted_or_changed_is_saved_again_and_nothing_else_runs(
    bench: Bench, change: Any, restarted: bool
) -> None:
    graph = build(
        {
            "b": (toys.blob, {"size": 3}),
            "w": (toys.weigh, {"blob": link("b", "blob")}),
            "t": (toys.slow, {"value": link("w", "int")}),
            "s": (toys.save_text, {"text": "hello"}),
        },
        sinks=("t", "s"),
    )
    bench.run(graph)
    change(bench.folders.outputs / "note_00001.txt")
    if restarted:
        bench.reopen()
    assert bench.reasons(graph)["s"] == "its file was deleted or changed"
    result = bench.run(graph)
    assert calls == ["save_text"]
    saved = bench.folders.outputs / result.artifacts[0].artifact.path
    assert saved.read_text(encoding="utf-8") == "hello"
    assert bench.run(graph).ran == 0
    bench.reopen()
    assert bench.run(graph).ran == 0


def test_a_file_that_is_lost_between_plan_and_run_is_saved_again(bench: Bench) -> None:
    bench.run(note())
    plan = bench.plan(note())
    (bench.folders.outputs / "note_00001.txt").unlink()
    result = Executor(bench.cache, bench.folders).run(plan, emit=lambda event: None)
    assert (result.ran, result.artifacts[0].artifact.path) == (1, "note_00001.txt")
    assert files(bench) == ["note_00001.txt"]


def test_a_file_that_was_only_touched_counts_as_unchanged(bench: Bench) -> None:
    bench.run(note())
    os.utime(bench.folders.outputs / "note_00001.txt", (1, 1))
    assert bench.run(note()).ran == 0
    bench.reopen()
    assert bench.run(note()).ran == 0


def test_numbers_go_on_after_the_highest(bench: Bench) -> None:
    for name in ("note_00007.txt", "note_x.txt", "note_00009.mp4", "another_00012.txt"):
        (bench.folders.outputs / name).touch()
    assert bench.run(note()).artifacts[0].artifact.path == "note_00008.txt"


def test_a_name_may_lead_into_a_folder(bench: Bench) -> None:
    assert bench.run(note(name="film/shot 1")).artifacts[0].artifact.path == "film/shot 1_00001.txt"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "", ".", "folder/", "a\0b", "..\\..\\"])
def test_a_name_that_leads_outside_or_nowhere_is_refused_at_its_input(bench: Bench, name: str) -> None:
    result = bench.run(note(name=name))
    error = result.failed[0].error
    assert (error.code, error.path) == ("bad_input", "/nodes/s/inputs/name")
    assert error.hint
    assert files(bench) == []


@pytest.mark.skipif(os.name != "posix", reason="symbolic links need rights on Windows")
def test_a_symbolic_link_does_not_lead_outside(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (bench.folders.outputs / "link").symlink_to(tmp_path / "elsewhere")
    assert bench.run(note(name="link/evil")).failed[0].error.code == "bad_input"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_write_that_fails_leaves_nothing(bench: Bench) -> None:
    def write(path: Path) -> None:
        path.write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with pytest.raises(OSError, match="No space"):
        save_artifact(bench.folders.outputs, bench.folders.outputs / "x", ".txt", "text/plain", write)
    assert files(bench) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB, where the tests may mount one."""
    with machine.small_disk(tmp_path / "small", "64k") as place:
        yield place


def test_what_a_killed_program_left_half_written_is_deleted_when_it_is_old(tmp_path: Path) -> None:
    draft = "0123456789abcdef" * 2
    old = [tmp_path / f".{draft}.mp4", tmp_path / "in" / f"..{draft}.0123456789ab.part.mp4"]
    kept = [tmp_path / "boat_00001.mp4", tmp_path / ".hidden.mp4", tmp_path / "in" / f".{draft}.png"]
    for file in (*old, *kept, tmp_path / f".{draft}" / "frame_00001.png"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    for path in (*old, *kept[:2], tmp_path / f".{draft}"):
        os.utime(path, (0, 0))
    discard_drafts(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not (tmp_path / f".{draft}").exists()


def test_a_full_output_disk_fails_the_save_with_a_hint_and_spoils_nothing(small_disk: Path) -> None:
    bench = Bench(small_disk.parent / "home")
    bench.folders.outputs.rmdir()
    bench.folders.outputs.symlink_to(small_disk)
    result = bench.run(note(text="x" * 1_000_000))
    error = result.failed[0].error
    assert (error.node, error.code) == ("s", "disk_full")
    assert "free space" in error.hint
    assert list(small_disk.iterdir()) == []
    assert bench.run(note(text="short")).status == "succeeded"
    bench.cache.close()


def test_a_full_cache_disk_costs_a_warning_only(small_disk: Path) -> None:
    bench = Bench(small_disk)
    graph = build({"b": (toys.blob, {"size": 200_000}), "w": (toys.weigh, {"blob": link("b", "blob")})}, sinks=("w",))
    bench.disk_bytes = 10_000_000
    bench.reopen()
    assert bench.run(graph).status == "succeeded"
    assert "node_warning" in bench.kinds("b")
    assert bench.run(graph).ran == 0
    bench.cache.close()


def test_many_threads_never_take_the_same_number(bench: Bench) -> None:
    made: list[Artifact] = []

    def save(text: str) -> None:
        made.append(
            save_artifact(
                bench.folders.outputs,
                bench.folders.outputs / "x",
                ".txt",
                "text/plain",
                lambda path: path.write_text(text, encoding="utf-8") and None,
            )
        )

    threads = [threading.Thread(target=save, args=(f"text {number}",)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.path for one in made) == [f"x_{number:05d}.txt" for number in range(1, 25)]
    assert {(bench.folders.outputs / one.path).read_text(encoding="utf-8") for one in made} == {
        f"text {number}" for number in range(24)
    }


def test_without_hard_links_a_taken_name_is_still_never_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", unsupported)
    outputs = bench.folders.outputs
    (outputs / "note_00001.txt").write_text("mine", encoding="utf-8")
    assert bench.run(note()).artifacts[0].artifact.path == "note_00002.txt"
    assert (outputs / "note_00001.txt").read_text(encoding="utf-8") == "mine"
    assert files(bench) == ["note_00001.txt", "note_00002.txt"]


def test_a_number_that_is_taken_at_the_last_moment_is_passed_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def contested(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", real)
        Path(target).write_text("theirs", encoding="utf-8")
        real(source, target)

    monkeypatch.setattr(os, "link", contested)
    assert bench.run(note()).artifacts[0].artifact.path == "note_00002.txt"
    assert (bench.folders.outputs / "note_00001.txt").read_text(encoding="utf-8") == "theirs"


def test_what_cannot_be_read_is_not_intact(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    size = (tmp_path / "a").stat().st_size
    assert not is_intact(tmp_path, Artifact("a", "text/plain", size, "digest"), 0)
    assert artifacts.artifact_stamp(tmp_path, Artifact("none", "text/plain", 0, "")) == 0


# folders


def words(texts: str = "one two") -> Any:
    return build({"s": (toys.save_folder, {"texts": texts})}, outputs={"folder": ("s", "artifact")})


def test_a_folder_of_files_is_an_artifact_too(bench: Bench) -> None:
    made = bench.run(words()).artifacts[0].artifact
    assert (made.path, made.media_type, made.size_bytes) == ("words_00001", "inode/directory", 6)
    assert files(bench) == ["words_00001", "words_00001/one.txt", "words_00001/two.txt"]
    bench.reopen()
    assert bench.run(words()).ran == 0
    assert bench.run(words("one three")).artifacts[0].artifact.path == "words_00002"


@pytest.mark.parametrize("name", ["two.txt", "."])
def test_a_folder_that_lost_a_file_is_saved_again(name: str, bench: Bench) -> None:
    bench.run(words())
    folder = bench.folders.outputs / "words_00001"
    for path in [folder / name] if name != "." else list(folder.iterdir()):
        path.unlink()
    bench.reopen()
    again = bench.run(words())
    assert (again.ran, again.artifacts[0].artifact.path) == (1, "words_00002")


def test_a_file_that_was_changed_in_a_folder_is_noticed(bench: Bench) -> None:
    bench.run(words())
    folder = bench.folders.outputs / "words_00001"
    (folder / "two.txt").write_text("owt", encoding="utf-8")
    os.utime(folder, (1, 1))
    bench.reopen()
    assert bench.run(words()).ran == 1


def test_a_folder_that_was_not_finished_leaves_nothing(bench: Bench) -> None:
    assert bench.run(words("one full")).status == "failed"
    assert files(bench) == []


def test_no_folder_takes_the_place_of_another(bench: Bench) -> None:
    (bench.folders.outputs / "words_00001").mkdir()
    assert bench.run(words()).artifacts[0].artifact.path == "words_00002"
    assert list((bench.folders.outputs / "words_00001").iterdir()) == []
