"""`kinegraph migrate FILE...`: brings workflow files up to date, each one whole or not at all."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from server.cli.documents import MOST_BYTES
from server.cli.output import BAD_WORKFLOW, DONE, print_problems
from server.graph.dump import dump
from server.graph.migrate import migrate as migrate_workflow
from server.graph.parse import parse
from server.kit.catalogue import Catalogue, load_catalogue
from server.kit.problems import WorkflowError
from server.settings import Settings


def migrate(options: argparse.Namespace) -> int:
    """Rewrite the files that need it; with `--dry-run` only say what would change."""
    catalogue = load_catalogue([Settings.load().custom_nodes])
    done = [_migrate_file(name, catalogue, dry_run=options.dry_run) for name in options.files]
    return DONE if all(done) else BAD_WORKFLOW


def _migrate_file(name: str, catalogue: Catalogue, *, dry_run: bool) -> bool:
    """Bring one file up to date, and return whether it was a workflow; what is wrong with it is printed."""
    path = Path(name)
    try:
        with path.open("rb") as file:
            workflow, changes = migrate_workflow(parse(file.read(MOST_BYTES)), catalogue)
        for change in changes:
            print(f"{name}: {change}")
        if changes and not dry_run:
            _replace(path, dump(workflow))
        elif not changes:
            print(f"{name}: up to date")
    except OSError as error:
        print(f"{name}: {error.strerror or error}", file=sys.stderr)
        return False
    except WorkflowError as error:
        print(f"{name} is left as it is:", file=sys.stderr)
        print_problems(error.problems, as_json=False)
        return False
    return True


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then rename: a crash leaves the old file or the new one, never half of either."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
