"""Events cross the wire unchanged, and stay small however large the graph is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.engine.errors import NodeError
from server.engine.events import (
    KINDS,
    ArtifactMade,
    Event,
    NodeBlocked,
    NodeCached,
    NodeFailed,
    NodeFinished,
    NodeLog,
    NodePreview,
    NodeProgress,
    NodeStarted,
    NodeWarning,
    RunFinished,
    RunStarted,
    event_from_json,
)
from server.engine.keys import Key
from server.graph.graph import NodeId
from server.kit import Artifact
from tests.engine import toys
from tests.engine.toys import Bench, build, link

NODE = NodeId("outer/inner")
KEY = Key("ab" * 20)
TELLING = NodeCached | NodeFinished | NodeFailed | ArtifactMade
EVENTS: list[Event] = [
    RunStarted("1 of 2 nodes will run", 2, 1, 0.5),
    NodeStarted(NODE),
    NodeProgress(NODE, 1, None, "step"),
    NodePreview(NODE, "image/jpeg", "AAAA", KEY),
    NodeLog(NODE, "line"),
    NodeWarning(NODE, "/nodes/x", "odd", "try 8"),
    NodeCached(NODE, KEY),
    NodeFinished(NODE, KEY, 0.25, {"int": 3, "clip": {"type": "Clip"}}),
    NodeFailed(NODE, KEY, NodeError(NODE, "/nodes/x", "bad_input", "no", "do", "trace")),
    NodeBlocked(NODE, NodeId("other")),
    ArtifactMade(NODE, KEY, "file", Artifact("a_00001.mp4", "video/mp4", 10, "ab" * 20)),
    RunFinished("failed", 1.5, 3, 2, 1),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_survives_json(event: Event) -> None:
    text = json.dumps(event.to_json())
    assert json.loads(text)["kind"] == event.kind
    assert event_from_json(json.loads(text)) == event


def test_every_kind_is_tested() -> None:
    assert {event.kind for event in EVENTS} == KINDS.keys()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        event_from_json({"kind": "node_exploded"})


def test_events_stay_small_and_their_number_is_linear(bench: Bench) -> None:
    nodes: dict[str, Any] = {"n0": (toys.describe_file, {"name": "x" * 50_000})}
    for number in range(1, 500):
        nodes[f"n{number}"] = (toys.describe_file, {"name": link(f"n{number - 1}", "str")})
    bench.run(build(nodes, sinks=("n499",)))
    assert len(bench.events) == 2 * 500 + 2
    assert max(len(json.dumps(event.to_json())) for event in bench.events) < 500


def test_events_name_the_result_that_they_tell_of_as_the_plan_does(bench: Bench) -> None:
    text = {"text": "hi"}
    nodes: dict[str, Any] = {"bad": (toys.fail, {}), "s": (toys.save_text, text), "twin": (toys.save_text, text)}
    graph = build(nodes, sinks=tuple(nodes))
    for _ in range(2):
        keys = {step.node: step.key for step in bench.plan(graph).steps}
        bench.run(graph)
        named = [event for event in bench.events if isinstance(event, TELLING)]
        assert [(event.node, event.key) for event in named] == [(event.node, keys[event.node]) for event in named]
        assert {event.node for event in named} == {"bad", "s", "twin"}
    assert keys["s"] == keys["twin"]
