"""A node's outputs as one folder: a manifest, and a subfolder for each value that a codec writes.

Knobs and artifacts stand in the manifest itself. The manifest holds the size and digest of every file, and its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from server.engine.artifacts import file_digest, make_durable, sync_folder
from server.kit.values import ANY, KNOBS, Artifact, Codec, SocketType

MANIFEST = "manifest.json"


class NotStorableError(Exception):
    """A value has no codec: it can only be kept in memory."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an entry's folder holds.

    Attributes:
        outputs: By output name: a knob's value, an artifact, or a codec's name, version and subfolder.
        files: By relative path: size in bytes and digest.
    """

    outputs: Mapping[str, dict[str, Any]]
    files: Mapping[str, tuple[int, str]]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.files.values())

    @property
    def formats(self) -> dict[str, int]:
        """Codec versions that it was written with, by socket type."""
        return {output["codec"]: output["version"] for output in self.outputs.values() if "codec" in output}

    @property
    def content(self) -> dict[str, dict[str, Any]]:
        """What it holds, wherever in its folder."""
        return {
            name: {field: value for field, value in output.items() if field != "folder"}
            for name, output in self.outputs.items()
        }

    def artifacts(self) -> Iterator[tuple[str, Artifact, int]]:
        """Yield each artifact: output name, artifact, its file's time of change."""
        for name, output in self.outputs.items():
            if "artifact" in output:
                yield name, Artifact(**output["artifact"]), output["stamp"]


def codec_of(value: object, socket_type: str, sockets: Mapping[str, SocketType]) -> tuple[str, Codec] | None:
    """Return the name and codec of the socket type that a value belongs to; by its class where the socket is `any`."""
    if socket_type == ANY:
        socket = next((socket for socket in sockets.values() if type(value) is socket.value_class), None)
    else:
        socket = sockets.get(socket_type)
    return (socket.name, socket.codec) if socket and socket.codec else None


def plain_record(value: object, stamp: int) -> dict[str, Any] | None:
    """Return how the manifest itself holds a value: nothing, a knob's or an artifact; None for all others."""
    if value is None:
        return {"knob": "none", "value": None}
    if isinstance(value, Artifact):
        return {"artifact": value.to_json(), "stamp": stamp}
    if isinstance(value, Path):
        return {"knob": "path", "value": str(value)}
    knob = next((name for name, kind in KNOBS.items() if type(value) is kind), None)
    return {"knob": knob, "value": value} if knob else None


def write_outputs(
    outputs: Mapping[str, object],
    types: Mapping[str, str],
    stamps: Mapping[str, int],
    sockets: Mapping[str, SocketType],
    folder: Path,
) -> dict[str, dict[str, Any]]:
    """Write values into an entry's folder, and return their records for the manifest.

    Raises:
        NotStorableError: One has no codec.
        OSError: The disk is full, or otherwise unwilling.
    """
    records: dict[str, dict[str, Any]] = {}
    for name, value in outputs.items():
        record = plain_record(value, stamps.get(name, 0))
        if record is None:
            found = codec_of(value, types[name], sockets)
            if found is None:
                message = f"{type(value).__name__} has no codec"
                raise NotStorableError(message)
            subfolder = f"{len(records)}"
            (folder / subfolder).mkdir()
            found[1].write(value, folder / subfolder)
            record = codec_record(*found, subfolder)
        records[name] = record
    return records


def codec_record(name: str, codec: Codec, subfolder: str) -> dict[str, Any]:
    """Return the record of a value that a codec has written."""
    return {"codec": name, "version": codec.version, "folder": subfolder}


def read_outputs(manifest: Manifest, sockets: Mapping[str, SocketType], folder: Path) -> dict[str, object]:
    """Read the values back.

    Raises:
        ValueError: The entry was written by other codecs.
    """
    outputs: dict[str, object] = {}
    for name, record in manifest.outputs.items():
        if "artifact" in record:
            outputs[name] = Artifact(**record["artifact"])
        elif "knob" in record:
            outputs[name] = Path(record["value"]) if record["knob"] == "path" else record["value"]
        else:
            socket = sockets.get(record["codec"])
            if socket is None or socket.codec is None or socket.codec.version != record["version"]:
                message = f"{record['codec']} was written by another codec"
                raise ValueError(message)
            outputs[name] = socket.codec.read(folder / record["folder"])
    return outputs


def seal(folder: Path, records: Mapping[str, dict[str, Any]], *, durable: bool = True) -> Manifest:
    """Digest every file of an entry, and write its manifest last; `durable` waits until all are on the disk."""
    files: dict[str, tuple[int, str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = (path.stat().st_size, file_digest(path))
    body = json.dumps({"outputs": records, "files": files})
    digest = hashlib.blake2b(body.encode(), digest_size=20).hexdigest()
    manifest = folder / MANIFEST
    manifest.write_text(f"{digest}\n{body}\n", encoding="utf-8")
    if durable:
        _make_all_durable(folder)
    return Manifest(records, files)


def _make_all_durable(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            make_durable(path)
        else:
            sync_folder(path)
    sync_folder(folder)


def read_manifest(folder: Path) -> Manifest:
    """Read an entry's manifest.

    Raises:
        OSError: It is not there.
        ValueError: It is not whole.
    """
    digest, _, body = (folder / MANIFEST).read_text(encoding="utf-8").partition("\n")
    body = body.removesuffix("\n")
    if hashlib.blake2b(body.encode(), digest_size=20).hexdigest() != digest:
        message = f"{folder.name}: the manifest is damaged"
        raise ValueError(message)
    data = cast("dict[str, Any]", json.loads(body))
    return Manifest(data["outputs"], {name: (size, digest) for name, (size, digest) in data["files"].items()})


def verify(folder: Path, manifest: Manifest) -> None:
    """Check every file against its digest.

    Raises:
        OSError: One is missing.
        ValueError: One is not what was written.
    """
    for name, (size, digest) in manifest.files.items():
        path = folder / name
        if path.stat().st_size != size or file_digest(path) != digest:
            message = f"{folder.name}/{name} is damaged"
            raise ValueError(message)
