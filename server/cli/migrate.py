"""`kinegraph migrate FILE...`: brings workflow files up to date, each one whole or not at all."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from server.cli.output import BAD_WORKFLOW, DONE, CommandError
from server.graph.dump import dump
from server.graph.migrate import migrate as migrate_workflow
from server.graph.parse import parse
from server.kit.catalogue import load_catalogue
from server.settings import Settings


def migrate(options: argparse.Namespace) -> int:
    """Rewrite the files that need it; with `--dry-run` only say what would change."""
    catalogue = load_catalogue([Settings.load().custom_nodes])
    for name in options.files:
        path = Path(name)
        try:
            workflow, changes = migrate_workflow(parse(path.read_bytes()), catalogue)
        except OSError as error:
            message = f"cannot read {name!r}: {error.strerror or error}"
            raise CommandError(message, BAD_WORKFLOW) from error
        for change in changes:
            print(f"{name}: {change}")
        if changes and not options.dry_run:
            _replace(path, dump(workflow))
        elif not changes:
            print(f"{name}: up to date")
    return DONE


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then rename: a crash leaves the old file or the new one, never half of either."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
