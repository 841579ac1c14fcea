"""What every command says in the same way: exit codes, problems, errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from server.kit.problems import Problem

DONE, FAILED, BAD_WORKFLOW, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """A command cannot go on; the message says what to do."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def print_problems(problems: Iterable[Problem], *, as_json: bool) -> None:
    """Print problems: JSON to stdout for programs, else a line each to stderr."""
    listed = list(problems)
    if as_json:
        print_json({"problems": [problem.to_json() for problem in listed]})
        return
    for problem in listed:
        print(f"{problem.path or '/'}: {problem.message}", file=sys.stderr)
        if problem.hint:
            print(f"    {problem.hint}", file=sys.stderr)


def print_json(data: object) -> None:
    """Print one JSON document on one line to stdout, at once."""
    print(json.dumps(data, ensure_ascii=False, allow_nan=False), flush=True)
