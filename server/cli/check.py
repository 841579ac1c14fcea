"""`kinegraph check` and `kinegraph plan`: what is wrong, and what would run. Neither runs a node."""

from __future__ import annotations

import argparse
from typing import Any

from server.cli.output import DONE, print_json
from server.cli.session import open_workflow

MARKS = {"run": "run   ", "cached": "cached", "not_needed": "-     "}


def check(options: argparse.Namespace) -> int:
    """Say that a workflow is good; its problems are raised, and printed by `main`."""
    with open_workflow(options) as opened:
        print_json({"problems": []}) if options.json else print(f"good: {len(opened.graph.nodes)} nodes")
    return DONE


def plan(options: argparse.Namespace) -> int:
    """Print which nodes would run, and why."""
    with open_workflow(options) as opened:
        planned = opened.session.plan(opened.workflow, {})
    print_json(planned) if options.json else _print(planned)
    return DONE


def _print(planned: dict[str, Any]) -> None:
    steps = planned["steps"]
    width = max((len(step["node"]) for step in steps), default=0)
    for step in steps:
        print(f"{MARKS[step['state']]}  {step['node']:<{width}}  {step['reason']}".rstrip())
    print(planned["summary"])
