"""The cache keeps what it should, where it should, within its budgets, and shares a folder with other processes."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from server.engine.cache import SLOW_S, SMALL_BYTES, Cache, Stored
from server.engine.keys import Key
from server.engine.owner import Owner
from tests.engine import toys
from tests.engine.toys import Bench, Blob, build, link

SLOW = SLOW_S * 2


def key(number: int) -> Key:
    return Key(f"{number:040x}")


def put(bench: Bench, number: int, value: object, seconds: float = SLOW, kind: str = "Blob") -> Stored:
    return bench.cache.put(key(number), {"out": value}, {"out": kind}, seconds, bench.folders.outputs)


def get(bench: Bench, number: int) -> object:
    found = bench.cache.get(key(number), bench.folders.outputs)
    return None if found is None else found["out"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (7, "int"),
        (-(2**70), "int"),
        (0.1, "float"),
        (True, "bool"),
        ("héllo\n", "str"),
        (Path("a/b"), "path"),
        (None, "Blob"),
        (Blob(b"\0\1"), "Blob"),
        (Blob(b"any"), "any"),
    ],
)
def test_values_come_back_equal_and_of_the_same_type_after_a_restart(bench: Bench, value: object, kind: str) -> None:
    assert put(bench, 1, value, kind=kind) == Stored("disk")
    bench.reopen()
    found = get(bench, 1)
    assert found == value
    assert type(found) is type(value)
    assert bench.cache.where(key(1), bench.folders.outputs) == "memory"


def test_quick_numbers_stay_in_memory(bench: Bench) -> None:
    assert put(bench, 1, 7, seconds=0.001, kind="int") == Stored("memory")
    assert get(bench, 1) == 7
    bench.reopen()
    assert get(bench, 1) is None


def test_quick_results_outlive_a_restart_while_they_are_small(bench: Bench) -> None:
    bench.memory_bytes = 2 * SMALL_BYTES
    bench.reopen()
    assert put(bench, 1, Blob(b"x"), seconds=0.001) == Stored("disk")
    assert put(bench, 2, Blob(b"x" * SMALL_BYTES), seconds=0.001) == Stored("memory")
    bench.reopen()
    assert (get(bench, 1), get(bench, 2)) == (Blob(b"x"), None)


def test_a_value_without_a_codec_stays_in_memory(bench: Bench) -> None:
    handle = toys.Handle()
    assert put(bench, 1, handle, kind="Handle") == Stored("memory")
    assert get(bench, 1) is handle
    assert list((bench.folder / "cache" / "temporary").iterdir()) == []


def test_memory_forgets_what_was_used_longest_ago(bench: Bench) -> None:
    bench.memory_bytes, bench.disk_bytes = 2_000, 0
    bench.reopen()
    for number in (1, 2, 3):
        put(bench, number, Blob(bytes(400)), seconds=0)
    get(bench, 1)
    put(bench, 4, Blob(bytes(400)), seconds=0)
    assert [get(bench, number) is not None for number in (1, 2, 3, 4)] == [True, False, True, True]
    assert bench.cache.memory_used <= 2_000
    assert put(bench, 5, Blob(bytes(4_000)), seconds=0) == Stored("nowhere")


def test_the_disk_forgets_what_was_used_longest_ago_also_across_restarts(bench: Bench) -> None:
    bench.memory_bytes, bench.disk_bytes = 0, 1_000
    bench.reopen()
    for number in (1, 2):
        put(bench, number, Blob(bytes(400)))
    get(bench, 1)
    bench.reopen()
    put(bench, 3, Blob(bytes(400)))
    assert [get(bench, number) is not None for number in (1, 2, 3)] == [True, False, True]
    assert put(bench, 4, Blob(bytes(1_001))) == Stored("nowhere")
    assert get(bench, 3) is not None


def test_a_smaller_budget_holds_from_the_next_start(bench: Bench) -> None:
    bench.memory_bytes = 0
    bench.reopen()
    for number in (1, 2, 3):
        put(bench, number, Blob(bytes(400)))
    bench.disk_bytes = 500
    bench.reopen()
    assert bench.cache.disk_used == 400
    assert get(bench, 3) is not None


def test_pinned_entries_are_not_evicted_until_they_are_let_go(bench: Bench) -> None:
    bench.memory_bytes, bench.disk_bytes = 700, 500
    bench.reopen()
    put(bench, 1, Blob(bytes(400)))
    bench.cache.pin([key(1)])
    assert put(bench, 2, Blob(bytes(400))) == Stored("nowhere")
    assert get(bench, 1) is not None
    bench.cache.pin([key(3)])
    assert put(bench, 3, Blob(bytes(600))) == Stored("disk")
    assert (bench.cache.disk_used, bench.cache.memory_used > 700) == (1_000, True)
    bench.cache.unpin([key(1), key(3)])
    bench.cache.settle()
    assert bench.cache.disk_used <= 500
    assert bench.cache.memory_used <= 700


def test_another_process_does_not_evict_what_this_one_has_pinned(bench: Bench) -> None:
    bench.memory_bytes, bench.disk_bytes = 0, 500
    bench.reopen()
    put(bench, 1, Blob(bytes(400)))
    bench.cache.pin([key(1)])
    other = Bench(bench.folder, memory_bytes=0, disk_bytes=500)
    assert put(other, 2, Blob(bytes(400))) == Stored("nowhere")
    bench.cache.unpin([key(1)])
    bench.cache.settle()
    assert put(other, 2, Blob(bytes(400))) == Stored("disk")
    assert get(bench, 1) is None
    assert get(bench, 2) == Blob(bytes(400))
    other.cache.close()


def test_two_processes_that_make_the_same_result_do_not_hurt_each_other(bench: Bench) -> None:
    other = Bench(bench.folder)
    assert put(bench, 1, Blob(b"same")) == put(other, 1, Blob(b"same")) == Stored("disk")
    assert get(bench, 1) == get(other, 1) == Blob(b"same")
    assert bench.cache.disk_used == 4
    other.cache.close()
    bench.reopen()
    assert get(bench, 1) == Blob(b"same")


def test_threads_of_many_caches_may_work_on_one_folder(bench: Bench) -> None:
    caches = [Bench(bench.folder, memory_bytes=0, disk_bytes=2_000) for _ in range(3)]
    wrong: list[object] = []

    def work(one: Bench) -> None:
        for round_ in range(10):
            for number in range(4):
                put(one, number, Blob(bytes([number]) * 600))
                found = get(one, (number + round_) % 4)
                if found is not None and found != Blob(bytes([(number + round_) % 4]) * 600):
                    wrong.append(found)

    threads = [threading.Thread(target=work, args=(one,)) for one in caches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert bench.cache.disk_used <= 2_000
    for one in caches:
        one.cache.close()
    assert list((bench.folder / "cache" / "temporary").iterdir()) == []


def test_a_result_written_by_an_older_codec_is_not_read(bench: Bench) -> None:
    put(bench, 1, Blob(b"old"))
    bench.sockets = {**toys.SOCKETS, "Blob": replace(toys.SOCKETS["Blob"], codec=toys.NextBlobCodec())}
    bench.reopen()
    assert bench.cache.where(key(1), bench.folders.outputs) is None
    assert put(bench, 1, Blob(b"new")) == Stored("disk")
    bench.reopen()
    assert get(bench, 1) == Blob(b"new")
    bench.sockets = {}
    bench.reopen()
    assert get(bench, 1) is None


class OutOfSpaceCodec(toys.BlobCodec):
    """Writes to a device that is always full."""

    def write(self, value: object, folder: Path) -> None:
        with Path("/dev/full").open("wb") as device:
            device.write(b"x" * 10_000_000)


class ExplodingCodec(toys.BlobCodec):
    """Cannot read or write, for want of memory."""

    def write(self, value: object, folder: Path) -> None:
        raise MemoryError

    def read(self, folder: Path) -> Blob:
        raise MemoryError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_costs_a_warning_and_not_the_job(bench: Bench) -> None:
    bench.sockets = {**toys.SOCKETS, "Blob": replace(toys.SOCKETS["Blob"], codec=OutOfSpaceCodec())}
    bench.reopen()
    graph = build(
        {"b": (toys.blob, {}), "w": (toys.weigh, {"blob": link("b", "blob")})},
        sinks=("w",),
        outputs={"w": ("w", "int")},
    )
    result = bench.run(graph)
    assert (result.status, result.outputs) == ("succeeded", {"w": 10})
    warnings = [event for event in bench.events if event.kind == "node_warning"]
    assert [event.node for event in warnings] == ["b"]  # type: ignore[union-attr]
    assert "No space left" in warnings[0].message  # type: ignore[union-attr]
    assert list((bench.folder / "cache" / "temporary").iterdir()) == []


def test_no_memory_is_not_taken_for_a_damaged_entry(bench: Bench) -> None:
    put(bench, 1, Blob(b"data"))
    bench.sockets = {**toys.SOCKETS, "Blob": replace(toys.SOCKETS["Blob"], codec=ExplodingCodec())}
    bench.reopen()
    with pytest.raises(MemoryError):
        get(bench, 1)
    with pytest.raises(MemoryError):
        put(bench, 2, Blob(b"data"))
    bench.sockets = toys.SOCKETS
    bench.reopen()
    assert get(bench, 1) == Blob(b"data")


def test_an_owner_is_alive_until_it_ends(tmp_path: Path) -> None:
    mine, other = Owner(tmp_path), Owner(tmp_path)
    assert mine.is_alive(mine.name)
    assert mine.is_alive(other.name)
    other.close()
    assert not mine.is_alive(other.name)
    mine.close()


def test_the_lock_files_of_dead_owners_are_removed_in_time(tmp_path: Path) -> None:
    mine = Owner(tmp_path)
    for name, age in (("young", 0), ("old", 3_600)):
        (tmp_path / f"{name}.lock").touch()
        os.utime(tmp_path / f"{name}.lock", (0, (tmp_path / "young.lock").stat().st_mtime - age))
    mine.remove_dead()
    assert not (tmp_path / "old.lock").exists()
    assert (tmp_path / "young.lock").exists()
    assert (tmp_path / f"{mine.name}.lock").exists()
    mine.close()


def test_sizes_count_texts_and_other_knobs(bench: Bench) -> None:
    put(bench, 1, "x" * 1_000, seconds=0, kind="str")
    used = bench.cache.memory_used
    assert used >= 2_000
    put(bench, 2, 5, seconds=0, kind="int")
    assert used < bench.cache.memory_used < used + 1_000


def test_opening_makes_the_folder(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a" / "b", 100, 100, {})
    assert (cache.memory_used, cache.disk_used) == (0, 0)
    cache.close()
