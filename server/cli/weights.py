"""`kinegraph weights`: published weights for upscaling and interpolation, fetched and converted when asked to."""

from __future__ import annotations

import argparse
from pathlib import Path

from server.cli.output import BAD_WORKFLOW, DONE, FAILED, CommandError, print_json
from server.diffusion.errors import WeightsError
from server.settings import Settings


def weights(options: argparse.Namespace) -> int:
    """List what there is, fetch one of them, or convert a file of the user's."""
    models = Settings.load().create_folders().folders.models
    try:
        return {"list": _list, "get": _get, "convert": _convert}[options.action](options, models)
    except WeightsError as error:
        raise CommandError(f"{error.message} {error.hint}".strip(), FAILED) from error


def _list(options: argparse.Namespace, models: Path) -> int:
    from server.diffusion.published.catalogue import catalogue

    entries = catalogue().values()
    there = {entry.name: (models / entry.filename).is_file() for entry in entries}
    if options.json:
        print_json([{"name": e.name, "title": e.title, "licence": e.licence, "there": there[e.name]} for e in entries])
        return DONE
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        print(f"{entry.name:<{width}}  {'there  ' if there[entry.name] else 'not yet'}  {entry.title}")
        print(f"{'':<{width}}  {'':<7}  for {entry.use}; licence: {entry.licence}")
    return DONE


def _get(options: argparse.Namespace, models: Path) -> int:
    from server.diffusion.published.catalogue import published
    from server.diffusion.published.fetch import fetch

    if not options.name:
        message = "name what to get; `kinegraph weights list` says what there is"
        raise CommandError(message, BAD_WORKFLOW)
    print(fetch(published(options.name), models))
    return DONE


def _convert(options: argparse.Namespace, models: Path) -> int:
    from server.diffusion.published.convert import unpickle

    source = Path(options.name or "")
    if not source.is_file():
        message = f"there is no file {options.name!r} to convert"
        raise CommandError(message, BAD_WORKFLOW)
    target = models / f"{source.stem}.safetensors"
    if target.exists():
        message = f"{target} is there already; move it away first"
        raise CommandError(message, BAD_WORKFLOW)
    unpickle(source, target)
    print(target)
    return DONE
