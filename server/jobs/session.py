"""What a worker does, without a process, a thread or a message: the command line and the tests use it directly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.engine.cache import Cache
from server.engine.cancel import CancelToken
from server.engine.check import check_graph
from server.engine.events import Event
from server.engine.execute import Executor, RunResult
from server.engine.plan import Plan, make_plan
from server.graph import Graph
from server.jobs.preparation import Migrated, bring_up_to_date, prepare, problems_error
from server.jobs.protocol import DoneStatus, Hello
from server.jobs.records import JsonObject
from server.jobs.views import FileViews
from server.kit.catalogue import Catalogue, load_catalogue
from server.kit.context import Folders
from server.kit.packs import packs_digest
from server.kit.problems import Canceled, Problem, WorkflowError
from server.kit.readers import UNREADABLE_FILE, UnreadableFileError
from server.kit.viewers import View


@dataclass(frozen=True, slots=True)
class Checked:
    """A document after all checks, the nodes' own among them."""

    workflow: str
    title: str
    problems: tuple[Problem, ...]
    graph: Graph | None

    def to_json(self) -> JsonObject:
        """Return what crosses to the server: everything but the graph."""
        problems = [problem.to_json() for problem in self.problems]
        return {"workflow": self.workflow, "title": self.title, "problems": problems}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; `result` is None when it could not begin."""

    status: DoneStatus
    error: JsonObject | None = None
    result: RunResult | None = None


class WorkerSession:
    """The packs, the cache and the executor of one device.

    Args:
        hello: Folders, budgets and the device.

    Attributes:
        catalogue: All node types, with their code.
        digest: Of the packs' sources.
    """

    def __init__(self, hello: Hello) -> None:
        custom_folders = [Path(folder) for folder in hello.custom_folders]
        self.digest = packs_digest(custom_folders, hello.builtin)
        self.catalogue: Catalogue = load_catalogue(custom_folders, builtin=hello.builtin)
        self._folders = Folders(**{name: Path(path) for name, path in hello.folders.items()})
        self._cache = Cache(
            Path(hello.cache),
            memory_bytes=hello.memory_bytes,
            disk_bytes=hello.disk_bytes,
            sockets=self.catalogue.sockets,
        )
        self._views = FileViews(Path(hello.cache) / "views", self.catalogue)
        self._executor = Executor(self._cache, self._folders, hello.device, max_pixels=hello.max_pixels)

    def check(self, text: str | bytes, settings: Mapping[str, object], targets: Sequence[str] | None = None) -> Checked:
        """Return a document with settings in place, and all that is wrong with it; its graph is cut to the targets.

        Raises:
            WorkflowError: It cannot be read, or a setting does not fit.
        """
        prepared = prepare(text, settings, self.catalogue, targets)
        problems = prepared.problems
        if prepared.graph is not None:
            problems += check_graph(prepared.graph, self._folders)
        return Checked(prepared.workflow, prepared.title, problems, None if problems else prepared.graph)

    def plan(
        self, text: str | bytes, settings: Mapping[str, object], targets: Sequence[str] | None = None
    ) -> JsonObject:
        """Return what would run, and why.

        Raises:
            WorkflowError: The document cannot be run.
        """
        _, plan = self._plan(text, settings, targets)
        return plan.to_json()

    def migrate(self, text: str | bytes) -> Migrated:
        """Return a document with its nodes at the installed versions.

        Raises:
            WorkflowError: It cannot be read, or a migration failed.
        """
        return bring_up_to_date(text, self.catalogue)

    def embedded_workflow(self, path: Path) -> str | None:
        """Return the workflow inside a file as JSON text, or None when it carries none; nobody has judged it.

        Raises:
            WorkflowError: The file cannot be read.
        """
        reader = self.catalogue.reader_of(path)
        try:
            return reader.read(path) if reader else None
        except UnreadableFileError as error:
            raise WorkflowError((Problem("", UNREADABLE_FILE, str(error), error.hint),)) from error

    def view(self, path: Path, view: View, count: int) -> JsonObject:
        """Return a look at a file: see `FileViews.look`.

        Raises:
            WorkflowError: The file cannot be read, or cannot be looked at like this.
        """
        try:
            return self._views.look(path, view, count)
        except UnreadableFileError as error:
            raise WorkflowError((Problem("", UNREADABLE_FILE, str(error), error.hint),)) from error

    def run(
        self,
        text: str | bytes,
        settings: Mapping[str, object] | None = None,
        *,
        targets: Sequence[str] | None = None,
        emit: Callable[[Event], None],
        cancel: CancelToken,
    ) -> Outcome:
        """Run a document to its end. Events come from this thread and from those of streams."""
        try:
            workflow, plan = self._plan(text, settings or {}, targets)
            result = self._executor.run(plan, emit=emit, cancel=cancel, workflow_json=workflow)
        except WorkflowError as error:
            return Outcome("failed", problems_error(error.problems))
        except Canceled:
            return Outcome("canceled")
        if cancel.requested and result.status == "canceled":
            return Outcome("canceled", None, result)
        if result.failed:
            return Outcome("failed", result.failed[0].error.to_json(), result)
        return Outcome("succeeded", None, result)

    def close(self) -> None:
        """Close the cache."""
        self._cache.close()

    def _plan(
        self, text: str | bytes, settings: Mapping[str, object], targets: Sequence[str] | None
    ) -> tuple[str, Plan]:
        checked = self.check(text, settings, targets)
        if checked.graph is None:
            raise WorkflowError(checked.problems)
        return checked.workflow, make_plan(checked.graph, self._cache, self._folders)
