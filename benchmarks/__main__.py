"""`python -m benchmarks [NAME ...]`: runs the named benchmarks, or all but the longest, and prints their tables."""

from __future__ import annotations

import importlib
import sys

from benchmarks.table import machine

NAMES = ("startup", "engine", "jobs", "generation", "streaming", "speed", "editor")
ON_REQUEST = ("long_clip",)


def main(names: list[str]) -> int:
    """Print each benchmark's table."""
    unknown = set(names) - {*NAMES, *ON_REQUEST}
    if unknown:
        print(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES + ON_REQUEST)}",
            file=sys.stderr,
        )
        return 2
    print(machine() + "\n")
    for name in names or NAMES:
        print(importlib.import_module(f"benchmarks.{name}").run().to_markdown(), flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
