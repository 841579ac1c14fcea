"""Packs are found, a broken one disables only itself, and the catalogue survives its way through JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.kit.catalogue import Catalogue, load_catalogue
from server.kit.packs import find_packs, packs_digest

GOOD = '''
from typing import Annotated, Literal
from server.kit import Slider, ShownIf, SocketType, node

class Paint: ...

SOCKET_TYPES = (SocketType("Paint", Paint, "#ff0000", "Paint."),)

@node(category="test")
def mix(paint: Paint | None = None, *, amount: Annotated[int, Slider(1, 9)] = 2,
        how: Literal["a", "b"] = "a", much: Annotated[float, ShownIf("how", ("b",))] = 0.5) -> Paint:
    """Mix."""
    return Paint()
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "paints.py").write_text(GOOD, encoding="utf-8")
    return tmp_path


def test_a_packs_nodes_carry_its_name_and_the_digest_of_their_file(folder: Path) -> None:
    catalogue = load_catalogue([folder], builtin=None)
    definition = catalogue.nodes["paints/mix"]
    assert definition.source.pack == "paints"
    (folder / "paints.py").write_text(GOOD + "\n# edited", encoding="utf-8")
    edited = load_catalogue([folder], builtin=None).nodes["paints/mix"]
    assert definition.source.digest != edited.source.digest


def test_the_catalogue_survives_its_way_through_json(folder: Path) -> None:
    data = load_catalogue([folder], builtin=None).to_json()
    assert Catalogue.from_json(json.loads(json.dumps(data))).to_json() == data


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1/0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        (GOOD.replace("SOCKET_TYPES", "OTHER"), "SOCKET_TYPES"),
        (GOOD.replace('category="test"', 'category="test", version=2'), "migration"),
        (GOOD.replace("amount: Annotated[int, Slider(1, 9)]", "amount"), "not annotated"),
        (
            GOOD.replace('"Paint"', '"Artifact"').replace(": Paint", ": object").replace("-> Paint", "-> int"),
            "Artifact",
        ),
    ],
)
def test_a_broken_pack_is_reported_and_the_others_work(folder: Path, source: str, words: str) -> None:
    (folder / "broken.py").write_text(source.replace("Paint", "Dye") if "Artifact" not in words else source)
    catalogue = load_catalogue([folder], builtin=None)
    assert "paints/mix" in catalogue.nodes
    (failure,) = catalogue.failures
    assert failure.pack == "broken"
    assert words in failure.message


def test_folders_and_files_are_packs_and_hidden_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "__init__.py").touch()
    (tmp_path / "no_python").mkdir()
    (tmp_path / ".hidden.py").touch()
    (tmp_path / "_private.py").touch()
    assert [location.name for location in find_packs([tmp_path, tmp_path / "missing"], None)] == ["a", "b"]


def test_the_digest_of_the_packs_follows_their_sources(folder: Path) -> None:
    before = packs_digest([folder], None)
    assert packs_digest([folder], None) == before
    (folder / "paints.py").write_text(GOOD + "#", encoding="utf-8")
    assert packs_digest([folder], None) != before


def test_what_looks_like_a_source_and_is_none_does_not_count(tmp_path: Path) -> None:
    pack = tmp_path / "paints"
    (pack / "data" / "folder.py").mkdir(parents=True)
    (pack / "__init__.py").write_text(GOOD, encoding="utf-8")
    before = packs_digest([tmp_path], None)
    lock = pack / ".#lock.py"
    try:
        lock.symlink_to("me@host.1:2")  # as Emacs does while a file is edited
    except OSError:
        pytest.skip("this system lets nobody make links")
    assert packs_digest([tmp_path], None) == before
    assert "paints/mix" in load_catalogue([tmp_path], builtin=None).nodes


def test_a_node_imported_from_another_pack_is_declared_once(folder: Path) -> None:
    (folder / "second.py").write_text("from custom_nodes.paints import mix\n", encoding="utf-8")
    catalogue = load_catalogue([folder], builtin=None)
    assert list(catalogue.nodes) == ["paints/mix"]
    assert catalogue.failures == ()
