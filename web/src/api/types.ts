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
  readonly artifacts: readonly (ArtifactEntry)[];
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
  readonly failures: readonly ({ readonly [key: string]: string })[];
};

/** Headers that save sending the catalogue again. */
export type CatalogueHeaders = {
  readonly "If-None-Match"?: string | null;
};

/** A workflow. */
export type DocumentBody = {
  /** The document, as the editor saves it; see docs/workflow.schema.json. */
  readonly workflow: { readonly [key: string]: unknown };
};

/** What a copy is called. */
export type DuplicateBody = {
  /** The original's title with "(copy)" behind it, unless given. */
  readonly title?: string | null;
};

/** The workflow that was found inside a file, as it was saved: neither validated nor migrated. */
export type EmbeddedWorkflow = {
  readonly workflow: { readonly [key: string]: unknown };
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
  readonly problems: readonly (ProblemEntry)[];
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

/** Headers that keep a change from hitting a version that the caller has not seen. */
export type ExpectedHeaders = {
  /** ETag of the version that the caller started from; without it the newest is changed, whichever that is. */
  readonly "If-Match"?: string | null;
};

/** What a media file is. */
export type FileFacts = {
  readonly kind: "video" | "image" | "audio";
  /** In pixels, as it is shown; 0 for sound. */
  readonly width: number;
  readonly height: number;
  /** Frames a second, exactly, such as 24000/1001; empty where there are none. */
  readonly fps: string;
  /** Exact; 1 for a picture, 0 for sound. */
  readonly frame_count: number;
  /** In seconds; 0 for a picture. */
  readonly duration_s: number;
  readonly codec: string;
  readonly has_sound: boolean;
};

/** That the server answers, and whether its worker can run jobs yet. */
export type HealthAnswer = {
  readonly status: "ok";
  readonly version: string;
  readonly worker: string;
};

/** A job with its workflow and its settings. */
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
  readonly position: number | null;
  readonly targets: readonly (string)[] | null;
  readonly estimate_s: number | null;
  readonly artifacts: readonly (ArtifactEntry)[];
  /** The document that runs, migrated, with the inputs in place. */
  readonly workflow: { readonly [key: string]: unknown };
  readonly settings: { readonly [key: string]: unknown };
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
  /** Ids of the nodes that it runs for; null for all that keep or show a result. */
  readonly targets: readonly (string)[] | null;
  /** Seconds that its run takes, going by earlier ones; null until it runs, or when nothing is known. */
  readonly estimate_s: number | null;
  /** What it has produced so far. */
  readonly artifacts: readonly (ArtifactEntry)[];
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
  readonly jobs: readonly (JobEntry)[];
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

/** A document with its nodes at the versions that are installed. */
export type MigrateAnswer = {
  readonly workflow: { readonly [key: string]: unknown };
  readonly changes: readonly (MigrationEntry)[];
};

/** A node that was brought to a newer version. */
export type MigrationEntry = {
  /** JSON pointer to the node. */
  readonly path: string;
  readonly type: string;
  readonly from_version: number;
  readonly to_version: number;
};

/** A model of the user's: a weight file, or a folder of diffusers. */
export type ModelEntry = {
  readonly name: string;
  readonly kind: "file" | "folder";
  readonly size_bytes: number;
};

/** The user's models, by name. */
export type ModelList = {
  readonly models: readonly (ModelEntry)[];
};

/** Where a waiting job goes: before another one, to the front, or to the end. */
export type MoveBody = {
  /** Id of the waiting job that it is to run just before. */
  readonly before?: string | null;
  readonly to?: "front" | "end" | null;
};

/** A shipped workflow. */
export type OpenedTemplate = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly nodes: number;
  readonly url: string;
  readonly workflow: { readonly [key: string]: unknown };
};

/** A saved workflow, or a version of one, with its document. */
export type OpenedWorkflow = {
  readonly id: string;
  readonly title: string;
  readonly etag: string;
  readonly version: number;
  /** Seconds since 1970. */
  readonly modified_at: number;
  readonly size_bytes: number;
  readonly url: string;
  /** As it was saved: neither validated nor migrated. */
  readonly workflow: { readonly [key: string]: unknown };
};

/** The largest amplitude in each stretch, from 0 to 1; empty where there is no sound. */
export type PeaksAnswer = {
  readonly peaks: readonly (number)[];
};

/** In how many stretches of equal length the sound is measured. */
export type PeaksQuery = {
  readonly count?: number;
};

/** What a run would do. */
export type PlanAnswer = {
  /** Such as `3 of 7 nodes will run`. */
  readonly summary: string;
  /** Seconds that the run will take, going by earlier ones; null when nothing is known. */
  readonly estimate_s: number | null;
  readonly steps: readonly (PlanStep)[];
};

/** What would happen to one node, and why. */
export type PlanStep = {
  readonly node: string;
  /** Names its result: results of equal keys are equal, and events carry the key of the result that they tell of. */
  readonly key: string;
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
  readonly waiting: readonly (string)[];
};

/** Headers that ask for a part of a file, or for nothing when it is known. */
export type RangeHeaders = {
  readonly Range?: string | null;
  readonly "If-Range"?: string | null;
  readonly "If-None-Match"?: string | null;
};

/** A workflow's new title. */
export type RenameBody = {
  readonly title: string;
};

/** Headers that say what a save replaces; exactly one of them is given. */
export type SaveHeaders = {
  /** ETag of the version that the caller started from. */
  readonly "If-Match"?: string | null;
  /** `*`: there is to be no workflow of this id yet. */
  readonly "If-None-Match"?: "*" | null;
};

/** What a websocket sends: one of these. */
export type SocketAnswer = {
  readonly event?: EventEntry | null;
  /** Id of a job whose last event has been sent. */
  readonly ended?: string | null;
  readonly error?: ErrorDetail | null;
};

/** How many frames a strip has; a video with fewer gives fewer. */
export type StripQuery = {
  readonly frames?: number;
};

/** A job to be queued. */
export type SubmitBody = {
  readonly workflow: { readonly [key: string]: unknown };
  readonly inputs?: { readonly [key: string]: unknown };
  readonly targets?: readonly (string)[] | null;
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

/** A shipped workflow, without its document. */
export type TemplateEntry = {
  readonly name: string;
  readonly title: string;
  /** What it makes, in a sentence; may be empty. */
  readonly description: string;
  readonly nodes: number;
  readonly url: string;
};

/** The shipped workflows, by title. */
export type TemplateList = {
  readonly templates: readonly (TemplateEntry)[];
};

/** Headers that save sending again what is known. */
export type UnchangedHeaders = {
  readonly "If-None-Match"?: string | null;
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
  readonly uploads: readonly (UploadEntry)[];
};

/** What a raw upload is to be called; a multipart one brings its name. */
export type UploadQuery = {
  readonly name?: string | null;
};

/** What is wrong with a workflow; `valid` says that nothing is. */
export type ValidateAnswer = {
  readonly valid: boolean;
  readonly problems: readonly (ProblemEntry)[];
};

/** All versions of a workflow, newest first. */
export type VersionList = {
  readonly versions: readonly (WorkflowEntry)[];
};

/** A workflow, and values for its named inputs. */
export type WorkflowBody = {
  readonly workflow: { readonly [key: string]: unknown };
  /** Values by the name of an input that the workflow exposes, or by `node.input`. */
  readonly inputs?: { readonly [key: string]: unknown };
  /** Ids of the nodes to run for, with all that they need; unless given, of all that keep or show a result. */
  readonly targets?: readonly (string)[] | null;
};

/** A saved workflow, or a version of one, without its document. */
export type WorkflowEntry = {
  /** Stable; made from the first title. */
  readonly id: string;
  /** The document's; may be empty. */
  readonly title: string;
  /** What a save that starts from this version names in If-Match; quotes included. */
  readonly etag: string;
  /** 1, 2, 3, ... */
  readonly version: number;
  /** Seconds since 1970. */
  readonly modified_at: number;
  readonly size_bytes: number;
  readonly url: string;
};

/** The saved workflows, the one saved last first. */
export type WorkflowList = {
  readonly workflows: readonly (WorkflowEntry)[];
};
