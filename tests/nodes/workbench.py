"""A small application for tests: a catalogue, a cache and an executor over temporary folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from server.engine.cache import Cache
from server.engine.check import check_graph
from server.engine.events import Event
from server.engine.execute import Executor, RunResult
from server.engine.plan import Plan, make_plan
from server.graph import from_json, validate
from server.graph.inputs import set_inputs
from server.graph.migrate import migrate
from server.kit import Folders, Problem
from server.kit.catalogue import Catalogue, load_catalogue

CATALOGUE: Catalogue = load_catalogue()


class Workbench:
    """Checks, plans and runs documents. Opened anew over the same folder it is what a restart leaves."""

    def __init__(self, home: Path) -> None:
        self.folders = Folders(uploads=home / "uploads", outputs=home / "outputs", models=home / "models")
        for folder in (self.folders.uploads, self.folders.outputs, self.folders.models):
            folder.mkdir(parents=True, exist_ok=True)
        self.events: list[Event] = []
        self.cache = Cache(home / "cache", memory_bytes=2**28, disk_bytes=2**30, sockets=CATALOGUE.sockets)
        self.executor = Executor(self.cache, self.folders, "cpu")

    def problems(self, document: Mapping[str, object], settings: Mapping[str, object] | None = None) -> list[Problem]:
        """Return all that is wrong with a document, found without running it."""
        return list(self._prepare(document, settings or {})[1])

    def plan(self, document: Mapping[str, object], settings: Mapping[str, object] | None = None) -> Plan:
        """Return what would run."""
        graph, problems = self._prepare(document, settings or {})
        assert problems == ()
        assert graph is not None
        return make_plan(graph, self.cache, self.folders)

    def run(self, document: Mapping[str, object], settings: Mapping[str, object] | None = None) -> RunResult:
        """Run a document to its end."""
        plan = self.plan(document, settings)
        return self.executor.run(plan, emit=self.events.append, workflow_json=json.dumps(document))

    def close(self) -> None:
        """Close the cache."""
        self.cache.close()

    def _prepare(self, document: Mapping[str, object], settings: Mapping[str, object]):
        workflow, changes = migrate(from_json(dict(document)), CATALOGUE)
        assert changes == ()
        validation = validate(set_inputs(workflow, settings, CATALOGUE), CATALOGUE)
        problems = validation.problems
        if validation.graph is not None:
            problems += check_graph(validation.graph, self.folders)
        return validation.graph, problems


def running(plan: Plan) -> list[str]:
    """Return the nodes that a plan runs."""
    return [step.node for step in plan.steps if step.state == "run"]


Opener = Callable[[], Workbench]
