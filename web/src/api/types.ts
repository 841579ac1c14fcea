/** Made by scripts/api-types.mjs from the server's OpenAPI; do not edit. */

/** A file that a job produced. */
export type ArtifactEntry = {
  readonly job: string;
  readonly node: string;
  readonly output: string;
  /** Relative to the outputs folder; a name for people. The digest is what addresses it. */
  readonly path: string;
  readonly media_type: string;
  readonly size_bytes: number;
  /** BLAKE2b-160 of the content; the file's id. */
  readonly digest: string;
  readonly url: string;
};

/** A page of files, newest first. */
export type ArtifactList = {
  readonly artifacts: readonly ArtifactEntry[];
  readonly cursor: string | null;
};

/** Which files to list. */
export type ArtifactsQuery = {
  readonly job?: string | null;
  /** Most entries of a page. */
  readonly limit?: number;
  readonly cursor?: string | null;
};

/** Every node type and wire type there is. */
export type CatalogueAnswer = {
  readonly nodes: { readonly [key: string]: { readonly [key: string]: unknown } };
  readonly sockets: { readonly [key: string]: { readonly [key: string]: unknown } };
  /** Packs that could not be loaded, and why. */
  readonly failures: readonly { readonly [key: string]: string }[];
};

/** Headers that save sending the catalogue again. */
export type CatalogueHeaders = {
  readonly "If-None-Match"?: string | null;
};

/** The one shape of every refusal. */
export type ErrorAnswer = {
  readonly error: ErrorDetail;
};

/** Why a request was refused. */
export type ErrorDetail = {
  /** Stable word for programs. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly problems: readonly ProblemEntry[];
};

/** One thing that happened to a job. */
export type EventEntry = {
  readonly job: string;
  /** 1, 2, 3, ... in each job; null for progress and previews, which are shown while fresh and not stored. */
  readonly seq: number | null;
  /** Counts all stored events of all jobs; what `/events` takes up from. */
  readonly number: number | null;
  /** Seconds since 1970. */
  readonly at: number;
  readonly kind: string;
  readonly data: { readonly [key: string]: unknown };
};

/** Sent by browsers and by the SDK when they take up a broken stream. */
export type EventsHeaders = {
  /** Goes before `after`. */
  readonly "Last-Event-ID"?: string | null;
};

/** From where to follow. */
export type EventsQuery = {
  /** Number of the last event already seen. */
  readonly after?: number;
};

/** That the server answers, and whether its worker can run jobs yet. */
export type HealthAnswer = {
  readonly status: "ok";
  readonly version: string;
  readonly worker: string;
};

/** A job with its workflow, its settings and what it has produced so far. */
export type JobAnswer = {
  readonly id: string;
  readonly state: "queued" | "running" | "succeeded" | "failed" | "canceled" | "interrupted";
  readonly title: string;
  readonly priority: number;
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly error: JobError | null;
  readonly retry_of: string | null;
  /** 1 for the next job to run; null when it does not wait. */
  readonly position: number | null;
  /** The document that runs, migrated, with the inputs in place. */
  readonly workflow: { readonly [key: string]: unknown };
  readonly settings: { readonly [key: string]: unknown };
  readonly artifacts: readonly ArtifactEntry[];
};

/** A job in a list. */
export type JobEntry = {
  readonly id: string;
  readonly state: "queued" | "running" | "succeeded" | "failed" | "canceled" | "interrupted";
  readonly title: string;
  readonly priority: number;
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly error: JobError | null;
  readonly retry_of: string | null;
  /** 1 for the next job to run; null when it does not wait. */
  readonly position: number | null;
};

/** Why a job failed. */
export type JobError = {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** JSON pointer into the workflow; empty when no place is to blame. */
  readonly path?: string;
  readonly node?: string | null;
};

/** A page of jobs, newest first. */
export type JobList = {
  readonly jobs: readonly JobEntry[];
  /** Give it back for the next page; null on the last one. */
  readonly cursor: string | null;
};

/** Which jobs to list. */
export type JobsQuery = {
  readonly state?: "queued" | "running" | "succeeded" | "failed" | "canceled" | "interrupted" | null;
  /** Most entries of a page. */
  readonly limit?: number;
  readonly cursor?: string | null;
};

/** A link that signs one browser in, once. */
export type LaunchAnswer = {
  readonly url: string;
};

/** Where a waiting job goes: before another one, to the front, or to the end. */
export type MoveBody = {
  /** Id of the waiting job that it is to run just before. */
  readonly before?: string | null;
  readonly to?: "front" | "end" | null;
};

/** What a run would do. */
export type PlanAnswer = {
  /** Such as `3 of 7 nodes will run`. */
  readonly summary: string;
  readonly steps: readonly PlanStep[];
};

/** What would happen to one node, and why. */
export type PlanStep = {
  readonly node: string;
  readonly state: "cached" | "run" | "not_needed";
  readonly reason: string;
};

/** One thing wrong in a workflow or a request. */
export type ProblemEntry = {
  /** JSON pointer to the place. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
  /** What to do next. */
  readonly hint: string;
};

/** Ids of the waiting jobs, in the order in which they will run. */
export type QueueAnswer = {
  readonly waiting: readonly string[];
};

/** Headers that ask for a part of a file, or for nothing when it is known. */
export type RangeHeaders = {
  readonly Range?: string | null;
  readonly "If-Range"?: string | null;
  readonly "If-None-Match"?: string | null;
};

/** What a websocket sends: one of these. */
export type SocketAnswer = {
  readonly event?: EventEntry | null;
  /** Id of a job whose last event has been sent. */
  readonly ended?: string | null;
  readonly error?: ErrorDetail | null;
};

/** A job to be queued. */
export type SubmitBody = {
  /** The document, as the editor saves it; see docs/workflow.schema.json. */
  readonly workflow: { readonly [key: string]: unknown };
  /** Values by the name of an input that the workflow exposes, or by `node.input`. */
  readonly inputs?: { readonly [key: string]: unknown };
  /** Higher runs first. */
  readonly priority?: number;
};

/** Headers that a submission may carry. */
export type SubmitHeaders = {
  /** The same key with the same body gets the first answer again, and queues nothing; with another body, 409. */
  readonly "Idempotency-Key"?: string | null;
};

/** An accepted job: what does not change any more, so that a repeated request gets the same answer. */
export type SubmittedJob = {
  readonly id: string;
  readonly title: string;
  /** Seconds since 1970. */
  readonly created_at: number;
  /** GET says how it stands, DELETE deletes it once it has ended. */
  readonly url: string;
  readonly events_url: string;
};

/** An uploaded file. */
export type UploadAnswer = {
  readonly name: string;
  readonly media_type: string;
  readonly size_bytes: number;
  /** Seconds since 1970. */
  readonly modified_at: number;
  readonly url: string;
  /** BLAKE2b-160 of the content; the file's id. */
  readonly digest: string;
};

/** A file in the uploads folder; `name` is what a workflow's file inputs take. */
export type UploadEntry = {
  readonly name: string;
  readonly media_type: string;
  readonly size_bytes: number;
  /** Seconds since 1970. */
  readonly modified_at: number;
  readonly url: string;
};

/** The uploaded files, by name. */
export type UploadList = {
  readonly uploads: readonly UploadEntry[];
};

/** What a raw upload is to be called; a multipart one brings its name. */
export type UploadQuery = {
  readonly name?: string | null;
};

/** What is wrong with a workflow; `valid` says that nothing is. */
export type ValidateAnswer = {
  readonly valid: boolean;
  readonly problems: readonly ProblemEntry[];
};

/** A workflow, and values for its named inputs. */
export type WorkflowBody = {
  /** The document, as the editor saves it; see docs/workflow.schema.json. */
  readonly workflow: { readonly [key: string]: unknown };
  /** Values by the name of an input that the workflow exposes, or by `node.input`. */
  readonly inputs?: { readonly [key: string]: unknown };
};
