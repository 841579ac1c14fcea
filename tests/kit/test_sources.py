"""A node's digest follows every file that it uses, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from server.kit.catalogue import load_catalogue
from server.kit.sources import Sources

FILES = {
    "user.py": "import os\nfrom . import CONSTANT\n",
    "__init__.py": "CONSTANT = 1\n",
    "near.py": "from .deep.helper import (\n    one,  # the (first)\n    two,\n)\n",
    "lazy.py": "def run():\n    import ours.near as near_by\n    return near_by\n",
    "whole.py": "from ours import deep\n",
    "star.py": "from .deep.helper import *\n",
    "tried.py": "try: from . import star\nexcept ImportError: import json; from ours import whole\n",
    "called.py": 'import_module(".deep.other", __package__)\n',
    "named.py": 'TABLE = {"a": "ours.deep.helper:One"}\n',
    "split.py": "from ours.deep \\\n    import other, \\\n    helper\n",
    "circle.py": "from ours.again import x\n",
    "again.py": "from ours.circle import x\nfrom .. import far\n",
    "alone.py": "# from ours.near import one\nimport json, sys\nfrom ours.left.out import nothing\n",
    "deep/__init__.py": "",
    "deep/helper.py": "from ..again import y\n",
    "deep/other.py": "from .helper import one\nfrom ... import far\n",
    "left/out.py": "",
}
EDITS = {
    "user": {"user.py", "__init__.py"},
    "near": {"near.py", "deep/helper.py", "again.py", "circle.py"},
    "lazy": {"lazy.py", "near.py", "deep/helper.py", "again.py", "circle.py"},
    "whole": {"whole.py", "deep/__init__.py"},
    "star": {"star.py", "deep/helper.py", "again.py", "circle.py"},
    "tried": {"tried.py", "star.py", "whole.py", "deep/__init__.py", "deep/helper.py", "again.py", "circle.py"},
    "called": {"called.py", "deep/other.py", "deep/helper.py", "again.py", "circle.py"},
    "named": {"named.py", "deep/helper.py", "again.py", "circle.py"},
    "split": {"split.py", "deep/other.py", "deep/helper.py", "again.py", "circle.py"},
    "circle": {"circle.py", "again.py"},
    "alone": {"alone.py"},
}
"""By module, the files whose change changes its digest."""

PACK = """
from server.kit import node
{imported}

@node(category="test")
def {name}() -> int:
    \"\"\"Give a number.\"\"\"
    return 1
"""


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "ours" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "ours"


def digest(ours: Path, module: str) -> str:
    return Sources({"ours": ours}, without=frozenset({"ours.left"})).digest(f"ours.{module}", ours / f"{module}.py")


@pytest.mark.parametrize("module", EDITS)
def test_a_digest_follows_just_the_files_that_a_module_reaches(module: str, ours: Path) -> None:
    before = digest(ours, module)
    changed = set[str]()
    for name, text in FILES.items():
        (ours / name).write_text(text + "# edited\n", encoding="utf-8")
        if digest(ours, module) != before:
            changed.add(name)
        (ours / name).write_text(text, encoding="utf-8")
    assert digest(ours, module) == before
    assert changed == EDITS[module]


def test_a_file_is_read_once_however_many_nodes_are_in_it(ours: Path) -> None:
    sources = Sources({"ours": ours})
    before = sources.digest("ours.near", ours / "near.py")
    (ours / "near.py").unlink()
    assert sources.digest("ours.near", ours / "near.py") == before


def test_what_is_no_python_text_is_digested_all_the_same(ours: Path) -> None:
    (ours / "odd.py").write_bytes(b"\xff\xfe from . import near\x00")
    assert digest(ours, "odd") == digest(ours, "odd")


@pytest.fixture
def digests(tmp_path: Path) -> Callable[[], dict[str, str]]:
    def read() -> dict[str, str]:
        catalogue = load_catalogue([tmp_path], builtin=None)
        assert catalogue.failures == ()
        return {str(name): definition.source.digest for name, definition in catalogue.nodes.items()}

    return read


@pytest.mark.parametrize("folder", ["pack", "pack.v2"])
def test_editing_a_helper_of_a_pack_changes_the_nodes_that_use_it(
    folder: str, tmp_path: Path, digests: Callable[[], dict[str, str]]
) -> None:
    pack = tmp_path / folder
    pack.mkdir()
    (pack / "__init__.py").write_text("from .one import one\nfrom .two import two\n")
    (pack / "one.py").write_text(PACK.format(name="one", imported="from .helper import VALUE"))
    (pack / "two.py").write_text(PACK.format(name="two", imported="from server.kit import Context"))
    other = PACK.format(
        name="three", imported="import custom_nodes.pack.helper\nVALUE = custom_nodes.pack.helper.VALUE"
    )
    (tmp_path / "second.py").write_text(other)
    (pack / "helper.py").write_text("VALUE = 1\n")
    before = digests()
    (pack / "helper.py").write_text("VALUE = 2\n")
    after = digests()
    seen = {"pack/one", "second/three"} if folder == "pack" else {"pack/one"}
    assert {name for name in before if before[name] != after[name]} == seen


def test_built_in_nodes_follow_the_libraries_that_they_use() -> None:
    root = Path(__file__).parents[2]
    sources = Sources({"server": root / "server", "nodes": root / "nodes"}, without=frozenset({"server.kit"}))
    sources.digest("nodes.sampling", root / "nodes" / "sampling.py")
    reached = sources.read
    assert {"server.diffusion.families.wan", "server.diffusion.families.base", "nodes.origins"} <= reached
    assert not any(name.startswith(("server.kit", "server.engine", "server.api")) for name in reached)
