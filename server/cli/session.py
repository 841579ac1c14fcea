"""One workflow on this machine without a server: the worker's own session, and the command's document checked in it."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from server.cli.documents import read_document
from server.graph import Graph, parse
from server.graph.inputs import parse_setting
from server.jobs.service import worker_hello
from server.jobs.session import WorkerSession
from server.kit.problems import WorkflowError
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, and a workflow in it that was found good."""

    settings: Settings
    session: WorkerSession
    workflow: str
    graph: Graph


@contextmanager
def open_workflow(options: argparse.Namespace) -> Generator[Opened]:
    """Read and check the command's workflow, its `--set` values in place.

    Raises:
        CommandError: The file cannot be read.
        WorkflowError: With every problem of the workflow.
    """
    settings = Settings.load().create_folders()
    session = WorkerSession(worker_hello(settings))
    try:
        text = read_document(options.file, session)
        written = parse(text)
        values = dict(parse_setting(setting, written, session.catalogue) for setting in options.settings)
        checked = session.check(text, values)
        if checked.graph is None:
            raise WorkflowError(checked.problems)
        yield Opened(settings, session, checked.workflow, checked.graph)
    finally:
        session.close()
