"""Subgraphs that the editor makes run as the flat graph does: both are planned by the server's own code."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from server.engine.keys import make_keys
from server.graph import from_json, validate
from server.kit.catalogue import Catalogue
from server.kit.context import Folders
from tests.machine import skip_unless
from tests.web.npm import WEB, run_npm

pytestmark = pytest.mark.xdist_group("npm")  # see test_sources

NOWHERE = Folders(Path("/nowhere/uploads"), Path("/nowhere/outputs"), Path("/nowhere/models"))


def what_runs(data: dict[str, Any], catalogue: Catalogue) -> tuple[Any, ...]:
    """Return the cache keys of a workflow's nodes, and of what its outputs stand for; ids are in neither."""
    result = validate(from_json(data), catalogue)
    assert result.problems == ()
    assert result.graph
    keys = make_keys(result.graph, NOWHERE).of
    outputs = {name: (keys[node], output) for name, (node, output) in result.graph.outputs.items()}
    return Counter(keys.values()), Counter(keys[node] for node in result.graph.sinks), outputs


def test_a_workflow_runs_the_same_with_parts_of_it_in_subgraphs(tmp_path: Path) -> None:
    skip_unless((WEB / "node_modules").is_dir(), "the editor's packages are not installed: run `make setup`")
    file = tmp_path / "pairs.json"
    done = run_npm("exec", "--", "vitest", "run", "--update", "tests/subgraphs.test.ts", KINEGRAPH_PAIRS=str(file))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    pairs = json.loads(file.read_text(encoding="utf-8"))
    catalogue = Catalogue.from_json(json.loads((WEB / "tests" / "catalogue.json").read_text(encoding="utf-8")))
    assert len(pairs) > 100
    for pair in pairs:
        assert what_runs(pair["after"], catalogue) == what_runs(pair["before"], catalogue)
