"""One run of one plan: pulls the sinks, runs what is not cached, isolates failures, lets go of what is used up.

No recursion for ordinary links; lazy inputs pull from inside a node (`lazy.py`); streams pass through `streams.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from server.engine.cache import Cache
from server.engine.calling import CallShape
from server.engine.context import EngineContext, RunScope
from server.engine.errors import NodeFailure, UpstreamFailedError, causes, describe
from server.engine.events import (
    NodeBlocked,
    NodeCached,
    NodeFailed,
    NodeFinished,
    NodeStarted,
)
from server.engine.gauge import MemoryGauge, Span
from server.engine.keys import Key
from server.engine.lazy import Depth, LazyInput
from server.engine.pipeline import Demand, Pipeline
from server.engine.plan import Plan, first_of_equals
from server.engine.stopwatch import Stopwatch
from server.graph.graph import GraphNode, NodeId
from server.kit.definition import NodeDefinition
from server.kit.problems import Canceled
from server.kit.values import ANY, Artifact, Ready

TEXT_LIMIT = 200
"""Characters of a text output that an event shows."""


class Run:
    """The state of a run; made for one call of `Executor.run`."""

    def __init__(self, plan: Plan, cache: Cache, scope: RunScope, shapes: dict[int, CallShape]) -> None:
        self.failures: list[NodeFailure] = []
        self.ran = 0
        self.cached = 0
        self.outcomes: dict[NodeId, str] = {}
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._plan, self._cache, self._scope, self._shapes = plan, cache, scope, shapes
        self._nodes, self._keys = plan.graph.nodes, plan.keys.of
        self._first = first_of_equals(plan.keys)
        self._states = {step.node: step.state for step in plan.steps}
        self._values: dict[Key, Mapping[str, object]] = {}
        self._failed: dict[Key, NodeId] = {}
        self._blocked: set[NodeId] = set()
        self._blamed: dict[int, tuple[BaseException, NodeId]] = {}
        self._pinned: list[Key] = []
        self._stopwatch = Stopwatch()
        self._pipeline = Pipeline(self._keys, cache, scope, self._stopwatch, self._blame, self._finish_stream)
        exposed = (node_id for node_id, _ in plan.graph.outputs.values())
        self._requested = {self._keys[node_id] for node_id in (*plan.graph.sinks, *exposed)}
        self._gauge = MemoryGauge(scope.device)
        self._spans: dict[NodeId, Span] = {}
        self._depth = Depth()
        self._consumers: defaultdict[Key, int] = defaultdict(int)
        self._links: defaultdict[Key, int] = defaultdict(int)
        self._feeds_sink: set[Key] = set()
        for node_id in plan.parts:
            self._expect(self._nodes[node_id])

    def __enter__(self) -> Run:
        cached = {step.key for step in self._plan.steps if step.state == "cached"}
        self._pin(sorted(cached))
        return self

    def __exit__(self, *_: object) -> None:
        self._gauge.close()
        self._pipeline.close()
        for key, production in self._pipeline.productions.items():
            node_id = self._first[key]
            if node_id in self._plan.keys.transient:
                self._cache.drop(key)
            elif production.kept:
                self.outcomes[node_id] = "disk"
        self._cache.unpin(self._pinned)

    @property
    def paces(self) -> Mapping[str, list[float]]:
        """Seconds for each byte of large streams that passed, by node type."""
        return self._pipeline.paces

    def hold(self, node_id: NodeId) -> None:
        """Keep a node's value until `outputs_of` was called for it as often as this."""
        self._consumers[self._keys[node_id]] += 1

    def outputs_of(self, node_id: NodeId) -> Mapping[str, object] | None:
        """Run a node and all that it needs, and return its outputs; None when it failed or was blocked.

        Raises:
            Canceled: The job was canceled.
        """
        key = self._keys[node_id]
        self._pull(self._first[key])
        if key in self._requested and key not in self._failed:
            self._draw(self._nodes[self._first[key]], key)
        for open_stream in [other for other in list(self._pipeline.open) if other not in self._requested]:
            self._finish_stream(open_stream)
        if key in self._failed:
            if self._failed[key] != node_id and node_id not in self._blocked:
                self._block(node_id, self._failed[key])
            return None
        outputs = self._values[key]
        self._use_up(key)
        if self._first[key] != node_id:
            self.report_cached(node_id, outputs)
        return outputs

    def stands_alone(self, node_id: NodeId) -> bool:
        """Return whether the node is the one that stands for its key."""
        return self._first[self._keys[node_id]] == node_id

    def may_stream(self, node_id: NodeId) -> bool:
        """Return whether a node has outputs that are consumed piece by piece, of which there is something to show."""
        return bool(self._shape(self._nodes[node_id].definition).may_stream)

    def report_cached(self, node_id: NodeId, outputs: Mapping[str, object] | None = None) -> None:
        """Say that a node's result was there already, and what it is where that was read."""
        self.cached += 1
        self._scope.emit(NodeCached(node_id, self._keys[node_id], _all_shown(outputs or {})))

    def _pull(self, target: NodeId) -> None:
        """Bring a node's outputs into `_values`, or the node to blame into `_failed`."""
        stack, seen = [target], set[NodeId]()
        while stack:
            node_id = stack[-1]
            key = self._keys[node_id]
            if key in self._values or key in self._failed:
                stack.pop()
                continue
            node = self._nodes[node_id]
            if node_id not in seen:
                seen.add(node_id)
                if self._take_cached(node, key):
                    continue
            missing = self._missing(node)
            if missing:
                stack += missing
                continue
            stack.pop()
            by = next((self._failed[k] for k in self._upstream_keys(node) if k in self._failed), None)
            if by is None:
                self._run_node(node, key)
            else:
                self._failed[key] = by
            self._release(node)

    def _take_cached(self, node: GraphNode, key: Key) -> bool:
        state = self._states[node.id]
        if (state == "run" and node.id not in self.outcomes) or node.id in self._plan.keys.transient:
            return False
        outputs = self._cache.get(key, self._scope.folders.outputs)
        if outputs is None:
            if node.id not in self._plan.parts:  # planned as cached, and gone since: what is above it is needed now
                self._expect(node)
            return False
        self._values[key] = self._pipeline.relayed(node, key, outputs, self._shape(node.definition), None)
        self._pin([key])
        self.report_cached(node.id, outputs)
        return True

    def _missing(self, node: GraphNode) -> list[NodeId]:
        """Return the upstream nodes to run first, the first input's last: it is at the top of the stack then."""
        lazy = self._shape(node.definition).lazy
        missing = [
            self._first[self._keys[upstream]]
            for name, (upstream, _) in node.links.items()
            if name not in lazy
            and self._keys[upstream] not in self._values
            and self._keys[upstream] not in self._failed
        ]
        return missing[::-1]

    def _upstream_keys(self, node: GraphNode) -> list[Key]:
        lazy = self._shape(node.definition).lazy
        return [self._keys[upstream] for name, (upstream, _) in node.links.items() if name not in lazy]

    def _expect(self, node: GraphNode) -> None:
        """Count a node that will run as a consumer of what is above it."""
        keys = [self._keys[upstream] for upstream, _ in node.links.values()]
        for key in keys:
            self._links[key] += 1
        for key in set(keys):
            self._consumers[key] += 1
        if node.definition.sink:
            self._feeds_sink.update(keys)

    def _release(self, node: GraphNode) -> None:
        """Let go of values that this node was the last to need."""
        for key in {self._keys[upstream] for upstream, _ in node.links.values()}:
            self._use_up(key)

    def _use_up(self, key: Key) -> None:
        self._consumers[key] -= 1
        if self._consumers[key] <= 0:
            self._values.pop(key, None)

    def _run_node(self, node: GraphNode, key: Key) -> None:
        self._scope.cancel.check()
        self._scope.emit(NodeStarted(node.id))
        shape = self._shape(node.definition)
        self._spans[node.id] = self._gauge.begin()
        mark = self._stopwatch.begin()
        try:
            with self._pipeline.turn.held() if node.uses == "gpu" else nullcontext():
                outputs = shape.named(self._call(node, shape))
        except Canceled:
            raise
        except BaseException as error:  # noqa: BLE001  (the worker's loop: a node may raise anything)
            self._gauge.end(self._spans.pop(node.id))
            self._fail(node, key, error)
            return
        finally:
            seconds = self._stopwatch.end(mark)
        self.ran += 1
        self._values[key] = self._pipeline.relayed(node, key, outputs, shape, self._demand(node, key))
        if key in self._pipeline.open:
            self._pin([key])
            self._pipeline.open[key][1].seconds += seconds
            self.outcomes[node.id] = "stream"
        else:
            self._finish(node, outputs, seconds)
            self.outcomes[node.id] = self._keep(node, key, outputs, seconds)

    def _call(self, node: GraphNode, shape: CallShape) -> object:
        definition = node.definition
        arguments: dict[str, Any] = dict(node.constants)
        for name in shape.converters.keys() & arguments.keys():
            arguments[name] = shape.converters[name](arguments[name])
        for name in shape.lazy & arguments.keys():
            if arguments[name] is not None:
                arguments[name] = Ready(arguments[name])
        for name, (upstream, output) in node.links.items():
            if name in shape.lazy:
                arguments[name] = LazyInput(lambda name=name: self._pull_input(node, shape, name))
            else:
                arguments[name] = self._arrive(shape, name, upstream, output)
        if definition.context_parameter:
            arguments[definition.context_parameter] = EngineContext(self._scope, node, self._keys[node.id])
        if definition.folders_parameter:
            arguments[definition.folders_parameter] = self._scope.folders
        if definition.call is None:
            message = f"the code of {definition.id} is not loaded in this process"
            raise RuntimeError(message)
        return definition.call(**arguments)

    def _arrive(self, shape: CallShape, name: str, upstream: NodeId, output: str) -> object:
        """Return a linked input's value as the node takes it."""
        value = self._values[self._keys[upstream]][output]
        source = self._shape(self._nodes[upstream].definition)
        if source.types[output] == ANY:
            shape.check_arrival(name, value, self._cache.sockets)
        return shape.converters[name](value) if name in shape.converters else value

    def _pull_input(self, node: GraphNode, shape: CallShape, name: str) -> object:
        upstream, output = node.links[name]
        key = self._keys[upstream]
        if key not in self._values:
            mark = self._stopwatch.begin()
            try:
                self._depth.descend(lambda: self._pull(self._first[key]))
            finally:
                self._stopwatch.end(mark)
        if key in self._failed:
            message = f"the input {name!r} could not be had, because {self._failed[key]} failed"
            raise UpstreamFailedError(message, self._failed[key])
        return self._arrive(shape, name, upstream, output)

    def _demand(self, node: GraphNode, key: Key) -> Demand:
        """Return what the graph wants of a node's streams."""
        return Demand(
            consumers=self._links[key],
            feeds_sink=key in self._feeds_sink,
            requested=key in self._requested,
            lasting=node.id not in self._plan.keys.transient,
        )

    def _draw(self, node: GraphNode, key: Key) -> None:
        """Make the streams of a node that the run was asked for, since nothing else may consume them."""
        try:
            self._pipeline.draw(node, key)
        except Canceled:
            raise
        except Exception as error:  # noqa: BLE001  (the worker's loop: a stream may raise anything)
            self._fail(node, key, error)

    def _keep(self, node: GraphNode, key: Key, outputs: Mapping[str, object], seconds: float) -> str:
        if node.id in self._plan.keys.transient:
            return "nowhere"
        types = self._shape(node.definition).types
        stored = self._cache.put(key, outputs, types, seconds, self._scope.folders.outputs)
        if stored.trouble:
            self._pipeline.warn(node, f"its result could not be kept on disk: {stored.trouble}")
        return stored.place

    def _finish(self, node: GraphNode, outputs: Mapping[str, object], seconds: float) -> None:
        self.seconds[node.definition.id].append(seconds)
        peak = self._gauge.end(self._spans.pop(node.id))
        key, shown = self._keys[node.id], _all_shown(outputs)
        self._scope.emit(NodeFinished(node.id, key, seconds, shown, peak.memory_bytes, peak.device_bytes))

    def _finish_stream(self, key: Key) -> None:
        """Say that a node is done whose streams have passed, or will not any more."""
        found = self._pipeline.open.pop(key, None)
        if found is not None and key not in self._failed:
            node, production, outputs = found
            self._finish(node, outputs, production.seconds)

    def _fail(self, node: GraphNode, key: Key, error: BaseException) -> None:
        """Find whom to blame for an exception that came out of a node, and record it."""
        if self._scope.cancel.requested and any(isinstance(cause, Canceled) for cause in causes(error)):
            raise Canceled(str(error)) from error
        blocker = next((cause for cause in causes(error) if isinstance(cause, UpstreamFailedError)), None)
        if blocker is not None:
            self._failed[key] = blocker.args[1]
            self._block(node.id, blocker.args[1])
            return
        blamed = (self._blamed[id(cause)] for cause in causes(error) if id(cause) in self._blamed)
        origin, culprit = next(blamed, (error, node.id))
        self._failed[key] = culprit
        self.outcomes[node.id] = "unfinished"
        if culprit != node.id:
            self._block(node.id, culprit)
            self._break_streams(culprit)
        if all(failure.node != culprit for failure in self.failures):
            described = describe(origin, self._nodes[culprit])
            if described.code == "out_of_memory":
                self._cache.free_memory()  # so that the next try has more of it
            self.failures.append(NodeFailure(culprit, described))
            self._scope.emit(NodeFailed(culprit, self._keys[culprit], described))

    def _break_streams(self, culprit: NodeId) -> None:
        """Mark a node as failed in mid-stream, and with it every stream that is made of its own."""
        self._failed[self._keys[culprit]] = culprit
        self.outcomes[culprit] = "unfinished"
        for key, (node, _, _) in list(
            self._pipeline.open.items()
        ):  # in the order of their runs, so producers come first
            if key not in self._failed and any(above in self._failed for above in self._upstream_keys(node)):
                self._failed[key] = culprit
                self.outcomes[node.id] = "unfinished"
                self._block(node.id, culprit)
            if key in self._failed:
                del self._pipeline.open[key]
                self._values.pop(key, None)

    def _block(self, node_id: NodeId, by: NodeId) -> None:
        self._blocked.add(node_id)
        self._scope.emit(NodeBlocked(node_id, by))

    def _blame(self, error: BaseException, node: GraphNode) -> None:
        """Note who raised an exception in mid-stream: whoever sees it first stands nearest to its cause."""
        known = any(isinstance(cause, UpstreamFailedError) or id(cause) in self._blamed for cause in causes(error))
        if not known:
            self._blamed[id(error)] = (error, node.id)

    def _pin(self, keys: list[Key]) -> None:
        self._cache.pin(keys)
        self._pinned += keys

    def _shape(self, definition: NodeDefinition) -> CallShape:
        shape = self._shapes.get(id(definition))
        if shape is None:
            shape = self._shapes[id(definition)] = CallShape(definition, self._cache.sockets)
        return shape


def _all_shown(outputs: Mapping[str, object]) -> Mapping[str, object]:
    return {name: _shown(value) for name, value in outputs.items()}


def _shown(value: object) -> object:
    """Return an output as an event shows it: knobs and artifacts as they are, anything else by its type."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= TEXT_LIMIT else value[: TEXT_LIMIT - 1] + "…"
    return value.to_json() if isinstance(value, Artifact) else {"type": type(value).__name__}
