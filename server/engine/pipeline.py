"""All streams of one run: what becomes of each, when it is over, and the drawing of those that were asked for."""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from server.engine.ahead import Crew, Turn, closable
from server.engine.cache import Cache
from server.engine.calling import CallShape
from server.engine.context import RunScope
from server.engine.events import NodePreview, NodeWarning
from server.engine.keeping import Prospect
from server.engine.keys import Key
from server.engine.stopwatch import Stopwatch
from server.engine.streams import Production
from server.graph.graph import GraphNode, NodeId
from server.kit.values import StreamCodec

PREVIEW_INTERVAL_S = 0.5
"""A stream that the run was asked for shows a picture no more often than this."""

MEASURABLE_BYTES = 16 * 2**20
"""Streams shorter than this say nothing about how fast their node makes large ones."""

ROOM_HINT = "free some space on the disk that holds the cache"
BUDGET_HINT = "make it shorter or smaller, free space, or give the disk cache a larger budget"


@dataclass(frozen=True, slots=True)
class Demand:
    """What the graph wants of a node's streams.

    Attributes:
        consumers: Links that lead away from it.
        feeds_sink: Whether a sink is among them.
        requested: Whether the run was asked for the node.
        lasting: Whether its results may be kept beyond the run.
    """

    consumers: int
    feeds_sink: bool
    requested: bool
    lasting: bool


@dataclass(slots=True)
class Pipeline:
    """The streams of one run.

    Attributes:
        keys: Of all nodes.
        cache: Where copies are.
        scope: What all nodes of the run share.
        stopwatch: Measures own times.
        blame: Told of every exception that a stream's producer raises, with the node.
        finished: Told with a node's key when all its streams have passed.
        turn: Whose work the device does.
        paces: Seconds for each byte, by node type, of the streams that passed.
        open: Nodes whose streams have not passed yet: the node, its production and its outputs.
    """

    keys: Mapping[NodeId, Key]
    cache: Cache
    scope: RunScope
    stopwatch: Stopwatch
    blame: Callable[[BaseException, GraphNode], None]
    finished: Callable[[Key], None]
    turn: Turn = field(default_factory=Turn)
    paces: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    open: dict[Key, tuple[GraphNode, Production, Mapping[str, object]]] = field(default_factory=dict[Key, Any])
    productions: dict[Key, Production] = field(default_factory=dict[Key, Production])
    _crew: Crew = field(default_factory=Crew)
    _remake_s: dict[Key, float] = field(default_factory=dict[Key, float])
    _streams: dict[Key, dict[str, tuple[object, StreamCodec]]] = field(default_factory=dict[Key, Any])

    def close(self) -> None:
        """End all passes, and give up copies that are not complete."""
        self._crew.close()
        for production in self.productions.values():
            production.close()

    def relayed(
        self, node: GraphNode, key: Key, outputs: Mapping[str, object], shape: CallShape, demand: Demand | None
    ) -> Mapping[str, object]:
        """Return outputs with every stream among them replaced by one that passes through the engine.

        Args:
            node: Whose they are.
            key: Its key.
            outputs: By name.
            shape: Of its definition.
            demand: What the graph wants of them; None when they come from the cache.
        """
        streams = {
            name: found
            for name in shape.may_stream
            if (found := self.cache.stream_codec(outputs[name], shape.types[name])) is not None
        }
        if not streams:
            return outputs
        others = {name: value for name, value in outputs.items() if name not in streams}
        production = Production(
            key=key,
            name=str(node.id),
            cache=self.cache,
            cancel=self.scope.cancel,
            stopwatch=self.stopwatch,
            crew=self._crew if self._may_run_ahead(node, shape, [outputs[name] for name in streams]) else None,
            turn=self.turn,
            on_device=node.uses == "gpu" and demand is not None,
            keep=False,
            types=shape.types,
            others=others,
            outputs=self.scope.folders.outputs,
            blame=lambda error: self.blame(error, node),
            done=lambda: self._passed(node, key),
            warn=lambda message: self.warn(node, message),
        )
        self.productions[key] = production
        relays = {name: production.relay(name, outputs[name], *found) for name, found in streams.items()}
        self._streams[key] = {name: (relays[name], found[1]) for name, found in streams.items()}
        if demand is not None:
            production.keep = self._will_keep(node, key, production, demand)
            self.open[key] = (node, production, outputs)
        return others | relays

    def draw(self, node: GraphNode, key: Key) -> None:
        """Have a node's streams pass to their ends, unless they have; show pictures of them meanwhile.

        Of a stream that is stored already its first piece is shown.

        Raises:
            Exception: Whatever a producer raises.
        """
        production = self.productions.get(key)
        if production is None or production.passed:
            return
        for value, codec in self._streams[key].values():
            with closing(closable(codec.pieces(value))) as pieces:
                self._show(node, key, codec, pieces)

    def warn(self, node: GraphNode, message: str, hint: str = ROOM_HINT) -> None:
        """Say on a node that a copy could not be made."""
        self.scope.emit(NodeWarning(node.id, node.path, message, hint))

    def _show(self, node: GraphNode, key: Key, codec: StreamCodec, pieces: Iterator[object]) -> None:
        whole = key in self.open
        shown_at = -PREVIEW_INTERVAL_S
        for piece in pieces:
            now = time.monotonic()
            if now - shown_at >= PREVIEW_INTERVAL_S and (picture := codec.preview(piece)) is not None:
                data, media_type = picture
                self.scope.emit(NodePreview(node.id, media_type, base64.b64encode(data).decode("ascii"), key))
                shown_at = now
            if not whole:
                return

    def _may_run_ahead(self, node: GraphNode, shape: CallShape, values: list[object]) -> bool:
        """Return whether no lazy input can be asked for in the stream: the engine serves these on one thread alone."""
        if any(name in shape.lazy for name in node.links):
            # A switch hands on a stream of another node's, in which it asks for nothing more itself.
            known = {id(value) for streams in self._streams.values() for value, _ in streams.values()}
            if any(id(value) not in known for value in values):
                return False
        return all(
            above.crew is not None
            for upstream_key in self._keys_above(node)
            if (above := self.productions.get(upstream_key)) is not None
        )

    def _keys_above(self, node: GraphNode) -> list[Key]:
        return [self.keys[upstream] for upstream, _ in node.links.values()]

    def _will_keep(self, node: GraphNode, key: Key, production: Production, demand: Demand) -> bool:
        """Return whether a stream is copied to disk while it passes; note what it takes to make it again."""
        size = production.stored_bytes
        remake_s = self._estimated_s(node, size)
        prospect = Prospect(
            consumers=demand.consumers,
            requested=demand.requested,
            feeds_sink=demand.feeds_sink,
            lasting=demand.lasting,
            uses=node.uses,
            stored_bytes=size,
            room_bytes=self.cache.room_bytes(),
            remake_s=remake_s,
            seconds_before=self.cache.durations.get(node.definition.id, 0.0),
        )
        keep = (prospect.is_wanted or prospect.is_unsure) and prospect.fits
        if prospect.is_unsure:
            production.pays = self._on_trial(node, production, prospect)
        self._remake_s[key] = 0.0 if keep else remake_s or 0.0
        if prospect.is_needed and not prospect.fits and size is not None:
            gib = size / 2**30
            self.warn(
                node, f"its result takes {gib:.1f} GiB and is not kept on disk, but made for each use", BUDGET_HINT
            )
        return keep

    def _on_trial(self, node: GraphNode, production: Production, prospect: Prospect) -> Callable[[int, bool], bool]:
        """Return what tells, from the bytes that passed so far, whether a copy is worth going on with."""

        def pays(passed_bytes: int, ended: bool) -> bool:
            if passed_bytes < MEASURABLE_BYTES and not ended:
                return True
            size = prospect.stored_bytes or passed_bytes
            own_s = production.seconds * size / max(1, passed_bytes)
            seen = prospect.measured(size, own_s, self._above_s(node))
            if not seen.is_wanted:
                self._remake_s[production.key] = seen.remake_s or 0.0
            return seen.is_wanted

        return pays

    def _above_s(self, node: GraphNode) -> float:
        """Return the seconds that all stages above a node take that are not kept, as far as they are known."""
        return sum(self._remake_s.get(key, 0.0) for key in set(self._keys_above(node)))

    def _estimated_s(self, node: GraphNode, size: int | None) -> float | None:
        """Return the seconds that it takes to make a stream from what is kept; None when its type is new."""
        pace = self.cache.paces.get(node.definition.id)
        if pace is None or size is None:
            return None
        return pace * size + self._above_s(node)

    def _passed(self, node: GraphNode, key: Key) -> None:
        production = self.productions[key]
        size = production.stored_bytes
        if key in self.open and size is not None and size >= MEASURABLE_BYTES:
            self.paces[node.definition.id].append(production.seconds / size)
        self.finished(key)
