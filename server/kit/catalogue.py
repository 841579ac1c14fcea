"""The catalogue: every node type and socket type there is, found in the packs, or read back from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.kit.catalogue_json import definition_from_json, definition_to_json, socket_from_json, socket_to_json
from server.kit.declare import missing_migrations
from server.kit.definition import NodeDefinition
from server.kit.packs import Pack, PackFailure, find_packs, import_pack
from server.kit.problems import NodeDeclarationError
from server.kit.readers import DocumentReader
from server.kit.values import ANY, KNOBS, Artifact, SocketType
from server.kit.viewers import FileViewer

ARTIFACT_SOCKET = SocketType("Artifact", Artifact, "#8f9aa8", "A file that the job produced.")
"""The one socket type that is ours: the engine stores and serves artifacts itself."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All node and socket types.

    Attributes:
        nodes: By id.
        sockets: Wire types by name; knobs' types are not here.
        failures: Packs that could not be loaded, and why; the others work.
        readers: Of documents inside files; none in a catalogue that came from JSON.
        viewers: Of files; likewise.
    """

    nodes: Mapping[str, NodeDefinition]
    sockets: Mapping[str, SocketType] = field(default_factory=dict[str, SocketType])
    failures: tuple[PackFailure, ...] = ()
    readers: tuple[DocumentReader, ...] = ()
    viewers: tuple[FileViewer, ...] = ()

    def get(self, node_type: str) -> NodeDefinition | None:
        """Return the definition of a node type, or None."""
        return self.nodes.get(node_type)

    def reader_of(self, path: Path) -> DocumentReader | None:
        """Return what finds the workflow inside a file of this name, or None."""
        suffix = path.suffix.lower()
        return next((reader for reader in self.readers if suffix in reader.suffixes), None)

    def viewer_of(self, path: Path) -> FileViewer | None:
        """Return what looks into a file of this name, or None."""
        suffix = path.suffix.lower()
        return next((viewer for viewer in self.viewers if suffix in viewer.suffixes), None)

    def to_json(self) -> dict[str, Any]:
        """Return the catalogue as the browser and the disk cache get it."""
        return {
            "nodes": {name: definition_to_json(definition) for name, definition in self.nodes.items()},
            "sockets": {name: socket_to_json(socket) for name, socket in self.sockets.items()},
            "failures": [{"pack": failure.pack, "message": failure.message} for failure in self.failures],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Catalogue:
        """Read a catalogue back; its nodes validate and draw, but have no code to run."""
        return Catalogue(
            nodes={name: definition_from_json(node) for name, node in data["nodes"].items()},
            sockets={name: socket_from_json(socket) for name, socket in data["sockets"].items()},
            failures=tuple(PackFailure(failure["pack"], failure["message"]) for failure in data["failures"]),
        )


def load_catalogue(custom_folders: Sequence[Path] = (), *, builtin: str | None = "nodes") -> Catalogue:
    """Import the built-in pack and all custom packs, and return what they declare.

    A pack that fails is left out and reported in `failures`; it never takes the others with it.

    Args:
        custom_folders: Folders whose subfolders (or single files) are packs.
        builtin: Name of the built-in package; None leaves it out, for tests.
    """
    nodes: dict[str, NodeDefinition] = {}
    sockets: dict[str, SocketType] = {ARTIFACT_SOCKET.name: ARTIFACT_SOCKET}
    failures: list[PackFailure] = []
    readers: list[DocumentReader] = []
    viewers: list[FileViewer] = []
    for location in find_packs(custom_folders, builtin):
        loaded = import_pack(location)
        if isinstance(loaded, Pack):
            loaded = _refusal(loaded, nodes, sockets) or loaded
        if isinstance(loaded, PackFailure):
            failures.append(loaded)
            continue
        sockets.update({socket.name: socket for socket in loaded.sockets})
        nodes.update({definition.id: definition for definition in loaded.nodes})
        readers += loaded.readers
        viewers += loaded.viewers
    return Catalogue(nodes, sockets, tuple(failures), tuple(readers), tuple(viewers))


def _refusal(pack: Pack, nodes: Mapping[str, NodeDefinition], sockets: Mapping[str, SocketType]) -> PackFailure | None:
    """Return why a pack that imported cannot be used: a type defined twice, an unknown socket, a missing migration."""
    known = {*KNOBS, ANY, *sockets, *(socket.name for socket in pack.sockets)}
    for socket in pack.sockets:
        if socket.name in sockets and sockets[socket.name] is not socket:
            return PackFailure(pack.name, f"socket type {socket.name!r} exists already; give it another name")
    for definition in pack.nodes:
        try:
            _check_definition(definition, nodes, known)
        except NodeDeclarationError as error:
            return PackFailure(pack.name, str(error))
    return None


def _check_definition(definition: NodeDefinition, nodes: Mapping[str, NodeDefinition], known: set[str]) -> None:
    place = f"{definition.source.file}:{definition.source.line}: node {definition.id!r}"
    if definition.id in nodes:
        message = f"{place}: another pack has a node of this name"
        raise NodeDeclarationError(message)
    for socket in (*definition.inputs, *definition.outputs):
        if socket.type not in known:
            message = f"{place}: {socket.name!r} has the type {socket.type!r}, which no pack lists in SOCKET_TYPES"
            raise NodeDeclarationError(message)
    missing = missing_migrations(definition)
    if missing:
        message = f"{place}: no migration leads on from version {missing[0]}; add @{definition.id}.migration"
        raise NodeDeclarationError(message)
