"""Payload types: what crosses the wire, said once. Requests are checked with them, OpenAPI is generated from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

State = Literal["queued", "running", "succeeded", "failed", "canceled", "interrupted"]
Priority = Annotated[int, Field(ge=-1000, le=1000, strict=True, description="Higher runs first.")]
Limit = Annotated[int, Field(ge=1, le=500, description="Most entries of a page.")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{40}$", description="BLAKE2b-160 of the content; the file's id.")]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Title = Annotated[str, Field(max_length=1000)]
Seconds = Annotated[float, Field(description="Seconds since 1970.")]


class Payload(BaseModel):
    """The base of all payloads: an unknown field is a misspelled one, and refused."""

    # Validators are built when first used, and the docstrings of fields are read when OpenAPI is first asked for: at
    # import the two would take a quarter of the time that the server needs to start.
    model_config = ConfigDict(extra="forbid", populate_by_name=True, defer_build=True)


class Empty(Payload):
    """Nothing more to say."""


class ProblemEntry(Payload):
    """One thing wrong in a workflow or a request."""

    path: str
    """JSON pointer to the place."""
    code: str
    message: str
    hint: str
    """What to do next."""


class ErrorDetail(Payload):
    """Why a request was refused."""

    code: str
    """Stable word for programs."""
    message: str
    hint: str
    problems: list[ProblemEntry]


class ErrorAnswer(Payload):
    """The one shape of every refusal."""

    error: ErrorDetail


class DocumentBody(Payload):
    """A workflow."""

    workflow: dict[str, Any]
    """The document, as the editor saves it; see docs/workflow.schema.json."""


class WorkflowBody(DocumentBody):
    """A workflow, and values for its named inputs."""

    inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Values by the name of an input that the workflow exposes, or by `node.input`."""
    targets: Annotated[list[Id], Field(min_length=1, max_length=1000)] | None = None
    """Ids of the nodes to run for, with all that they need; unless given, of all that keep or show a result."""


class SubmitBody(WorkflowBody):
    """A job to be queued."""

    priority: Priority = 0


class SubmitHeaders(Payload):
    """Headers that a submission may carry."""

    idempotency_key: Annotated[
        str | None, Field(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    ] = None
    """The same key with the same body gets the first answer again, and queues nothing; with another body, 409."""


class SubmittedJob(Payload):
    """An accepted job: what does not change any more, so that a repeated request gets the same answer."""

    id: str
    title: str
    created_at: Seconds
    url: str
    """GET says how it stands, DELETE deletes it once it has ended."""
    events_url: str


class JobError(Payload):
    """Why a job failed."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    hint: str = ""
    path: str = ""
    """JSON pointer into the workflow; empty when no place is to blame."""
    node: str | None = None


class ArtifactEntry(Payload):
    """A file that a job produced."""

    job: str
    node: str
    output: str
    path: str
    """Relative to the outputs folder; a name for people. The digest is what addresses it."""
    media_type: str
    size_bytes: int
    digest: Digest
    url: str


class JobEntry(Payload):
    """A job in a list."""

    id: str
    state: State
    title: str
    priority: int
    created_at: Seconds
    started_at: Seconds | None
    finished_at: Seconds | None
    error: JobError | None
    retry_of: str | None
    position: int | None
    """1 for the next job to run; null when it does not wait."""
    targets: list[str] | None
    """Ids of the nodes that it runs for; null for all that keep or show a result."""
    estimate_s: float | None
    """Seconds that its run takes, going by earlier ones; null until it runs, or when nothing is known."""
    artifacts: list[ArtifactEntry]
    """What it has produced so far."""


class JobAnswer(JobEntry):
    """A job with its workflow and its settings."""

    workflow: dict[str, Any]
    """The document that runs, migrated, with the inputs in place."""
    settings: dict[str, Any]


class JobList(Payload):
    """A page of jobs, newest first."""

    jobs: list[JobEntry]
    cursor: str | None
    """Give it back for the next page; null on the last one."""


class JobsQuery(Payload):
    """Which jobs to list."""

    state: State | None = None
    limit: Limit = 50
    cursor: Id | None = None


class MoveBody(Payload):
    """Where a waiting job goes: before another one, to the front, or to the end."""

    before: Id | None = None
    """Id of the waiting job that it is to run just before."""
    to: Literal["front", "end"] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.before is None) == (self.to is None):
            message = "give either `before` or `to`"
            raise ValueError(message)
        return self


class QueueAnswer(Payload):
    """Ids of the waiting jobs, in the order in which they will run."""

    waiting: list[str]


class EventsQuery(Payload):
    """From where to follow."""

    after: Annotated[int, Field(ge=0, le=2**53, description="Number of the last event already seen.")] = 0


class EventsHeaders(Payload):
    """Sent by browsers and by the SDK when they take up a broken stream."""

    last_event_id: Annotated[
        str | None, Field(alias="Last-Event-ID", pattern="^[0-9]{1,15}$", description="Goes before `after`.")
    ] = None


class EventEntry(Payload):
    """One thing that happened to a job."""

    job: str
    seq: int | None
    """1, 2, 3, ... in each job; null for progress and previews, which are shown while fresh and not stored."""
    number: int | None
    """Counts all stored events of all jobs; what `/events` takes up from."""
    at: Seconds
    kind: str
    data: dict[str, Any]


class ValidateAnswer(Payload):
    """What is wrong with a workflow; `valid` says that nothing is."""

    valid: bool
    problems: list[ProblemEntry]


class PlanStep(Payload):
    """What would happen to one node, and why."""

    node: str
    key: str
    """Names its result: results of equal keys are equal, and events carry the key of the result that they tell of."""
    state: Literal["cached", "run", "not_needed"]
    reason: str


class PlanAnswer(Payload):
    """What a run would do."""

    summary: str
    """Such as `3 of 7 nodes will run`."""
    estimate_s: float | None
    """Seconds that the run will take, going by earlier ones; null when nothing is known."""
    steps: list[PlanStep]


class MigrationEntry(Payload):
    """A node that was brought to a newer version."""

    path: str
    """JSON pointer to the node."""
    type: str
    from_version: int
    to_version: int


class MigrateAnswer(Payload):
    """A document with its nodes at the versions that are installed."""

    workflow: dict[str, Any]
    changes: list[MigrationEntry]


class EmbeddedWorkflow(Payload):
    """The workflow that was found inside a file, as it was saved: neither validated nor migrated."""

    workflow: dict[str, Any]


class CatalogueAnswer(Payload):
    """Every node type and wire type there is."""

    nodes: dict[str, dict[str, Any]]
    sockets: dict[str, dict[str, Any]]
    failures: list[dict[str, str]]
    """Packs that could not be loaded, and why."""


class CatalogueHeaders(Payload):
    """Headers that save sending the catalogue again."""

    if_none_match: Annotated[str | None, Field(alias="If-None-Match", max_length=1000)] = None


class ArtifactsQuery(Payload):
    """Which files to list."""

    job: Id | None = None
    limit: Limit = 50
    cursor: Annotated[str | None, Field(pattern="^[0-9]{1,18}$")] = None


class ArtifactList(Payload):
    """A page of files, newest first."""

    artifacts: list[ArtifactEntry]
    cursor: str | None


class RangeHeaders(Payload):
    """Headers that ask for a part of a file, or for nothing when it is known."""

    range: Annotated[str | None, Field(alias="Range", max_length=200)] = None
    if_range: Annotated[str | None, Field(alias="If-Range", max_length=200)] = None
    if_none_match: Annotated[str | None, Field(alias="If-None-Match", max_length=1000)] = None


class UploadQuery(Payload):
    """What a raw upload is to be called; a multipart one brings its name."""

    name: Annotated[str | None, Field(min_length=1, max_length=255)] = None


class UploadEntry(Payload):
    """A file in the uploads folder; `name` is what a workflow's file inputs take."""

    name: str
    media_type: str
    size_bytes: int
    modified_at: Seconds
    url: str


class UploadAnswer(UploadEntry):
    """An uploaded file."""

    digest: Digest


class UploadList(Payload):
    """The uploaded files, by name."""

    uploads: list[UploadEntry]


class HealthAnswer(Payload):
    """That the server answers, and whether its worker can run jobs yet."""

    status: Literal["ok"]
    version: str
    worker: str


class LaunchAnswer(Payload):
    """A link that signs one browser in, once."""

    url: str


class WorkflowEntry(Payload):
    """A saved workflow, or a version of one, without its document."""

    id: str
    """Stable; made from the first title."""
    title: str
    """The document's; may be empty."""
    etag: str
    """What a save that starts from this version names in If-Match; quotes included."""
    version: int
    """1, 2, 3, ..."""
    modified_at: Seconds
    size_bytes: int
    url: str


class WorkflowList(Payload):
    """The saved workflows, the one saved last first."""

    workflows: list[WorkflowEntry]


class VersionList(Payload):
    """All versions of a workflow, newest first."""

    versions: list[WorkflowEntry]


class OpenedWorkflow(WorkflowEntry):
    """A saved workflow, or a version of one, with its document."""

    workflow: dict[str, Any]
    """As it was saved: neither validated nor migrated."""


class UnchangedHeaders(Payload):
    """Headers that save sending again what is known."""

    if_none_match: Annotated[str | None, Field(alias="If-None-Match", max_length=1000)] = None


class ExpectedHeaders(Payload):
    """Headers that keep a change from hitting a version that the caller has not seen."""

    if_match: Annotated[str | None, Field(alias="If-Match", min_length=1, max_length=1000)] = None
    """ETag of the version that the caller started from; without it the newest is changed, whichever that is."""


class SaveHeaders(Payload):
    """Headers that say what a save replaces; exactly one of them is given."""

    if_match: Annotated[str | None, Field(alias="If-Match", min_length=1, max_length=1000)] = None
    """ETag of the version that the caller started from."""
    if_none_match: Annotated[Literal["*"] | None, Field(alias="If-None-Match")] = None
    """`*`: there is to be no workflow of this id yet."""


class RenameBody(Payload):
    """A workflow's new title."""

    title: Title


class DuplicateBody(Payload):
    """What a copy is called."""

    title: Title | None = None
    """The original's title with "(copy)" behind it, unless given."""


class TemplateEntry(Payload):
    """A shipped workflow, without its document."""

    name: str
    title: str
    description: str
    """What it makes, in a sentence; may be empty."""

    nodes: int
    url: str


class TemplateList(Payload):
    """The shipped workflows, by title."""

    templates: list[TemplateEntry]


class OpenedTemplate(TemplateEntry):
    """A shipped workflow."""

    workflow: dict[str, Any]


class ModelEntry(Payload):
    """A model of the user's: a weight file, or a folder of diffusers."""

    name: str
    kind: Literal["file", "folder"]
    size_bytes: int


class ModelList(Payload):
    """The user's models, by name."""

    models: list[ModelEntry]


class SocketMessage(Payload):
    """What a websocket takes: exactly one of `follow` and `unfollow`."""

    follow: Id | None = None
    """Id of a job, or `*` for all."""
    unfollow: Id | None = None
    after: Annotated[int, Field(ge=0, le=2**53, strict=True)] = 0
    """Number of the last event already seen."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.follow is None) == (self.unfollow is None):
            message = "give either `follow` or `unfollow`"
            raise ValueError(message)
        return self


class SocketAnswer(Payload):
    """What a websocket sends: one of these."""

    event: EventEntry | None = None
    ended: str | None = None
    """Id of a job whose last event has been sent."""
    error: ErrorDetail | None = None
