"""Packs: folders of nodes. Finds them, imports them, and digests their sources. A broken pack disables only itself."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from server.kit.declare import Node
from server.kit.definition import NodeDefinition, NodeType
from server.kit.readers import DocumentReader
from server.kit.sources import Sources
from server.kit.values import SocketType
from server.kit.viewers import FileViewer

NAMESPACE = "custom_nodes"
"""Custom packs are imported as `custom_nodes.<pack>`, wherever their folder lies."""

_HERE = Path(__file__).parent
_OURS = __name__.partition(".")[0]
_KIT = frozenset({__name__.rpartition(".")[0]})


@dataclass(frozen=True, slots=True)
class PackLocation:
    """A pack that was found; `path` is None for the built-in package, which is imported by its name."""

    name: str
    module: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack declares."""

    name: str
    nodes: tuple[NodeDefinition, ...]
    sockets: tuple[SocketType, ...]
    readers: tuple[DocumentReader, ...] = ()
    viewers: tuple[FileViewer, ...] = ()


@dataclass(frozen=True, slots=True)
class PackFailure:
    """A pack that could not be used, and why."""

    pack: str
    message: str


def find_packs(custom_folders: Sequence[Path], builtin: str | None = "nodes") -> tuple[PackLocation, ...]:
    """Return the built-in pack and every pack in the folders, sorted by name; what starts with `.` or `_` is none."""
    found = [PackLocation(builtin, builtin, None)] if builtin else []
    for folder in custom_folders:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        for entry in entries:
            if entry.name.startswith((".", "_")):
                continue
            if entry.suffix == ".py" or (entry / "__init__.py").is_file():
                found.append(PackLocation(entry.stem, f"{NAMESPACE}.{entry.stem}", entry))
    return tuple(found)


def packs_digest(custom_folders: Sequence[Path], builtin: str | None = "nodes") -> str:
    """Return a digest of the sources of all packs: a catalogue made from equal sources is equal."""
    digest = hashlib.blake2b(digest_size=20)
    for location in find_packs(custom_folders, builtin):
        root = _root(location)
        for file in [root] if root.is_file() else sorted(root.rglob("*.py")):
            if file.is_file():  # an editor's lock is a link to nowhere
                relative = file.relative_to(root.parent).as_posix()
                digest.update(relative.encode() + b"\0" + _content(file) + b"\0")
    return digest.hexdigest()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:  # whoever imports it will say so
        return str(error).encode()


def import_pack(location: PackLocation) -> Pack | PackFailure:
    """Import a pack and collect its nodes and socket types."""
    try:
        modules = list(_import_modules(location))
        return Pack(
            name=location.name,
            nodes=tuple(_collect_nodes(location, modules)),
            sockets=tuple(socket for module in modules for socket in getattr(module, "SOCKET_TYPES", ())),
            readers=tuple(reader for module in modules for reader in getattr(module, "DOCUMENT_READERS", ())),
            viewers=tuple(viewer for module in modules for viewer in getattr(module, "FILE_VIEWERS", ())),
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001  (other people's code: whatever it raises stays its own)
        return PackFailure(location.name, f"{type(error).__name__}: {error}")


def _root(location: PackLocation) -> Path:
    if location.path:
        return location.path
    spec = importlib.util.find_spec(location.module)
    if spec is None or spec.origin is None:
        message = f"the built-in package {location.module!r} is not installed"
        raise ModuleNotFoundError(message)
    return Path(spec.origin).parent


def _import_modules(location: PackLocation) -> Iterator[ModuleType]:
    if location.path is None:
        package = importlib.import_module(location.module)
    else:
        package = _import_from(location.module, location.path)
    yield package
    for entry in pkgutil.iter_modules(getattr(package, "__path__", [])):
        yield importlib.import_module(f"{package.__name__}.{entry.name}")


def _import_from(name: str, path: Path) -> ModuleType:
    """Import a pack from its folder or file under our namespace, anew each time, so that an edit takes effect."""
    if NAMESPACE not in sys.modules:
        namespace = ModuleType(NAMESPACE)
        namespace.__path__ = []
        sys.modules[NAMESPACE] = namespace
    for loaded in [module for module in sys.modules if module == name or module.startswith(name + ".")]:
        del sys.modules[loaded]
    file = path if path.is_file() else path / "__init__.py"
    search = None if path.is_file() else [str(path)]
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        message = f"{file} is no Python module"
        raise ImportError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    setattr(sys.modules[NAMESPACE], name.removeprefix(NAMESPACE + "."), module)  # as Python's own import does
    return module


def _collect_nodes(location: PackLocation, modules: Sequence[ModuleType]) -> Iterator[NodeDefinition]:
    seen: set[int] = set()
    # How nodes are declared says nothing about what they compute, so the kit is left out.
    roots = {_OURS: _HERE.parent, location.module: _root(location)}
    if location.path is not None:
        roots[NAMESPACE] = location.path.parent
    sources = Sources(roots, without=_KIT)
    for module in modules:
        for value in vars(module).values():
            if not isinstance(value, Node) or id(value) in seen:
                continue
            node: Node[..., Any] = value
            if not _belongs(location, node.definition.source.pack):
                continue  # imported from another pack, which declares it itself
            seen.add(id(node))
            yield _placed(location, node.definition, sources)


def _belongs(location: PackLocation, module: str) -> bool:
    return module == location.module or module.startswith(location.module + ".")


def _placed(location: PackLocation, definition: NodeDefinition, sources: Sources) -> NodeDefinition:
    """Return the definition under its public id, with the digest of its code."""
    source = definition.source
    content = sources.digest(source.pack, Path(source.file))
    public = definition.id if location.path is None else NodeType(f"{location.name}/{definition.id}")
    return replace(definition, id=public, source=replace(source, pack=location.name, digest=content))
