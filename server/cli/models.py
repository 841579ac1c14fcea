"""`kinegraph models`: what models there are, what one of them is, and fetching one when asked to."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from server.cli.output import BAD_WORKFLOW, DONE, FAILED, CommandError, print_json
from server.models import catalog, places
from server.models.catalog import Entry
from server.models.errors import ModelError
from server.models.hashes import Hashes
from server.settings import Settings

_HASHES, _BY_HASH = "model-hashes.json", "sha256:"


def models(options: argparse.Namespace) -> int:
    """List models, explain one, or fetch one."""
    settings = Settings.load().create_folders()
    actions = {"list": _list, "show": _show, "pull": _pull}
    if options.action != "list" and not options.name:
        message = f"`kinegraph models {options.action}` takes a name"
        raise CommandError(message, BAD_WORKFLOW)
    try:
        return actions[options.action](options, settings, Hashes(settings.home / _HASHES))
    except ModelError as error:
        raise CommandError(f"{error.message} {error.hint}".strip(), FAILED) from error


def _list(options: argparse.Namespace, settings: Settings, hashes: Hashes) -> int:
    found = catalog.entries(settings.folders.models)
    if options.name:
        found = [entry for entry in found if options.name.lower() in entry.name.lower()]
    rows = [_row(entry, hashes) for entry in found]
    if options.json:
        print_json({"models": rows})
        return DONE
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['size_bytes'] / 2**30:7.2f} GiB  {row['what']}")
    if not rows:
        print(f"There are no models yet. Put them into {settings.folders.models}, see docs/guide/models.md.")
    return DONE


def _show(options: argparse.Namespace, settings: Settings, hashes: Hashes) -> int:
    found = catalog.entries(settings.folders.models)
    if options.name.startswith(_BY_HASH):
        entry = hashes.find(options.name.removeprefix(_BY_HASH), found)
    else:
        path = places.resolve(settings.folders.models, options.name)
        entry = next((entry for entry in found if entry.path == path), None)
    if entry is None:
        message = f"{options.name!r} is no model; `kinegraph models list` names them"
        raise CommandError(message, BAD_WORKFLOW)
    if entry.kind == "file":
        hashes.of(entry.path, _progress("hashing") if sys.stderr.isatty() else None)
    row = _row(entry, hashes)
    if options.json:
        print_json(row)
        return DONE
    for name, value in row.items():
        if value is not None:
            print(f"{name:<12}{value}")
    return DONE


def _pull(options: argparse.Namespace, settings: Settings, hashes: Hashes) -> int:
    from server.models.pull import address, file_name, pull

    url = address(options.name)
    if not settings.allow_network:
        message = f"fetching {url} needs the network; set KINEGRAPH_ALLOW_NETWORK=1 to allow it"
        raise CommandError(message, FAILED)
    name = options.to or file_name(options.name)
    target = _target(settings.folders.models, name)
    pulled = pull(
        options.name,
        target,
        sha256=options.sha256 or "",
        private=settings.allow_private_network,
        progress=_progress("fetching") if sys.stderr.isatty() else None,
    )
    hashes.keep(pulled.path, pulled.sha256)
    row = {"name": name, "path": str(pulled.path), "sha256": pulled.sha256}
    print_json(row) if options.json else print(f"{pulled.path}\nsha256 {pulled.sha256}")
    return DONE


def _target(models_folder: Path, name: str) -> Path:
    target = (models_folder / name).resolve()
    if not target.is_relative_to(models_folder.resolve()) or target == models_folder.resolve():
        message = f"{name!r} lies outside the models folder; give a name relative to it, such as vae/wan.safetensors"
        raise CommandError(message, BAD_WORKFLOW)
    return target


def _row(entry: Entry, hashes: Hashes) -> dict[str, Any]:
    known = hashes.known(entry.path) if entry.kind == "file" else None
    row: dict[str, Any] = {"name": entry.name, "what": _what(entry), "kind": entry.kind, "size_bytes": entry.size_bytes}
    return row | {"path": str(entry.path), "sha256": known}


def _what(entry: Entry) -> str:
    """Say what a model is, from its header; what cannot be used says why."""
    from server.diffusion import folders, lora
    from server.diffusion.errors import WeightsError
    from server.diffusion.identify import identify

    try:
        if entry.kind == "folder":
            return f"{folders.read(entry.path).family}, a folder of diffusers"
        if entry.kind == "file" and lora.is_lora(entry.path):
            return "a LoRA"
        found = identify(entry.path)
    except WeightsError as error:
        return error.message
    return "; ".join(f"{network.title} ({network.role}, {_size(network.count)})" for network in found)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} B" if count >= 1e8 else f"{count / 1e6:.1f} M"


def _progress(verb: str) -> Any:
    def show(done: int, total: int | None) -> None:
        whole = f" of {total / 2**30:.2f}" if total else ""
        print(f"\r{verb} {done / 2**30:.2f}{whole} GiB", end="", file=sys.stderr, flush=True)
        if done == total:
            print(file=sys.stderr)

    return show
