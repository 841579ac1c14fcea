"""Keys cover everything that a result depends on, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.keys import NEVER_KEPT, UNFORESEEN, Keys, make_keys
from server.graph.graph import Graph, NodeId
from server.kit import Folders
from tests.engine import toys
from tests.engine.random_graphs import build_random, descendants, random_graphs
from tests.engine.toys import build, link

NOWHERE = Folders(Path("/nowhere/uploads"), Path("/nowhere/outputs"), Path("/nowhere/models"))


def keys(graph: Graph, folders: Folders = NOWHERE) -> Keys:
    return make_keys(graph, folders)


def key(**constants: Any) -> str:
    return keys(build({"n": (toys.number, constants)})).of[NodeId("n")]


@given(random_graphs(), st.data())
def test_changing_one_constant_changes_the_keys_of_exactly_its_descendants(spec: Any, data: st.DataObject) -> None:
    graph = build_random(spec)
    node_id = data.draw(st.sampled_from(sorted(graph.nodes)))
    node = graph.nodes[node_id]
    changed = replace(node, constants={**node.constants, "offset": 10_000_019})
    before, after = keys(graph).of, keys(Graph({**graph.nodes, node_id: changed}, graph.sinks, {})).of
    assert {name for name in before if before[name] != after[name]} == descendants(graph, node_id)


@given(random_graphs())
def test_renaming_nodes_changes_no_key(spec: Any) -> None:
    graph = build_random(spec)
    renamed = build_random(spec, prefix="another/name ")
    assert list(keys(graph).of.values()) == list(keys(renamed).of.values())


@given(random_graphs())
def test_the_order_of_inputs_does_not_matter(spec: Any) -> None:
    graph = build_random(spec)
    turned = Graph(
        {
            name: replace(
                node, constants=dict(reversed(node.constants.items())), links=dict(reversed(node.links.items()))
            )
            for name, node in graph.nodes.items()
        },
        graph.sinks,
        {},
    )
    assert keys(graph).of == keys(turned).of


def test_one_and_one_point_zero_and_true_and_the_text_1_are_four_things() -> None:
    assert len({key(value=value) for value in (1, 1.0, True, "1", None)}) == 5


@pytest.mark.parametrize(("a", "b"), [("x', 'b': 'y", "z"), ("\n", "\\n"), ("a\0b", "a"), ("\u00e9", "e\u0301")])
def test_texts_that_look_alike_are_told_apart(a: str, b: str) -> None:
    assert key(value=a) != key(value=b)


def test_a_constant_cannot_pass_for_a_link() -> None:
    upstream = {"up": (toys.number, {})}
    linked = keys(build({**upstream, "n": (toys.add, {"a": link("up", "int")})}))
    forged = keys(build({**upstream, "n": (toys.add, {"a": (linked.of[NodeId("up")] + ".int")})}))
    assert linked.of[NodeId("n")] != forged.of[NodeId("n")]


def test_version_source_and_output_name_count() -> None:
    definition = toys.number.definition
    made = [
        definition,
        replace(definition, version=2),
        replace(definition, id="number_2"),
        replace(definition, source=replace(definition.source, digest="edited")),
    ]
    assert len({keys(build({"n": (one, {})})).of[NodeId("n")] for one in made}) == 4
    base = {"h": (toys.halve, {"value": 9})}
    half, rest = (keys(build({**base, "n": (toys.number, {"value": link("h", out)})})) for out in ("half", "rest"))
    assert half.of[NodeId("n")] != rest.of[NodeId("n")]


def test_a_file_is_part_of_the_key_through_the_fingerprint(bench: toys.Bench) -> None:
    graph = build({"n": (toys.read_file, {})})
    (bench.folders.uploads / "a.txt").write_text("one", encoding="utf-8")
    first = keys(graph, bench.folders)
    assert first.fingerprints == {"n": "one"}
    assert keys(graph, bench.folders).of == first.of
    (bench.folders.uploads / "a.txt").write_text("two", encoding="utf-8")
    assert keys(graph, bench.folders).of != first.of


def test_a_fingerprint_may_look_at_what_an_instant_node_says(bench: toys.Bench) -> None:
    (bench.folders.uploads / "b.txt").write_text("content", encoding="utf-8")
    graph = build({"d": (toys.describe_file, {"name": "b.txt"}), "n": (toys.read_file, {"name": link("d", "str")})})
    assert keys(graph, bench.folders).fingerprints == {"n": "content"}


def test_what_is_never_kept_or_not_foreseen_has_another_key_each_time_and_its_descendants_too(
    bench: toys.Bench,
) -> None:
    graph = build(
        {
            "fresh": (toys.fresh, {}),
            "after": (toys.number, {"value": link("fresh", "int")}),
            "text": (toys.read_file, {"name": "missing.txt"}),
            "later": (toys.read_file, {"name": link("text", "str")}),
            "apart": (toys.number, {}),
        }
    )
    first, second = keys(graph, bench.folders), keys(graph, bench.folders)
    same = {name for name in first.of if first.of[name] == second.of[name]}
    assert same == {"apart"}
    assert first.volatile == {"fresh": NEVER_KEPT, "text": UNFORESEEN, "later": UNFORESEEN}
    assert first.transient == {"fresh", "after", "text", "later"}


def test_a_chain_of_ten_thousand_is_nothing_special() -> None:
    nodes: dict[str, Any] = {"n0": (toys.number, {})}
    for number in range(1, 10_000):
        nodes[f"n{number}"] = (toys.number, {"value": link(f"n{number - 1}", "int")})
    assert len(set(keys(build(nodes)).of.values())) == 10_000
