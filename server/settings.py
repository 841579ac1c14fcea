"""Folders, limits and devices, in one frozen record that is read once, at start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import platformdirs

from server.kit.context import MAX_PIXELS, Folders

MIB = 1024 * 1024
GIB = 1024 * MIB


HIGHEST_PORT = 65535
LEAST = {
    "memory_cache_bytes": 0,
    "disk_cache_bytes": 0,
    "weights_bytes": 0,
    "host_weights_bytes": 0,
    "max_body_bytes": 1,
    "max_upload_bytes": 1,
    "max_pixels": 1,
    "max_queue": 1,
    "cancel_grace_s": 0,
}
"""Smallest value of each setting that is a number."""

DEVICE = re.compile(r"auto|cpu|mps|(cuda|xpu)(:[0-9]+)?")


class SettingsError(ValueError):
    """A setting cannot be what it is, or its environment variable does not hold what it takes; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation may use. Every field can be set by an environment variable, `KINEGRAPH_` and its name.

    Attributes:
        home: Folder of everything that Kinegraph keeps.
        custom_nodes: Folder of custom packs.
        host: Address that the server listens on.
        port: Port that the server listens on; 0 takes a free one.
        allowed_hosts: Further host names that browsers may call the server by, separated by commas: a proxy's, say.
        pack_scripts: Packs whose scripts may run in the signed-in page, separated by commas; `*` for all.
        device: `auto`, or what torch calls it: `cpu`, `cuda:0`, `mps`.
        memory_cache_bytes: Budget of results kept in the worker's memory.
        disk_cache_bytes: Budget of results kept on disk.
        weights_bytes: Budget of models' weights on the device; 0 is four fifths of it. What is larger runs in parts.
        host_weights_bytes: Budget of weights that wait in the machine's memory for their turn; 0 is four fifths of it.
        max_body_bytes: Longest request body that is not an upload.
        max_upload_bytes: Longest uploaded file.
        max_pixels: Largest frame or picture, in pixels, that a workflow may open.
        max_queue: Most jobs waiting at a time.
        allow_network: Whether commands and nodes that are told to may fetch from the network.
        allow_private_network: Whether they may fetch from addresses inside a network, too.
        cancel_grace_s: Seconds that a canceled job may take to stop before its worker is killed.
    """

    home: Path
    custom_nodes: Path
    host: str = "127.0.0.1"
    port: int = 8188
    allowed_hosts: str = ""
    pack_scripts: str = ""
    device: str = "auto"
    memory_cache_bytes: int = 2 * GIB
    disk_cache_bytes: int = 20 * GIB
    weights_bytes: int = 0
    host_weights_bytes: int = 0
    max_body_bytes: int = 8 * MIB
    max_upload_bytes: int = 8 * GIB
    max_pixels: int = MAX_PIXELS
    max_queue: int = 10_000
    allow_network: bool = False
    allow_private_network: bool = False
    cancel_grace_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what no setting can be.

        Raises:
            SettingsError: A number is out of its range, or no device is called so.
        """
        if not 0 <= self.port <= HIGHEST_PORT:
            raise SettingsError(f"port={self.port} is not from 0 to {HIGHEST_PORT}")
        for name, least in LEAST.items():
            if not getattr(self, name) >= least:  # also when it is not a number
                raise SettingsError(f"KINEGRAPH_{name.upper()}={getattr(self, name)} is less than {least}")
        if not DEVICE.fullmatch(self.device):
            message = f"KINEGRAPH_DEVICE={self.device!r} is no device; auto, cpu, cuda, cuda:1, mps and xpu are"
            raise SettingsError(message)

    @property
    def cache(self) -> Path:
        """Folder of cached results; it may be deleted while nothing runs."""
        return self.home / "cache"

    @property
    def database(self) -> Path:
        """SQLite file of jobs, their events and their artifacts."""
        return self.home / "jobs.sqlite"

    @property
    def workflows(self) -> Path:
        """Folder of saved workflows, each with all its versions."""
        return self.home / "workflows"

    @property
    def folders(self) -> Folders:
        """Folders that nodes may use."""
        return Folders(
            uploads=self.home / "uploads",
            outputs=self.home / "outputs",
            models=self.home / "models",
        )

    @staticmethod
    def load(environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: A variable does not hold what its setting takes.
        """
        home = Path(environment.get("KINEGRAPH_HOME") or platformdirs.user_data_path("kinegraph", False)).absolute()
        given: dict[str, object] = {"home": home, "custom_nodes": _default_packs(home)}
        for entry in fields(Settings):
            text = environment.get("KINEGRAPH_" + entry.name.upper())
            if text is not None and entry.name != "home":
                given[entry.name] = _read(entry.name, str(entry.type), text)
        return Settings(**given)  # pyright: ignore[reportArgumentType]

    def create_folders(self) -> Settings:
        """Make every folder that is missing, readable by this user alone, and return the settings.

        Raises:
            SettingsError: One cannot be made.
        """
        folders = self.folders
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.cache, folders.uploads, folders.outputs, folders.models, self.custom_nodes):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"the folder {error.filename} cannot be made ({error.strerror}); set KINEGRAPH_HOME to another"
            raise SettingsError(message) from error
        return self


def _default_packs(home: Path) -> Path:
    """Return the checkout's `custom_nodes` when this is one, else the folder inside `home`."""
    checkout = Path(__file__).resolve().parent.parent / "custom_nodes"
    return checkout if checkout.is_dir() else home / "custom_nodes"


def _read(name: str, kind: str, text: str) -> object:
    readers = {"int": int, "float": float, "bool": _truth, "Path": lambda value: Path(value).absolute()}
    try:
        return readers.get(kind, str)(text)
    except ValueError as error:
        wanted = "1 or 0" if kind == "bool" else "a number"
        message = f"KINEGRAPH_{name.upper()}={text!r} is not {wanted}"
        raise SettingsError(message) from error


def _truth(text: str) -> bool:
    answer = text.strip().lower()
    if answer not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError(text)
    return answer in ("1", "true", "yes", "on")
