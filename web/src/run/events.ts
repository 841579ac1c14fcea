/** What the kinds of events carry: the engine's events and the job's own, as the server's `engine/events.py` says them. */
import type { EventEntry, JobEntry, JobError } from "../api/types";

export type Artifact = {
  readonly path: string;
  readonly media_type: string;
  readonly size_bytes: number;
  readonly digest: string;
};

/** A file, and which node of its job made it. */
export type MadeFile = Artifact & { readonly node: string };

export type Fault = {
  readonly message: string;
  readonly hint?: string;
  readonly path?: string;
  readonly traceback?: string;
};

/** Values by output: numbers and choices as they are, texts shortened, an object for all else. */
export type Outputs = { readonly [output: string]: unknown };

type Kinds = {
  job_state: { readonly state: JobEntry["state"]; readonly error?: JobError | null };
  run_started: { readonly summary: string; readonly nodes: number; readonly to_run: number };
  node_started: { readonly node: string };
  node_progress: {
    readonly node: string;
    readonly done: number;
    readonly total?: number | null;
    readonly unit: string;
  };
  /** `key` names the result that is told of, as a plan's steps do; the logs of earlier versions lack it. */
  node_preview: {
    readonly node: string;
    readonly media_type: string;
    readonly data: string;
    readonly key?: string;
  };
  node_log: { readonly node: string; readonly message: string };
  node_warning: Fault & { readonly node: string };
  node_blocked: { readonly node: string; readonly by: string };
  node_cached: { readonly node: string; readonly key?: string; readonly outputs?: Outputs };
  node_finished: {
    readonly node: string;
    readonly key?: string;
    readonly seconds: number;
    /** The most that the worker held meanwhile, and the most that was allocated on the device. */
    readonly memory_bytes?: number | null;
    readonly device_bytes?: number | null;
    readonly outputs?: Outputs;
  };
  node_failed: { readonly node: string; readonly key?: string; readonly error: Fault };
  artifact: {
    readonly node: string;
    readonly key?: string;
    readonly output: string;
    readonly artifact: Artifact;
  };
  run_finished: { readonly status: string; readonly seconds: number };
};

export type KnownEvent = { [Kind in keyof Kinds]: { readonly kind: Kind; readonly data: Kinds[Kind] } }[keyof Kinds];

/** The event by its kind; kinds that a newer server sends fall through every `switch`. */
export function known(event: EventEntry): KnownEvent {
  return event as unknown as KnownEvent;
}
