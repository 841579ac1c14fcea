"""The tutorial pack and the code in the guide: they load, they work, and the tutorial shows what the pack does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nodes import Clip
from server.engine.check import check_graph
from server.graph import from_json, validate
from server.kit.catalogue import Catalogue, load_catalogue
from tests.nodes.context import FakeContext

ROOT = Path(__file__).parent.parent.parent
PACK = ROOT / "custom_nodes" / "example_pack"
GUIDE = ROOT / "docs" / "guide" / "nodes.md"


def code_in(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue([ROOT / "custom_nodes"])


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalogue, dict[str, object]]:
    """The guide's code, saved as a pack and loaded as any other."""
    folder = tmp_path_factory.mktemp("packs")
    (folder / "guide.py").write_text('"""The guide."""\n\n' + "\n\n".join(code_in(GUIDE)), encoding="utf-8")
    loaded = load_catalogue([folder])
    namespace: dict[str, object] = {}
    exec(compile((folder / "guide.py").read_text(encoding="utf-8"), str(folder / "guide.py"), "exec"), namespace)
    return loaded, namespace


def lines_of(code: str) -> str:
    """Return code without blank lines and indentation, as a page may show it moved to the margin."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())


def found_tests(namespace: dict[str, object]) -> Iterator[object]:
    return (value for name, value in namespace.items() if name.startswith("test_"))


def test_the_example_pack_loads_under_its_own_name(catalogue: Catalogue) -> None:
    assert catalogue.failures == ()
    assert {"example_pack/tint", "example_pack/join_text"} <= set(catalogue.nodes)
    for name in ("example_pack/tint", "example_pack/join_text"):
        definition = catalogue.nodes[name]
        assert definition.help
        assert all(socket.help for socket in (*definition.inputs, *definition.outputs))


def test_tint_moves_every_pixel_towards_the_color(catalogue: Catalogue) -> None:
    tint = catalogue.nodes["example_pack/tint"].call
    assert tint is not None
    clip = Clip.from_array(np.full((3, 4, 4, 3), 100, np.uint8), 8)
    tinted = tint(clip, color="#ff0064", amount=0.5)
    assert isinstance(tinted, Clip)
    pixels = np.concatenate(list(tinted.chunks()))
    np.testing.assert_allclose(pixels[0, 0, 0] * 255, [177.5, 50, 100], atol=0.01)
    assert pixels.shape == (3, 4, 4, 3)
    unchanged = tint(clip, color="#ff0064", amount=0.0)
    assert isinstance(unchanged, Clip)
    np.testing.assert_allclose(np.concatenate(list(unchanged.chunks())) * 255, 100, atol=0.01)


def test_the_spotlight_lights_the_place_that_its_widget_chooses(catalogue: Catalogue) -> None:
    definition = catalogue.nodes["example_pack/spotlight"]
    assert definition.call is not None
    assert definition.check is not None
    clip = Clip.from_array(np.full((1, 40, 80, 3), 200, np.uint8), 8)
    lit = definition.call(clip, place="0.25 0.50", radius=0.2)
    assert isinstance(lit, Clip)
    [frame] = lit.frames()
    assert np.unravel_index(frame[:, :, 0].argmax(), (40, 80)) == (20, 20)
    assert frame[20, 70, 0] < 0.05
    for wrong in ("", "0.5", "a b", "2 0", "0.5 0.5 0.5", "nan 0"):
        assert [problem.input for problem in definition.check(place=wrong)] == ["place"]
    assert list(definition.check(place="0 1")) == []


def test_an_old_join_is_migrated_and_an_odd_separator_is_a_problem(catalogue: Catalogue) -> None:
    definition = catalogue.nodes["example_pack/join_text"]
    assert definition.migrations[1]({"first": "a", "glue": "-"}) == {"first": "a", "separator": "-"}
    assert definition.check is not None
    assert list(definition.check(separator=", ")) == []
    [problem] = definition.check(separator="-" * 30)
    assert (problem.input, problem.hint) == ("separator", "put it into 'second'")


def test_the_tutorial_shows_the_code_of_the_pack(catalogue: Catalogue) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in PACK.glob("*.py"))
    shown, tests = [], []
    for block in code_in(PACK / "README.md"):
        (tests if block.startswith("def test_") else shown).append(block)
    assert len(shown) == 4
    for block in shown:
        assert lines_of(block) in lines_of(sources)
    namespace: dict[str, object] = {}
    exec("\n".join(tests), namespace)
    for test in found_tests(namespace):
        assert callable(test)
        test()


def test_the_code_of_the_guide_is_a_pack_that_works(guide: tuple[Catalogue, dict[str, object]]) -> None:
    loaded, namespace = guide
    assert loaded.failures == ()
    assert {"guide/reverse", "guide/save_text", "guide/load_text", "guide/sunset"} <= set(loaded.nodes)
    assert "Palette" in loaded.sockets
    ran = 0
    for test in found_tests(namespace):
        assert callable(test)
        test()
        ran += 1
    assert ran == 1


def test_the_nodes_of_the_guide_that_use_files_write_and_read_them(
    guide: tuple[Catalogue, dict[str, object]], ctx: FakeContext
) -> None:
    loaded, _ = guide
    save, load = loaded.nodes["guide/save_text"], loaded.nodes["guide/load_text"]
    assert save.call is not None
    assert load.call is not None
    assert load.check is not None
    artifact = save.call(text="ein rotes Boot", filename="boat", ctx=ctx)
    [problem] = load.check(file="boat.txt", folders=ctx.folders)
    assert problem.input == "file"
    (ctx.folders.outputs / artifact.path).rename(ctx.folders.uploads / "boat.txt")
    assert list(load.check(file="boat.txt", folders=ctx.folders)) == []
    assert load.call(file=Path("boat.txt"), ctx=ctx) == "ein rotes Boot"


def test_what_a_node_of_the_guide_foretells_reaches_a_later_check(
    guide: tuple[Catalogue, dict[str, object]], ctx: FakeContext
) -> None:
    text = {"type": "guide/load_text", "version": 2, "inputs": {"file": "long.txt"}}
    save = {"type": "guide/save_text", "version": 1, "inputs": {"text": {"link": ["load", "str"]}}}
    graph = validate(from_json({"kinegraph": 1, "nodes": {"load": text, "save": save}}), guide[0]).graph
    assert graph is not None
    [missing] = check_graph(graph, ctx.folders)
    assert missing.path == "/nodes/load/inputs/file"
    file = ctx.folders.uploads / "long.txt"
    file.write_text("a" * 1_000_000, encoding="utf-8")
    assert check_graph(graph, ctx.folders) == ()
    file.write_text("a" * 1_000_001, encoding="utf-8")
    [long] = check_graph(graph, ctx.folders)
    assert (long.path, long.message) == ("/nodes/save/inputs/text", "the text will have 1,000,001 bytes")
