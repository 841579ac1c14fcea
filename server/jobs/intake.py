"""Judges submitted workflows: their structure here and at once, the rest by the worker, when that is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from server.jobs.errors import WorkerFailedError, WorkerUnavailableError
from server.jobs.preparation import Prepared, bring_up_to_date, prepare, problems_of
from server.jobs.protocol import Answer, Topic
from server.jobs.records import JsonObject
from server.jobs.supervisor import Supervisor
from server.kit.catalogue import Catalogue
from server.kit.problems import Problem, WorkflowError
from server.kit.viewers import View

WORKER_S = 60.0
"""How long a question that only the worker can answer may take."""

CONVERT_S = 900.0
"""How long making a copy of a video may take that browsers play."""

CHECK_S = 3.0
"""How long a submission waits for the nodes' own checks; they are made again before the run."""

SMALL_BYTES = 32 * 1024
"""Documents up to this are parsed in a few milliseconds, which is not worth a thread."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """A workflow that may be queued."""

    workflow: str
    title: str


Targets: TypeAlias = "tuple[str, ...] | None"
"""Nodes to run for; None for all sinks."""


class Intake:
    """Tells good workflows from bad ones.

    Args:
        supervisor: Of the worker, which has the nodes' code.
        catalogue: Waits for the catalogue.
    """

    def __init__(self, supervisor: Supervisor, catalogue: Callable[[], Awaitable[Catalogue]]) -> None:
        self._supervisor = supervisor
        self._catalogue = catalogue

    async def judge(self, workflow: str | bytes, settings: Mapping[str, object], targets: Targets = None) -> Judged:
        """Return a workflow ready to be queued.

        Raises:
            WorkflowError: With all that is wrong.
            WorkerUnavailableError: It takes the worker to judge it, and there is none.
        """
        judged, problems = await self._examine(workflow, settings, targets)
        if problems:
            raise WorkflowError(problems)
        return judged

    async def problems(
        self, workflow: str | bytes, settings: Mapping[str, object], targets: Targets = None
    ) -> tuple[Problem, ...]:
        """Return all that is wrong with a workflow."""
        try:
            _, problems = await self._examine(workflow, settings, targets)
        except WorkflowError as error:
            return error.problems
        return problems

    async def plan(self, workflow: str | bytes, settings: Mapping[str, object], targets: Targets = None) -> JsonObject:
        """Return what a run would do.

        Raises:
            WorkflowError: The workflow cannot be run.
            WorkerUnavailableError: There is no worker to ask.
        """
        prepared = await self._prepare(workflow, settings, targets)
        if prepared.problems and not prepared.outdated:
            raise WorkflowError(prepared.problems)
        return await self._ask("plan", workflow, settings, targets, timeout_s=WORKER_S)

    async def migrate(self, workflow: str | bytes) -> JsonObject:
        """Return a document with its nodes at the installed versions, and what was changed.

        Raises:
            WorkflowError: It cannot be read, or a migration failed.
            WorkerUnavailableError: A node is older than what is installed, and there is no worker to ask.
        """
        migrated = await asyncio.to_thread(bring_up_to_date, workflow, await self._catalogue())
        if not migrated.outdated:
            return migrated.to_json()
        return await self._ask("migrate", workflow, {}, None, timeout_s=WORKER_S)

    async def embedded_workflow(self, path: Path) -> str | None:
        """Return the workflow inside a file as JSON text, or None when it carries none.

        Raises:
            WorkflowError: The file cannot be read.
            WorkerUnavailableError: There is no worker to ask.
        """
        return _result(await self._supervisor.ask("embedded", path=str(path), timeout_s=WORKER_S))["workflow"]

    async def view(self, path: Path, view: View, count: int) -> JsonObject:
        """Return a look at a file.

        Raises:
            WorkflowError: The file cannot be read, or cannot be looked at like this.
            WorkerUnavailableError: There is no worker to ask.
        """
        settings = {"view": view, "count": count}
        limit_s = CONVERT_S if view == "playable" else WORKER_S
        return _result(await self._supervisor.ask("view", settings=settings, path=str(path), timeout_s=limit_s))

    async def _examine(
        self, workflow: str | bytes, settings: Mapping[str, object], targets: Targets
    ) -> tuple[Judged, tuple[Problem, ...]]:
        prepared = await self._prepare(workflow, settings, targets)
        judged = Judged(prepared.workflow, prepared.title)
        if prepared.problems and not prepared.outdated:
            return judged, prepared.problems
        if not prepared.outdated and not self._supervisor.is_ready:
            return judged, ()
        try:
            timeout_s = WORKER_S if prepared.outdated else CHECK_S
            result = await self._ask("check", workflow, settings, targets, timeout_s=timeout_s)
        except WorkerUnavailableError as error:
            if prepared.outdated:
                raise
            logger.warning("a workflow was taken without the nodes' own checks: %s", error)
            return judged, ()
        return Judged(result["workflow"], result["title"]), tuple(Problem(**item) for item in result["problems"])

    async def _prepare(self, workflow: str | bytes, settings: Mapping[str, object], targets: Targets) -> Prepared:
        catalogue = await self._catalogue()
        if len(workflow) <= SMALL_BYTES:
            return prepare(workflow, settings, catalogue, targets)
        return await asyncio.to_thread(prepare, workflow, settings, catalogue, targets)

    async def _ask(
        self,
        topic: Topic,
        workflow: str | bytes,
        settings: Mapping[str, object],
        targets: Targets,
        *,
        timeout_s: float,
    ) -> JsonObject:
        text = workflow.decode("utf-8") if isinstance(workflow, bytes) else workflow
        return _result(await self._supervisor.ask(topic, text, settings, targets, timeout_s=timeout_s))


def _result(answer: Answer) -> JsonObject:
    if answer.result is not None:
        return answer.result
    error = answer.error or {}
    if "problems" in error:
        raise problems_of(error)
    raise WorkerFailedError(error.get("message", "the worker gave no answer"), error.get("hint", ""))
