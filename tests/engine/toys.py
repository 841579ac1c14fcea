"""Toy nodes, toy streams and a builder of graphs: everything that the engine's tests run. No torch, no av, no numpy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from server.engine.cache import Cache
from server.engine.cancel import CancelToken
from server.engine.events import Event
from server.engine.execute import Executor, RunResult
from server.engine.plan import Plan, make_plan
from server.graph.graph import Graph, GraphNode, NodeId
from server.kit import Artifact, Context, Folders, InputProblem, Lazy, Node, NodeInputError, SocketType, node
from server.kit.definition import MISSING, NodeDefinition
from server.kit.problems import pointer

calls: list[str] = []
"""Names of the toys that ran, in order; emptied before each test."""


@dataclass(frozen=True)
class Stream:
    """Whole numbers, made while they are consumed."""

    produce: Callable[[], Iterator[int]]
    length: int


@dataclass(frozen=True)
class Blob:
    """Opaque bytes, with a codec."""

    data: bytes


class Handle:
    """A value that cannot be written to disk."""


class BlobCodec:
    version = 1

    def write(self, value: object, folder: Path) -> None:
        assert isinstance(value, Blob)
        (folder / "data.bin").write_bytes(value.data)

    def read(self, folder: Path) -> Blob:
        return Blob((folder / "data.bin").read_bytes())


class ToyRecorder:
    """Writes a line for each item."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items: list[object] = []
        self.file = (folder / "growing.jsonl").open("w", encoding="utf-8", buffering=1)

    def add(self, piece: object) -> None:
        self.file.write(json.dumps(piece) + "\n")
        self.items.append(piece)

    def piece(self, number: int) -> object:
        calls.append("read back")
        return self.items[number]

    def finish(self) -> None:
        self.file.close()
        (self.folder / "growing.jsonl").replace(self.folder / "items.jsonl")

    def discard(self) -> None:
        self.file.close()
        (self.folder / "growing.jsonl").unlink(missing_ok=True)


class ToyStreamCodec:
    """Keeps a stream as JSON lines."""

    version = 1

    def write(self, value: object, folder: Path) -> None:
        raise AssertionError("the engine never writes a stream as a whole")

    def read(self, folder: Path) -> Stream:
        lines = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()

        def produce() -> Iterator[int]:
            calls.append("read from disk")
            for line in lines:
                yield json.loads(line)

        return Stream(produce, len(lines))

    def record(self, value: object, folder: Path) -> ToyRecorder:
        return ToyRecorder(folder)

    def pieces(self, value: object) -> Iterator[object]:
        assert isinstance(value, Stream)
        return value.produce()

    def with_pieces(self, value: object, start: Callable[[], Iterator[Any]]) -> Stream:
        assert isinstance(value, Stream)
        return replace(value, produce=start)

    def stored_bytes(self, value: object) -> int | None:
        assert isinstance(value, Stream)
        return value.length or None

    def piece_bytes(self, piece: object) -> int:
        return 1

    def preview(self, piece: object) -> tuple[bytes, str] | None:
        return f"a picture of {piece}".encode(), "text/plain"


class NextBlobCodec(BlobCodec):
    """The next version of a codec."""

    version = 2


SOCKETS: dict[str, SocketType] = {
    socket.name: socket
    for socket in (
        SocketType("Stream", Stream, "#111111", "Numbers that pass.", ToyStreamCodec()),
        SocketType("Blob", Blob, "#222222", "Bytes.", BlobCodec(), size_bytes=lambda blob: len(blob.data)),  # type: ignore[attr-defined]
        SocketType("Handle", Handle, "#333333", "Lives in memory alone."),
    )
}


class Halves(NamedTuple):
    """Two numbers."""

    half: int
    rest: int


@node(category="toy")
def number(*, value: int = 0) -> int:
    """Return a number."""
    calls.append("number")
    return value


@node(category="toy")
def add(*, a: int = 0, b: int = 0) -> int:
    """Add."""
    calls.append("add")
    return a + b


@node(category="toy")
def halve(*, value: int = 0) -> Halves:
    """Split in two."""
    calls.append("halve")
    return Halves(value // 2, value % 2)


@node(category="toy")
def slow(*, value: int = 0) -> int:
    """Take longer than what is kept in memory alone."""
    calls.append("slow")
    time.sleep(0.06)
    return value


@node(category="toy")
def blob(*, size: int = 10, fill: int = 0) -> Blob:
    """Make bytes, slowly."""
    calls.append("blob")
    time.sleep(0.06)
    return Blob(bytes([fill % 256]) * size)


@node(category="toy")
def weigh(blob: Blob) -> int:
    """Count bytes."""
    calls.append("weigh")
    return len(blob.data)


@node(category="toy", sink=True)
def show(*, value: int = 0) -> None:
    """Be a sink."""
    calls.append("show")


@node(category="toy", sink=True)
def show_text(*, text: str = "", ctx: Context) -> None:
    """Be a sink that talks."""
    calls.append("show_text")
    ctx.log(text)


@node(category="toy")
def fail(*, value: int = 0) -> int:
    """Fail."""
    calls.append("fail")
    raise ValueError(f"no luck with {value}")


@node(category="toy")
def pick(*, a: Lazy[int] | None = None, b: Lazy[int] | None = None, first: bool = True) -> int:
    """Run one branch only."""
    calls.append("pick")
    chosen = a if first else b
    return chosen.get() if chosen else -1


@node(category="toy", cached=False)
def fresh(*, value: int = 0) -> int:
    """Never be kept."""
    calls.append("fresh")
    return value


@node(category="toy", instant=True)
def describe_file(*, name: str = "a.txt") -> str:
    """Describe a file."""
    return name


@node(category="toy")
def read_file(*, name: str = "a.txt", ctx: Context) -> str:
    """Read a file of the uploads folder."""
    calls.append("read_file")
    return (ctx.folders.uploads / name).read_text(encoding="utf-8")


@read_file.fingerprint
def _read_file_fingerprint(name: str, folders: Folders) -> str:
    return (folders.uploads / name).read_text(encoding="utf-8")


@read_file.check
def _read_file_check(name: str, folders: Folders) -> Iterator[InputProblem]:
    if not (folders.uploads / name).exists():
        yield InputProblem("name", f"there is no file {name!r}", "upload it")


alive = {"now": 0, "peak": 0}
"""Items in flight: made by `count_up` and not yet asked past."""


@node(category="toy")
def count_up(*, length: int = 5, broken_at: int = -1, ctx: Context) -> Stream:
    """Count, lazily; fail at one number if told so."""
    calls.append("count_up")

    def produce() -> Iterator[int]:
        calls.append("produce")
        try:
            for item in ctx.progress(range(length)):
                if item == broken_at:
                    raise RuntimeError("the counter broke")
                alive["now"] += 1
                alive["peak"] = max(alive["peak"], alive["now"])
                yield item
                alive["now"] -= 1
        finally:
            calls.append("closed")

    return Stream(produce, length)


@node(category="toy", uses="gpu")
def render(*, length: int = 5) -> Stream:
    """Count on a device, which is expensive."""
    calls.append("render")

    def produce() -> Iterator[int]:
        calls.append("rendered")
        yield from range(length)

    return Stream(produce, length)


@node(category="toy")
def scale(stream: Stream, *, factor: int = 2, broken: bool = False) -> Stream:
    """Multiply, one by one."""
    calls.append("scale")

    def produce() -> Iterator[int]:
        with closing(stream.produce()) as items:
            for item in items:
                if broken:
                    raise RuntimeError("the scale broke")
                yield item * factor

    return Stream(produce, stream.length)


@node(category="toy", sink=True)
def total(stream: Stream, *, bias: int = 0) -> int:
    """Consume all."""
    calls.append("total")
    with closing(stream.produce()) as items:
        return sum(items) + bias


@node(category="toy", sink=True)
def head(stream: Stream, *, count: int = 2) -> int:
    """Consume the first few and close."""
    calls.append("head")
    found = 0
    with closing(stream.produce()) as items:
        for position, item in enumerate(items):
            found += item
            if position + 1 == count:
                break
    return found


@node(category="toy")
def measure(stream: Stream) -> int:
    """Consume all without being a sink."""
    calls.append("measure")
    with closing(stream.produce()) as items:
        return sum(items)


@node(category="toy")
def zip_up(a: Stream, b: Stream) -> Stream:
    """Put one after the other."""
    calls.append("zip_up")

    def produce() -> Iterator[int]:
        for stream in (a, b):
            with closing(stream.produce()) as items:
                yield from items

    return Stream(produce, a.length + b.length)


@node(category="toy", sink=True)
def save_text(*, text: str = "", name: str = "note", ctx: Context) -> Artifact:
    """Write a file."""
    calls.append("save_text")
    return ctx.save(name, ".txt", "text/plain", lambda path: path.write_text(text, encoding="utf-8") and None)


@node(category="toy", sink=True)
def save_folder(*, texts: str = "one two", ctx: Context) -> Artifact:
    """Write a folder of files, one for each word."""
    calls.append("save_folder")

    def write(path: Path) -> None:
        path.mkdir()
        for word in texts.split():
            if word == "full":
                raise OSError(28, "No space left on device")
            (path / f"{word}.txt").write_text(word, encoding="utf-8")

    return ctx.save("words", "", "inode/directory", write)


@node(category="toy", sink=True)
def save_stream(stream: Stream, *, quality: int = 1, ctx: Context) -> Artifact:
    """Write a stream to a file."""
    calls.append("save_stream")

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8") as file, closing(stream.produce()) as items:
            for item in items:
                file.write(f"{quality}:{item}\n")

    return ctx.save("video", ".txt", "text/plain", write)


@node(category="toy")
def refuse(*, value: int = 0) -> int:
    """Refuse an input."""
    raise NodeInputError("value", f"{value} is unusable", "try 7")


Built = dict[str, tuple[Any, dict[str, object]]]


def link(node_id: str, output: str) -> tuple[str, str]:
    """Return a link, to be given in place of a constant."""
    return (node_id, output)


def build(
    nodes: Mapping[str, tuple[Node[Any, Any] | NodeDefinition, Mapping[str, Any]]],
    *,
    sinks: tuple[str, ...] | None = None,
    outputs: Mapping[str, tuple[str, str]] | None = None,
) -> Graph:
    """Return a graph as validation would: defaults filled in, tuples are links; nodes must be given in order."""
    built: dict[NodeId, GraphNode] = {}
    for node_id, (declared, inputs) in nodes.items():
        definition = declared.definition if isinstance(declared, Node) else declared
        constants = {socket.name: socket.default for socket in definition.inputs if socket.default is not MISSING}
        constants |= inputs
        links = {name: (NodeId(value[0]), value[1]) for name, value in inputs.items() if isinstance(value, tuple)}
        built[NodeId(node_id)] = GraphNode(
            NodeId(node_id),
            definition,
            {name: value for name, value in constants.items() if name not in links},  # type: ignore[misc]
            links,
            pointer("nodes", node_id),
        )
    chosen = sinks if sinks is not None else tuple(name for name, made in built.items() if made.definition.sink)
    exposed = {name: (NodeId(node_id), output) for name, (node_id, output) in (outputs or {}).items()}
    return Graph(built, tuple(map(NodeId, chosen)), exposed)


@dataclass
class Bench:
    """Folders, a cache and an executor; `reopen` is a restart."""

    folder: Path
    memory_bytes: int = 1 << 20
    disk_bytes: int = 1 << 20
    sockets: Mapping[str, SocketType] = field(default_factory=lambda: dict(SOCKETS))
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folders = Folders(self.folder / "uploads", self.folder / "outputs", self.folder / "models")
        for made in (self.folders.uploads, self.folders.outputs, self.folders.models):
            made.mkdir(parents=True, exist_ok=True)
        self.cache = self.open_cache()

    def open_cache(self) -> Cache:
        return Cache(self.folder / "cache", self.memory_bytes, self.disk_bytes, self.sockets)

    def reopen(self) -> None:
        self.cache.close()
        self.cache = self.open_cache()

    def plan(self, graph: Graph) -> Plan:
        return make_plan(graph, self.cache, self.folders)

    def run(
        self, graph: Graph, *, cancel: CancelToken | None = None, emit: Callable[[Event], None] | None = None
    ) -> RunResult:
        calls.clear()
        self.events.clear()
        executor = Executor(self.cache, self.folders, "cpu")

        def listen(event: Event) -> None:
            self.events.append(event)
            if emit:
                emit(event)

        return executor.run(self.plan(graph), emit=listen, cancel=cancel, workflow_json="{}")

    def kinds(self, node_id: str | None = None) -> list[str]:
        return [event.kind for event in self.events if node_id is None or getattr(event, "node", None) == node_id]

    def states(self, graph: Graph) -> dict[str, str]:
        return {step.node: step.state for step in self.plan(graph).steps}

    def reasons(self, graph: Graph) -> dict[str, str]:
        return {step.node: step.reason for step in self.plan(graph).steps}
