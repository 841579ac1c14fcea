"""Damage of any kind costs results, never correctness: bits, files, folders, the index, and `kill -9` at any moment."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from server.engine.cache import Stored
from server.engine.records import Manifest
from tests.engine import toys
from tests.engine.test_cache import get, key, put
from tests.engine.toys import Bench, Blob, build, link

ROOT = Path(__file__).parent.parent.parent


def entry(bench: Bench, number: int) -> Path:
    return bench.folder / "cache" / "entries" / key(number)[:2] / key(number)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def damage_data(folder: Path) -> None:
    flip(folder / "0" / "data.bin")


def damage_manifest(folder: Path) -> None:
    flip(folder / "manifest.json")


def shorten(folder: Path) -> None:
    (folder / "0" / "data.bin").write_bytes(b"")


def lose_file(folder: Path) -> None:
    (folder / "0" / "data.bin").unlink()


def lose_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def lose_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    for path in sorted(folder.with_name("elsewhere").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.with_name("elsewhere").rmdir()


DAMAGES = [damage_data, damage_manifest, shorten, lose_file, lose_manifest, lose_folder]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
def test_a_damaged_entry_is_dropped_and_made_anew(bench: Bench, damage: Any, restarted: bool) -> None:
    bench.memory_bytes = 0
    bench.reopen()
    put(bench, 1, Blob(b"some data"))
    assert get(bench, 1) == Blob(b"some data")
    time.sleep(0.01)  # a change within one tick of the file system's clock could not be told from none
    damage(entry(bench, 1))
    if restarted:
        bench.reopen()
    assert get(bench, 1) is None
    assert bench.cache.where(key(1), bench.folders.outputs) is None
    assert put(bench, 1, Blob(b"some data")) == Stored("disk")
    assert get(bench, 1) == Blob(b"some data")


def test_a_run_makes_damaged_results_anew(bench: Bench) -> None:
    graph = build(
        {"b": (toys.blob, {"size": 9}), "w": (toys.weigh, {"blob": link("b", "blob")})},
        sinks=("w",),
        outputs={"w": ("w", "int")},
    )
    bench.run(graph)
    bench.reopen()
    for path in (bench.folder / "cache" / "entries").rglob("data.bin"):
        path.write_bytes(b"nonsense!")
    result = bench.run(graph)
    assert (result.outputs, toys.calls) == ({"w": 9}, ["blob", "weigh"])


@pytest.mark.parametrize("nonsense", [b"", b"not a database at all" * 100, None], ids=["empty", "nonsense", "lost"])
def test_a_lost_or_damaged_index_is_made_anew_from_the_folders(bench: Bench, nonsense: bytes | None) -> None:
    for number in range(3):
        put(bench, number, Blob(bytes([number]) * 100))
    bench.cache.close()
    index = bench.folder / "cache" / "index.sqlite"
    for suffix in ("-wal", "-shm"):
        Path(f"{index}{suffix}").unlink(missing_ok=True)
    index.unlink()
    if nonsense is not None:
        index.write_bytes(nonsense)
    damage_manifest(entry(bench, 2))
    bench.cache = bench.open_cache()
    assert [get(bench, number) is not None for number in range(3)] == [True, True, False]
    assert bench.cache.disk_used == 200


def test_an_index_of_another_release_is_made_anew(bench: Bench) -> None:
    put(bench, 1, Blob(b"data"))
    bench.cache.close()
    with sqlite3.connect(bench.folder / "cache" / "index.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    bench.cache = bench.open_cache()
    assert get(bench, 1) == Blob(b"data")


def test_an_index_that_breaks_while_it_is_open_is_made_anew(bench: Bench) -> None:
    bench.memory_bytes = 0
    bench.reopen()
    put(bench, 1, Blob(b"data"))
    bench.cache._index._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    bench.cache._index._connection.execute("PRAGMA cache_size = 1")
    index = bench.folder / "cache" / "index.sqlite"
    index.write_bytes(b"\xff" * index.stat().st_size)
    get(bench, 1)
    assert put(bench, 2, Blob(b"more")) == Stored("disk")
    assert [get(bench, number) for number in (1, 2)] == [Blob(b"data"), Blob(b"more")]
    bench.reopen()
    assert [get(bench, number) for number in (1, 2)] == [Blob(b"data"), Blob(b"more")]


def test_what_a_dead_process_has_pinned_may_be_evicted(bench: Bench) -> None:
    put(bench, 1, Blob(b"data"))
    bench.cache._index.pin([key(1)], "an owner that is gone")
    bench.reopen()
    assert bench.cache._index.pins() == []


def test_an_index_that_cannot_be_opened_costs_the_disk_only(tmp_path: Path) -> None:
    (tmp_path / "cache" / "index.sqlite").mkdir(parents=True)
    bench = Bench(tmp_path)
    assert put(bench, 1, Blob(b"data")).place == "disk"
    assert get(bench, 1) == Blob(b"data")
    bench.cache.close()


def test_an_index_that_another_process_blocks_is_a_miss(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bench, 1, Blob(b"data"))

    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    bench.cache._memory.drop(key(1))
    with monkeypatch.context() as patch:
        patch.setattr(bench.cache._index, "formats", locked)
        assert get(bench, 1) is None
    assert get(bench, 1) == Blob(b"data")


def test_an_index_that_cannot_be_replaced_costs_the_order_of_use_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bench, 1, Blob(b"data"))

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("another process has it open")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        bench.cache._index.rebuild()
    assert put(bench, 2, Blob(b"more")) == Stored("disk")
    assert get(bench, 2) == Blob(b"more")
    bench.reopen()
    assert [get(bench, number) for number in (1, 2)] == [Blob(b"data"), Blob(b"more")]


def test_a_write_that_the_index_refuses_leaves_nothing_half_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    bench.memory_bytes = 0
    bench.reopen()
    with monkeypatch.context() as patch:
        patch.setattr(bench.cache._index, "add", full)
        assert put(bench, 1, Blob(b"data")).place == "nowhere"
    assert get(bench, 1) is None
    assert put(bench, 1, Blob(b"data")) == Stored("disk")
    assert get(bench, 1) == Blob(b"data")


def test_an_entry_that_is_in_use_and_cannot_be_moved_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bench, 1, Blob(b"data"))
    disk = bench.cache._disk
    folder = disk.begin()
    disk.commit(folder, key(1), Manifest({}, {}))
    assert not folder.exists()
    assert disk.manifest(key(1)).size_bytes == 4

    def in_use(*_: object) -> None:
        raise PermissionError("a reader has it open")

    lonely = disk.begin()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", in_use)
        with pytest.raises(PermissionError):
            disk.commit(lonely, key(3), Manifest({}, {}))
        disk.remove(key(1))
    assert disk.manifest(key(1)).size_bytes == 4


WRITER = """
import sys
from pathlib import Path
from tests.engine.test_cache import key, put
from tests.engine.toys import Bench, Blob

bench = Bench(Path(sys.argv[1]), memory_bytes=0, disk_bytes=20_000)
print("ready", flush=True)
number = int(sys.argv[2])
while True:
    put(bench, number % 50, Blob(bytes([number % 50]) * 1_000))
    bench.cache.pin([key(number % 50)])
    bench.cache.unpin([key(number % 50)])
    bench.cache.settle()
    number += 1
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_a_cache_that_opens_and_is_whole(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    moments = random.Random(8)
    for turn in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(turn * 7)],
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(0.05 + moments.random() * 0.3)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        bench = Bench(tmp_path, memory_bytes=0, disk_bytes=20_000)
        assert list((tmp_path / "cache" / "temporary").iterdir()) == []
        whole = [number for number in range(50) if get(bench, number) == Blob(bytes([number]) * 1_000)]
        present = [path.name for path in (tmp_path / "cache" / "entries").glob("*/*")]
        assert sorted(present) == [key(number) for number in whole]
        assert bench.cache.disk_used == len(whole) * 1_000 <= 20_000
        assert bench.cache._index.pins() == []
        bench.cache.close()
    assert whole
