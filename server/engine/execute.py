"""Runs plans, one at a time. The one way out of a run is `emit`; all listeners are alike."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.engine.cache import Cache
from server.engine.calling import CallShape
from server.engine.cancel import CancelToken
from server.engine.context import RunScope
from server.engine.errors import NodeFailure
from server.engine.events import ArtifactMade, Event, RunFinished, RunStarted, RunStatus
from server.engine.plan import Plan
from server.engine.run import Run
from server.graph.graph import NodeId
from server.kit.context import MAX_PIXELS, Folders
from server.kit.problems import Canceled
from server.kit.values import ANY, Artifact


@dataclass(frozen=True, slots=True)
class ProducedArtifact:
    """A file that the run produced, or found still there from an earlier one."""

    node: NodeId
    output: str
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        status: `succeeded`, `failed` when any node failed, or `canceled`.
        outputs: The workflow's exposed outputs by name; those that failed are missing.
        artifacts: Files, in the order of the sinks.
        failed: Nodes that failed; those that only hang on them are not here.
        ran: Number of nodes that ran.
        cached: Number of results taken from the cache.
    """

    status: RunStatus
    outputs: Mapping[str, object]
    artifacts: tuple[ProducedArtifact, ...]
    failed: tuple[NodeFailure, ...]
    ran: int
    cached: int


class Executor:
    """Runs plans on one device.

    Args:
        cache: Where results come from and go to.
        folders: Where nodes may read and write.
        device: As torch names it.
        max_pixels: The largest frame that a node may open.
    """

    def __init__(self, cache: Cache, folders: Folders, device: str = "cpu", *, max_pixels: int = MAX_PIXELS) -> None:
        self._max_pixels = max_pixels
        self._cache = cache
        self._folders = folders
        self._device = device
        self._lock = threading.Lock()

    def run(
        self, plan: Plan, *, emit: Callable[[Event], None], cancel: CancelToken | None = None, workflow_json: str = ""
    ) -> RunResult:
        """Run a plan to its end, whatever its nodes do.

        Args:
            plan: From `make_plan` on the same cache.
            emit: Takes every event; called from one thread at a time, though not always the same.
            cancel: Asked at every cancellation point.
            workflow_json: What `Context.workflow` says.
        """
        emitting = threading.Lock()

        def emit_in_turn(event: Event) -> None:
            with emitting:
                emit(event)

        scope = RunScope(
            self._folders, self._device, workflow_json, cancel or CancelToken(), emit_in_turn, self._max_pixels
        )
        with self._lock:
            return self._run(plan, scope)

    def _run(self, plan: Plan, scope: RunScope) -> RunResult:
        start = time.perf_counter()
        scope.emit(RunStarted(plan.summary(), len(plan.steps), plan.count("run"), plan.estimate_s))
        outputs: dict[str, object] = {}
        artifacts: list[ProducedArtifact] = []
        status: RunStatus = "succeeded"
        shapes: dict[int, CallShape] = {}
        with Run(plan, self._cache, scope, shapes) as run:
            try:
                self._pull_sinks(plan, run, scope, outputs, artifacts)
            except Canceled:
                status = "canceled"
        if run.failures and status == "succeeded":
            status = "failed"
        self._remember(plan, run)
        self._cache.settle()
        seconds = time.perf_counter() - start
        scope.emit(RunFinished(status, seconds, run.ran, run.cached, len(run.failures)))
        return RunResult(status, outputs, tuple(artifacts), tuple(run.failures), run.ran, run.cached)

    def _pull_sinks(
        self,
        plan: Plan,
        run: Run,
        scope: RunScope,
        outputs: dict[str, object],
        artifacts: list[ProducedArtifact],
    ) -> None:
        states = {step.node: step.state for step in plan.steps}
        exposed: dict[NodeId, list[tuple[str, str]]] = {}
        for name, (node_id, output) in plan.graph.outputs.items():
            exposed.setdefault(node_id, []).append((name, output))
        targets = tuple(dict.fromkeys((*plan.graph.sinks, *exposed)))
        for node_id in targets:
            run.hold(node_id)
        for node_id in targets:
            scope.cancel.check()
            sockets = plan.graph.nodes[node_id].definition.outputs
            wanted = node_id in exposed or any(socket.type in (Artifact.__name__, ANY) for socket in sockets)
            wanted = wanted or run.may_stream(node_id)
            if states[node_id] == "cached" and not wanted and run.stands_alone(node_id):
                run.report_cached(node_id)
                continue
            values = run.outputs_of(node_id)
            if values is None:
                continue
            outputs.update({name: values[output] for name, output in exposed.get(node_id, ())})
            for output, value in values.items():
                if isinstance(value, Artifact):
                    artifacts.append(ProducedArtifact(node_id, output, value))
                    scope.emit(ArtifactMade(node_id, plan.keys.of[node_id], output, value))

    def _remember(self, plan: Plan, run: Run) -> None:
        """Write down what each node's key was made of, for the reasons of the next plan."""
        states = {step.node: step.state for step in plan.steps}
        rows: list[tuple[str, str, str, str]] = []
        for node_id, parts in plan.parts.items():
            outcome = run.outcomes.get(node_id, "unfinished" if states[node_id] == "run" else None)
            if outcome is not None:
                node_type = plan.graph.nodes[node_id].definition.id
                rows.append((node_type, node_id, json.dumps(parts), outcome))
        self._cache.remember(rows, run.seconds, run.paces)
