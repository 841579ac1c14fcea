/** How runs stand, folded from events: pure. One record a node of the job that the canvas shows, one a job for the queue. */
import type { EventEntry, JobEntry, PlanStep, ProblemEntry } from "../api/types";
import { type Artifact, type Fault, known, type MadeFile, type Outputs } from "./events";

export type NodeFault = {
  readonly message: string;
  readonly hint: string;
  readonly path: string;
  readonly traceback: string;
};

export type NodeRun = {
  /** Idle: it has not begun, and is here for the picture of its result alone, which an earlier run made. */
  readonly state: "idle" | "running" | "cached" | "done" | "failed";
  readonly done: number;
  readonly total: number | null;
  readonly unit: string;
  /** Milliseconds since 1970 when it began. */
  readonly since: number;
  readonly seconds: number | null;
  /** Bytes that the worker held at most while it ran, and bytes on the device; null while nobody says. */
  readonly memory: number | null;
  readonly deviceMemory: number | null;
  readonly fault: NodeFault | null;
  readonly warnings: readonly NodeFault[];
  /** The latest picture of the work, as a data URL. */
  readonly preview: string | null;
  readonly artifacts: readonly Artifact[];
  /** What it put out, by output; empty until it is done. */
  readonly outputs: Outputs;
};

export type JobRun = {
  readonly entry: JobEntry;
  /** Nodes that will run, of which `finished` have. */
  readonly toRun: number;
  readonly finished: number;
  /** Share of the whole that is done, from 0 to 1. */
  readonly fraction: number;
  readonly node: string | null;
  readonly artifacts: readonly MadeFile[];
  /** Number of its last event that was counted in; a stream that is taken up again may repeat some. */
  readonly seq: number;
};

export type RunState = {
  readonly online: boolean;
  /** Newest first. */
  readonly jobs: readonly JobRun[];
  /** The job that the canvas shows. */
  readonly shown: string | null;
  readonly nodes: { readonly [id: string]: NodeRun };
  /** Number of the last event of the shown job that `nodes` holds; they are taken in without a gap. */
  readonly seq: number;
  /** The last picture of each result's making, as a data URL, by the result's key; the latest last. */
  readonly pictures: { readonly [key: string]: string };
  readonly problems: readonly ProblemEntry[];
  readonly plan: RunPlan | null;
  /** The key of each node's result, by the last plan that was known. */
  readonly keys: { readonly [node: string]: string };
};

export type RunPlan = {
  readonly summary: string;
  /** Seconds that the run will take, going by earlier ones; null when nothing is known. */
  readonly estimate: number | null;
  readonly steps: { readonly [node: string]: PlanStep };
};

export const NO_RUN: RunState = {
  online: false,
  jobs: [],
  shown: null,
  nodes: {},
  seq: 0,
  pictures: {},
  problems: [],
  plan: null,
  keys: {},
};

/** Results of which a picture is kept; at ten kilobytes each. */
const MOST_PICTURES = 300;

const FRESH: NodeRun = {
  state: "running",
  done: 0,
  total: null,
  unit: "",
  since: 0,
  seconds: null,
  memory: null,
  deviceMemory: null,
  fault: null,
  warnings: [],
  preview: null,
  artifacts: [],
  outputs: {},
};
const IDLE: NodeRun = { ...FRESH, state: "idle" };
const ENDED = new Set(["succeeded", "failed", "canceled", "interrupted"]);

export const isEnded = (entry: JobEntry) => ENDED.has(entry.state);

/** The state with a fresh list of jobs; what is known of their progress is kept. */
export function withJobs(state: RunState, entries: readonly JobEntry[]): RunState {
  const known = new Map(state.jobs.map((job) => [job.entry.id, job]));
  const jobs = entries.map((entry) => {
    const job = known.get(entry.id) ?? freshJob(entry);
    // A list may come later than events that are newer than it; a job only ever moves on.
    if (stage(job.entry) > stage(entry)) return named(job, entry);
    return { ...job, entry, artifacts: entry.artifacts };
  });
  return { ...state, jobs };
}

function stage({ state }: JobEntry): number {
  return state === "queued" ? 0 : state === "running" ? 1 : 2;
}

/** The job with what only an answer of the server tells, and no event. */
function named(job: JobRun, { title, created_at }: JobEntry): JobRun {
  return { ...job, entry: { ...job.entry, title, created_at } };
}

/** Show a job on the canvas, from nothing but pictures of what is there already. */
export function showJob(state: RunState, id: string | null): RunState {
  return { ...state, shown: id, nodes: pictured({}, state), seq: 0 };
}

/** The state with a fresh plan of the document, in which nothing is wrong. */
export function withPlan(state: RunState, plan: RunPlan): RunState {
  const keys = Object.fromEntries(Object.values(plan.steps).map((step) => [step.node, step.key]));
  // What was planned before a run says nothing of the nodes that it has finished meanwhile.
  if (isShownBusy(state)) return { ...state, problems: [], plan: null, keys };
  return { ...state, problems: [], plan, keys, nodes: pictured(state.nodes, { ...state, keys }) };
}

/** Whether the job on the canvas waits or runs. */
function isShownBusy({ jobs, shown }: RunState): boolean {
  return jobs.some(({ entry }) => entry.id === shown && !isEnded(entry));
}

/** The nodes with the pictures that their results showed when they were made, whichever run that was. */
function pictured(nodes: RunState["nodes"], { keys, pictures }: RunState): RunState["nodes"] {
  const found = Object.entries(keys).flatMap(([id, key]) => {
    const preview = pictures[key];
    const node = nodes[id] ?? IDLE;
    return preview && node.preview !== preview ? [[id, { ...node, preview }] as const] : [];
  });
  return found.length > 0 ? { ...nodes, ...Object.fromEntries(found) } : nodes;
}

/** What is known of a job before any of its events. */
export function freshJob(entry: JobEntry): JobRun {
  const fraction = isEnded(entry) ? 1 : 0;
  return { entry, toRun: 0, finished: 0, fraction, node: null, artifacts: entry.artifacts, seq: 0 };
}

/** Add a job that was just submitted, or one that another client did. */
export function withJob(state: RunState, entry: JobEntry): RunState {
  const known = state.jobs.find((job) => job.entry.id === entry.id);
  if (!known) return { ...state, jobs: [freshJob(entry), ...state.jobs] };
  // Its events may have come before the answer: they know its state.
  return { ...state, jobs: state.jobs.map((job) => (job === known ? named(job, entry) : job)) };
}

/** The state after an event. Events of unknown jobs make them known; those of other jobs leave the canvas alone. */
export function afterEvent(state: RunState, event: EventEntry): RunState {
  const listed = state.jobs.find((entry) => entry.entry.id === event.job);
  const job = listed ?? freshJob(entryFrom(event));
  const isNew = event.seq === null || event.seq > job.seq;
  const next = isNew ? { ...jobAfter(job, event), seq: event.seq ?? job.seq } : job;
  const jobs = listed ? state.jobs.map((entry) => (entry === listed ? next : entry)) : [next, ...state.jobs];
  const pictures = picturesAfter(state.pictures, event);
  const isNext = event.seq === null || event.seq === state.seq + 1;
  if (event.job !== state.shown || !isNext) return { ...state, jobs, pictures };
  const nodes = event.kind === "run_started" ? pictured({}, state) : nodesAfter(state.nodes, event);
  return { ...state, jobs, pictures, nodes, seq: event.seq ?? state.seq };
}

function picturesAfter(pictures: RunState["pictures"], event: EventEntry): RunState["pictures"] {
  const { kind, data } = known(event);
  if (kind !== "node_preview") return pictures;
  const others = Object.entries(pictures).filter(([key]) => key !== data.key);
  return Object.fromEntries([...others.slice(1 - MOST_PICTURES), [data.key, urlOf(data)]]);
}

function entryFrom(event: EventEntry): JobEntry {
  return newEntry(event.job, "", event.at);
}

/** The record of a job of which nothing more is known yet. */
export function newEntry(id: string, title: string, createdAt: number): JobEntry {
  return {
    id,
    state: "queued",
    title,
    priority: 0,
    created_at: createdAt,
    started_at: null,
    finished_at: null,
    error: null,
    retry_of: null,
    position: null,
    targets: null,
    estimate_s: null,
    artifacts: [],
  };
}

function jobAfter(job: JobRun, event: EventEntry): JobRun {
  const { kind, data } = known(event);
  switch (kind) {
    case "job_state":
      return {
        ...job,
        entry: entryAfter(job.entry, event),
        fraction: data.state === "succeeded" ? 1 : job.fraction,
        node: ENDED.has(data.state) ? null : job.node,
      };
    case "run_started":
      return { ...job, toRun: data.to_run, finished: 0, fraction: 0 };
    case "node_started":
      return { ...job, node: data.node };
    case "node_progress":
      return { ...job, node: data.node, fraction: overall(job, data.total ? data.done / data.total : 0) };
    case "node_finished":
      return { ...job, finished: job.finished + 1, fraction: overall({ ...job, finished: job.finished + 1 }, 0) };
    case "artifact":
      return { ...job, artifacts: withArtifact(job.artifacts, { ...data.artifact, node: data.node }) };
    default:
      return job;
  }
}

function entryAfter(entry: JobEntry, event: EventEntry): JobEntry {
  const { state, error } = event.data as { state: JobEntry["state"]; error?: JobEntry["error"] };
  const times = state === "running" ? { started_at: event.at } : ENDED.has(state) ? { finished_at: event.at } : {};
  return { ...entry, ...times, state, position: state === "queued" ? entry.position : null, error: error ?? null };
}

/** Streams run at once, so a node's own share moves the whole by at most one node. It never goes back. */
function overall(job: JobRun, share: number): number {
  return Math.max(job.fraction, Math.min((job.finished + share) / Math.max(job.toRun, 1), 1));
}

function withArtifact<T extends Artifact>(list: readonly T[], artifact: T): readonly T[] {
  return [...list.filter((entry) => entry.path !== artifact.path), artifact];
}

function nodesAfter(nodes: RunState["nodes"], event: EventEntry): RunState["nodes"] {
  const id = event.data["node"];
  if (typeof id !== "string") return nodes;
  const next = nodeAfter(nodes[id] ?? { ...FRESH, since: event.at * 1000 }, event);
  return next ? { ...nodes, [id]: next } : nodes;
}

function nodeAfter(node: NodeRun, event: EventEntry): NodeRun | null {
  const { kind, data } = known(event);
  switch (kind) {
    case "node_started":
      return { ...node, state: "running", since: event.at * 1000 };
    case "node_progress":
      return { ...node, done: data.done, total: data.total ?? null, unit: data.unit };
    case "node_preview":
      return { ...node, preview: urlOf(data) };
    case "node_cached":
      return { ...node, state: "cached", outputs: data.outputs ?? node.outputs };
    case "node_finished":
      return {
        ...node,
        state: "done",
        seconds: data.seconds,
        memory: data.memory_bytes ?? null,
        deviceMemory: data.device_bytes ?? null,
        outputs: data.outputs ?? {},
      };
    case "node_failed":
      return { ...node, state: "failed", fault: faultFrom(data.error) };
    case "node_warning":
      return { ...node, warnings: [...node.warnings, faultFrom(data)] };
    case "artifact":
      return { ...node, artifacts: withArtifact(node.artifacts, data.artifact) };
    default:
      return null;
  }
}

function urlOf(picture: { readonly media_type: string; readonly data: string }): string {
  return `data:${picture.media_type};base64,${picture.data}`;
}

function faultFrom(fault: Fault): NodeFault {
  return { message: fault.message, hint: fault.hint ?? "", path: fault.path ?? "", traceback: fault.traceback ?? "" };
}

/** Seconds that a job still takes, by earlier runs and by what it took so far; null while that says nothing. */
export function secondsLeft(job: JobRun, now: number): number | null {
  const { state, started_at, estimate_s } = job.entry;
  if (state !== "running" || started_at === null) return null;
  const spent = now / 1000 - started_at;
  // Until a good part is done, earlier runs know better than this one.
  if (estimate_s !== null && job.fraction < 0.3 && estimate_s > spent) return estimate_s - spent;
  if (job.fraction < 0.05) return null;
  return spent < 1 ? null : (spent / job.fraction) * (1 - job.fraction);
}
